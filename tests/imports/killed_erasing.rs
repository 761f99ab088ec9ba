//! A server in a process of its own, killed again and again without warning while it erases customers.

use std::time::{Duration, Instant};

use kluis::erasures::ledger;
use kluis_core::args;
use kluis_core::kernel::Clock;
use kluis_core::privacy::VaultError;
use serde_json::json;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::brought::WHY;
use crate::killed::{ids, serve_at, set, stop};
use crate::support::app::{Making, TestApp, read};

#[tokio::test]
async fn killed_while_erasing_sqlite() {
    nobody_is_half_erased("sqlite").await;
}

#[tokio::test]
async fn killed_while_erasing_postgres() {
    nobody_is_half_erased("postgres").await;
}

/// Customers for each time that the server is killed.
const EACH: usize = 8;

async fn nobody_is_half_erased(engine: &'static str) {
    let kills = if std::env::var_os("KLUIS_LONG").is_some() { 100 } else { 8 };
    let place = tempfile::tempdir().unwrap();
    let copy = place.path().join("ledger");
    let flags = vec![("erasure.ledger_copy".to_owned(), copy.display().to_string())];
    let test = TestApp::made(engine, Making { clock: Clock::System, flags, ..Making::default() }).await;
    ledger::check(&test.app).await.unwrap();
    let mut acknowledged = Vec::new();
    for kill in 0..kills {
        let mut wanted = Vec::new();
        for number in 0..EACH {
            let draft = json!({
                "kind": "person", "status": "active", "language": "nl", "source": "webshop", "legalBasis": "contract",
                "identity": { "person": { "familyName": format!("Klant {kill} {number}") } },
            });
            let (status, view) = read(test.post("sales", "/v1/customers", &draft).await).await;
            assert_eq!(status, 201, "{view}");
            wanted.push(view["id"].as_str().unwrap().to_owned());
        }
        test.app.keys.flush().await.unwrap();
        let (server, address) = serve_at(&test).await;
        let token = test.as_("privacy").to_owned();
        let (told, mut answers) = mpsc::unbounded_channel();
        let erasing = tokio::task::spawn_blocking(move || erase_all(&address, &token, &wanted, &told));
        // Some are answered; then wherever it is by then.
        for _ in 0..kill % (EACH - 1) {
            tokio::time::timeout(Duration::from_secs(60), answers.recv()).await.expect("an answer");
        }
        tokio::time::sleep(Duration::from_millis(kill as u64 * 7 % 40)).await;
        stop(&test, server).await;
        acknowledged.extend(erasing.await.unwrap());
        check(&test, &acknowledged).await;
    }
    // The next one that runs brings everything to its end.
    let (server, _) = serve_at(&test).await;
    let deadline = Instant::now() + Duration::from_secs(120);
    while !ids(&test, "SELECT id FROM erasures WHERE tenant_id = $1 AND state = 'fenced'").await.is_empty() {
        assert!(Instant::now() < deadline, "the erasures go on to their end");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stop(&test, server).await;
    check(&test, &acknowledged).await;
    assert!(acknowledged.len() > kills, "{} erasures were acknowledged", acknowledged.len());
    ledger::check(&test.app).await.expect("the ledger and its copy are alike");
    let erased = ids(&test, "SELECT customer_id FROM erasures WHERE tenant_id = $1").await;
    assert_eq!(std::fs::read_to_string(&copy).unwrap().lines().count(), erased.len());
    assert_eq!(kluis_core::audit::verify(&test.app.db).await.expect("it reads").broken_at, None);
}

/// Asks for one after another; gives those that were answered as complete.
fn erase_all(address: &str, token: &str, wanted: &[String], told: &mpsc::UnboundedSender<()>) -> Vec<Uuid> {
    let mut done = Vec::new();
    for id in wanted {
        let Some((status, body)) = ask(address, token, id) else { break };
        assert_eq!(status, 201, "{body}");
        if body.contains("\"state\":\"complete\"") {
            done.push(id[4..].parse().unwrap());
        }
        let _ = told.send(());
    }
    done
}

fn ask(address: &str, token: &str, id: &str) -> Option<(u16, String)> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
    let body = "{\"ground\":\"objection\"}";
    write!(
        stream,
        "POST /v1/customers/{id}/erasure HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
         if-match: *\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

/// Whoever was said to be erased is; whoever is there is readable; nobody is both.
async fn check(test: &TestApp, acknowledged: &[Uuid]) {
    let complete =
        "SELECT customer_id FROM erasures WHERE tenant_id = $1 AND state = 'complete' AND certificate IS NOT NULL";
    let complete = set(&ids(test, complete).await);
    assert!(set(acknowledged).is_subset(&complete), "what was acknowledged stays");
    let there = set(&ids(test, "SELECT id FROM customers WHERE tenant_id = $1").await);
    let fenced = set(&ids(test, "SELECT customer_id FROM erasures WHERE tenant_id = $1").await);
    assert!(there.is_disjoint(&fenced), "nobody is both there and erased");
    for (sql, is_gone) in [
        ("SELECT key_id FROM erasures WHERE tenant_id = $1 AND state = 'complete'", true),
        ("SELECT key_id FROM customers WHERE tenant_id = $1", false),
    ] {
        let rows = test.app.db.fetch_all_without_scope(WHY, sql, args![test.north]).await.unwrap();
        for row in &rows {
            let key = kluis_core::privacy::KeyId::from_bytes(row.array(0).unwrap());
            test.app.keys.evict(key);
            let opened = test.app.keys.subject_key(test.north.uuid(), key).await;
            assert_eq!(matches!(opened, Err(VaultError::Erased)), is_gone, "{:?}", opened.err());
        }
    }
}
