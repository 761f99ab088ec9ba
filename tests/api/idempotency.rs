//! A request that is sent again is done once.

use std::sync::Arc;

use chrono::TimeDelta;
use kluis::domains;
use kluis::idempotency::Idempotent;
use kluis::sessions::model::AccessKind;
use kluis::sessions::sign_in::{NewAccess, insert};
use kluis::users::account::Account;
use kluis_core::args;
use kluis_core::kernel::ProblemKind;
use poem::test::TestResponse;
use serde_json::{Value, json};

use crate::customers::draft;
use crate::support::app::{TestApp, read};

const WHY: &str = "a test looks at the table of keys";

async fn send(test: &TestApp, token: &str, key: &str, body: &Value) -> TestResponse {
    let request = test.client.post("/v1/customers").header("authorization", format!("Bearer {token}"));
    request.header("idempotency-key", key).body_json(body).send().await
}

async fn customers(test: &TestApp) -> usize {
    let (status, list) = read(test.get("manager", "/v1/customers?pageSize=200").await).await;
    assert_eq!(status, 200, "{list}");
    list["items"].as_array().map_or(0, Vec::len)
}

async fn keys(test: &TestApp) -> i64 {
    let sql = "SELECT COUNT(*) FROM idempotency_keys";
    let row = test.app.db.fetch_optional_without_scope(WHY, sql, args![]).await.unwrap();
    row.unwrap().int(0).unwrap()
}

/// As a process leaves it that died while the first request ran.
async fn die(test: &TestApp) {
    let mut tx = test.app.db.begin().await.unwrap();
    let sql = "UPDATE idempotency_keys SET answer = NULL";
    assert_eq!(tx.execute_without_scope(WHY, sql, args![]).await.unwrap(), 1);
    tx.commit_without_event(WHY).await.unwrap();
}

