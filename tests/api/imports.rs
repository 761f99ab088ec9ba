use kluis::jobs::{Timing, Worker, Workshop};
use serde_json::{Value, json};

use crate::support::app::{TestApp, read};

const FILE: &str = "klantnummer;achternaam;email;iban\n\
    1;Eerste;eerste@klant.example;NL91ABNA0417164300\n\
    2;;tweede@klant.example;\n\
    3;Derde;EERSTE@klant.example;\n\
    4;Vierde;vierde@klant.example;NL00\n";

pub async fn upload(test: &TestApp, name: &str, kind: &str, body: String) -> (u16, String, Value) {
    let request = test.client.post("/v1/imports").header("authorization", format!("Bearer {}", test.as_(name)));
    let response = request.content_type(kind).body(body).send().await;
    let etag = response.0.headers().get("etag").and_then(|tag| tag.to_str().ok()).unwrap_or_default().to_owned();
    let (status, view) = read(response).await;
    (status, etag, view)
}

pub async fn work(test: &TestApp) {
    let worker = Worker::new(Workshop::of(&test.app), kluis::worker::registry(&test.app), Timing::default());
    while worker.run_one().await.expect("the queue works") {}
}

fn settings() -> Value {
    json!({ "legalBasis": "contract", "source": "old-crm" })
}

/// An import that is decided; gives its path.
async fn decided(test: &TestApp) -> String {
    let (status, etag, view) = upload(test, "manager", "text/csv", FILE.to_owned()).await;
    assert_eq!(status, 201, "{view}");
    let path = format!("/v1/imports/{}", view["id"].as_str().unwrap());
    let (status, answer) = read(test.patch("manager", &path, &etag, &settings()).await).await;
    assert_eq!(status, 200, "{answer}");
    path
}

