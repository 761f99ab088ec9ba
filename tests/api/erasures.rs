//! An erased customer is nowhere: not for any question, not in the files, not after older data was put back.

use kluis::erasures::ledger::{self, LedgerError};
use kluis::erasures::service as erasures;
use kluis_core::args;
use kluis_core::audit::tree::VerifierKey;
use kluis_core::privacy::ledger::LedgerFault;
use kluis_core::privacy::{SystemKey, VaultError};
use kluis_core::store::Db;
use serde_json::{Value, json};

use super::customers::draft;
use super::imports::{upload, work};
use crate::support::app::{Making, TestApp, read};
use crate::support::spill::files_below;

const WHY: &str = "a test looks behind the program's back";

async fn sql(db: &Db, statement: &'static str) {
    let mut tx = db.begin().await.unwrap();
    tx.execute_without_scope(WHY, statement, args![]).await.unwrap();
    tx.commit_without_event(WHY).await.unwrap();
}

async fn count(db: &Db, statement: &'static str) -> i64 {
    db.fetch_optional_without_scope(WHY, statement, args![]).await.unwrap().unwrap().int(0).unwrap()
}

/// The program with a copy of the ledger beside its data, and where that is.
async fn with_copy(engine: &'static str) -> (TestApp, tempfile::TempDir) {
    let place = tempfile::tempdir().unwrap();
    let copy = place.path().join("ledger").display().to_string();
    let flags = vec![("erasure.ledger_copy".to_owned(), copy), ("erasure.key_backup_days".to_owned(), "35".to_owned())];
    let test = TestApp::made(engine, Making { flags, ..Making::default() }).await;
    ledger::check(&test.app).await.unwrap();
    (test, place)
}

async fn made(test: &TestApp, name: &str) -> String {
    let (status, view) = read(test.post("sales", "/v1/customers", &draft(name)).await).await;
    assert_eq!(status, 201, "{view}");
    view["id"].as_str().unwrap().to_owned()
}

async fn ask(test: &TestApp, name: &str, method: &str, path: &str, etag: Option<&str>) -> (u16, Value) {
    let request = test.client.request(method.parse().unwrap(), path);
    let mut request = request.header("authorization", format!("Bearer {}", test.as_(name)));
    if let Some(etag) = etag {
        request = request.header("if-match", etag);
    }
    match method {
        "POST" => read(request.body_json(&json!({ "ground": "consent_withdrawn" })).send().await).await,
        _ => read(request.send().await).await,
    }
}

async fn erase(test: &TestApp, id: &str) -> Value {
    let (status, view) = ask(test, "privacy", "POST", &format!("/v1/customers/{id}/erasure"), Some("*")).await;
    assert_eq!(status, 201, "{} {view}", test.engine);
    view
}

async fn names(test: &TestApp) -> Vec<String> {
    let (status, list) = read(test.get("sales", "/v1/customers").await).await;
    assert_eq!(status, 200, "{list}");
    let name = |item: &Value| item["identity"]["person"]["familyName"].as_str().unwrap().to_owned();
    let mut names: Vec<_> = list["items"].as_array().unwrap().iter().map(name).collect();
    names.sort();
    names
}

