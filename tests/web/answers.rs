//! Answers, entity tags and merge patches.

use poem::endpoint::BoxEndpoint;
use poem::http::{StatusCode, header};
use poem::test::{TestClient, TestResponse};
use serde_json::{Value, json};

use crate::bodies::faults;
use crate::sample::client;

struct One {
    client: TestClient<BoxEndpoint<'static>>,
    location: String,
}

async fn one() -> One {
    let client = client();
    let draft = json!({
        "name": "Zwaluw", "drive": "sail", "length": 720, "words": ["blauw", "snel"],
        "berth": { "harbour": "Voorbeeldhaven", "number": 4 },
    });
    let response = client.post("/v1/boats").header(header::AUTHORIZATION, "Bearer good").body_json(&draft).send().await;
    response.assert_status(StatusCode::CREATED);
    assert_eq!(revision(&response), "r1");
    let location = response.0.headers()[header::LOCATION].to_str().unwrap().to_owned();
    One { client, location }
}

/// The part of the entity tag that counts for writes.
fn revision(response: &TestResponse) -> String {
    let tag = response.0.headers()[header::ETAG].to_str().unwrap();
    tag.trim_matches('"').split('.').next().unwrap().to_owned()
}

impl One {
    async fn patch(&self, if_match: Option<&str>, body: &str) -> TestResponse {
        let mut request = self
            .client
            .patch(&self.location)
            .header(header::AUTHORIZATION, "Bearer good")
            .content_type("application/merge-patch+json")
            .body(body.to_owned());
        if let Some(tag) = if_match {
            request = request.header(header::IF_MATCH, tag);
        }
        request.send().await
    }

    async fn get(&self) -> (String, Value) {
        let response = self.client.get(&self.location).header(header::AUTHORIZATION, "Bearer good").send().await;
        response.assert_status_is_ok();
        let etag = response.0.headers()[header::ETAG].to_str().unwrap().to_owned();
        (etag, serde_json::from_str(&response.0.into_body().into_string().await.unwrap()).unwrap())
    }
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_nothing_else() {
    let one = one().await;
    let response = one.patch(Some("\"r1\""), r#"{"name":"Merel","berth":{"number":null}}"#).await;
    response.assert_status_is_ok();
    assert_eq!(revision(&response), "r2");
    let tag = response.0.headers()[header::ETAG].to_str().unwrap().to_owned();
    let (etag, boat) = one.get().await;
    assert_eq!(etag, tag);
    assert_eq!(boat["name"], "Merel");
    assert_eq!(boat["length"], 720);
    assert_eq!(boat["berth"], json!({ "harbour": "Voorbeeldhaven" }));
    one.patch(Some("*"), r#"{"berth":null}"#).await.assert_status_is_ok();
    assert_eq!(one.get().await.1["berth"], Value::Null);
}

#[tokio::test]
async fn a_patch_is_refused_as_a_whole_with_all_its_faults() {
    let one = one().await;
    let response = one.patch(Some("*"), r#"{"name":7,"colour":null,"berth":{"depth":1}}"#).await;
    let expected = [("/berth/depth", "unknown_field"), ("/colour", "unknown_field"), ("/name", "type")];
    assert_eq!(faults(response).await, expected.map(|(p, c)| (p.to_owned(), c.to_owned())));
    let response = one.patch(Some("*"), r#"{"name":null,"berth":{"harbour":null}}"#).await;
    let expected = [("/berth/harbour", "required"), ("/name", "required")];
    assert_eq!(faults(response).await, expected.map(|(p, c)| (p.to_owned(), c.to_owned())));
    let response = one.patch(Some("*"), "[]").await;
    assert_eq!(faults(response).await, [(String::new(), "type".to_owned())]);
    assert!(one.get().await.0.starts_with("\"r1."));
}

#[tokio::test]
async fn writes_need_the_revision_they_were_made_for() {
    let one = one().await;
    one.patch(None, "{}").await.assert_status(StatusCode::PRECONDITION_REQUIRED);
    let stale = one.patch(Some("\"r0\", W/\"r1\""), "{}").await;
    stale.assert_status(StatusCode::PRECONDITION_FAILED);
    stale.assert_header(header::ETAG, "\"r1\"");
    assert_eq!(faults(one.patch(Some("r1"), "{}").await).await, [("header:If-Match".to_owned(), "etag".to_owned())]);
    let delete = |tag: &'static str| {
        one.client
            .delete(&one.location)
            .header(header::AUTHORIZATION, "Bearer good")
            .header(header::IF_MATCH, tag)
            .send()
    };
    delete("\"r9\"").await.assert_status(StatusCode::PRECONDITION_FAILED);
    let gone = delete("\"r0\", \"r1\"").await;
    gone.assert_status(StatusCode::NO_CONTENT);
    delete("\"r1\"").await.assert_status(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_the_caller_has_is_not_sent_again() {
    let one = one().await;
    let (tag, _) = one.get().await;
    let ask = |token: &'static str, tag: String| {
        let request = one.client.get(&one.location).header(header::AUTHORIZATION, token);
        request.header(header::IF_NONE_MATCH, tag).send()
    };
    let same = ask("Bearer good", tag.clone()).await;
    same.assert_status(StatusCode::NOT_MODIFIED);
    same.assert_header(header::ETAG, &tag);
    same.assert_header_exist("api-version");
    assert!(!same.0.headers().contains_key(header::CONTENT_TYPE));
    same.assert_text("").await;
    ask("Bearer good", "\"r1\"".to_owned()).await.assert_status_is_ok();
    ask("Bearer bad", tag.clone()).await.assert_status(StatusCode::UNAUTHORIZED);
    one.patch(Some(&tag), r#"{"name":"Merel"}"#).await.assert_status_is_ok();
    ask("Bearer good", tag.clone()).await.assert_status_is_ok();
    one.patch(Some(&tag), "{}").await.assert_status(StatusCode::PRECONDITION_FAILED);
}

#[tokio::test]
async fn a_patch_needs_its_own_content_type() {
    let one = one().await;
    let response = one
        .client
        .patch(&one.location)
        .header(header::AUTHORIZATION, "Bearer good")
        .header(header::IF_MATCH, "*")
        .content_type("application/json")
        .body("{}")
        .send()
        .await;
    response.assert_status(StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn absent_is_absent_and_never_null() {
    let client = client();
    let response = client
        .post("/v1/boats")
        .header(header::AUTHORIZATION, "Bearer good")
        .body_json(&json!({ "name": "Merel", "drive": "motor", "length": 400 }))
        .send()
        .await;
    let text = response.0.into_body().into_string().await.unwrap();
    assert!(!text.contains("null") && !text.contains("berth"), "{text}");
}
