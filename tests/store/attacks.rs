//! Whoever can write to the database changes the log at random places, in every way that they may think of. It is always
//! found: by the log itself, or by what was signed, or by a checkpoint that stands elsewhere.

use kluis_core::args;
use kluis_core::audit::examine::{DROPPED, Finding, Known, Report, Source, examine};
use kluis_core::audit::kept::{self, checkpoints_after};
use kluis_core::audit::tree::{Builder, Checkpoint, Hash, Signer, leaf};
use kluis_core::audit::{Class, Event};
use kluis_core::store::{Args, Db, Row};
use ring::digest::{SHA256, digest};

use crate::audit::event;
use crate::support::Scratch;
use crate::tree::{WHY, record, run, signer, step};

/// Events in the tree, and behind it.
const SIGNED: i64 = 600;
const WAITING: i64 = 40;
macro_rules! table {
    ($name:literal) => {
        [
            concat!("DROP TABLE IF EXISTS kept_", $name),
            concat!("CREATE TABLE kept_", $name, " AS SELECT * FROM ", $name),
            concat!("DELETE FROM ", $name),
            concat!("INSERT INTO ", $name, " SELECT * FROM kept_", $name),
        ]
    };
}
const TABLES: [[&str; 4]; 5] = [
    table!("audit_events"),
    table!("audit_head"),
    table!("audit_tree"),
    table!("audit_tiles"),
    table!("audit_checkpoints"),
];

/// Numbers that look random, the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        i64::try_from(self.0 % end.unsigned_abs()).unwrap()
    }

    /// A number of an event from 1 to `end`.
    fn seq(&mut self, end: i64) -> i64 {
        1 + self.below(end)
    }
}

async fn ready(db: &Db) -> Known {
    let mut at = 0;
    for part in [1, 99, 156, 1, 43, 212, 88] {
        record(db, at, part).await;
        at += part;
        step(db).await;
    }
    assert_eq!(i64::try_from(at).unwrap(), SIGNED);
    record(db, at, usize::try_from(WAITING).unwrap()).await;
    for [drop, make, ..] in TABLES {
        run(db, drop, args![]).await;
        run(db, make, args![]).await;
    }
    let notes = checkpoints_after(db, 0, 100).await.unwrap().into_iter();
    let kept = |line| Source::Kept { name: "witness".to_owned(), line };
    let checkpoints = (1..).step_by(6).zip(notes).map(|(line, stored)| (kept(line), stored.note)).collect();
    Known { key: Some(signer().verifier().clone()), checkpoints }
}

async fn put_back(db: &Db) {
    for [.., empty, fill] in TABLES {
        run(db, empty, args![]).await;
        run(db, fill, args![]).await;
    }
}

/// With the key alone, as the program itself knows it, and with checkpoints that were kept elsewhere.
async fn both(db: &Db, known: &Known) -> [Report; 2] {
    let alone = Known { key: known.key.clone(), checkpoints: Vec::new() };
    [examine(db, alone).await.unwrap(), examine(db, known.clone()).await.unwrap()]
}

const EDITS: [&str; 17] = [
    "UPDATE audit_events SET id = tenant_id WHERE seq = $1",
    "UPDATE audit_events SET at = at + 1 WHERE seq = $1",
    "UPDATE audit_events SET tenant_id = id WHERE seq = $1",
    "UPDATE audit_events SET owner_id = id WHERE seq = $1",
    "UPDATE audit_events SET actor = 'usr_other' WHERE seq = $1",
    "UPDATE audit_events SET channel = 'console' WHERE seq = $1",
    "UPDATE audit_events SET request_id = 'other' WHERE seq = $1",
    "UPDATE audit_events SET class = 'security' WHERE seq = $1",
    "UPDATE audit_events SET action = 'customer.read' WHERE seq = $1",
    "UPDATE audit_events SET entity = 'user' WHERE seq = $1",
    "UPDATE audit_events SET record_id = tenant_id WHERE seq = $1",
    "UPDATE audit_events SET subjects = substr(chain, 1, 16) WHERE seq = $1",
    "UPDATE audit_events SET compartments = compartments + 1 WHERE seq = $1",
    "UPDATE audit_events SET purpose = 'other' WHERE seq = $1",
    "UPDATE audit_events SET outcome = 'denied' WHERE seq = $1",
    "UPDATE audit_events SET detail = '{}' WHERE seq = $1",
    "UPDATE audit_events SET chain = (SELECT chain FROM audit_head) WHERE seq = $1",
];
const MOVE: &str = "UPDATE audit_events SET seq = $2 WHERE seq = $1";
const DELETE: &str = "DELETE FROM audit_events WHERE seq BETWEEN $1 AND $2";

