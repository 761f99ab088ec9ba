//! Request bodies: every fault is named, by pointer; nothing that the document doesn't allow gets through.

use poem::endpoint::BoxEndpoint;
use poem::http::{StatusCode, header};
use poem::test::{TestClient, TestResponse};
use serde_json::{Value, json};

use crate::sample::client;

const GOOD: &str = "Bearer good";

async fn post(body: impl Into<String>) -> TestResponse {
    send("/v1/boats", "application/json", body.into()).await
}

async fn send(path: &str, content_type: &str, body: String) -> TestResponse {
    let client: TestClient<BoxEndpoint<'static>> = client();
    client.post(path).header(header::AUTHORIZATION, GOOD).content_type(content_type).body(body).send().await
}

pub async fn faults(response: TestResponse) -> Vec<(String, String)> {
    response.assert_status(StatusCode::BAD_REQUEST);
    response.assert_content_type("application/problem+json");
    let problem: Value = serde_json::from_str(&response.0.into_body().into_string().await.unwrap()).unwrap();
    assert_eq!(problem["type"], "/problems/invalid", "{problem}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let list = problem["errors"].as_array().unwrap();
    let mut faults: Vec<_> = list.iter().map(|fault| (text(&fault["pointer"]), text(&fault["code"]))).collect();
    faults.sort();
    faults
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(pointer, code)| ((*pointer).to_owned(), (*code).to_owned())).collect()
}

#[tokio::test]
async fn all_faults_of_a_body_are_named_at_once() {
    let body = json!({
        "name": "",
        "drive": "oars",
        "launched": "1998-02-30",
        "inspectedAt": "yesterday",
        "berth": { "harbour": 7, "number": 70000, "depth": 3 },
        "mother": "cus_01932f5e-8a70-7abc-8def-0123456789ab",
        "words": ["a", 2, "c", "d"],
        "colour/paint": "blue",
    });
    assert_eq!(
        faults(post(body.to_string()).await).await,
        pairs(&[
            ("/berth/depth", "unknown_field"),
            ("/berth/harbour", "type"),
            ("/berth/number", "too_large"),
            ("/colour~1paint", "unknown_field"),
            ("/drive", "unknown_value"),
            ("/inspectedAt", "date_time"),
            ("/launched", "date"),
            ("/length", "required"),
            ("/mother", "pattern"),
            ("/name", "too_short"),
            ("/words", "too_many"),
            ("/words/1", "type"),
        ])
    );
}

