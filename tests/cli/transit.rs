//! The vault opened by HashiCorp Vault's Transit engine: by a stand-in that speaks its protocol, as its documentation of the
//! interface has it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::keys::{FILE, ROTATE, recovery};
use crate::program::{Outcome, Running, command, run_with};
use crate::stand_in::{StandIn, TOKEN};

const INIT: [&str; 6] = ["init", "data", "--organisation", "Voorbeeld Wonen", "--administrator", "beheer@hq.example"];

/// An installation beside a stand-in that it knows.
struct Place {
    directory: tempfile::TempDir,
    vault: StandIn,
    settings: Vec<String>,
}

impl Place {
    fn new(vault: StandIn, source: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("token"), format!("{TOKEN}\n")).unwrap();
        let mut settings = vec![
            format!("unseal.source={source}"),
            format!("unseal.transit_address={}", vault.address),
            "unseal.transit_mount=engines/transit".to_owned(),
            "unseal.transit_namespace=voorbeeld".to_owned(),
        ];
        if let Some(certificate) = &vault.certificate {
            std::fs::write(directory.path().join("ca.pem"), certificate).unwrap();
            settings.push(format!("unseal.transit_ca={}", directory.path().join("ca.pem").display()));
        }
        Self { directory, vault, settings }
    }

    fn made(vault: StandIn) -> Self {
        let place = Self::new(vault, "transit");
        let made = place.go(&INIT, &[]);
        assert_eq!(made.code, 0, "{} {}", made.out, made.err);
        place
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn go(&self, arguments: &[&str], more: &[&str]) -> Outcome {
        let sets = self.settings.iter().map(String::as_str).chain(more.iter().copied()).flat_map(|set| ["--set", set]);
        let arguments: Vec<_> = arguments.iter().copied().chain(sets).collect();
        let token = self.path().join("token");
        let environment = [("KLUIS_UNSEAL_TRANSIT_TOKEN_FILE", token.to_str().unwrap())];
        let outcome = run_with(self.path(), &arguments, &environment);
        for said in [&outcome.out, &outcome.err] {
            assert!(!said.contains(TOKEN) && !said.contains("KLUIS-ROOT"), "{said}");
        }
        outcome
    }

    fn with_file(&self, arguments: &[&str], more: &[&str]) -> Outcome {
        self.go(&[arguments, &FILE].concat(), more)
    }

    fn opens(&self) -> bool {
        self.with_file(&["user", "list"], &[]).code == 0
    }

    fn file(&self) -> String {
        std::fs::read_to_string(self.path().join("data/root.transit")).unwrap()
    }
}

#[test]
fn transit_keeps_the_root_key_from_the_beginning() {
    let place = Place::made(StandIn::plain());
    assert!(!place.path().join("data/root.key").exists());
    assert!(place.file().starts_with("vault:v1:") && place.file().lines().count() == 1);
    let mode = place.path().join("data/root.transit").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(place.opens());
    let doctor = place.with_file(&["doctor"], &[]);
    assert!(doctor.out.contains("opens from its source"), "{}", doctor.out);
    let dump = place.with_file(&["config", "dump"], &[]);
    assert!(dump.code == 0 && dump.out.contains("engines/transit"), "{}", dump.out);
    let asked = place.vault.asked();
    assert!(asked.iter().all(|line| line.ends_with(" voorbeeld")), "{asked:?}");
    assert_eq!(asked[0], "POST /v1/engines/transit/encrypt/kluis voorbeeld");

    // Each root key is encrypted before the one before goes.
    let old = place.file();
    let rotated = place.with_file(&ROTATE, &[]);
    assert_eq!(rotated.code, 0, "{}", rotated.err);
    assert!(place.opens() && place.file() != old && place.file().lines().count() == 1);
    std::fs::write(place.path().join("data/root.transit"), old).unwrap();
    assert!(!place.opens(), "the one before opens nothing");
}

