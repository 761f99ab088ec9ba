//! How long a decision takes, however long the policy is; and what Casbin's own enforcement takes for the same.

#![expect(clippy::expect_used, reason = "a benchmark that can't be set up has nothing to measure")]

use std::fmt::Write;
use std::hint::black_box;

use casbin::{CoreApi, DefaultModel, Enforcer, MemoryAdapter};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use futures_util::FutureExt;
use kluis_core::access::{
    Action, Channel, Line, MODEL, Object, Policy, Purpose, Rel, RelSet, Role, Seat, TenantKind, parse, shipped,
};
use kluis_core::kernel::Id;
use uuid::Uuid;

const LENGTHS: [usize; 3] = [100, 1_000, 10_000];

/// A policy with that many `p` lines: one role that is asked about, and lines for other roles and single tenants.
fn lines(length: usize) -> Vec<Line> {
    let mut text = String::from(
        "role, asked, franchisee, contract, Asked, Gevraagd\n\
         role, other, franchisee, contract, Other, Ander\n\
         p, role:asked, franchisee, customer, read, unit, *, allow\n\
         p, role:asked, franchisee, customer, read, shared, referral, allow\n\
         p, role:asked, franchisee, customer.contact, read, unit, contract, allow\n\
         p, role:asked, franchisee, customer, export, shared, *, deny\n",
    );
    for number in 4..length {
        let tenant = Uuid::from_u128(number as u128);
        let role = if number % 2 == 0 { "asked" } else { "other" };
        let _ = writeln!(text, "p, role:{role}, t:ten_{tenant}, customer, update, unit, contract, allow");
    }
    parse("bench.csv", &text)
}

fn seat() -> Seat {
    Seat {
        user: Some(Id::from_uuid(Uuid::from_u128(1 << 64))),
        tenant: Id::from_uuid(Uuid::from_u128(2 << 64)),
        kind: TenantKind::Franchisee,
        roles: vec![Role::parse("asked").expect("a role")],
        self_record: None,
        purpose: None,
        channel: Channel::Api,
        scopes: None,
        label: "usr_bench".into(),
        epoch: 1,
    }
}

fn policy(lines: Vec<Line>) -> Policy {
    Policy::open_without_shipped_invariants(lines, 1).map_err(|findings| format!("{findings:?}")).expect("a policy")
}

fn decisions(c: &mut Criterion) {
    let mut group = c.benchmark_group("decision");
    for length in LENGTHS {
        let actor = policy(lines(length)).actor(seat());
        group.bench_with_input(BenchmarkId::new("formula", length), &actor, |b, actor| {
            b.iter(|| {
                actor.formula_for(black_box(Object::Customer), black_box(Action::Read)).permits(RelSet::of(Rel::Unit))
            });
        });
        group.bench_with_input(BenchmarkId::new("refusal", length), &actor, |b, actor| {
            b.iter(|| {
                actor
                    .formula_at(black_box(Object::Customer), black_box(Action::Erase), black_box(Purpose::Billing))
                    .is_empty()
            });
        });
        group.bench_with_input(BenchmarkId::new("compartments", length), &actor, |b, actor| {
            let parts = Object::Customer.parts();
            b.iter(|| {
                parts
                    .iter()
                    .filter(|part| !actor.formula_at(**part, Action::Read, Purpose::Contract).is_empty())
                    .count()
            });
        });
    }
    group.finish();
}

fn actors(c: &mut Criterion) {
    let mut group = c.benchmark_group("actor");
    for length in LENGTHS {
        let policy = policy(lines(length));
        group.bench_with_input(BenchmarkId::new("known roles", length), &policy, |b, policy| {
            b.iter_batched(seat, |seat| policy.actor(seat).epoch(), criterion::BatchSize::SmallInput);
        });
    }
    group.finish();
}

fn reload(c: &mut Criterion) {
    let mut group = c.benchmark_group("reload");
    group.sample_size(10);
    for length in LENGTHS {
        let lines = lines(length);
        group.bench_with_input(BenchmarkId::new("lines", length), &lines, |b, lines| {
            b.iter_batched(|| lines.clone(), policy, criterion::BatchSize::PerIteration);
        });
    }
    group.bench_function("shipped", |b| b.iter_batched(shipped, policy, criterion::BatchSize::PerIteration));
    group.finish();
}

/// What a request would wait for if Casbin were asked: a refusal, which takes every line.
fn casbin_itself(c: &mut Criterion) {
    let mut group = c.benchmark_group("casbin");
    group.sample_size(10);
    for length in LENGTHS {
        let enforcer = enforcer(&lines(length));
        let request = ["role:asked", "t:none", "franchisee", "customer", "erase", "unit", "billing"];
        group.bench_with_input(BenchmarkId::new("refusal", length), &enforcer, |b, enforcer| {
            b.iter(|| enforcer.enforce(request.to_vec()).expect("an answer"));
        });
    }
    group.finish();
}

fn enforcer(lines: &[Line]) -> Enforcer {
    let made = async {
        let model = DefaultModel::from_str(MODEL).await.expect("the model");
        Enforcer::new(model, MemoryAdapter::default()).await.expect("an enforcer")
    };
    let mut enforcer = made.now_or_never().expect("all in memory");
    for line in lines.iter().filter(|line| line.words[0] == "p") {
        enforcer.get_mut_model().add_policy("p", "p", line.words[1..].to_vec());
    }
    enforcer
}

criterion_group!(benches, decisions, actors, reload, casbin_itself);
criterion_main!(benches);