#[tokio::test]
async fn null_is_only_for_what_the_document_calls_nullable() {
    let body = r#"{"name":"Zwaluw","drive":"sail","length":700,"berth":null,"launched":null,"price":null}"#;
    assert_eq!(faults(post(body).await).await, pairs(&[("/berth", "null"), ("/launched", "null")]));
    let body = r#"{"name":"Zwaluw","drive":"sail","length":700,"winter":{"harbour":7,"x":1}}"#;
    let inside = [("/winter/harbour", "type"), ("/winter/x", "unknown_field")];
    assert_eq!(faults(post(body).await).await, pairs(&inside), "the form that isn't null was meant");
    post(r#"{"name":"Zwaluw","drive":"sail","length":700,"price":null,"winter":null}"#)
        .await
        .assert_status(StatusCode::CREATED);
}

#[tokio::test]
async fn numbers_keep_within_their_types() {
    let body = |length: &str| format!(r#"{{"name":"Zwaluw","drive":"sail","length":{length}}}"#);
    assert_eq!(faults(post(body("99")).await).await, pairs(&[("/length", "too_small")]));
    assert_eq!(faults(post(body("100001")).await).await, pairs(&[("/length", "too_large")]));
    assert_eq!(faults(post(body("700.5")).await).await, pairs(&[("/length", "type")]));
    assert_eq!(faults(post(body("\"700\"")).await).await, pairs(&[("/length", "type")]));
    assert_eq!(faults(post(body("9223372036854775808")).await).await, pairs(&[("/length", "too_large")]));
    let body = r#"{"name":"Zwaluw","drive":"sail","length":700,"price":9223372036854775808}"#;
    assert_eq!(faults(post(body).await).await, pairs(&[("/price", "invalid")]));
}

#[tokio::test]
async fn whole_numbers_count_in_every_spelling() {
    for length in ["700", "700.0", "7e2"] {
        let response = post(format!(r#"{{"name":"Zwaluw","drive":"sail","length":{length}}}"#)).await;
        response.assert_status(StatusCode::CREATED);
    }
}

#[tokio::test]
async fn duplicate_names_and_nul_are_refused() {
    let body = r#"{"name":"Zwaluw","name":"Merel","drive":"sail","length":700,"words":["a\u0000b"]}"#;
    assert_eq!(
        faults(post(body).await).await,
        pairs(&[("/name", "duplicate_name"), ("/words/0", "control_character")])
    );
}

#[tokio::test]
async fn the_variant_that_was_meant_is_the_one_that_is_judged() {
    let path = "/v1/boats/boa_01932f5e-8a70-7000-8000-000000000000/messages";
    let send = |body: &str| send(path, "application/json", body.to_owned());
    let radio = send(r#"{"channel":"radio","frequency":0,"hoist":"A"}"#).await;
    assert_eq!(faults(radio).await, pairs(&[("/frequency", "too_small"), ("/hoist", "unknown_field")]));
    let flags = send(r#"{"channel":"flags","hoist":"abc"}"#).await;
    assert_eq!(faults(flags).await, pairs(&[("/hoist", "pattern")]));
    let unknown = faults(send(r#"{"channel":"pigeon","hoist":"A"}"#).await).await;
    assert!(unknown.contains(&("/channel".to_owned(), "unknown_value".to_owned())), "{unknown:?}");
    let good = send(r#"{"channel":"flags","hoist":"ABC"}"#).await;
    good.assert_status(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_no_json_is_malformed_and_says_where() {
    for body in ["", "{", "nonsense", "\u{feff}{}", r#"{"a":1} x"#, &"[".repeat(4000)] {
        let response = post(body).await;
        response.assert_status(StatusCode::BAD_REQUEST);
        let problem: Value = serde_json::from_str(&response.0.into_body().into_string().await.unwrap()).unwrap();
        assert_eq!(problem["type"], "/problems/malformed", "{body}");
    }
}

#[tokio::test]
async fn only_the_declared_content_type_in_utf_8() {
    let good = json!({ "name": "Zwaluw", "drive": "sail", "length": 700 }).to_string();
    for kind in ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=\"UTF-8\""] {
        send("/v1/boats", kind, good.clone()).await.assert_status(StatusCode::CREATED);
    }
    for kind in
        ["text/plain", "application/json; charset=iso-8859-1", "application/merge-patch+json", "application/jsonx"]
    {
        let response = send("/v1/boats", kind, good.clone()).await;
        response.assert_status(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        response.assert_content_type("application/problem+json");
    }
    let response = client().post("/v1/boats").header(header::AUTHORIZATION, GOOD).body(good).send().await;
    response.assert_status(StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn a_body_over_the_limit_is_too_large_with_and_without_its_length() {
    let large = "x".repeat(5000);
    post(large.clone()).await.assert_status(StatusCode::PAYLOAD_TOO_LARGE);
    let stream = futures_util::stream::iter([Ok::<_, std::io::Error>(large.into_bytes())]);
    let response = client()
        .post("/v1/boats")
        .header(header::AUTHORIZATION, GOOD)
        .content_type("application/json")
        .body(poem::Body::from_bytes_stream(stream))
        .send()
        .await;
    response.assert_status(StatusCode::PAYLOAD_TOO_LARGE);
    response.assert_content_type("application/problem+json");
}

#[tokio::test]
async fn no_fault_repeats_a_value_that_was_sent() {
    let body = json!({
        "name": "a-very-secret-name-indeed-longer", "drive": "secret-drive", "length": "secret-length",
        "launched": "secret-day", "mother": "secret-mother", "words": [{ "secret": "x" }],
    });
    let text = post(body.to_string()).await.0.into_body().into_string().await.unwrap();
    assert!(!text.contains("secret-"), "{text}");
}