#[tokio::test]
async fn a_file_is_handed_in_decided_tried_run_and_taken_back() {
    for test in TestApp::both().await {
        let (status, etag, view) = upload(&test, "manager", "text/csv", FILE.to_owned()).await;
        assert_eq!(status, 201, "{view}");
        assert_eq!(
            (&view["encoding"], &view["delimiter"], &view["rows"]),
            (&json!("utf-8"), &json!("semicolon"), &json!(4))
        );
        let proposed: Vec<_> =
            view["columns"].as_array().unwrap().iter().map(|c| c["suggestion"].as_str().unwrap()).collect();
        assert_eq!(proposed, ["externalId:klantnummer", "familyName", "email", "iban"]);
        assert_eq!(view["sample"][0][1], "Eerste");
        let path = format!("/v1/imports/{}", view["id"].as_str().unwrap());

        let (status, early) =
            read(test.post("manager", &format!("{path}/runs"), &json!({ "dryRun": true })).await).await;
        assert_eq!((status, &early["errors"][0]["code"]), (400, &json!("mapping")), "{early}");
        let (status, faults) =
            read(test.patch("manager", &path, &etag, &json!({ "columns": ["nonsense"] })).await).await;
        assert_eq!(status, 400);
        let codes: Vec<_> =
            faults["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
        assert_eq!(codes, ["/columns/0", "/legalBasis", "/source"]);
        let (status, answer) = read(test.patch("manager", &path, &etag, &settings()).await).await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(answer["settings"]["columns"][0], "externalId:klantnummer");
        let (status, _) = read(test.patch("manager", &path, &etag, &settings()).await).await;
        assert_eq!(status, 412);

        let (status, dry) = read(test.post("manager", &format!("{path}/runs"), &json!({ "dryRun": true })).await).await;
        assert_eq!((status, &dry["kind"], &dry["total"]), (202, &json!("customer_import"), &json!(4)), "{dry}");
        let (status, again) =
            read(test.post("manager", &format!("{path}/runs"), &json!({ "dryRun": false })).await).await;
        assert_eq!(status, 409, "the dry run is still under way: {again}");
        work(&test).await;
        let (_, customers) = read(test.get("manager", "/v1/customers").await).await;
        assert_eq!(customers["items"], json!([]));

        let (status, job) =
            read(test.post("manager", &format!("{path}/runs"), &json!({ "dryRun": false })).await).await;
        assert_eq!(status, 202, "{job}");
        work(&test).await;
        let job = format!("/v1/jobs/{}", job["id"].as_str().unwrap());
        let (_, shown) = read(test.get("sales", &job).await).await;
        assert_eq!(shown["state"], "succeeded");
        assert_eq!(shown["counts"], json!({ "create": 1, "duplicate": 1, "error": 2 }));
        let (_, rows) = read(test.get("manager", &format!("{job}/rows?pageSize=3")).await).await;
        assert_eq!(rows["items"][1], json!({ "line": 3, "outcome": "error", "codes": ["name"] }));
        assert_eq!(rows["items"][2], json!({ "line": 4, "outcome": "duplicate", "codes": ["email"], "ofLine": 2 }));
        let next = format!("{job}/rows?pageSize=3&cursor={}", rows["nextCursor"].as_str().unwrap());
        let (_, rest) = read(test.get("manager", &next).await).await;
        assert_eq!(rest["items"], json!([{ "line": 5, "outcome": "error", "codes": ["iban"] }]));
        let (_, errors) = read(test.get("manager", &format!("{job}/rows?outcome=error")).await).await;
        assert_eq!(errors["items"].as_array().map(Vec::len), Some(2));
        let response = test.get("manager", &format!("{path}/result")).await;
        assert!(response.0.content_type().unwrap().starts_with("text/csv"));
        let table = response.0.into_body().into_string().await.unwrap();
        let lines: Vec<_> = table.lines().map(|line| line.split(",cus_").next().unwrap()).collect();
        assert_eq!(
            lines,
            [
                "line,outcome,of_line,codes,record_id",
                "2,create,,",
                "3,error,,name,",
                "4,duplicate,2,email,",
                "5,error,,iban,"
            ]
        );

        let (status, undo) = read(test.post("manager", &format!("{path}/reversal"), &json!({})).await).await;
        assert_eq!((status, &undo["kind"]), (202, &json!("customer_import_undo")), "{undo}");
        work(&test).await;
        let (_, customers) = read(test.get("manager", "/v1/customers").await).await;
        assert_eq!(customers["items"], json!([]));
        let (status, _) = read(test.post("manager", &format!("{path}/reversal"), &json!({})).await).await;
        assert_eq!(status, 409);
        let (_, list) = read(test.get("manager", "/v1/imports").await).await;
        assert_eq!(list["items"].as_array().map(Vec::len), Some(1));
    }
}

#[tokio::test]
async fn progress_is_streamed_and_goes_on_where_it_was() {
    for test in TestApp::both().await {
        let path = decided(&test).await;
        let (_, job) = read(test.post("manager", &format!("{path}/runs"), &json!({ "dryRun": false })).await).await;
        let events = format!("/v1/jobs/{}/events", job["id"].as_str().unwrap());
        let stream = test.get("manager", &events).await;
        assert!(stream.0.content_type().unwrap().starts_with("text/event-stream"));
        let (_, text) = tokio::join!(work(&test), stream.0.into_body().into_string());
        let text = text.unwrap();
        let ids: Vec<i64> = text
            .lines()
            .filter_map(|line| line.strip_prefix("id: ").or(line.strip_prefix("id:")))
            .map(|id| id.trim().parse().unwrap())
            .collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]) && ids.len() >= 2, "{text}");
        assert!(text.contains("\"state\":\"succeeded\""), "{text}");

        let request = test.client.get(&events).header("authorization", format!("Bearer {}", test.as_("manager")));
        let rest = request.header("last-event-id", ids.last().unwrap().to_string()).send().await;
        assert_eq!(rest.0.into_body().into_string().await.unwrap().trim(), "", "nothing is left to tell");
        assert_eq!(test.get("sales_south", &events).await.0.status(), 404);
    }
}

#[tokio::test]
async fn a_form_does_as_well_and_other_things_are_refused() {
    for test in TestApp::both().await {
        let part = |name: &str| {
            format!(
                "--x\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"a.csv\"\r\nContent-Type: text/csv\r\n\r\n{FILE}\r\n--x--\r\n"
            )
        };
        let form = "multipart/form-data; boundary=x";
        let (status, _, view) = upload(&test, "manager", form, part("file")).await;
        assert_eq!((status, &view["rows"]), (201, &json!(4)), "{view}");
        let (status, _, fault) = upload(&test, "manager", form, part("other")).await;
        assert_eq!((status, &fault["errors"][0]["pointer"]), (400, &json!("/file")), "{fault}");
        assert_eq!(upload(&test, "manager", "application/json", "{}".to_owned()).await.0, 415);
        assert_eq!(upload(&test, "analyst", "text/csv", FILE.to_owned()).await.0, 403);
        let (status, _, fault) = upload(&test, "manager", "text/csv", "PK\u{3}\0".to_owned()).await;
        assert_eq!((status, &fault["errors"][0]["code"]), (400, &json!("encoding")), "{fault}");

        let path = format!("/v1/imports/{}", view["id"].as_str().unwrap());
        let (_, colleague) = read(test.get("sales", &path).await).await;
        assert_eq!(colleague.get("sample"), None, "{colleague}");
        assert_eq!(test.get("sales_south", &path).await.0.status(), 404);
        let request = test.client.delete(&path).header("authorization", format!("Bearer {}", test.as_("manager")));
        assert_eq!(request.header("if-match", "\"r1\"").send().await.0.status(), 204);
        assert_eq!(test.get("manager", &path).await.0.status(), 404);
    }
}