fn header(response: &TestResponse, name: &str) -> Option<String> {
    response.0.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn the_first_answer_repeats_for_a_day() {
    for test in TestApp::both().await {
        let token = test.as_("sales");
        let first = send(&test, token, "k-1", &draft("Beeld")).await;
        let names = ["etag", "location", "content-type"];
        let headers = names.map(|name| header(&first, name));
        assert!(headers.iter().all(Option::is_some), "{headers:?}");
        let first_id = header(&first, "x-request-id");
        let (status, made) = read(first).await;
        assert_eq!(status, 201, "{} {made}", test.engine);

        test.app.clock.advance(TimeDelta::hours(23));
        let again = send(&test, token, "k-1", &draft("Beeld")).await;
        assert_eq!(names.map(|name| header(&again, name)), headers);
        assert_ne!(header(&again, "x-request-id"), first_id, "each request has its own id");
        assert_eq!(read(again).await, (201, made.clone()));
        assert_eq!(customers(&test).await, 1);

        let (status, other) = read(send(&test, token, "k-1", &draft("Ander")).await).await;
        assert_eq!((status, &other["type"]), (422, &json!("/problems/idempotency_mismatch")), "{other}");
        let (status, other) = read(send(&test, token, "k-2", &draft("Ander")).await).await;
        assert_eq!(status, 201, "{other}");

        // After a day the key is free, and the rule against doubles speaks again.
        test.app.clock.advance(TimeDelta::hours(2));
        let (status, double) = read(send(&test, token, "k-1", &draft("Beeld")).await).await;
        assert_eq!((status, &double["type"]), (409, &json!("/problems/duplicate")), "{double}");
        assert_eq!(customers(&test).await, 2);
    }
}

#[tokio::test]
async fn many_at_once_have_one_effect() {
    for test in TestApp::both().await {
        let token = test.as_("sales");
        // Nothing in this draft is unique: only the key keeps the customers from being many.
        let mut body = draft("Beeld");
        body.as_object_mut().unwrap().remove("contact");
        let requests = (0..16).map(|_| send(&test, token, "same", &body));
        let mut made = Vec::new();
        for answer in futures_util::future::join_all(requests).await {
            let retry = header(&answer, "retry-after");
            match read(answer).await {
                (201, view) => made.push(view["id"].clone()),
                (409, problem) => {
                    assert_eq!(problem["type"], "/problems/idempotency_in_progress");
                    assert_eq!(retry.as_deref(), Some("1"));
                }
                other => panic!("{} {other:?}", test.engine),
            }
        }
        made.dedup();
        assert_eq!(made.len(), 1, "{} {made:?}", test.engine);
        assert_eq!(customers(&test).await, 1, "{}", test.engine);
    }
}

#[tokio::test]
async fn a_run_that_died_blocks_its_key_for_a_minute() {
    for test in TestApp::both().await {
        let token = test.as_("sales");
        let body = draft("Beeld");
        let (status, _) = read(send(&test, token, "k", &body).await).await;
        assert_eq!(status, 201);
        die(&test).await;
        let (status, busy) = read(send(&test, token, "k", &body).await).await;
        assert_eq!((status, &busy["type"]), (409, &json!("/problems/idempotency_in_progress")), "{busy}");
        test.app.clock.advance(TimeDelta::seconds(61));
        let (status, other) = read(send(&test, token, "k", &draft("Ander")).await).await;
        assert_eq!(status, 422, "the key still belongs to the first body: {other}");
        // It runs again, and finds that the first run had come to its effect.
        let (status, double) = read(send(&test, token, "k", &body).await).await;
        assert_eq!((status, &double["type"]), (409, &json!("/problems/duplicate")), "{double}");
        assert_eq!(read(send(&test, token, "k", &body).await).await.1, double, "and that answer is kept");
        assert_eq!(customers(&test).await, 1);
    }
}

#[tokio::test]
async fn keys_belong_to_one_caller_and_one_operation() {
    for test in TestApp::both().await {
        let mut body = draft("Beeld");
        body.as_object_mut().unwrap().remove("contact");
        for name in ["sales", "manager", "sales_south"] {
            let (status, view) = read(send(&test, test.as_(name), "k", &body).await).await;
            assert_eq!(status, 201, "{name} {view}");
        }
        assert_eq!(keys(&test).await, 3);
        let search = test.client.post("/v1/customers/_search");
        let search = search.header("authorization", format!("Bearer {}", test.as_("sales")));
        let search = search.header("idempotency-key", "k").body_json(&json!({ "sort": "name" }));
        let (status, found) = read(search.send().await).await;
        assert_eq!(status, 200, "a question is asked anew each time: {found}");
        assert_eq!(keys(&test).await, 3);
    }
}

#[tokio::test]
async fn rights_are_looked_at_again() {
    for test in TestApp::both().await {
        let body = draft("Beeld");
        let person = test.person("temporary", "sales", test.north).await;
        let (status, made) = read(send(&test, &person.token, "k", &body).await).await;
        assert_eq!(status, 201, "{made}");

        // Another token of the same person with the same rights gets the answer.
        let second = test.token(person.id, person.tenant).await;
        assert_eq!(read(send(&test, &second, "k", &body).await).await, (201, made.clone()));

        // Nobody gets it without signing in, or by somebody else's token.
        let anonymous = test.client.post("/v1/customers").header("idempotency-key", "k").body_json(&body).send().await;
        assert_eq!(read(anonymous).await.0, 401);
        let (status, _) = read(send(&test, "klu_nonsense", "k", &body).await).await;
        assert_eq!(status, 401);

        let mut tx = test.app.db.begin().await.unwrap();
        let sql = "DELETE FROM access_tokens WHERE user_id = $1";
        tx.execute_without_scope(WHY, sql, args![person.id]).await.unwrap();
        tx.execute_without_scope(WHY, "UPDATE authz_epoch SET value = value + 1", args![]).await.unwrap();
        tx.commit_without_event(WHY).await.unwrap();
        let (status, gone) = read(send(&test, &second, "k", &body).await).await;
        assert_eq!(status, 401, "{gone}");
    }
}

#[tokio::test]
async fn a_narrower_token_does_not_get_what_a_wider_one_was_shown() {
    for test in TestApp::both().await {
        let person = &test.people["sales"];
        let account = Account::read(&test.app.db, &test.app.keys, person.id).await.unwrap().unwrap();
        let mut tx = test.app.db.begin().await.unwrap();
        let expires_at = test.app.clock.now() + TimeDelta::days(1);
        let scopes = Some(json!(["customer:create"]).to_string());
        let access = NewAccess { kind: AccessKind::Api, tenant: person.tenant, label: None, scopes, expires_at };
        let narrow = insert(&test.app, &mut tx, &account, access).await.unwrap().text();
        tx.commit_without_event(WHY).await.unwrap();

        let body = draft("Kanariegeel");
        let (status, made) = read(send(&test, &person.token, "k", &body).await).await;
        assert_eq!(status, 201, "{made}");
        let refused = send(&test, &narrow, "k", &body).await;
        let place = format!("/v1/customers/{}", made["id"].as_str().unwrap());
        assert_eq!(header(&refused, "location").as_deref(), Some(&*place), "it is told where to look");
        let (status, problem) = read(refused).await;
        assert_eq!(status, 403, "{problem}");
        assert!(!problem.to_string().contains("anariegeel"), "{problem}");
        assert_eq!(customers(&test).await, 1);
    }
}

#[tokio::test]
async fn a_repetition_goes_on_record_and_nothing_is_kept_in_clear() {
    for test in TestApp::both().await {
        let token = test.as_("sales");
        for _ in 0..3 {
            let (status, _) = read(send(&test, token, "secret-key", &draft("Kanariegeel")).await).await;
            assert_eq!(status, 201);
        }
        let sql = "SELECT COUNT(*) FROM audit_events WHERE action = 'answer.repeat'";
        let row = test.app.db.fetch_optional_without_scope(WHY, sql, args![]).await.unwrap();
        assert_eq!(row.unwrap().int(0).unwrap(), 2);
        let sql = "SELECT id, request_hash, answer FROM idempotency_keys";
        let rows = test.app.db.fetch_all_without_scope(WHY, sql, args![]).await.unwrap();
        for column in 0..3 {
            let bytes = rows[0].blob(column).unwrap();
            for clear in ["kanariegeel", "Kanariegeel", "secret-key"] {
                assert!(!bytes.windows(clear.len()).any(|window| window == clear.as_bytes()), "{column}");
            }
        }
    }
}

#[tokio::test]
async fn faults_of_the_key_and_of_the_request() {
    for test in TestApp::both().await {
        let token = test.as_("sales");
        let long = "k".repeat(256);
        for key in ["", "two words", long.as_str()] {
            let (status, problem) = read(send(&test, token, key, &draft("Beeld")).await).await;
            assert_eq!(
                (status, &problem["errors"][0]["pointer"]),
                (400, &json!("header:Idempotency-Key")),
                "{problem}"
            );
        }
        assert_eq!(customers(&test).await, 0);
        assert_eq!(keys(&test).await, 0);

        // What was faulty is answered alike, and stays tied to its body.
        let mut bad = draft("Beeld");
        bad["kind"] = json!("robot");
        let (status, first) = read(send(&test, token, "k", &bad).await).await;
        assert_eq!(status, 400, "{first}");
        assert_eq!(read(send(&test, token, "k", &bad).await).await, (400, first), "even the instance is the first's");
        // A refusal isn't kept: rights may come.
        let (status, _) = read(send(&test, test.as_("analyst"), "k", &draft("Beeld")).await).await;
        assert_eq!(status, 403);
        assert_eq!(keys(&test).await, 1);

        // Another purpose is another request.
        let purposeful = test.client.post("/v1/customers").header("authorization", format!("Bearer {token}"));
        let purposeful = purposeful.header("idempotency-key", "k").header("processing-purpose", "contract");
        let (status, other) = read(purposeful.body_json(&bad).send().await).await;
        assert_eq!(status, 422, "{other}");
    }
}

#[tokio::test]
async fn trouble_is_not_kept() {
    for test in TestApp::both().await {
        let document = domains::document().unwrap();
        let calls = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let failing = poem::endpoint::make(move |_| {
            let counted = Arc::clone(&counted);
            async move {
                let call = counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                let kinds = [ProblemKind::Internal, ProblemKind::Unavailable, ProblemKind::TooManyRequests];
                match kinds.get(call) {
                    Some(kind) => Err(poem::Error::from(kluis::web::Failure::new(*kind))),
                    None => Ok(poem::Response::builder().status(poem::http::StatusCode::CREATED).body("{}")),
                }
            }
        });
        let endpoint = poem::EndpointExt::with(failing, Idempotent::new(&test.app, &document));
        let client = poem::test::TestClient::new(poem::EndpointExt::data(endpoint, Arc::clone(&test.app)));
        let mut statuses = Vec::new();
        for _ in 0..6 {
            let request = client.post("/customers").header("authorization", format!("Bearer {}", test.as_("sales")));
            let answer = request.header("idempotency-key", "k").body_json(&json!({})).send().await;
            statuses.push(answer.0.status().as_u16());
        }
        assert_eq!(statuses, [500, 503, 429, 201, 201, 201]);
        assert_eq!(calls.load(std::sync::atomic::Ordering::SeqCst), 4, "the answer without trouble was kept");
    }
}

#[test]
fn the_document_tells_of_both_headers() {
    let document = domains::document().unwrap();
    let parameters = |path: &str, method: &str| {
        let declared = document.value()["paths"][path][method]["parameters"].as_array().cloned().unwrap_or_default();
        declared.iter().map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let names = parameters("/customers", "post");
    assert!(names.contains(&"Idempotency-Key".to_owned()), "{names:?}");
    let create = &document.value()["paths"]["/customers"]["post"];
    assert!(create["responses"]["409"].is_object() && create["responses"]["422"].is_object());
    for (path, method) in [("/customers", "get"), ("/customers/{id}", "patch"), ("/customers/_search", "post")] {
        let names = parameters(path, method);
        assert_eq!(names.iter().filter(|name| *name == "Processing-Purpose").count(), 1, "{path} {names:?}");
    }
    let declared = create["parameters"].as_array().unwrap();
    let purpose = declared.iter().find(|parameter| parameter["name"] == "Processing-Purpose").unwrap();
    assert_eq!(purpose["schema"]["enum"].as_array().unwrap().len(), kluis_core::access::Purpose::COUNT);
    assert_ne!(purpose["required"], json!(true));
}