async fn found_by_name(test: &TestApp, name: &str) -> usize {
    let (status, found) = read(test.post("sales", "/v1/customers/_search", &json!({ "name": name })).await).await;
    assert_eq!(status, 200, "{found}");
    found["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn whoever_is_erased_is_nowhere_and_the_proof_says_so() {
    for engine in ["sqlite", "postgres"] {
        let (test, place) = with_copy(engine).await;
        let (gone, stays) = (made(&test, "Vertrek").await, made(&test, "Blijver").await);
        let call = json!({ "customerId": gone, "channel": "phone", "direction": "inbound", "subject": "Vraag", "occurredAt": "2026-01-01T10:00:00Z" });
        let (_, call) = read(test.post("sales", "/v1/interactions", &call).await).await;
        let relation = json!({ "kind": "referrer", "toId": stays });
        let related = test.post("sales", &format!("/v1/customers/{gone}/relations"), &relation).await;
        assert_eq!(read(related).await.0, 201);
        assert_eq!(found_by_name(&test, "Vertrek").await, 1);
        let path = format!("/v1/customers/{gone}/erasure");

        assert_eq!(ask(&test, "sales", "GET", &path, None).await.0, 403);
        assert_eq!(ask(&test, "sales", "POST", &path, Some("*")).await.0, 403);
        let (status, preview) = ask(&test, "privacy", "GET", &path, None).await;
        assert_eq!(status, 200, "{preview}");
        assert_eq!((&preview["interactions"], &preview["relations"]), (&json!(1), &json!(1)), "{preview}");
        assert_eq!(preview["ledgerCopied"], json!(true));
        assert_eq!(ask(&test, "privacy", "POST", &path, None).await.0, 428);
        assert_eq!(ask(&test, "privacy", "POST", &path, Some("\"r99\"")).await.0, 412);
        assert_eq!(names(&test).await, ["Blijver", "Vertrek"]);

        let view = erase(&test, &gone).await;
        assert_eq!((&view["state"], &view["customerId"]), (&json!("complete"), &json!(gone)), "{view}");
        assert_eq!((&view["removed"]["interactions"], &view["removed"]["relations"]), (&json!(1), &json!(1)));
        assert_eq!(view["removed"]["indexEntries"], preview["indexEntries"]);
        assert!(view["removed"]["indexEntries"].as_i64() > Some(0), "{view}");

        // The certificate is signed, and says what was done.
        let certificate = view["certificate"].as_str().unwrap();
        let signer = kluis_core::audit::tree::Signer::new(
            "127.0.0.1:8443/erasures",
            &test.app.keys.system_mac(SystemKey::Certificate).unwrap().sign(b"ed25519"),
        );
        let key: VerifierKey = signer.unwrap().verifier().to_string().parse().unwrap();
        let text = key.open(certificate).unwrap();
        for part in [&*gone, view["id"].as_str().unwrap(), "GDPR Art. 17(1)(b)", "1 interactions", "ledger entry: 1"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(text.contains("gone by: 2026-10-26T"), "35 days later: {text}");
        assert!(key.open(&certificate.replace("1 interactions", "0 interactions")).is_err());

        // Nobody finds anything.
        for path in [format!("/v1/customers/{gone}"), format!("/v1/customers/{gone}/relations"), path] {
            assert_eq!(ask(&test, "privacy", "GET", &path, None).await.0, 404, "{path}");
        }
        assert_eq!(
            read(test.get("sales", &format!("/v1/interactions/{}", call["id"].as_str().unwrap())).await).await.0,
            404
        );
        assert_eq!(names(&test).await, ["Blijver"]);
        assert_eq!(found_by_name(&test, "Vertrek").await, 0);
        let email = json!({ "where": { "field": "email", "operator": "eq", "value": "vertrek@klant.example" } });
        let (_, found) = read(test.post("sales", "/v1/customers/_search", &email).await).await;
        assert_eq!(found["items"], json!([]));
        let listed = format!("/v1/customers/{stays}/relations");
        assert_eq!(read(test.get("sales", &listed).await).await.1["items"], json!([]));

        // What happened stays on record, and the erasure can be looked up.
        let events = format!("/v1/audit-events?subjectId={gone}&action=customer.erase");
        let (_, events) = read(test.get("auditor", &events).await).await;
        let steps: Vec<_> =
            events["items"].as_array().unwrap().iter().map(|e| e["detail"]["step"].as_str().unwrap()).collect();
        assert_eq!(steps, ["complete", "fence", "preview"], "{events}");
        let (status, one) =
            read(test.get("privacy", &format!("/v1/erasures/{}", view["id"].as_str().unwrap())).await).await;
        assert_eq!((status, &one), (200, &view));
        let (_, list) =
            read(test.get("privacy", &format!("/v1/erasures?customerId={gone}&state=complete&count=true")).await).await;
        assert_eq!((list["items"].as_array().unwrap().len(), &list["total"]), (1, &json!(1)), "{list}");
        let (_, none) = read(test.get("privacy", "/v1/erasures?ground=objection").await).await;
        assert_eq!(none["items"], json!([]));
        assert_eq!(read(test.get("sales", "/v1/erasures").await).await.0, 403);

        let copy = std::fs::read_to_string(place.path().join("ledger")).unwrap();
        assert!(copy.lines().count() == 1 && copy.contains(&gone[4..]), "{copy}");
        // The same person may come back, as somebody new.
        assert_ne!(made(&test, "Vertrek").await, gone);
    }
}

/// The wrapped key's own bytes, and those of the sealed name.
async fn bytes_of(test: &TestApp, id: &str) -> [Vec<u8>; 2] {
    let id: kluis_core::kernel::Id<kluis_core::kernel::id::Customer> = kluis_core::kernel::Id::parse(id).unwrap();
    let row = "SELECT key_id, identity FROM customers WHERE id = $1";
    let row = test.app.db.fetch_optional_without_scope(WHY, row, args![id]).await.unwrap().unwrap();
    let key = kluis_core::privacy::KeyId::from_bytes(row.array(0).unwrap());
    let records = test.app.keys.store().subject_keys(test.north.uuid(), &[key]).await.unwrap();
    [records[0].wrapped.unwrap().as_bytes().to_vec(), row.opt_blob(1).unwrap().unwrap()]
}

fn is_in_files(test: &TestApp, bytes: &[u8]) -> bool {
    files_below(test.directory.path()).iter().any(|(_, held)| held.windows(bytes.len()).any(|some| some == bytes))
}

#[tokio::test]
async fn neither_key_nor_ciphertext_is_left_in_the_files() {
    let (test, _place) = with_copy("sqlite").await;
    let (gone, stays) = (made(&test, "Vertrek").await, made(&test, "Blijver").await);
    let (of_gone, of_other) = (bytes_of(&test, &gone).await, bytes_of(&test, &stays).await);
    // The middle of each: the beginning of a page may fall into it.
    let part = |bytes: &Vec<u8>| bytes[bytes.len() / 2..bytes.len() / 2 + 16].to_vec();
    assert!(of_gone.iter().chain(&of_other).all(|bytes| is_in_files(&test, &part(bytes))), "the search finds them");
    erase(&test, &gone).await;
    assert!(!of_gone.iter().any(|bytes| is_in_files(&test, &part(bytes))), "erased");
    assert!(of_other.iter().all(|bytes| is_in_files(&test, &part(bytes))), "the others' stay");
}

#[tokio::test]
async fn what_imports_and_answers_keep_goes_as_well() {
    for test in TestApp::both().await {
        let file = "klantnummer;achternaam;email\n1;Lijst;lijst@klant.example\n2;Ander;ander@klant.example\n";
        let (_, etag, import) = upload(&test, "manager", "text/csv", file.to_owned()).await;
        let import = format!("/v1/imports/{}", import["id"].as_str().unwrap());
        let settings = json!({ "legalBasis": "contract", "source": "old-crm" });
        assert_eq!(read(test.patch("manager", &import, &etag, &settings).await).await.0, 200);
        read(test.post("manager", &format!("{import}/runs"), &json!({ "dryRun": false })).await).await;
        work(&test).await;
        let (_, list) = read(test.get("manager", "/v1/customers").await).await;
        let of = |name: &str| {
            let is = |item: &&Value| item["identity"]["person"]["familyName"] == name;
            list["items"].as_array().unwrap().iter().find(is).unwrap()["id"].as_str().unwrap().to_owned()
        };
        let gone = of("Lijst");
        let request = test.client.post(format!("/v1/customers/{gone}/relations"));
        let request = request.header("authorization", format!("Bearer {}", test.as_("manager")));
        let request = request.header("idempotency-key", "once");
        let made = request.body_json(&json!({ "kind": "referrer", "toId": of("Ander") })).send().await;
        assert_eq!(read(made).await.0, 201);
        assert_eq!(count(&test.app.db, "SELECT COUNT(*) FROM job_files").await, 1);

        let removed = erase(&test, &gone).await["removed"].clone();
        assert_eq!(
            (&removed["undoRecords"], &removed["files"], &removed["answers"]),
            (&json!(1), &json!(1), &json!(1)),
            "{} {removed}",
            test.engine
        );
        assert_eq!(count(&test.app.db, "SELECT COUNT(*) FROM job_file_pieces").await, 0);
        assert_eq!(count(&test.app.db, "SELECT COUNT(*) FROM idempotency_keys").await, 0);
        // The import can still be taken back for the others.
        let (status, undo) = read(test.post("manager", &format!("{import}/reversal"), &json!({})).await).await;
        assert_eq!(status, 202, "{undo}");
        work(&test).await;
        assert_eq!(count(&test.app.db, "SELECT COUNT(*) FROM customers").await, 0);
    }
}

#[tokio::test]
async fn an_erasure_that_is_stopped_goes_on_by_itself() {
    for engine in ["sqlite", "postgres"] {
        let (test, place) = with_copy(engine).await;
        let gone = made(&test, "Vertrek").await;
        let ledger_file = place.path().join("ledger");
        let held = std::fs::read(&ledger_file).unwrap();
        std::fs::remove_file(&ledger_file).unwrap();
        // The copy is out of reach: the record goes all the same, and nothing says that it is complete.
        let view = erase(&test, &gone).await;
        assert_eq!((&view["state"], view.get("certificate")), (&json!("fenced"), None), "{view}");
        assert_eq!(read(test.get("privacy", &format!("/v1/customers/{gone}")).await).await.0, 404);
        assert!(erasures::go_on(&test.app).await.is_err());
        let path = format!("/v1/erasures/{}", view["id"].as_str().unwrap());
        assert_eq!(read(test.get("privacy", &path).await).await.1["state"], "fenced");
        let keys = test.app.keys.store().counts().await.unwrap();
        assert_eq!(keys.destroyed, 0, "not before the copy has it");

        std::fs::write(&ledger_file, held).unwrap();
        erasures::go_on(&test.app).await.unwrap();
        let (_, view) = read(test.get("privacy", &path).await).await;
        assert_eq!((&view["state"], view["certificate"].is_string()), (&json!("complete"), true), "{view}");
        assert_eq!(test.app.keys.store().counts().await.unwrap().destroyed, 1);
        assert_eq!(std::fs::read_to_string(&ledger_file).unwrap().lines().count(), 1);
    }
}

/// Keeps tables as they are now, to put them back later.
async fn back_up(db: &Db, tables: &[(&'static str, &'static str)]) {
    for (_, keep) in tables {
        sql(db, keep).await;
    }
}

const DATA: [(&str, &str); 2] = [
    (
        "INSERT INTO customers SELECT * FROM old_customers WHERE id NOT IN (SELECT id FROM customers)",
        "CREATE TABLE old_customers AS SELECT * FROM customers",
    ),
    (
        "INSERT INTO customer_index SELECT * FROM old_index AS o WHERE NOT EXISTS (SELECT 1 FROM customer_index AS x WHERE x.customer_id = o.customer_id)",
        "CREATE TABLE old_index AS SELECT * FROM customer_index",
    ),
];

/// The data as it was before the erasure, ledger and all.
async fn put_back_data(test: &TestApp) {
    for (put_back, _) in DATA {
        sql(&test.app.db, put_back).await;
    }
    sql(&test.app.db, "DELETE FROM erasures").await;
    sql(&test.app.db, "DELETE FROM erasure_ledger").await;
}

async fn back_up_keys(test: &TestApp) -> (kluis_core::privacy::KeyId, kluis_core::privacy::keystore::SubjectKeyRecord) {
    let row = "SELECT key_id FROM customers";
    let rows = test.app.db.fetch_all_without_scope(WHY, row, args![]).await.unwrap();
    let key = kluis_core::privacy::KeyId::from_bytes(rows[0].array(0).unwrap());
    let records = test.app.keys.store().subject_keys(test.north.uuid(), &[key]).await.unwrap();
    (key, records[0].clone())
}

#[tokio::test]
async fn older_data_with_the_present_keys_shows_the_others_only() {
    for engine in ["sqlite", "postgres"] {
        let test = TestApp::made(engine, Making::default()).await;
        let gone = made(&test, "Vertrek").await;
        made(&test, "Blijver").await;
        back_up(&test.app.db, &DATA).await;
        erase(&test, &gone).await;
        put_back_data(&test).await;
        assert_eq!(count(&test.app.db, "SELECT COUNT(*) FROM customers").await, 2);
        // Nobody has said anything to the program: the key is gone, and that is enough.
        assert_eq!(names(&test).await, ["Blijver"], "{engine}");
        assert_eq!(read(test.get("sales", &format!("/v1/customers/{gone}")).await).await.0, 404);
        assert_eq!(found_by_name(&test, "Vertrek").await, 0);
        let node = test.node().await;
        let (status, list) = node.ask(test.as_("sales"), "GET", "/v1/customers", None).await;
        assert_eq!((status, list["items"].as_array().unwrap().len()), (200, 1), "{list}");
        // There is no copy of the ledger: the keys tell whose rows are left.
        let (dry, _) = ledger::replay(&test.app, true).await.unwrap();
        assert_eq!((dry.from_copy, dry.from_keys), (0, 1));
        assert_eq!(count(&test.app.db, "SELECT COUNT(*) FROM customers").await, 2, "nothing was done");
        let (done, _) = ledger::replay(&test.app, false).await.unwrap();
        assert_eq!((done.from_copy, done.from_keys), (0, 1));
        assert_eq!(count(&test.app.db, "SELECT COUNT(*) FROM customers").await, 1);
        assert_eq!(ledger::replay(&test.app, false).await.unwrap().0.from_keys, 0);
    }
}

#[tokio::test]
async fn older_data_with_older_keys_is_refused_until_the_ledger_was_replayed() {
    for engine in ["sqlite", "postgres"] {
        let (test, _place) = with_copy(engine).await;
        let gone = made(&test, "Vertrek").await;
        back_up(&test.app.db, &DATA).await;
        let (key, record) = back_up_keys(&test).await;
        let stays = made(&test, "Blijver").await;
        erase(&test, &gone).await;
        put_back_data(&test).await;
        // The key store as it was, too.
        let keys = kluis::server::stores::Stores::open(&test.app.config).await.unwrap().keys;
        sql(&keys, "DELETE FROM subject_keys WHERE state = 'destroyed'").await;
        assert!(
            test.app
                .keys
                .store()
                .add_subject_keys(test.north.uuid(), record.wrap_version, &[record], &[])
                .await
                .unwrap()
        );
        let node = test.node().await;
        let (status, _) = node.ask(test.as_("sales"), "GET", &format!("/v1/customers/{gone}"), None).await;
        assert_eq!(status, 200, "{engine}: without the look at the ledger everything would be as before");

        let refused = ledger::check(&node.app).await;
        assert!(matches!(refused, Err(LedgerError::Fault(LedgerFault::Behind(1)))), "{refused:?}");
        let (dry, _) = ledger::replay(&node.app, true).await.unwrap();
        assert_eq!((dry.from_copy, dry.from_keys, dry.set_aside), (1, 0, false));
        let (done, _) = ledger::replay(&node.app, false).await.unwrap();
        assert_eq!(done.from_copy, 1);
        ledger::check(&node.app).await.unwrap();
        let (status, _) = node.ask(test.as_("sales"), "GET", &format!("/v1/customers/{gone}"), None).await;
        assert_eq!(status, 404);
        assert!(matches!(node.app.keys.subject_key(test.north.uuid(), key).await, Err(VaultError::Erased)));
        let (status, _) = node.ask(test.as_("sales"), "GET", &format!("/v1/customers/{stays}"), None).await;
        assert_eq!(status, 200);
        let (_, list) = read(test.get("privacy", "/v1/erasures").await).await;
        assert_eq!((&list["items"][0]["state"], list["items"][0].get("ground")), (&json!("complete"), None), "{list}");
    }
}

#[tokio::test]
async fn a_ledger_that_was_edited_and_a_copy_that_is_gone_are_refused() {
    for engine in ["sqlite", "postgres"] {
        let (test, place) = with_copy(engine).await;
        for name in ["Eerste", "Tweede"] {
            let id = made(&test, name).await;
            erase(&test, &id).await;
        }
        ledger::check(&test.app).await.unwrap();
        let fault = |checked: Result<(), LedgerError>| match checked {
            Err(LedgerError::Fault(fault)) => fault,
            other => panic!("{other:?}"),
        };
        let copy = place.path().join("ledger");
        let held = std::fs::read(&copy).unwrap();
        std::fs::remove_file(&copy).unwrap();
        assert_eq!(fault(ledger::check(&test.app).await), LedgerFault::Missing);
        assert_eq!(ledger::make_copy(&test.app).await.unwrap(), Some(2));
        assert_eq!(std::fs::read(&copy).unwrap(), held);
        // The last entry away from the database, and another erasure made: the two go different ways.
        sql(&test.app.db, "DELETE FROM erasure_ledger WHERE seq = 2").await;
        assert_eq!(fault(ledger::check(&test.app).await), LedgerFault::Behind(1));
        let third = made(&test, "Derde").await;
        assert_eq!(erase(&test, &third).await["state"], "fenced", "the copy has another second entry");
        assert_eq!(fault(ledger::check(&test.app).await), LedgerFault::Forked(2));
        let (done, aside) = ledger::replay(&test.app, false).await.unwrap();
        assert_eq!((done.from_copy, done.set_aside), (1, true));
        assert_eq!(std::fs::read(aside.unwrap()).unwrap(), held);
        ledger::check(&test.app).await.unwrap();
        assert_eq!(std::fs::read_to_string(&copy).unwrap().lines().count(), 3);
        sql(&test.app.db, "UPDATE erasure_ledger SET at = at + 1 WHERE seq = 1").await;
        assert_eq!(fault(ledger::check(&test.app).await), LedgerFault::Ledger(1));
    }
}

#[tokio::test]
async fn whoever_writes_while_somebody_erases_leaves_nothing() {
    for test in TestApp::both().await {
        for round in 0..6 {
            let gone = made(&test, "Vertrek").await;
            let path = format!("/v1/customers/{gone}");
            let call = json!({ "customerId": gone, "channel": "phone", "direction": "inbound", "subject": "Vraag", "occurredAt": "2026-01-01T10:00:00Z" });
            let patches = async {
                let mut statuses = Vec::new();
                for _ in 0..8 {
                    statuses.push(read(test.patch("sales", &path, "*", &json!({ "status": "former" })).await).await.0);
                    statuses.push(read(test.post("sales", "/v1/interactions", &call).await).await.0);
                }
                statuses
            };
            let erasing = async {
                tokio::time::sleep(std::time::Duration::from_millis(round * 4)).await;
                loop {
                    let (status, view) = ask(&test, "privacy", "POST", &format!("{path}/erasure"), Some("*")).await;
                    if status != 412 {
                        return (status, view);
                    }
                }
            };
            let (statuses, (status, view)) = tokio::join!(patches, erasing);
            assert_eq!((status, &view["state"]), (201, &json!("complete")), "{} {view}", test.engine);
            assert!(statuses.iter().all(|status| [200, 201, 400, 404, 412].contains(status)), "{statuses:?}");
            assert_eq!(count(&test.app.db, "SELECT COUNT(*) FROM interactions").await, 0, "{}", test.engine);
            assert_eq!(count(&test.app.db, "SELECT COUNT(*) FROM customers").await, 0);
        }
    }
}

#[tokio::test]
async fn other_nodes_forget_the_key_and_the_name() {
    for test in TestApp::both().await {
        let (gone, stays) = (made(&test, "Vertrek").await, made(&test, "Blijver").await);
        test.app.keys.flush().await.unwrap();
        let node = test.node().await;
        let named = json!({ "name": "Vertrek" });
        let (_, found) = node.ask(test.as_("sales"), "POST", "/v1/customers/_search", Some(&named)).await;
        assert_eq!(found["items"].as_array().map(Vec::len), Some(1), "{found}");
        let keys = [key_of(&test, &gone).await, key_of(&test, &stays).await];
        let is_held = |key| node.app.keys.try_cached(test.north.uuid(), key).is_some();
        for id in [&gone, &stays] {
            node.ask(test.as_("sales"), "GET", &format!("/v1/customers/{id}"), None).await;
        }
        assert!(keys.iter().all(|key| is_held(*key)), "{}", test.engine);
        erase(&test, &gone).await;
        assert_eq!(ledger::follow(&node.app, 0).await.unwrap(), 1);
        assert_eq!(keys.map(is_held), [false, true], "{}", test.engine);
        let (_, found) = node.ask(test.as_("sales"), "POST", "/v1/customers/_search", Some(&named)).await;
        assert_eq!(found["items"], json!([]));
    }
}

async fn key_of(test: &TestApp, id: &str) -> kluis_core::privacy::KeyId {
    let id: kluis_core::kernel::Id<kluis_core::kernel::id::Customer> = kluis_core::kernel::Id::parse(id).unwrap();
    let row = "SELECT key_id FROM customers WHERE id = $1";
    let row = test.app.db.fetch_optional_without_scope(WHY, row, args![id]).await.unwrap().unwrap();
    kluis_core::privacy::KeyId::from_bytes(row.array(0).unwrap())
}
