//! The signed tree of the audit log: as those see it who oversee, as it reaches its witnesses, and when something is wrong.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc;

use data_encoding::BASE64;
use kluis::app::App;
use kluis::audit_events::keeper::Keeper;
use kluis_core::args;
use kluis_core::audit::examine::{Finding, Known, Source, examine};
use kluis_core::audit::kept::{self, last_checkpoint};
use kluis_core::audit::tree::{Checkpoint, Hash, VerifierKey, read_all, verify_consistency, verify_inclusion};
use kluis_core::privacy::RootKey;
use serde_json::{Value, json};

use crate::interactions::customer;
use crate::support::app::{Making, TestApp, read};

const WHY: &str = "a test of the audit log itself";

async fn round(app: &App) {
    Keeper::default().round(app).await.unwrap();
}

fn hash(text: &Value) -> Hash {
    BASE64.decode(text.as_str().unwrap().as_bytes()).unwrap().try_into().unwrap()
}

fn hashes(texts: &Value) -> Vec<Hash> {
    texts.as_array().unwrap().iter().map(hash).collect()
}

fn opened(view: &Value) -> Checkpoint {
    let key: VerifierKey = view["verifierKey"].as_str().unwrap().parse().unwrap();
    Checkpoint::open(view["note"].as_str().unwrap(), &key).unwrap()
}

async fn ok(test: &TestApp, name: &str, path: &str) -> Value {
    let (status, view) = read(test.get(name, path).await).await;
    assert_eq!(status, 200, "{} {name} {path}: {view}", test.engine);
    view
}

#[tokio::test]
async fn whoever_oversees_gets_checkpoints_and_proofs() {
    for test in TestApp::both().await {
        let status = async |name, path: &str| read(test.get(name, path).await).await.0;
        assert_eq!(status("auditor", "/v1/audit-checkpoints/latest").await, 404, "nothing was signed yet");
        let id = customer(&test, "sales", "Beeld").await;
        let path = format!("/v1/audit-events?recordId={id}&action=customer.create");
        let event = ok(&test, "manager", &path).await["items"][0].clone();
        let proof = format!("/v1/audit-events/{}/inclusion-proof", event["id"].as_str().unwrap());
        let (early, problem) = read(test.get("manager", &proof).await).await;
        assert_eq!((early, &problem["type"].as_str().unwrap().ends_with("/conflict")), (409, &true), "{problem}");

        round(&test.app).await;
        let first = opened(&ok(&test, "manager", "/v1/audit-checkpoints/latest").await);
        assert_eq!(first.origin, "127.0.0.1:8443/audit");
        customer(&test, "sales", "Later").await;
        round(&test.app).await;
        let view = ok(&test, "auditor", "/v1/audit-checkpoints/latest").await;
        let last = opened(&view);
        assert!(last.size > first.size);
        assert_eq!((hash(&view["root"]), view["size"].as_u64().unwrap()), (last.root, last.size));

        // The event, in the newest tree and in the earlier one.
        for (query, tree) in [(String::new(), &last), (format!("?size={}", first.size), &first)] {
            let view = ok(&test, "manager", &format!("{proof}{query}")).await;
            let (index, size) = (view["index"].as_u64().unwrap(), view["size"].as_u64().unwrap());
            assert_eq!((index + 1, size), (event["seq"].as_u64().unwrap(), tree.size));
            let path = hashes(&view["hashes"]);
            assert_eq!(verify_inclusion(index, size, &hash(&view["leaf"]), &path, &tree.root), Ok(()));
        }
        let path = format!("/v1/audit-checkpoints/consistency-proof?from={}", first.size);
        let view = ok(&test, "privacy", &path).await;
        assert_eq!(view["to"].as_u64(), Some(last.size));
        let proven = verify_consistency(first.size, last.size, &hashes(&view["hashes"]), &first.root, &last.root);
        assert_eq!(proven, Ok(()));

        // Others' events are proven to others; nobody else sees anything.
        assert_eq!(status("manager_south", &proof).await, 404);
        assert_eq!(status("sales", &proof).await, 404);
        for path in ["/v1/audit-checkpoints", "/v1/audit-checkpoints/latest", &path] {
            assert_eq!(status("sales", path).await, 403, "{path}");
        }
        let far = last.size + 1_000;
        for wrong in [
            format!("{proof}?size=1"),
            format!("{proof}?size={far}"),
            format!("{proof}?size=0"),
            "/v1/audit-checkpoints/consistency-proof?from=0".to_owned(),
            format!("/v1/audit-checkpoints/consistency-proof?from={far}"),
            format!("/v1/audit-checkpoints/consistency-proof?from={}&to={}", last.size, first.size),
            format!("/v1/audit-checkpoints/consistency-proof?from=1&to={far}"),
        ] {
            assert_eq!(status("manager", &wrong).await, 400, "{wrong}");
        }
        let page = ok(&test, "auditor", "/v1/audit-checkpoints?pageSize=1").await;
        assert_eq!(page["items"][0]["size"].as_u64(), Some(last.size));
        let cursor = page["nextCursor"].as_str().unwrap();
        let next = ok(&test, "auditor", &format!("/v1/audit-checkpoints?pageSize=1&cursor={cursor}")).await;
        assert_eq!((next["items"][0]["size"].as_u64(), next.get("nextCursor")), (Some(first.size), None));
        let looks = ok(&test, "privacy", "/v1/audit-events?action=audit_event.read&count=true").await;
        assert!(looks["total"].as_u64().unwrap() >= 4, "proofs of events are on record: {looks}");
    }
}

