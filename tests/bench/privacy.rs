//! What protection costs: per record (unwrap and derive), per compartment (open, seal), per look-up and per row MAC.
//!
//! Aims: at most 2.5 µs per record, 0.5 µs per opened compartment beyond its JSON. `cargo bench -p kluis-core`.

#![expect(clippy::expect_used, reason = "a benchmark that can't be set up has nothing to measure")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use kluis_core::privacy::keystore;
use kluis_core::privacy::{
    Algorithm, Context, DataKey, IndexField, KeyId, Keyring, KeyringOptions, Result, RootKey, RowMac, Sealed,
    VaultError,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[path = "../../src/core/privacy/memory.rs"]
mod memory;

const TENANT: Uuid = Uuid::from_u128(0x7e);
const PARTS: [&str; 5] = ["identity", "contact", "financial", "profile", "notes"];

#[derive(Serialize, Deserialize)]
struct Contact {
    emails: Vec<String>,
    phones: Vec<String>,
    street: String,
    city: String,
}

fn contact() -> Contact {
    Contact {
        emails: vec!["voorbeeld@example.org".into()],
        phones: vec!["+31612345678".into()],
        street: "Voorbeeldstraat 12".into(),
        city: "Utrecht".into(),
    }
}

fn context(part: &'static str) -> Context {
    let row = Uuid::from_u128(1);
    Context { tenant: TENANT, table: "customers", part, row, subject: row, revision: 1, schema: 1 }
}

fn ring(algorithm: Algorithm) -> (Keyring, Vec<KeyId>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let ring = Keyring::new(
        Arc::new(memory::MemoryStore::default()),
        KeyringOptions { algorithm, ..KeyringOptions::default() },
    );
    let ids = runtime.block_on(async {
        ring.initialise(&RootKey::generate().expect("randomness")).await.expect("an empty store");
        ring.create_tenant(TENANT).await.expect("a tenant");
        let mut ids = Vec::new();
        for _ in 0..50 {
            ids.push(ring.new_subject_key(TENANT).await.expect("a key").id());
        }
        ids
    });
    (ring, ids)
}

fn key(ring: &Keyring, id: KeyId) -> DataKey {
    ring.try_cached(TENANT, id).expect("cached").expect("opens")
}

fn seal(key: &DataKey, part: &'static str) -> Sealed<Contact> {
    Sealed::seal(key, &context(part), &contact()).expect("seals")
}

fn per_algorithm(criterion: &mut Criterion) {
    for algorithm in Algorithm::ALL {
        let (ring, ids) = ring(algorithm);
        let held = key(&ring, ids[0]);
        let sealed = seal(&held, PARTS[1]);
        let mut group = criterion.benchmark_group(algorithm.name());
        group.bench_function("unwrap and derive, cached", |bench| bench.iter(|| key(&ring, black_box(ids[0]))));
        group.bench_function("seal a compartment", |bench| bench.iter(|| seal(&held, PARTS[1])));
        group.bench_function("open a compartment", |bench| {
            bench.iter(|| sealed.open(&held, &context(PARTS[1])).expect("opens"));
        });
        let page: Vec<_> = ids.iter().map(|id| (*id, PARTS.map(|part| seal(&key(&ring, *id), part)))).collect();
        group.bench_function("page of 50 with 5 compartments", |bench| {
            bench.iter(|| open_page(&ring, &page));
        });
        group.finish();
    }
}

fn open_page(ring: &Keyring, page: &[(KeyId, [Sealed<Contact>; 5])]) {
    for (id, compartments) in page {
        let key = key(ring, *id);
        for (part, sealed) in PARTS.into_iter().zip(compartments) {
            black_box(sealed.open(&key, &context(part)).expect("opens"));
        }
    }
}

fn the_rest(criterion: &mut Criterion) {
    let (ring, ids) = ring(Algorithm::default());
    let held = key(&ring, ids[0]);
    let sealed = PARTS.map(|part| seal(&held, part));
    let json = serde_json::to_vec(&contact()).expect("JSON");
    criterion.bench_function("JSON of a compartment, parsed", |bench| {
        bench.iter(|| serde_json::from_slice::<Contact>(black_box(&json)).expect("JSON"));
    });
    criterion.bench_function("JSON of a compartment, written", |bench| {
        bench.iter(|| serde_json::to_vec(black_box(&contact())).expect("JSON"));
    });
    criterion.bench_function("row MAC over 12 columns", |bench| {
        bench.iter(|| {
            let row = RowMac::new(&held, "customers", TENANT, Uuid::from_u128(1))
                .uuid("owner_id", Some(TENANT))
                .text("status", Some("active"))
                .int("revision", Some(7))
                .int("restricted_at", None)
                .flag("legal_hold", false)
                .int("created_at", Some(1_700_000_000_000_000))
                .int("updated_at", Some(1_700_000_000_000_000));
            PARTS.iter().zip(&sealed).fold(row, |row, (part, sealed)| row.sealed(part, Some(sealed))).finish()
        });
    });
    criterion.bench_function("blind index of an address", |bench| {
        bench.iter(|| ring.blind(TENANT, IndexField::Email, black_box("voorbeeld@example.org")));
    });
    criterion.bench_function("audit hash of a subject", |bench| {
        bench.iter(|| ring.audit_hash(TENANT, black_box(Uuid::from_u128(5))));
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    criterion.bench_function("key of a new subject, store in memory", |bench| {
        bench.iter_batched(
            || (),
            |()| runtime.block_on(ring.new_subject_key(TENANT)).map(|key: DataKey| key.id()) as Result<KeyId>,
            BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, per_algorithm, the_rest);
criterion_main!(benches);
