//! The hash chain: each event's hash covers all its fields and the hash before it.

use ring::digest::{Context, SHA256};

use super::Event;

/// SHA-256 over a leaf as RFC 6962 section 2.1 hashes it: a zero byte, then the event's canonical bytes.
pub(super) fn leaf(seq: i64, event: &Event) -> [u8; 32] {
    let mut hasher = Hasher::new(0);
    hasher.int(seq);
    hasher.bytes(event.id.uuid().as_bytes());
    hasher.int(event.at.timestamp_micros());
    hasher.bytes(event.tenant.uuid().as_bytes());
    hasher.bytes(event.owner.map(|t| t.uuid().into_bytes()).as_ref().map_or(&[][..], |b| &b[..]));
    hasher.bytes(event.actor.as_bytes());
    hasher.bytes(event.channel.as_bytes());
    hasher.bytes(event.request.as_bytes());
    hasher.bytes(event.class.as_str().as_bytes());
    hasher.bytes(event.action.as_bytes());
    hasher.bytes(event.entity.as_bytes());
    hasher.bytes(event.record.map(uuid::Uuid::into_bytes).as_ref().map_or(&[][..], |b| &b[..]));
    hasher.bytes(&event.subject_bytes());
    hasher.int(event.compartments);
    hasher.bytes(event.purpose.as_bytes());
    hasher.bytes(event.outcome.as_str().as_bytes());
    hasher.bytes(event.detail_json().as_bytes());
    hasher.finish()
}

/// The next link: SHA-256 over a one byte, the link before, and the leaf.
pub(super) fn link(before: &[u8; 32], leaf: &[u8; 32]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(&[1]);
    context.update(before);
    context.update(leaf);
    take(&context.finish())
}

/// Feeds length-prefixed fields, so that no two events share an encoding.
struct Hasher(Context);

impl Hasher {
    fn new(domain: u8) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(&[domain]);
        Self(context)
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    fn int(&mut self, value: i64) {
        self.bytes(&value.to_be_bytes());
    }

    fn finish(self) -> [u8; 32] {
        take(&self.0.finish())
    }
}

fn take(digest: &ring::digest::Digest) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest.as_ref());
    out
}