#[tokio::test]
async fn nothing_is_signed_while_the_vault_is_sealed_and_the_key_stays_the_same() {
    for test in TestApp::both().await {
        round(&test.app).await;
        let before = last_checkpoint(&test.app.db).await.unwrap().unwrap();
        customer(&test, "sales", "Beeld").await;
        test.app.seal();
        round(&test.app).await;
        assert_eq!(last_checkpoint(&test.app.db).await.unwrap().unwrap(), before);
        test.app.keys.unseal(RootKey::parse(&test.root).unwrap()).await.unwrap();
        round(&test.app).await;
        let after = last_checkpoint(&test.app.db).await.unwrap().unwrap();
        assert!(after.size > before.size && after.verifier == before.verifier);
        let other = test.node().await;
        let key = kept::signer(&other.app.keys, "127.0.0.1:8443/audit").unwrap().verifier().to_string();
        assert_eq!(key, after.verifier, "and on every node");
    }
}

#[tokio::test]
async fn a_changed_event_is_on_record_once_and_never_signed() {
    for test in TestApp::both().await {
        round(&test.app).await;
        let signed = last_checkpoint(&test.app.db).await.unwrap().unwrap().size;
        customer(&test, "sales", "Beeld").await;
        let mut tx = test.app.db.begin().await.unwrap();
        let sql = "UPDATE audit_events SET actor = 'usr_other' WHERE seq = $1";
        tx.execute_without_scope(WHY, sql, args![signed + 1]).await.unwrap();
        tx.commit_without_event(WHY).await.unwrap();
        let mut keeper = Keeper::default();
        for _ in 0..3 {
            keeper.round(&test.app).await.unwrap();
        }
        let alarms = ok(&test, "privacy", "/v1/audit-events?action=integrity.fault").await;
        // It is the installation's own, in nobody's organisation.
        assert_eq!(alarms["items"], json!([]));
        let sql = "SELECT detail FROM audit_events WHERE action = 'integrity.fault'";
        let rows = test.app.db.fetch_all_without_scope(WHY, sql, args![]).await.unwrap();
        let details: Vec<_> = rows.iter().map(|row| row.text(0).unwrap()).collect();
        assert_eq!(details, [json!({ "at": signed + 1, "kind": "edited" }).to_string()], "{}", test.engine);
        assert_eq!(last_checkpoint(&test.app.db).await.unwrap().unwrap().size, signed);
    }
}

fn flags(key: &str, value: &str) -> Vec<(String, String)> {
    vec![(format!("audit.{key}"), value.to_owned())]
}

fn sizes(path: &Path, key: &VerifierKey) -> Vec<u64> {
    let text = std::fs::read_to_string(path).unwrap();
    let opened = read_all(&text).into_iter().map(|one| Checkpoint::open(&one.note, key));
    opened.filter_map(|checkpoint| checkpoint.ok().map(|checkpoint| checkpoint.size)).collect()
}

