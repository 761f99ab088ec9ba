use kluis::jobs::{Timing, Worker, Workshop};
use kluis::server::stores;
use serde_json::{Value, json};

use super::customers::draft;
use crate::support::app::{TestApp, read};
use crate::support::tables::Tables;

pub const PATH: &str = "/v1/customers/_bulk";

pub async fn work(test: &TestApp) {
    let worker = Worker::new(Workshop::of(&test.app), kluis::worker::registry(&test.app), Timing::default());
    while worker.run_one().await.expect("the queue works") {}
}

pub async fn make(test: &TestApp, name: &str, body: &Value) -> String {
    let (status, view) = read(test.post(name, "/v1/customers", body).await).await;
    assert_eq!(status, 201, "{} {view}", test.engine);
    view["id"].as_str().unwrap().to_owned()
}

pub async fn some(test: &TestApp, names: &[&str]) -> Vec<String> {
    let mut ids = Vec::new();
    for name in names {
        ids.push(make(test, "sales", &draft(name)).await);
    }
    ids
}

pub async fn show(test: &TestApp, id: &str) -> Value {
    let (status, view) = read(test.get("manager", &format!("/v1/customers/{id}")).await).await;
    assert_eq!(status, 200, "{view}");
    view
}

/// Starts a bulk change, lets it run to its end, and gives the job with its rows.
pub async fn run(test: &TestApp, name: &str, body: &Value) -> (Value, Vec<Value>) {
    let (status, job) = read(test.post(name, PATH, body).await).await;
    assert_eq!((status, &job["kind"]), (202, &json!("customer_bulk")), "{} {job}", test.engine);
    ended(test, &job).await
}

pub async fn ended(test: &TestApp, job: &Value) -> (Value, Vec<Value>) {
    work(test).await;
    let path = format!("/v1/jobs/{}", job["id"].as_str().unwrap());
    let (_, job) = read(test.get("manager", &path).await).await;
    let (status, rows) = read(test.get("manager", &format!("{path}/rows?pageSize=200")).await).await;
    assert_eq!(status, 200, "{rows}");
    (job, rows["items"].as_array().unwrap().clone())
}

pub async fn take_back(test: &TestApp, job: &Value) -> (u16, Value) {
    let path = format!("/v1/jobs/{}/reversal", job["id"].as_str().unwrap());
    read(test.post("manager", &path, &json!({})).await).await
}

