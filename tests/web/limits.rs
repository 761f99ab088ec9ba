//! Rate limits as the whole server applies them.

use std::time::Duration;

use kluis::web::ratelimit::{Limit, RateLimits};
use kluis::web::{Shell, Surroundings};
use poem::http::{StatusCode, header};
use poem::test::TestClient;
use serde_json::Value;

use crate::sample::{routes, surroundings};

fn client(address: u32, token: u32) -> TestClient<Shell> {
    let limit = |requests| Limit::new(requests, Duration::from_mins(10)).unwrap();
    let limits = RateLimits::new(limit(address), limit(token));
    TestClient::new(Shell::new(routes(), Surroundings { limits, ..surroundings() }))
}

#[tokio::test]
async fn one_too_many_is_told_when_to_come_back() {
    let client = client(2, 100);
    for left in ["1", "0"] {
        let response = client.get("/v1/health").send().await;
        response.assert_status_is_ok();
        response.assert_header("ratelimit-policy", "\"address\";q=2;w=600");
        let state = response.0.headers()["ratelimit"].to_str().unwrap().to_owned();
        assert!(state.starts_with(&format!("\"address\";r={left};t=")), "{state}");
    }
    let refused = client.get("/v1/health").send().await;
    refused.assert_status(StatusCode::TOO_MANY_REQUESTS);
    refused.assert_content_type("application/problem+json");
    refused.assert_header_exist("api-version");
    let wait: u64 = refused.0.headers()[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((1..=300).contains(&wait), "{wait}");
    let problem: Value = serde_json::from_str(&refused.0.into_body().into_string().await.unwrap()).unwrap();
    assert_eq!(problem["type"], "/problems/too_many_requests");
}

#[tokio::test]
async fn each_token_has_its_own() {
    let client = client(100, 1);
    let ask = |token: &'static str| client.get("/v1/boats").header(header::AUTHORIZATION, token).send();
    ask("Bearer good").await.assert_status_is_ok();
    ask("Bearer good").await.assert_status(StatusCode::TOO_MANY_REQUESTS);
    ask("Bearer other").await.assert_status(StatusCode::UNAUTHORIZED);
}
