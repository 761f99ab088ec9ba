//! Every operation, asked wrongly at every layer, answers with a problem: nothing of a library comes through.

use poem::http::Method;
use poem::test::TestResponse;
use serde_json::Value;

use super::contract::{Contract, Operation};
use crate::support::app::TestApp;

const METHODS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
/// One byte more than an ordinary body may have.
const TOO_LONG: usize = (1 << 20) + 1;

/// A request that has something wrong with it.
struct Wrong<'a> {
    method: &'a Method,
    path: &'a str,
    token: Option<&'a str>,
    accept: Option<&'a str>,
    /// Content type and text.
    body: Option<(&'a str, String)>,
}

async fn send(test: &TestApp, wrong: Wrong<'_>) -> TestResponse {
    let request = test.client.request(wrong.method.clone(), wrong.path).header("accept-language", "nl");
    let request = match wrong.token {
        Some(token) => request.header("authorization", format!("Bearer {token}")).header("if-match", "*"),
        None => request,
    };
    let request = match wrong.accept {
        Some(kind) => request.header("accept", kind),
        None => request,
    };
    match wrong.body {
        Some((kind, text)) => request.content_type(kind).body(text).send().await,
        None => request.send().await,
    }
}

/// One of these statuses, as a problem in Dutch that says nothing of what is inside.
async fn judge(what: &str, mut response: TestResponse, statuses: &[u16]) -> TestResponse {
    let status = response.0.status().as_u16();
    assert!(statuses.contains(&status), "{what}: {status} instead of one of {statuses:?}");
    let kind = response.0.content_type().unwrap_or_default().to_owned();
    assert_eq!(kind, "application/problem+json", "{what}");
    assert_eq!(response.0.header("content-language"), Some("nl"), "{what}");
    let text = response.0.take_body().into_string().await.expect("a text");
    let problem: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{what}: {text}"));
    assert_eq!(problem["status"], status, "{what}");
    for member in ["type", "title", "instance"] {
        assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{what}: no {member}: {text}");
    }
    for inside in ["sqlx", "poem", "serde", "panicked", "SELECT ", ".rs"] {
        assert!(!text.contains(inside), "{what}: {text}");
    }
    response
}

#[tokio::test]
async fn whatever_is_wrong_is_a_problem() {
    let test = TestApp::sqlite().await;
    let contract = Contract::published();
    let operations = contract.operations();
    let token = test.as_("manager").to_owned();
    let mut tried = 0;
    for operation in &operations {
        let Operation { id, method, template, .. } = operation;
        let nobody: Vec<String> = operation
            .path_ids()
            .into_iter()
            .map(|(_, kind)| format!("{}_00000000-0000-7000-8000-000000000000", kind.unwrap_or_default()))
            .collect();
        let path = &operation.path(&nobody);
        let usual = || Wrong { method, path, token: Some(&token), accept: None, body: None };
        let is_public = contract.is_public(operation);
        let mut wrong: Vec<(&str, Wrong<'_>, &[u16])> = Vec::new();
        if !is_public {
            wrong.push(("by nobody", Wrong { token: None, ..usual() }, &[401]));
            wrong.push(("by a made-up token", Wrong { token: Some("klt_nonsense"), ..usual() }, &[401]));
        }
        let surprising = format!("{path}?surprise=1");
        wrong.push(("with an unknown parameter", Wrong { path: &surprising, ..usual() }, &[400, 422]));
        if let Some((kind, _)) = &operation.body {
            let body = |kind, text: String| Wrong { body: Some((kind, text)), ..usual() };
            wrong.push(("with another type of body", body("text/surprise", "x".to_owned()), &[415]));
            if kind.ends_with("json") {
                wrong.push(("with half a body", body(kind, "{\"a\": ".to_owned()), &[400]));
                let limit = if id == "changeCustomers" { 8 * TOO_LONG } else { TOO_LONG };
                wrong.push(("with too much", body(kind, " ".repeat(limit)), &[413]));
            }
        }
        if *method == Method::GET && !is_public {
            wrong.push(("as a picture", Wrong { accept: Some("image/png"), ..usual() }, &[406]));
        }
        for (what, wrong, statuses) in wrong {
            let is_unknown = wrong.token != Some(&token);
            let answer = judge(&format!("{id} {what}"), send(&test, wrong).await, statuses).await;
            assert_eq!(is_unknown, answer.0.headers().contains_key("www-authenticate"), "{id} {what}");
            tried += 1;
        }
        let offered: Vec<&Method> =
            operations.iter().filter(|other| other.template == *template).map(|other| &other.method).collect();
        for other in METHODS.iter().filter(|method| !offered.contains(method)) {
            let answer = send(&test, Wrong { method: other, ..usual() }).await;
            let answer = judge(&format!("{other} {path}"), answer, &[405]).await;
            let allow = answer.0.header("allow").unwrap_or_default().to_owned();
            assert!(offered.iter().all(|method| allow.contains(method.as_str())), "{path}: {allow}");
            assert!(!allow.contains(other.as_str()), "{path}: {allow}");
            tried += 1;
        }
        if *method == Method::GET && !is_public {
            let got = send(&test, usual()).await.0.status();
            let head = send(&test, Wrong { method: &Method::HEAD, ..usual() }).await;
            assert_eq!(head.0.status(), got, "HEAD {path}");
            // The body of a problem is left out on the wire.
            let text = head.0.into_body().into_string().await.expect("a text");
            assert!(!got.is_success() || text.is_empty(), "HEAD {path}");
        }
    }
    let lost = Wrong { method: &Method::GET, path: "/v1/nothing-here", token: Some(&token), accept: None, body: None };
    judge("an unknown path", send(&test, lost).await, &[404]).await;
    assert!(tried > operations.len() * 4, "{tried} requests");
}
