use crate::program::{run, run_with};

#[test]
fn every_fault_is_named_and_no_secret_is_shown() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("kluis.toml");
    std::fs::write(&file, "[server]\nlisten = \"nowhere\"\nport = 5\n[mail]\npassword = \"hunter2\"\n").unwrap();
    let check = run(directory.path(), &["config", "check"]);
    assert_eq!(check.code, 3, "{}", check.err);
    assert!(check.err.contains("server.listen: must be an address with a port"), "{}", check.err);
    assert!(check.err.contains("server.port: there is no such setting"), "{}", check.err);
    assert!(!check.err.contains("hunter2"));

    let dutch = run(directory.path(), &["--language", "nl", "config", "check"]);
    assert!(dutch.err.contains("server.listen: moet een adres met een poort zijn"), "{}", dutch.err);
}

#[test]
fn each_value_knows_where_it_came_from() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("kluis.toml"), "[mail]\nhost = \"mail.example\"\n").unwrap();
    let secret = directory.path().join("secret");
    std::fs::write(&secret, "hunter2\n").unwrap();
    let environment = [("KLUIS_MAIL_PASSWORD_FILE", secret.to_str().unwrap()), ("KLUIS_LOG_LEVEL", "debug")];
    let dump = run_with(directory.path(), &["config", "dump", "--set", "mail.port=25"], &environment);
    assert_eq!(dump.code, 0, "{}", dump.err);
    let line = |key: &str| dump.out.lines().find(|line| line.starts_with(key)).unwrap().to_owned();
    assert!(line("mail.host").ends_with("kluis.toml"));
    assert!(line("mail.password").ends_with("KLUIS_MAIL_PASSWORD_FILE"));
    assert!(line("log.level").ends_with("KLUIS_LOG_LEVEL"));
    assert!(line("mail.port").ends_with("flag"));
    assert!(line("session.hours").ends_with("default"));
    assert!(!dump.out.contains("hunter2"));
}

#[test]
fn mistyped_variables_are_pointed_out() {
    let directory = tempfile::tempdir().unwrap();
    let check = run_with(directory.path(), &["config", "check"], &[("KLUIS_LOG_LEVL", "debug")]);
    assert_eq!(check.code, 0);
    assert!(check.err.contains("KLUIS_LOG_LEVL"), "{}", check.err);
}

#[test]
fn wrong_calls_have_an_exit_code_of_their_own() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(run(directory.path(), &["dance"]).code, 2);
    assert_eq!(run(directory.path(), &["config"]).code, 2);
    assert_eq!(run(directory.path(), &["--help"]).code, 0);
    let dutch = run_with(directory.path(), &["--help"], &[("LANG", "nl_NL.UTF-8")]);
    assert!(dutch.out.contains("Gebruik:"), "{}", dutch.out);
}

#[test]
fn without_an_installation_commands_say_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    for arguments in [&["serve"][..], &["migrate"], &["audit", "verify"], &["user", "list"]] {
        let outcome = run(directory.path(), arguments);
        assert_eq!(outcome.code, 5, "{arguments:?}: {}", outcome.err);
        assert!(outcome.err.contains("kluis init"), "{arguments:?}: {}", outcome.err);
    }
    assert!(std::fs::read_dir(directory.path()).unwrap().next().is_none(), "nothing was made");
}