async fn swap(db: &Db, one: i64, other: i64) {
    for (from, to) in [(one, 1_000_000), (other, one), (1_000_000, other)] {
        assert_eq!(run(db, MOVE, args![from, to]).await, 1);
    }
}

/// An event takes the place of another one, as if it had happened twice.
async fn repeat(db: &Db, from: i64, to: i64) {
    run(db, DELETE, args![to, to]).await;
    const COPY: &str = "INSERT INTO audit_events (seq, id, at, tenant_id, owner_id, actor, channel, request_id, class, \
        action, entity, record_id, subjects, compartments, purpose, outcome, detail, chain) SELECT $2, id, at, tenant_id, \
        owner_id, actor, channel, request_id, class, action, entity, record_id, subjects, compartments, purpose, outcome, \
        detail, chain FROM audit_events WHERE seq = $1";
    run(db, COPY, args![from, to]).await;
}

/// One attack; says what it was. Those that hide their traces do so in a log whose place is signed.
async fn attack(db: &Db, dice: &mut Dice) -> String {
    let all = SIGNED + WAITING;
    let (seq, signed) = (dice.seq(all), dice.seq(SIGNED));
    match dice.below(12) {
        0..=2 => {
            let edit = EDITS[usize::try_from(dice.below(17)).unwrap()];
            run(db, edit, args![seq]).await;
            format!("{seq}: {edit}")
        }
        3 => {
            run(db, DELETE, args![seq, seq]).await;
            format!("{seq} deleted")
        }
        4 => {
            let last = seq + dice.below(all - seq + 1);
            run(db, DELETE, args![seq, last]).await;
            format!("{seq} to {last} deleted")
        }
        5 => {
            run(db, DELETE, args![seq, all]).await;
            format!("cut off before {seq}")
        }
        6 => {
            let other = 1 + (seq + dice.below(all - 1)) % all;
            swap(db, seq, other).await;
            format!("{seq} and {other} swapped")
        }
        7 => {
            let from = 1 + (seq + dice.below(all - 1)) % all;
            repeat(db, from, seq).await;
            format!("{from} put in place of {seq}")
        }
        8 => {
            run(db, EDITS[8], args![signed]).await;
            chain_anew(db).await;
            format!("{signed} edited, chain computed anew")
        }
        9 => {
            run(db, DELETE, args![signed, SIGNED + WAITING]).await;
            chain_anew(db).await;
            format!("cut off before {signed}, with the head")
        }
        10 => {
            run(db, EDITS[4], args![signed]).await;
            chain_anew(db).await;
            tree_anew(db, None).await;
            format!("{signed} edited, chain and tree computed anew")
        }
        _ => {
            run(db, EDITS[14], args![signed]).await;
            chain_anew(db).await;
            tree_anew(db, Signer::new("kluis.example/audit", &[66; 32])).await;
            format!("{signed} edited, everything computed anew and signed with another key")
        }
    }
}

#[tokio::test]
async fn no_attack_goes_unnoticed() {
    let rounds = if std::env::var_os("KLUIS_LONG").is_some() { 1_000 } else { 60 };
    for scratch in Scratch::both().await {
        let (db, engine) = (&scratch.db, scratch.db.engine());
        let known = ready(db).await;
        for report in both(db, &known).await {
            assert!(report.is_whole(), "{engine:?} {report:?}");
        }
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
        for _ in 0..rounds {
            let what = attack(db, &mut dice).await;
            for report in both(db, &known).await {
                assert!(!report.is_whole() && report.broken_at.is_some(), "{engine:?}: {what}: {report:?}");
            }
            put_back(db).await;
        }
        let reports = both(db, &known).await;
        assert!(reports.iter().all(Report::is_whole), "{engine:?}: put back as it was: {reports:?}");
    }
}

