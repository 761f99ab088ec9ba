//! The hash chain: each event's hash covers all its fields and the hash before it.

use ring::digest::{Context, SHA256};

use super::Event;

/// SHA-256 over a leaf as RFC 6962 section 2.1 hashes it: a zero byte, then the event's canonical bytes, which begin with its
/// number.
pub(super) fn leaf(seq: i64, event: &Event) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(&[0]);
    context.update(&8_u64.to_be_bytes());
    context.update(&seq.to_be_bytes());
    context.update(&facts(event));
    take(&context.finish())
}

/// The canonical bytes of an event that has no number yet. Fields have their length before them, so that no two events
/// share an encoding.
pub(super) fn facts(event: &Event) -> Vec<u8> {
    let mut facts = Vec::with_capacity(512);
    let mut put = |field: &[u8]| {
        facts.extend_from_slice(&(field.len() as u64).to_be_bytes());
        facts.extend_from_slice(field);
    };
    put(event.id.uuid().as_bytes());
    put(&event.at.timestamp_micros().to_be_bytes());
    put(event.tenant.uuid().as_bytes());
    put(event.owner.map(|t| t.uuid().into_bytes()).as_ref().map_or(&[][..], |b| &b[..]));
    put(event.actor.as_bytes());
    put(event.channel.as_bytes());
    put(event.request.as_bytes());
    put(event.class.as_str().as_bytes());
    put(event.action.as_bytes());
    put(event.entity.as_bytes());
    put(event.record.map(uuid::Uuid::into_bytes).as_ref().map_or(&[][..], |b| &b[..]));
    put(&event.subject_bytes());
    put(&event.compartments.to_be_bytes());
    put(event.purpose.as_bytes());
    put(event.outcome.as_str().as_bytes());
    put(event.detail_json().as_bytes());
    facts
}

/// The next link: SHA-256 over a one byte, the link before, and the leaf.
pub(super) fn link(before: &[u8; 32], leaf: &[u8; 32]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(&[1]);
    context.update(before);
    context.update(leaf);
    take(&context.finish())
}

fn take(digest: &ring::digest::Digest) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest.as_ref());
    out
}
