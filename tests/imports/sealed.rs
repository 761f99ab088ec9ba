//! A server that starts sealed, opened and closed by hand while an import waits in its queue.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use kluis::jobs::State;
use kluis_core::args;
use kluis_core::kernel::Clock;
use kluis_core::privacy::{RootKey, Sensitive};

use crate::brought::{WHY, ready, results, start, state};
use crate::support::app::{Making, TestApp};

const PASSPHRASE: &str = "zeven paarden in de wei";

#[tokio::test]
async fn opened_and_sealed_by_hand_sqlite() {
    opened_and_sealed_by_hand("sqlite").await;
}

#[tokio::test]
async fn opened_and_sealed_by_hand_postgres() {
    opened_and_sealed_by_hand("postgres").await;
}

async fn opened_and_sealed_by_hand(engine: &'static str) {
    let test = TestApp::made(engine, Making { clock: Clock::System, ..Making::default() }).await;
    let root = RootKey::parse(&test.root).expect("a key");
    let passphrase = Sensitive::new(PASSPHRASE.to_owned());
    test.app.keys.set_passphrase(root, passphrase).await.expect("it is set");
    let file = "achternaam;email\nVoorbeeld;een@klant.example\nBeeld;twee@klant.example\n";
    let import = ready(&test, "manager", file.as_bytes(), &["familyName", "email"]).await;
    let job = start(&test, "manager", import, false).await;
    let socket = test.directory.path().join("control.sock");

    let server = Server::start(&test);
    assert_eq!(socket.metadata().expect("the socket").permissions().mode() & 0o777, 0o600);
    server.answers(&test, 503);
    let second = Server::command(&test).stderr(Stdio::piped()).output().expect("it runs");
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(said.contains("Another process serves"), "{said}");
    assert!(kluis(&test, &["doctor"], "").1.contains("its vault is sealed"));

    let wrong = kluis(&test, &["unseal"], "zes paarden in de wei\n");
    assert_eq!(wrong.0, 4, "{}", wrong.1);
    assert!(wrong.1.contains("stays sealed") && wrong.1.contains("doesn't open this key store"), "{}", wrong.1);
    let soon = kluis(&test, &["unseal"], PASSPHRASE);
    assert_eq!((soon.0, soon.1.contains("Too soon")), (4, true), "{}", soon.1);
    server.answers(&test, 503);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let mistyped = kluis(&test, &["unseal"], "KLUIS-ROOT-ABCDE\n");
    assert_eq!((mistyped.0, mistyped.1.contains("letters and digits")), (4, true), "{}", mistyped.1);
    tokio::time::sleep(Duration::from_millis(2100)).await;
    assert_eq!(state(&test, job).await.0, State::Queued, "the import waits");

    let right = kluis(&test, &["unseal"], &format!("{PASSPHRASE}\n"));
    assert_eq!((right.0, right.1.contains("is open")), (0, true), "{}", right.1);
    server.answers(&test, 200);
    assert!(kluis(&test, &["unseal"], "anything").1.contains("open already"));
    assert!(kluis(&test, &["doctor"], "").1.contains("its vault is open"));
    let deadline = Instant::now() + Duration::from_secs(90);
    while !state(&test, job).await.0.is_final() {
        assert!(Instant::now() < deadline, "the import goes on");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!((state(&test, job).await.0, results(&test, job).await.len()), (State::Succeeded, 2));

    assert_eq!(kluis(&test, &["seal"], "").0, 0);
    server.answers(&test, 503);
    assert!(kluis(&test, &["seal"], "").1.contains("sealed already"));
    let by_key = kluis(&test, &["unseal"], &test.root);
    assert_eq!(by_key.0, 0, "{}", by_key.1);
    server.answers(&test, 200);

    server.stop();
    assert!(!socket.exists(), "the socket goes with its owner");
    let nobody = kluis(&test, &["unseal"], PASSPHRASE);
    assert_eq!((nobody.0, nobody.1.contains("No service runs")), (1, true), "{}", nobody.1);
    on_record(&test).await;
}

async fn on_record(test: &TestApp) {
    let sql = "SELECT action, outcome, detail FROM audit_events WHERE entity = 'vault' AND tenant_id = $1 ORDER BY seq";
    let rows = test.app.db.fetch_all_without_scope(WHY, sql, args![test.hq]).await.expect("it reads");
    let text = |row: &kluis_core::store::Row, at| row.text(at).expect("a text");
    let told: Vec<_> = rows.iter().map(|row| [text(row, 0), text(row, 1), text(row, 2)].join(" ")).collect();
    assert_eq!(
        told,
        [
            r#"vault.unseal failed {"key":"passphrase","reason":"wrong_key"}"#,
            r#"vault.unseal failed {"key":"root_key","reason":"mistyped"}"#,
            r#"vault.unseal allowed {"key":"passphrase"}"#,
            "vault.seal allowed {}",
            r#"vault.unseal allowed {"key":"root_key"}"#,
        ]
    );
    assert_eq!(kluis_core::audit::verify(&test.app.db).await.expect("it reads").broken_at, None);
}

/// The program with the test's settings: exit code, and what it said.
fn kluis(test: &TestApp, arguments: &[&str], typed: &str) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kluis"));
    command.args(arguments).args(["--set", "unseal.source=manual"]);
    for (name, value) in &test.flags {
        command.args(["--set", &format!("{name}={value}")]);
    }
    command.env_clear().env("LANG", "C").current_dir(test.directory.path());
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    // A command that needs nothing may have ended before it is told anything.
    let _ = child.stdin.take().expect("its input").write_all(typed.as_bytes());
    let output = child.wait_with_output().expect("it ends");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().expect("a code"), String::from_utf8(said).expect("UTF-8"))
}

struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn command(test: &TestApp) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kluis"));
        command.arg("serve").args(["--set", "server.listen=127.0.0.1:0", "--set", "unseal.source=manual"]);
        for (name, value) in &test.flags {
            command.args(["--set", &format!("{name}={value}")]);
        }
        command.env_clear().env("LANG", "C").current_dir(test.directory.path()).stdout(Stdio::null());
        command
    }

    fn start(test: &TestApp) -> Self {
        let mut child = Self::command(test).stderr(Stdio::piped()).spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stderr.take().expect("its messages")).lines();
        let said = lines.find_map(|line| line.ok().filter(|line| line.contains("answers on"))).expect("an address");
        let address = said.split("answers on ").nth(1).and_then(|rest| rest.split(';').next()).expect("an address");
        let address = address.to_owned();
        // What it says further must go somewhere.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    /// Liveness always answers; readiness and personal data with this status.
    fn answers(&self, test: &TestApp, status: u16) {
        assert_eq!(self.get("/health/live", None), 200);
        assert_eq!(self.get("/health/ready", None), status);
        assert_eq!(self.get("/v1/customers", Some(test.as_("manager"))), status);
    }

    fn get(&self, path: &str, token: Option<&str>) -> u16 {
        let mut stream = std::net::TcpStream::connect(&self.address).expect("it listens");
        let token = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\n{token}connection: close\r\n\r\n")
            .expect("it is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer.split(' ').nth(1).expect("a status").parse().expect("a number")
    }

    /// Stops it as a service manager does.
    fn stop(mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill runs").success());
        assert!(self.child.wait().expect("it ends").success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