#[tokio::test]
async fn a_job_is_cancelled_by_its_maker_and_nobody_elsewhere() {
    for test in TestApp::both().await {
        let path = decided(&test).await;
        let (_, job) = read(test.post("manager", &format!("{path}/runs"), &json!({ "dryRun": false })).await).await;
        let job = format!("/v1/jobs/{}", job["id"].as_str().unwrap());
        let cancel = format!("{job}/cancellation");
        assert_eq!(read(test.post("sales_south", &cancel, &json!({})).await).await.0, 404);
        assert_eq!(read(test.post("sales", &cancel, &json!({})).await).await.0, 403, "sales may cancel their own");
        let (status, cancelled) = read(test.post("manager", &cancel, &json!({})).await).await;
        assert_eq!((status, &cancelled["state"]), (200, &json!("cancelled")), "{cancelled}");
        assert_eq!(read(test.post("manager", &cancel, &json!({})).await).await.0, 409);
        work(&test).await;
        let (_, customers) = read(test.get("manager", "/v1/customers").await).await;
        assert_eq!(customers["items"], json!([]));
        let (_, list) = read(test.get("manager", "/v1/jobs?state=cancelled&count=true").await).await;
        assert_eq!(list["total"], 1);
    }
}

#[tokio::test]
async fn a_right_that_was_lost_stops_the_job() {
    for test in TestApp::both().await {
        let path = decided(&test).await;
        let (_, job) = read(test.post("manager", &format!("{path}/runs"), &json!({ "dryRun": false })).await).await;
        let mut tx = test.app.db.begin().await.unwrap();
        let manager = &test.people["manager"];
        const WHY: &str = "a test disables somebody behind the program's back, roles and all";
        let read_account = kluis::users::account::Account::read(&test.app.db, &test.app.keys, manager.id).await;
        let mut account = read_account.unwrap().unwrap();
        account.change(test.app.clock.now()).status = kluis::users::model::UserStatus::Disabled;
        account.save(&mut tx).await.unwrap();
        let sql = "UPDATE authz_epoch SET value = value + 1";
        tx.execute_without_scope(WHY, sql, kluis_core::args![]).await.unwrap();
        tx.commit_without_event(WHY).await.unwrap();
        work(&test).await;
        let (_, shown) = read(test.get("sales", &format!("/v1/jobs/{}", job["id"].as_str().unwrap())).await).await;
        assert_eq!((&shown["state"], &shown["failure"]), (&json!("failed"), &json!("forbidden")), "{shown}");
        let (_, customers) = read(test.get("sales", "/v1/customers").await).await;
        assert_eq!(customers["items"], json!([]));
    }
}

#[tokio::test]
async fn a_file_whose_time_is_over_leaves_an_import_that_says_so() {
    for test in TestApp::both().await {
        let path = decided(&test).await;
        test.app.clock.advance(chrono::TimeDelta::days(8));
        kluis::imports::service::sweep(&test.app).await.expect("it sweeps");
        let (status, view) = read(test.get("manager", &path).await).await;
        assert_eq!((status, view.get("sample")), (200, None), "{} {view}", test.engine);
        let (status, answer) =
            read(test.post("manager", &format!("{path}/runs"), &json!({ "dryRun": true })).await).await;
        assert_eq!(status, 409, "{} {answer}", test.engine);
    }
}

