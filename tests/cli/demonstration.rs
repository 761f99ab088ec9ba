use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::program::{Running, command, run};

fn tokens(said: &str) -> Vec<String> {
    let lines = said.lines().filter_map(|line| line.trim().strip_prefix("token"));
    lines.map(|token| token.trim().to_owned()).collect()
}

#[test]
fn the_demonstration_shows_each_role_what_it_may_see_and_is_found_again() {
    let directory = tempfile::tempdir().unwrap();
    let demo = Running::start(directory.path(), &["demo"]);
    let tokens_of_first = tokens(&demo.said);
    assert_eq!(tokens_of_first.len(), 4, "{}", demo.said);
    assert_eq!(demo.said.matches("/sign-in/link#").count(), 4);
    let status = |token: &str| demo.get("/v1/customers?pageSize=200&count=true", Some(token)).unwrap();
    let [analyst, manager, sales, officer] = [0, 1, 2, 3].map(|nth: usize| status(&tokens_of_first[nth]));
    assert_eq!(analyst.0, 403, "the analyst sees numbers, not people");
    assert_eq!((manager.0, sales.0, officer.0), (200, 200, 200));
    let total = |body: &str| -> u64 {
        let json: serde_json::Value = serde_json::from_str(body).unwrap();
        json["total"].as_u64().unwrap()
    };
    assert_eq!((total(&manager.1), total(&officer.1)), (300, 2_000));
    let list = |path: &str, token: &str| -> (u16, serde_json::Value) {
        let (status, body) = demo.get(path, Some(token)).unwrap();
        (status, serde_json::from_str(&body).unwrap())
    };
    let items = |path: &str, token: &str| list(path, token).1["items"].as_array().unwrap().clone();
    let [analyst, manager, sales, officer] = [0, 1, 2, 3].map(|nth: usize| tokens_of_first[nth].as_str());
    // What partners are looked at for is said in a header, which stands behind the token's.
    let asking = |token: &str, purpose: &str| format!("{token}\r\nprocessing-purpose: {purpose}");
    for (token, purpose, count, named) in
        [(analyst, "statistics", 8, false), (manager, "contract", 1, true), (officer, "compliance", 8, true)]
    {
        let partners = items("/v1/partners", &asking(token, purpose));
        assert_eq!(partners.len(), count, "{purpose}");
        assert!(partners.iter().all(|partner| partner["identity"]["legalName"].is_string() == named), "{partners:?}");
    }
    assert_eq!(list("/v1/partners", &asking(sales, "contract")).0, 403);
    let manager = asking(manager, "contract");
    let partner = items("/v1/partners", &manager)[0]["id"].as_str().unwrap().to_owned();
    let people = items(&format!("/v1/partners/{partner}/contacts"), &manager);
    assert!(people.iter().any(|person| person["function"] == "owner" && person["identity"]["familyName"].is_string()));
    let houses = items("/v1/customers?kind=household&pageSize=1", sales);
    let house = houses[0]["id"].as_str().unwrap();
    let members = items(&format!("/v1/customers/{house}/relations"), sales);
    assert!(members.len() >= 2 && members.iter().all(|one| one["kind"] == "household_member"), "{members:?}");
    let imports = items("/v1/imports", sales);
    assert!(imports.len() == 1 && imports[0]["runJobId"].is_string(), "{imports:?}");
    let (_, job) = list(&format!("/v1/jobs/{}", imports[0]["runJobId"].as_str().unwrap()), sales);
    assert_eq!(
        (&job["state"], &job["counts"]["update"], &job["counts"]["create"]),
        (&"succeeded".into(), &11.into(), &serde_json::Value::Null),
        "{job}"
    );
    assert!(demo.get("/docs", None).unwrap().1.contains("swagger-ui"));
    assert_eq!(demo.stop(), 0);

    for name in ["kluis.db", "keys.db"] {
        let bytes = std::fs::read(directory.path().join("demo-data").join(name)).unwrap();
        for needle in ["Jansen", "@example.com", "Zilverberk", "Exploitatie", "directie@"] {
            let found = bytes.windows(needle.len()).any(|part| part == needle.as_bytes());
            assert!(!found, "{name} holds {needle}");
        }
        // Four bytes alone stand in ten million random ones now and then; with the digits behind them they don't.
        let is_mobile = |part: &[u8]| part.starts_with(b"+316") && part[4..].iter().all(u8::is_ascii_digit);
        assert!(!bytes.windows("+31612345678".len()).any(is_mobile), "{name} holds a telephone number");
    }

    let again = Running::start(directory.path(), &["demo"]);
    let tokens_of_second = tokens(&again.said);
    let (status, body) = again.get("/v1/customers?pageSize=1&count=true", Some(&tokens_of_second[1])).unwrap();
    assert_eq!((status, total(&body)), (200, 300), "nothing was made twice");
    let old = again.get("/v1/customers", Some(&tokens_of_first[1])).unwrap();
    assert_eq!(old.0, 200, "tokens of before work until they end");
}

#[test]
fn a_directory_with_something_else_is_not_touched() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("demo-data")).unwrap();
    std::fs::write(directory.path().join("demo-data/kluis.toml"), "").unwrap();
    let refused = run(directory.path(), &["demo", "--fresh", "--set", "server.listen=127.0.0.1:0"]);
    assert_eq!(refused.code, 1, "{}", refused.err);
    assert!(directory.path().join("demo-data/kluis.toml").exists());
}

#[test]
fn it_is_for_this_machine_only() {
    let directory = tempfile::tempdir().unwrap();
    let refused = run(directory.path(), &["demo", "--set", "server.listen=0.0.0.0:0"]);
    assert_eq!(refused.code, 3, "{}", refused.err);
}

#[test]
fn programs_get_one_line_of_json_and_the_environment_is_heeded() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("elsewhere");
    let mut command = command(directory.path(), &["demo", "--json"]);
    command.env("KLUIS_DATA_DIRECTORY", &data).env("KLUIS_SERVER_LISTEN", "127.0.0.1:0").env("KLUIS_RATE_BURST", "3");
    // A database of the operator's own is not for playing.
    command.env("KLUIS_DATABASE_URL", "postgres://127.0.0.1:1/own").env("KLUIS_RATE_PER_SECOND", "1");
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
    let roles: Vec<_> = ready["tokens"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(roles, ["hq_analyst", "manager", "privacy_officer", "sales"]);
    let address = ready["url"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned();
    assert!(data.join("kluis.db").exists());
    let server = Running::of(child, address);
    let token = ready["tokens"]["manager"].as_str().unwrap();
    let statuses: Vec<_> = (0..6).map(|_| server.get("/v1/interactions?pageSize=1", Some(token)).unwrap().0).collect();
    assert_eq!((statuses[0], statuses[5]), (200, 429), "the limit of the environment: {statuses:?}");
    assert_eq!(server.stop(), 0);
}