#[test]
fn every_fault_of_the_service_has_its_words() {
    let place = Place::made(StandIn::plain());
    let said = |more: &[&str]| {
        let outcome = place.with_file(&["user", "list", "--language", "en"], more);
        assert_eq!(outcome.code, 4, "{}", outcome.err);
        outcome.err
    };
    for (status, words) in [
        (503, "is sealed itself"),
        (403, "refuses the token"),
        (400, "can't decrypt this"),
        (429, "answered 429"),
        (307, "answered 307"),
        (200, "can't be understood"),
    ] {
        place.vault.answer(Some(status));
        let err = said(&[]);
        assert!(err.contains(words), "{status}: {err}");
        assert!(!err.contains("words of the service"), "{err}");
    }
    place.vault.answer(None);
    assert!(said(&["unseal.transit_mount=elsewhere"]).contains("no such engine or key"));
    assert!(said(&["unseal.transit_address=http://127.0.0.1:1"]).contains("can't be reached"));
    assert!(said(&["unseal.transit_address=https://127.0.0.1:1"]).contains("can't be reached"));
    assert!(
        said(&[&format!("unseal.transit_address={}", place.vault.address.replace("http:", "https:"))])
            .contains("isn't trusted")
    );
    let far = place.with_file(&["config", "check"], &["unseal.transit_address=http://vault.example:8200"]);
    assert!(far.code == 3 && far.err.contains("unseal.transit_address"), "{}", far.err);
    std::fs::write(place.path().join("token"), "s.another").unwrap();
    assert!(said(&[]).contains("refuses the token"));
    std::fs::write(place.path().join("token"), TOKEN).unwrap();
    assert!(place.opens(), "nothing was changed by all that");
    std::fs::write(place.path().join("data/root.transit"), "something else").unwrap();
    assert!(said(&[]).contains("doesn't hold what a Transit engine encrypts"));
}

#[test]
fn a_service_that_says_nothing_is_not_waited_for() {
    let place = Place::made(StandIn::plain());
    place.vault.answer(Some(0));
    let began = std::time::Instant::now();
    let outcome = place.with_file(&["user", "list"], &[]);
    assert!(outcome.code == 4 && outcome.err.contains("doesn't answer in time"), "{}", outcome.err);
    assert!((9..30).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}

#[test]
fn over_tls_only_the_named_authority_is_trusted() {
    let place = Place::made(StandIn::tls());
    assert!(place.opens());
    let other = StandIn::tls().certificate.unwrap();
    std::fs::write(place.path().join("ca.pem"), other).unwrap();
    let refused = place.with_file(&["user", "list"], &[]);
    assert!(refused.code == 4 && refused.err.contains("isn't trusted"), "{}", refused.err);
    let nobody = place.with_file(&["user", "list"], &["unseal.transit_ca="]);
    assert!(nobody.code == 4 && nobody.err.contains("isn't trusted"), "{}", nobody.err);
    std::fs::write(place.path().join("ca.pem"), "no certificate").unwrap();
    assert!(place.with_file(&["user", "list"], &[]).err.contains("authority's certificate"));
}

#[test]
fn a_key_file_is_handed_over_and_follows_a_new_version_of_vaults_key() {
    let mut place = Place::new(StandIn::plain(), "key-file");
    assert_eq!(place.go(&INIT, &[]).code, 0);
    let handed = place.with_file(&["key", "transit"], &[]);
    assert_eq!(handed.code, 0, "{}", handed.err);
    std::fs::remove_file(place.path().join("data/root.key")).unwrap();
    assert!(!place.opens());
    place.settings[0] = "unseal.source=transit".to_owned();
    assert!(place.opens());

    place.vault.rotate();
    assert_eq!(place.with_file(&["key", "transit"], &[]).code, 0);
    assert!(place.file().starts_with("vault:v2:"), "{}", place.file());
    assert_eq!(place.vault.asked().last().unwrap(), "POST /v1/engines/transit/rewrap/kluis voorbeeld");
    place.vault.forget_before(2);
    assert!(place.opens());

    // Vault's key is lost: the recovery key has it encrypted anew.
    let key = recovery(&place.with_file(&["key", "recovery"], &[]));
    std::fs::remove_file(place.path().join("data/root.transit")).unwrap();
    std::fs::write(place.path().join("handed"), &key).unwrap();
    let sets = place.settings.iter().flat_map(|set| ["--set", set]);
    let arguments: Vec<_> = ["key", "recover"].into_iter().chain(FILE).chain(sets).collect();
    let recovered = command(place.path(), &arguments)
        .env("KLUIS_UNSEAL_TRANSIT_TOKEN_FILE", place.path().join("token"))
        .stdin(std::fs::File::open(place.path().join("handed")).unwrap())
        .output()
        .unwrap();
    assert!(recovered.status.success(), "{}", String::from_utf8_lossy(&recovered.stderr));
    assert!(place.opens() && place.file().starts_with("vault:v2:"));
}

#[test]
fn a_service_runs_on_it() {
    let place = Place::made(StandIn::plain());
    let mut arguments = vec!["serve"];
    arguments.extend(FILE);
    let settings = place.settings.clone();
    arguments.extend(settings.iter().flat_map(|set| ["--set", set.as_str()]));
    // From the file that init wrote come all but the token, which is no setting of a file.
    let token = format!("unseal.transit_token={TOKEN}");
    arguments.extend(["--set", &token]);
    let running = Running::start(place.path(), &arguments);
    assert_eq!(running.get("/health/ready", None).unwrap().0, 200);
    assert_eq!(running.stop(), 0);
}