#[tokio::test]
async fn taking_back_goes_on_after_it_was_cancelled_and_past_a_record_that_was_edited() {
    const WHY: &str = "a test edits a row behind the program's back";
    for test in TestApp::both().await {
        let (_, etag, view) =
            upload(&test, "manager", "text/csv", "klantnummer;achternaam\n1;Eerste\n2;Tweede\n".to_owned()).await;
        let path = format!("/v1/imports/{}", view["id"].as_str().unwrap());
        assert_eq!(read(test.patch("manager", &path, &etag, &settings()).await).await.0, 200);
        assert_eq!(read(test.post("manager", &format!("{path}/runs"), &json!({ "dryRun": false })).await).await.0, 202);
        work(&test).await;
        // The second import changes both, so that it has something to put back.
        let (_, etag, view) =
            upload(&test, "manager", "text/csv", "klantnummer;achternaam\n1;Eerste-Beeld\n2;Tweede-Beeld\n".to_owned())
                .await;
        let path = format!("/v1/imports/{}", view["id"].as_str().unwrap());
        assert_eq!(read(test.patch("manager", &path, &etag, &settings()).await).await.0, 200);
        let (_, run) = read(test.post("manager", &format!("{path}/runs"), &json!({ "dryRun": false })).await).await;
        work(&test).await;
        let (_, run) = read(test.get("manager", &format!("/v1/jobs/{}", run["id"].as_str().unwrap())).await).await;
        assert_eq!(run["counts"], json!({ "update": 2 }), "{run}");
        let back = format!("{path}/reversal");
        let (_, undo) = read(test.post("manager", &back, &json!({})).await).await;
        let cancel = format!("/v1/jobs/{}/cancellation", undo["id"].as_str().unwrap());
        assert_eq!(read(test.post("manager", &cancel, &json!({})).await).await.0, 200);
        let mut tx = test.app.db.begin().await.unwrap();
        let sql = "UPDATE import_changes SET before = SUBSTR(before, 1, 60) WHERE line = 2";
        assert!(tx.execute_without_scope(WHY, sql, kluis_core::args![]).await.unwrap() > 0);
        tx.commit_without_event(WHY).await.unwrap();
        let (status, undo) = read(test.post("manager", &back, &json!({})).await).await;
        assert_eq!(status, 202, "{} {undo}", test.engine);
        assert_eq!(read(test.post("manager", &back, &json!({})).await).await.0, 409, "one at a time");
        work(&test).await;
        let (_, undo) = read(test.get("manager", &format!("/v1/jobs/{}", undo["id"].as_str().unwrap())).await).await;
        assert_eq!(
            (&undo["state"], &undo["counts"]),
            (&json!("succeeded"), &json!({ "error": 1, "restored": 1 })),
            "{} {undo}",
            test.engine
        );
        assert_eq!(read(test.post("manager", &back, &json!({})).await).await.0, 409, "it is done");
        // What a job was asked for goes with its end.
        let orders = "SELECT COUNT(*) FROM jobs WHERE LENGTH(params) > 0";
        let left = test.app.db.fetch_optional_without_scope(WHY, orders, kluis_core::args![]).await.unwrap().unwrap();
        assert_eq!(left.int(0).unwrap(), 0, "{}", test.engine);
    }
}

/// Pages and totals of a list that is narrowed.
async fn listed(test: &TestApp, query: &str) -> (usize, Value) {
    let (status, list) = read(test.get("manager", &format!("/v1/imports?count=true&{query}")).await).await;
    assert_eq!(status, 200, "{list}");
    (list["items"].as_array().expect("items").len(), list["total"].clone())
}

#[tokio::test]
async fn imports_and_their_rows_are_narrowed_and_counted() {
    for test in TestApp::both().await {
        let path = decided(&test).await;
        for _ in 0..2 {
            decided(&test).await;
        }
        let (status, job) =
            read(test.post("manager", &format!("{path}/runs"), &json!({ "dryRun": false })).await).await;
        assert_eq!(status, 202, "{job}");
        work(&test).await;
        let rows = format!("/v1/jobs/{}/rows?count=true&pageSize=1", job["id"].as_str().expect("an id"));
        for (query, total) in [("", 4), ("&outcome=create", 1), ("&outcome=error", 2), ("&outcome=restored", 0)] {
            let (_, list) = read(test.get("manager", &format!("{rows}{query}")).await).await;
            assert_eq!(list["total"], total, "{query}: {list}");
        }
        let (me, other) = (test.people["manager"].id, test.people["sales"].id);
        assert_eq!(listed(&test, "pageSize=2").await, (2, json!(3)));
        assert_eq!(listed(&test, "state=draft").await, (2, json!(2)));
        assert_eq!(listed(&test, "state=run").await, (1, json!(1)));
        assert_eq!(listed(&test, "state=reversed").await, (0, json!(0)));
        assert_eq!(listed(&test, &format!("createdBy={me}")).await, (3, json!(3)));
        assert_eq!(listed(&test, &format!("createdBy={other}")).await, (0, json!(0)));
        let (status, _) = read(test.post("manager", &format!("{path}/reversal"), &json!({})).await).await;
        assert_eq!(status, 202);
        work(&test).await;
        assert_eq!(listed(&test, "state=reversed").await, (1, json!(1)));
    }
}