/// Each place is found where it is, not only somewhere.
#[tokio::test]
async fn findings_name_the_place() {
    for scratch in Scratch::both().await {
        let db = &scratch.db;
        let known = ready(db).await;
        let find = async || examine(db, known.clone()).await.unwrap().findings;
        run(db, EDITS[8], args![77_i64]).await;
        assert_eq!(find().await, [Finding::Edited { seq: 77 }]);
        put_back(db).await;
        run(db, EDITS[16], args![77_i64]).await;
        assert_eq!(find().await, [Finding::Chain { seq: 77 }, Finding::Chain { seq: 78 }]);
        put_back(db).await;
        run(db, DELETE, args![80_i64, 90_i64]).await;
        assert_eq!(find().await, [Finding::Missing { first: 80, last: 90 }]);
        put_back(db).await;
        run(db, DELETE, args![SIGNED + 3, SIGNED + 5]).await;
        let last = SIGNED.unsigned_abs();
        assert_eq!(find().await, [Finding::Missing { first: last + 3, last: last + 5 }]);
        put_back(db).await;
        run(
            db,
            "UPDATE audit_tiles SET hashes = (SELECT hashes FROM audit_tiles WHERE level = 0 AND position = 0) \
                 WHERE level = 0 AND position = 1",
            args![],
        )
        .await;
        let found = find().await;
        assert!(found.contains(&Finding::Edited { seq: 257 }) && found.contains(&Finding::Edited { seq: 300 }));
        put_back(db).await;
        run(db, "UPDATE audit_tiles SET hashes = (SELECT chain FROM audit_head), width = 1 WHERE level = 1", args![])
            .await;
        assert_eq!(find().await, [Finding::Tile { level: 1, index: 0 }]);
        put_back(db).await;
        run(db, "DELETE FROM audit_checkpoints WHERE size > 500", args![]).await;
        assert_eq!(find().await, [Finding::Unsigned { size: 600 }]);
        put_back(db).await;
        run(db, "UPDATE audit_checkpoints SET note = replace(note, 'A', 'B') WHERE size = 600", args![]).await;
        assert_eq!(find().await, [Finding::Signature { source: Source::Stored }]);
        put_back(db).await;
        run(db, EDITS[4], args![130_i64]).await;
        chain_anew(db).await;
        tree_anew(db, None).await;
        let found = find().await;
        let root = |source| Finding::Root { source, since: 100, size: 256 };
        assert!(found.contains(&root(Source::Stored)), "{found:?}");
        assert!(found.contains(&root(Source::Kept { name: "witness".to_owned(), line: 13 })), "{found:?}");
    }
}

/// The whole database as it was earlier: it fits in itself, and only what stands elsewhere tells.
#[tokio::test]
async fn a_database_that_was_rolled_back_is_told_by_a_kept_checkpoint() {
    for scratch in Scratch::both().await {
        let db = &scratch.db;
        let known = ready(db).await;
        run(db, DELETE, args![301_i64, SIGNED + WAITING]).await;
        run(db, "DELETE FROM audit_checkpoints WHERE size > 300", args![]).await;
        chain_anew(db).await;
        tree_anew(db, None).await;
        let [alone, with_witness] = both(db, &known).await;
        assert!(alone.is_whole(), "nothing in it is wrong: {alone:?}");
        let source = |line| Source::Kept { name: "witness".to_owned(), line };
        let shorter = |line, size| Finding::Shorter { source: source(line), size, events: 300 };
        assert_eq!(with_witness.findings, [shorter(31, 512), shorter(37, 600)]);
        assert_eq!(with_witness.broken_at, Some(301));
    }
}

/// Retention drops rows and says so; nobody else may.
#[tokio::test]
async fn what_retention_has_dropped_is_no_finding_and_no_excuse() {
    for scratch in Scratch::both().await {
        let db = &scratch.db;
        let known = ready(db).await;
        let retention = |first, last, events| {
            let event = Event { action: DROPPED.into(), ..event() }.class(Class::Security);
            event.count("first", first).count("last", last).count("events", events)
        };
        let tell = async |event: Event| db.begin().await.unwrap().record(event).await.unwrap().commit().await.unwrap();
        let find = async || examine(db, known.clone()).await.unwrap();
        // Every second one of the first hundred.
        run(db, "DELETE FROM audit_events WHERE seq <= 100 AND seq % 2 = 0", args![]).await;
        assert!(!find().await.is_whole());
        tell(retention(1, 100, 50)).await;
        let report = find().await;
        assert_eq!((report.is_whole(), report.dropped), (true, 50), "{report:?}");
        step(db).await;
        assert!(find().await.is_whole(), "and the run is in the tree itself");
        run(db, DELETE, args![51_i64, 51_i64]).await;
        assert_eq!(find().await.findings, [Finding::Dropped { told: 50, missing: 51 }]);
        run(db, DELETE, args![101_i64, 101_i64]).await;
        assert_eq!(find().await.findings, [Finding::Missing { first: 101, last: 101 }]);
        assert_eq!(kept::leaf(db, 101).await.unwrap().len(), 32, "its leaf is there");
    }
}