#[tokio::test]
async fn a_witness_file_gets_every_checkpoint_and_tells_a_log_that_was_put_back() {
    let directory = tempfile::tempdir().unwrap();
    for engine in ["sqlite", "postgres"] {
        let path = directory.path().join(engine);
        let test = TestApp::with(engine, flags("witness_file", path.to_str().unwrap())).await;
        let key = kept::signer(&test.app.keys, &test.app.config.audit.origin).unwrap().verifier().clone();
        round(&test.app).await;
        customer(&test, "sales", "Beeld").await;
        round(&test.app).await;
        round(&test.app).await;
        let two = sizes(&path, &key);
        assert_eq!(two.len(), 2, "each once");
        // A line that was torn off by a power cut, and a file that was behind for a while.
        let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"\n127.0.0.1:8443/aud").unwrap();
        for name in ["Derde", "Vierde"] {
            customer(&test, "sales", name).await;
            let moved = directory.path().join("away");
            std::fs::rename(&path, &moved).unwrap();
            round(&test.app).await;
            std::fs::rename(&moved, &path).unwrap();
        }
        customer(&test, "sales", "Vijfde").await;
        round(&test.app).await;
        let all = sizes(&path, &key);
        assert_eq!((all.len(), &all[..2]), (5, &two[..]), "{all:?}");
        assert!(all.is_sorted());

        // The log is put back as it was at the first checkpoint, with everything that belongs to it.
        let kept_size = i64::try_from(all[0]).unwrap();
        roll_back(&test.app, kept_size).await;
        let alone = examine(&test.app.db, Known { key: Some(key.clone()), checkpoints: Vec::new() }).await.unwrap();
        assert!(alone.is_whole(), "{alone:?}");
        let text = std::fs::read_to_string(&path).unwrap();
        let mut notes: Vec<_> = read_all(&text)
            .into_iter()
            .map(|one| (Source::Kept { name: "w".to_owned(), line: one.line }, one.note))
            .collect();
        notes.retain(|(_, note)| Checkpoint::open(note, &key).is_ok());
        let told = examine(&test.app.db, Known { key: Some(key.clone()), checkpoints: notes }).await.unwrap();
        let shorter = |finding: &Finding| matches!(finding, Finding::Shorter { events, .. } if *events == all[0]);
        assert!(told.findings.iter().all(shorter) && told.findings.len() == 4, "{told:?}");
        // The program notices by itself, and adds nothing.
        round(&test.app).await;
        assert_eq!(sizes(&path, &key), all);
        let sql = "SELECT detail FROM audit_events WHERE action = 'integrity.fault'";
        let rows = test.app.db.fetch_all_without_scope(WHY, sql, args![]).await.unwrap();
        assert_eq!(rows[0].text(0).unwrap(), json!({ "at": all[4], "kind": "witness" }).to_string());
    }
}

/// An older database in place of the present one: in itself it is whole.
async fn roll_back(app: &App, size: i64) {
    let mut tx = app.db.begin().await.unwrap();
    let mut run = async |sql: &'static str| tx.execute_without_scope(WHY, sql, args![size]).await.unwrap();
    run("DELETE FROM audit_events WHERE seq > $1").await;
    run("DELETE FROM audit_checkpoints WHERE size > $1").await;
    run("UPDATE audit_head SET seq = $1, chain = (SELECT chain FROM audit_events WHERE seq = $1)").await;
    run("UPDATE audit_tree SET size = $1, chain = (SELECT chain FROM audit_events WHERE seq = $1)").await;
    run("UPDATE audit_tiles SET width = $1, hashes = substr(hashes, 1, CAST($1 * 32 AS INTEGER)) WHERE level = 0")
        .await;
    tx.commit_without_event(WHY).await.unwrap();
}

/// A witness on this machine: refuses twice, then takes everything. Gives the bodies that it was sent, with what it said.
fn witness() -> (String, mpsc::Receiver<(String, String, u16)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = BufReader::new(stream.unwrap());
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).unwrap();
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                head.push_str(&line);
                if line == "\r\n" {
                    break;
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            let status = if number < 2 { 503 } else { 204 };
            write!(stream.get_mut(), "HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n").unwrap();
            if sender.send((head, String::from_utf8(body).unwrap(), status)).is_err() {
                return;
            }
        }
    });
    (format!("http://{address}/log?token=t0k3n"), receiver)
}

#[tokio::test]
async fn a_witness_behind_an_address_gets_the_newest_checkpoint() {
    for engine in ["sqlite", "postgres"] {
        let (url, received) = witness();
        let test = TestApp::made(engine, Making { flags: flags("witness_url", &url), ..Making::default() }).await;
        let mut keeper = Keeper::default();
        // Refused at once and in the next round; then it waits for a round, and for another one.
        for _ in 0..4 {
            keeper.round(&test.app).await.unwrap();
        }
        let note = last_checkpoint(&test.app.db).await.unwrap().unwrap().note;
        let got: Vec<_> = received.try_iter().collect();
        assert_eq!(got.iter().map(|(_, _, status)| *status).collect::<Vec<_>>(), [503, 503, 204], "{engine}");
        for (head, body, _) in &got {
            assert!(head.starts_with("POST /log?token=t0k3n HTTP/1.1\r\n"), "{head}");
            assert!(head.to_lowercase().contains("content-type: text/plain; charset=utf-8"), "{head}");
            assert_eq!(*body, note);
        }
        keeper.round(&test.app).await.unwrap();
        assert_eq!(received.try_iter().count(), 0, "once is enough");
        customer(&test, "sales", "Beeld").await;
        keeper.round(&test.app).await.unwrap();
        let (_, body, status) = received.try_iter().next().unwrap();
        assert_eq!((body, status), (last_checkpoint(&test.app.db).await.unwrap().unwrap().note, 204));
    }
}
