//! Helpers of the tests about signing in.

use kluis::users::links::LinkPurpose;
use kluis::users::setup;
use kluis::users::totp::TotpSecret;
use poem::test::TestResponse;
use serde_json::{Value, json};

use crate::support::app::{TestApp, read};

pub const PASSWORD: &str = "fietspomp wolk anker";

/// Asks with a token of one's own, or none.
pub async fn ask(test: &TestApp, token: Option<&str>, method: &str, path: &str, body: Option<&Value>) -> TestResponse {
    let method = method.parse().unwrap();
    let mut request = test.client.request(method, path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    match body {
        Some(body) => request.body_json(body).send().await,
        None => request.send().await,
    }
}

pub async fn send(test: &TestApp, token: Option<&str>, method: &str, path: &str, body: Value) -> (u16, Value) {
    read(ask(test, token, method, path, Some(&body)).await).await
}

pub async fn fetch(test: &TestApp, token: &str, path: &str) -> (u16, Value) {
    read(ask(test, Some(token), "GET", path, None).await).await
}

/// Gives a person of the test a password, by way of a one-time link; gives the token of their session.
pub async fn with_password(test: &TestApp, name: &str) -> String {
    let link = setup::make_link(&test.app, test.people[name].id, LinkPurpose::Invitation).await.unwrap();
    let code = link.code().to_string();
    let (status, redeemed) = send(test, None, "POST", "/v1/link-redemptions", json!({ "code": code })).await;
    assert_eq!(status, 200, "{redeemed}");
    let step = redeemed["choosePassword"]["token"].as_str().unwrap();
    let choice = json!({ "token": step, "password": PASSWORD });
    let (status, session) = send(test, None, "POST", "/v1/password-choices", choice).await;
    assert_eq!(status, 201, "{session}");
    session["token"].as_str().unwrap().to_owned()
}

pub fn email(name: &str) -> String {
    format!("{name}@kluis.example")
}

pub async fn sign_in(test: &TestApp, name: &str, password: &str, code: Option<&str>) -> (u16, Value) {
    let mut body = json!({ "email": email(name), "password": password });
    if let Some(code) = code {
        body["code"] = json!(code);
    }
    send(test, None, "POST", "/v1/sessions", body).await
}

/// Signs in and gives the token.
pub async fn token(test: &TestApp, name: &str) -> String {
    let (status, session) = sign_in(test, name, PASSWORD, None).await;
    assert_eq!(status, 201, "{session}");
    session["token"].as_str().unwrap().to_owned()
}

/// What an authenticator app would show now.
pub fn code_of(test: &TestApp, secret: &str) -> String {
    let secret: TotpSecret = serde_json::from_value(json!(secret)).unwrap();
    secret.code(test.app.clock.now()).unwrap()
}