/// What the program writes, written down a second time: the canonical bytes of an event, out of its row.
fn leaf_of(row: &Row) -> Hash {
    let mut bytes = Vec::new();
    let mut put = |field: &[u8]| {
        bytes.extend_from_slice(&(field.len() as u64).to_be_bytes());
        bytes.extend_from_slice(field);
    };
    let id = |column| row.opt_uuid(column).unwrap().map(|id| id.into_bytes().to_vec()).unwrap_or_default();
    let text = |column| row.text(column).unwrap().into_bytes();
    put(&row.int(0).unwrap().to_be_bytes());
    put(&id(1));
    put(&row.int(2).unwrap().to_be_bytes());
    (3..=4).for_each(|column| put(&id(column)));
    (5..=10).for_each(|column| put(&text(column)));
    put(&id(11));
    put(&row.blob(12).unwrap());
    put(&row.int(13).unwrap().to_be_bytes());
    (14..=16).for_each(|column| put(&text(column)));
    leaf(&bytes)
}

const ROWS: &str = "SELECT seq, id, at, tenant_id, owner_id, actor, channel, request_id, class, action, entity, record_id, \
    subjects, compartments, purpose, outcome, detail FROM audit_events ORDER BY seq";

async fn leaves(db: &Db) -> Vec<(i64, Hash)> {
    let rows = db.fetch_all_without_scope(WHY, ROWS, args![]).await.unwrap();
    rows.iter().map(|row| (row.int(0).unwrap(), leaf_of(row))).collect()
}

/// Every link and the head, as whoever knows how would compute them.
async fn chain_anew(db: &Db) {
    let (mut link, mut last) = ([0_u8; 32], 0);
    let mut links = Vec::new();
    for (seq, leaf) in leaves(db).await {
        let bytes = [&[1][..], &link, &leaf].concat();
        link = digest(&SHA256, &bytes).as_ref().try_into().unwrap();
        links.push((seq, link));
        last = seq;
    }
    let mut tx = db.begin().await.unwrap();
    let mut set = async |sql: &'static str, args: Args| tx.execute_without_scope(WHY, sql, args).await.unwrap();
    for (seq, link) in &links {
        set("UPDATE audit_events SET chain = $2 WHERE seq = $1", args![*seq, *link]).await;
    }
    set("UPDATE audit_head SET seq = $1, chain = $2", args![last, link]).await;
    let size = last.min(SIGNED);
    let at_size = links.iter().find(|(seq, _)| *seq == size).map_or([0; 32], |(_, link)| *link);
    set("UPDATE audit_tree SET size = $1, chain = $2", args![size, at_size]).await;
    tx.commit_without_event(WHY).await.unwrap();
}

/// Every tile, and with a key every checkpoint.
async fn tree_anew(db: &Db, signer: Option<Signer>) {
    let mut builder = Builder::new();
    let leaves = leaves(db).await;
    let signed = leaves.iter().filter(|(seq, _)| *seq <= SIGNED);
    let mut roots = Vec::new();
    let mut tiles = Vec::new();
    for (seq, leaf) in signed {
        tiles.extend(builder.push(*leaf));
        roots.push((*seq, builder.root()));
    }
    tiles.extend(builder.unfinished());
    run(db, "DELETE FROM audit_tiles", args![]).await;
    for tile in tiles {
        let (level, index) = (i64::from(tile.id.level), i64::try_from(tile.id.index).unwrap());
        let width = i64::try_from(tile.hashes.len()).unwrap();
        let sql = "INSERT INTO audit_tiles (level, position, width, hashes) VALUES ($1, $2, $3, $4)";
        run(db, sql, args![level, index, width, tile.to_bytes()]).await;
    }
    let Some(signer) = signer else { return };
    for stored in checkpoints_after(db, 0, 100).await.unwrap() {
        let (_, root) = roots[usize::try_from(stored.size).unwrap() - 1];
        let origin = signer.verifier().name().to_owned();
        let note = Checkpoint { origin, size: stored.size.unsigned_abs(), root }.sign(&signer).unwrap();
        let sql = "UPDATE audit_checkpoints SET note = $2, verifier = $3 WHERE size = $1";
        run(db, sql, args![stored.size, note, signer.verifier().to_string()]).await;
    }
}
