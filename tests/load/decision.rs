//! How long one decision of the compiled policy takes, however many lines it has.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use kluis_core::access::{Action, Channel, Object, Policy, Rel, RelSet, Role, Seat, TenantKind, parse};
use kluis_core::kernel::Id;
use uuid::Uuid;

use crate::Result;

/// Lines of the shortest and of the longest policy that is asked.
pub const LENGTHS: [usize; 2] = [100, 10_000];
/// Decisions of one measurement.
const ROUNDS: u32 = 1_000_000;

/// The time of one decision under policies of these lengths.
pub fn measure() -> Result<[Duration; 2]> {
    let [short, long] = LENGTHS.map(decision);
    Ok([short?, long?])
}

fn decision(length: usize) -> Result<Duration> {
    let lines = parse("load.csv", &policy(length));
    let policy = Policy::open_without_shipped_invariants(lines, 1).map_err(|findings| format!("{findings:?}"))?;
    let actor = policy.actor(seat()?);
    let begun = Instant::now();
    for _ in 0..ROUNDS {
        let formula = actor.formula_for(black_box(Object::Customer), black_box(Action::Read));
        black_box(formula.permits(RelSet::of(Rel::Unit)));
    }
    Ok(begun.elapsed() / ROUNDS)
}

/// One role that is asked about, and lines for it in single tenants.
fn policy(length: usize) -> String {
    let mut text = String::from(
        "role, asked, franchisee, contract, Asked, Gevraagd\n\
         p, role:asked, franchisee, customer, read, unit, *, allow\n",
    );
    for number in 1..length {
        let tenant = Uuid::from_u128(number as u128);
        // Writing to a String can't fail.
        let _ = writeln!(text, "p, role:asked, t:ten_{tenant}, customer, update, unit, contract, allow");
    }
    text
}

fn seat() -> Result<Seat> {
    Ok(Seat {
        user: Some(Id::from_uuid(Uuid::from_u128(1 << 64))),
        tenant: Id::from_uuid(Uuid::from_u128(2 << 64)),
        kind: TenantKind::Franchisee,
        roles: vec![Role::parse("asked").map_err(|_| "not a role")?],
        self_record: None,
        purpose: None,
        channel: Channel::Api,
        scopes: None,
        label: "usr_load".into(),
        epoch: 1,
    })
}