pub fn outcomes(rows: &[Value]) -> Vec<(u64, &str, String)> {
    let codes = |row: &Value| {
        row["codes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
    };
    rows.iter().map(|row| (row["line"].as_u64().unwrap(), row["outcome"].as_str().unwrap(), codes(row))).collect()
}

/// Everything that is known of customers, as it stands in the database.
pub async fn customers(test: &TestApp) -> Vec<(String, String)> {
    let mut tables = Tables::open(&stores::options(&test.app.config).0).await;
    let sql = tables.digest_sql().await;
    let all = tables.digest(&sql).await;
    all.into_iter().filter(|(table, _)| table.starts_with("customer")).collect()
}

#[tokio::test]
async fn many_are_changed_after_a_preview_and_put_back_to_the_byte() {
    for test in TestApp::both().await {
        let ids = some(&test, &["Een", "Twee", "Drie"]).await;
        let foreign = make(&test, "sales_south", &draft("Zuid")).await;
        let nobody = test.app.new_id::<kluis_core::kernel::id::Customer>().to_string();
        let (status, view) = read(
            test.patch("sales", &format!("/v1/customers/{}", ids[1]), "\"r1\"", &json!({ "status": "former" })).await,
        )
        .await;
        assert_eq!(status, 200, "{view}");
        let before = customers(&test).await;
        let all = [&ids[..], &[foreign, nobody]].concat();
        let mut body = json!({ "ids": all, "change": { "status": "former" }, "dryRun": true });
        let (preview, expected) = run(&test, "manager", &body).await;
        assert_eq!(preview["counts"], json!({ "update": 2, "unchanged": 1, "error": 2 }), "{preview}");
        assert_eq!(customers(&test).await, before, "a preview writes nothing");
        let (status, answer) = take_back(&test, &preview).await;
        assert_eq!(status, 409, "there is nothing to take back of a preview: {answer}");

        body["dryRun"] = json!(false);
        let (job, rows) = run(&test, "manager", &body).await;
        assert_eq!((&job["state"], &job["progress"], &job["total"]), (&json!("succeeded"), &json!(5), &json!(5)));
        assert_eq!(rows, expected, "the run says the same as the preview");
        let gone = || "not_found".to_owned();
        assert_eq!(
            outcomes(&rows),
            [
                (0, "update", String::new()),
                (1, "unchanged", String::new()),
                (2, "update", String::new()),
                (3, "error", gone()),
                (4, "error", gone()),
            ]
        );
        for id in &ids {
            assert_eq!(show(&test, id).await["status"], "former");
        }

        let (status, undo) = take_back(&test, &job).await;
        assert_eq!((status, &undo["kind"]), (202, &json!("customer_bulk_undo")), "{undo}");
        let (undo, rows) = ended(&test, &undo).await;
        assert_eq!((&undo["state"], &undo["counts"]), (&json!("succeeded"), &json!({ "restored": 2 })));
        assert_eq!(outcomes(&rows).iter().map(|row| row.0).collect::<Vec<_>>(), [0, 2]);
        assert_eq!(customers(&test).await, before, "to the byte");
        let (status, again) = take_back(&test, &job).await;
        assert_eq!(status, 409, "{again}");
        kluis_core::audit::verify(&test.app.db).await.expect("the log is whole");
    }
}

#[tokio::test]
async fn every_kind_of_change_does_what_it_says() {
    for test in TestApp::both().await {
        let ids = some(&test, &["Een", "Twee"]).await;
        let owner = test.people["sales"].id.to_string();
        let change = json!({
            "ownerId": owner, "addInterests": ["zon", "wind"], "archived": true,
            "patch": { "preferredChannel": "phone", "notes": { "remarks": "samen gewijzigd" } },
        });
        let (job, _) = run(&test, "manager", &json!({ "ids": ids, "change": change })).await;
        assert_eq!(job["counts"], json!({ "update": 2 }));
        let view = show(&test, &ids[1]).await;
        assert_eq!(
            (&view["ownerId"], &view["profile"]["interests"], &view["preferredChannel"], &view["notes"]["remarks"]),
            (&json!(owner), &json!(["zon", "wind"]), &json!("phone"), &json!("samen gewijzigd"))
        );
        assert!(view["archivedAt"].is_string() && view["region"] == "12", "{view}");
        assert_eq!(view["revision"], 2, "one change, however much is in it");

        // By what they have in common, among those that are put away.
        let condition = json!({ "field": "interest", "operator": "eq", "value": "wind" });
        let mut body = json!({
            "selection": { "where": condition, "archived": true },
            "change": { "removeInterests": ["zon"], "addInterests": ["wind"], "patch": { "ownerId": null }, "archived": false },
        });
        let (job, rows) = run(&test, "manager", &body).await;
        assert_eq!((&job["counts"], rows.len()), (&json!({ "update": 2 }), 2));
        let view = show(&test, &ids[0]).await;
        assert_eq!(
            (&view["profile"]["interests"], view.get("ownerId"), view.get("archivedAt")),
            (&json!(["wind"]), None, None)
        );
        let (job, rows) = run(&test, "manager", &body).await;
        assert_eq!((&job["state"], rows.len()), (&json!("succeeded"), 0), "nobody is put away any more");
        body["selection"].as_object_mut().unwrap().remove("archived");
        assert_eq!(run(&test, "manager", &body).await.0["counts"], json!({ "unchanged": 2 }));

        // The names that are changed are found at once, and no longer after the change is taken back.
        let patch = json!({ "identity": { "person": { "familyName": "Gezamenlijk" } } });
        let (job, _) = run(&test, "manager", &json!({ "ids": [ids[0]], "change": { "patch": patch } })).await;
        let search = json!({ "name": "gezamenlijk" });
        let found = async || {
            read(test.post("manager", "/v1/customers/_search", &search).await).await.1["items"].as_array().map(Vec::len)
        };
        assert_eq!(found().await, Some(1));
        let (_, undo) = take_back(&test, &job).await;
        assert_eq!(ended(&test, &undo).await.0["counts"], json!({ "restored": 1 }));
        assert_eq!(found().await, Some(0));
    }
}

#[tokio::test]
async fn each_record_is_changed_with_the_rights_on_that_record() {
    for test in TestApp::both().await {
        let ids = some(&test, &["Een", "Twee", "Drie"]).await;
        let former = json!({ "ids": ids, "change": { "status": "former" } });
        for name in ["sales", "service", "analyst", "admin", "regional", "privacy"] {
            let (status, answer) = read(test.post(name, PATH, &former).await).await;
            assert_eq!(status, 403, "{name} {answer}");
        }
        // Payment data isn't shown under a contract, so that it can't be overwritten unseen.
        let account = json!({ "financial": { "bankAccounts": [{ "iban": "NL91ABNA0417164300" }] } });
        let hidden = json!({ "ids": [ids[0]], "change": { "patch": account } });
        let (status, answer) = read(test.post("manager", PATH, &hidden).await).await;
        assert_eq!((status, &answer["compartment"]), (403, &json!("financial")), "{answer}");

        // What only one can have, the second doesn't get; what isn't valid nobody gets.
        let email = json!({ "contact": { "emails": [{ "address": "samen@klant.example" }] } });
        let mut body = json!({ "ids": ids, "change": { "patch": email }, "dryRun": true });
        let (_, expected) = run(&test, "manager", &body).await;
        body["dryRun"] = json!(false);
        let (_, rows) = run(&test, "manager", &body).await;
        assert_eq!(rows, expected, "the preview knows that only one can have it");
        let taken = || "duplicate email".to_owned();
        assert_eq!(outcomes(&rows), [(0, "update", String::new()), (1, "error", taken()), (2, "error", taken())]);
        let phone = json!({ "contact": { "phones": [{ "number": "123456" }] } });
        let (_, rows) = run(&test, "manager", &json!({ "ids": [ids[0]], "change": { "patch": phone } })).await;
        assert_eq!((rows[0]["outcome"].as_str(), &rows[0]["recordId"]), (Some("error"), &json!(ids[0])));
        let stranger = test.people["sales_south"].id.to_string();
        let (_, rows) = run(&test, "manager", &json!({ "ids": [ids[0]], "change": { "ownerId": stranger } })).await;
        assert_eq!(outcomes(&rows), [(0, "error", "not_a_member".to_owned())]);
    }
}

#[tokio::test]
async fn a_right_that_is_lost_before_its_turn_comes_stops_it() {
    const WHY: &str = "a test disables an account";
    for test in TestApp::both().await {
        let ids = some(&test, &["Een", "Twee"]).await;
        let body = json!({ "ids": ids, "change": { "status": "former" } });
        let (status, job) = read(test.post("manager", PATH, &body).await).await;
        assert_eq!(status, 202, "{job}");
        let mut account = kluis::users::account::Account::read(&test.app.db, &test.app.keys, test.people["manager"].id)
            .await
            .expect("it reads")
            .expect("it is there");
        account.change(test.app.clock.now()).status = kluis::users::model::UserStatus::Disabled;
        let mut tx = test.app.db.begin().await.expect("a transaction");
        account.save(&mut tx).await.expect("it saves");
        tx.commit_without_event(WHY).await.expect("it commits");
        work(&test).await;
        let (_, shown) = read(test.get("sales", &format!("/v1/jobs/{}", job["id"].as_str().unwrap())).await).await;
        assert_eq!(
            (&shown["state"], &shown["failure"], &shown["counts"]),
            (&json!("failed"), &json!("forbidden"), &json!({}))
        );
        let (_, view) = read(test.get("sales", &format!("/v1/customers/{}", ids[0])).await).await;
        assert_eq!(view["status"], "active");
    }
}

#[tokio::test]
async fn what_somebody_has_worked_on_since_stays_and_is_named() {
    for test in TestApp::both().await {
        let ids = some(&test, &["Een", "Twee"]).await;
        let (job, _) = run(&test, "manager", &json!({ "ids": ids, "change": { "status": "former" } })).await;
        let path = format!("/v1/customers/{}", ids[0]);
        let (status, _) = read(test.patch("sales", &path, "\"r2\"", &json!({ "language": "en" })).await).await;
        assert_eq!(status, 200);
        let (_, undo) = take_back(&test, &job).await;
        let (_, rows) = ended(&test, &undo).await;
        assert_eq!(outcomes(&rows), [(0, "conflict", "changed_since".to_owned()), (1, "restored", String::new())]);
        assert_eq!(
            (show(&test, &ids[0]).await["language"].clone(), show(&test, &ids[1]).await["status"].clone()),
            (json!("en"), json!("active"))
        );
    }
}

#[tokio::test]
async fn a_repeated_request_is_one_change_and_a_cancelled_one_is_none() {
    for test in TestApp::both().await {
        let ids = some(&test, &["Een"]).await;
        let body = json!({ "ids": ids, "change": { "status": "former" } });
        let post = async || {
            let request = test.client.post(PATH).header("authorization", format!("Bearer {}", test.as_("manager")));
            read(request.header("idempotency-key", "bulk-of-today-1").body_json(&body).send().await).await
        };
        let (first, second) = (post().await, post().await);
        assert_eq!((first.0, &first.1["id"]), (202, &second.1["id"]), "{second:?}");
        let path = format!("/v1/jobs/{}", first.1["id"].as_str().unwrap());
        let (status, cancelled) = read(test.post("manager", &format!("{path}/cancellation"), &json!({})).await).await;
        assert_eq!((status, &cancelled["state"]), (200, &json!("cancelled")), "{cancelled}");
        work(&test).await;
        assert_eq!(show(&test, &ids[0]).await["status"], "active");
        let events = test.get("manager", &format!("{path}/events")).await;
        let text = events.0.into_body().into_string().await.unwrap();
        assert!(text.contains("event: job") && text.contains("cancelled"), "{text}");

        let thousands: Vec<_> = (0..=10_000).map(|_| test.app.new_id::<kluis_core::kernel::id::Customer>()).collect();
        let (status, answer) = read(
            test.post(
                "manager",
                PATH,
                &json!({
                    "ids": [ids[0], ids[0]],
                    "selection": { "where": { "and": [
                        { "field": "city" }, { "field": "custom.nergens", "operator": "eq", "value": "x" },
                    ] } },
                    "change": { "addInterests": ["zon", " "], "removeInterests": ["zon"] },
                }),
            )
            .await,
        )
        .await;
        let faults: Vec<_> = answer["errors"].as_array().into_iter().flatten().map(|fault| &fault["pointer"]).collect();
        let all = [
            "",
            "/ids/1",
            "/change/addInterests/1",
            "/change/removeInterests/0",
            "/selection/where/and/0",
            "/selection/where",
        ];
        assert_eq!((status, faults), (400, all.map(|pointer| json!(pointer)).iter().collect()), "{answer}");
        for body in [
            json!({ "change": { "status": "former" } }),
            json!({ "ids": [], "change": { "status": "former" } }),
            json!({ "ids": ids, "change": {} }),
            json!({ "ids": ids, "change": { "patch": {} } }),
            json!({ "ids": [ids[0], ids[0]], "change": { "status": "former" } }),
            json!({ "ids": ids, "selection": { "where": { "field": "city", "operator": "exists" } }, "change": { "status": "former" } }),
            json!({ "selection": { "where": { "field": "city" } }, "change": { "status": "former" } }),
            json!({ "ids": ids, "change": { "patch": { "nonsense": 1 } } }),
            json!({ "ids": ids, "change": { "patch": { "contact": { "emails": [{ "adress": "x" }] } } } }),
            json!({ "ids": thousands, "change": { "status": "former" } }),
        ] {
            let (status, answer) = read(test.post("manager", PATH, &body).await).await;
            assert_eq!(status, 400, "{answer}");
        }
    }
}
