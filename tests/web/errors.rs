//! Errors of every layer are problems, and every answer has its headers.

use poem::http::{Method, StatusCode, header};
use poem::test::TestResponse;
use serde_json::Value;

use crate::bodies::faults;
use crate::sample::client;

async fn get(path: &str) -> TestResponse {
    client().get(path).header(header::AUTHORIZATION, "Bearer good").send().await
}

async fn problem(response: TestResponse, status: u16) -> Value {
    assert_eq!(response.0.status().as_u16(), status);
    response.assert_content_type("application/problem+json");
    let headers = response.0.headers().clone();
    let text = response.0.into_body().into_string().await.unwrap();
    let problem: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(problem["status"], status);
    let id = headers["x-request-id"].to_str().unwrap();
    assert_eq!(problem["instance"], format!("urn:uuid:{id}"));
    for (name, value) in [
        ("api-version", "1.0.0"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("strict-transport-security", "max-age=31536000"),
    ] {
        assert_eq!(headers[name], value);
    }
    assert!(headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'; script-src 'self'"));
    problem
}

#[tokio::test]
async fn unknown_paths_and_trailing_slashes_are_not_found() {
    for path in
        ["/", "/v1", "/v1/", "/v2/boats", "/v1/boats/", "/v1/nothing", "/v1//boats", "/v1/boats/x/y/z", "/v1/health/"]
    {
        let problem = problem(get(path).await, 404).await;
        assert_eq!(problem["type"], "/problems/not_found", "{path}");
    }
}

#[tokio::test]
async fn a_malformed_id_is_answered_like_one_that_is_not_there() {
    let missing = get("/v1/boats/boa_01932f5e-8a70-7abc-8def-0123456789ab").await;
    let missing = problem(missing, 404).await;
    for id in [
        "x",
        "boa_",
        "cus_01932f5e-8a70-7abc-8def-0123456789ab",
        "BOA_01932f5e-8a70-7abc-8def-0123456789ab",
        "%00",
        "%ff",
    ] {
        assert_eq!(problem(get(&format!("/v1/boats/{id}")).await, 404).await, missing, "{id}");
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    for method in ["PUT", "OPTIONS", "TRACE", "QUERY", "get"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let response =
            client().request(method.clone(), "/v1/boats").header(header::AUTHORIZATION, "Bearer good").send().await;
        response.assert_header(header::ALLOW, "GET, HEAD, POST");
        problem(response, 405).await;
    }
    let response = client().put("/v1/boats/boa_01932f5e-8a70-7abc-8def-0123456789ab").send().await;
    response.assert_header(header::ALLOW, "DELETE, GET, HEAD, PATCH");
    problem(response, 405).await;
}

#[tokio::test]
async fn head_answers_like_get_without_a_body() {
    let response = client().head("/v1/boats").header(header::AUTHORIZATION, "Bearer good").send().await;
    response.assert_status_is_ok();
    response.assert_text("").await;
}

#[tokio::test]
async fn who_says_nothing_is_asked_to_sign_in_before_anything_else() {
    let response = client().get("/v1/boats?pageSize=nonsense").send().await;
    response.assert_header(header::WWW_AUTHENTICATE, "Bearer");
    problem(response, 401).await;
    let response = client().get("/v1/boats").header(header::COOKIE, "other=1; __Host-kluis=bad").send().await;
    problem(response, 401).await;
    client().get("/v1/health").send().await.assert_status_is_ok();
}

#[tokio::test]
async fn an_answer_that_nobody_can_read_is_not_acceptable() {
    let client = client();
    let ask = |accept: &'static str| {
        client.get("/v1/boats").header(header::AUTHORIZATION, "Bearer good").header(header::ACCEPT, accept).send()
    };
    problem(ask("text/html").await, 406).await;
    problem(ask("application/json;q=0").await, 406).await;
    ask("text/html, application/*;q=0.1").await.assert_status_is_ok();
}

#[tokio::test]
async fn all_faults_of_the_parameters_are_named_at_once() {
    let response = get("/v1/boats?pageSize=0&pageSize=1&count=ja&drive=oars&minLength=-1&colour=blue&cursor=%00").await;
    let expected = [
        ("query:colour", "unknown_parameter"),
        ("query:count", "type"),
        ("query:cursor", "control_character"),
        ("query:drive", "unknown_value"),
        ("query:minLength", "too_small"),
        ("query:pageSize", "repeated"),
    ];
    let expected: Vec<_> = expected.into_iter().map(|(p, c)| (p.to_owned(), c.to_owned())).collect();
    assert_eq!(faults(response).await, expected);
    let response = client().post("/v1/boats/raised").header(header::AUTHORIZATION, "Bearer good").send().await;
    assert_eq!(faults(response).await, [("query:how".to_owned(), "required".to_owned())]);
    for size in ["+5", "5.0", "", "201", "99999999999999999999"] {
        let response = get(&format!("/v1/boats?pageSize={size}")).await;
        assert_eq!(faults(response).await.len(), 1, "{size}");
    }
}

async fn raise(how: &str, language: &str) -> TestResponse {
    let path = format!("/v1/boats/raised?how={how}");
    client()
        .post(path)
        .header(header::AUTHORIZATION, "Bearer good")
        .header(header::ACCEPT_LANGUAGE, language)
        .send()
        .await
}

#[tokio::test]
async fn a_panic_is_a_problem_without_internals() {
    let problem = problem(raise("panic", "en").await, 500).await;
    assert_eq!(problem["type"], "/problems/internal");
    assert!(!problem.to_string().contains("secret"));
}

#[tokio::test]
async fn a_domain_error_speaks_the_callers_language() {
    let dutch = raise("sunk", "nl-NL, en;q=0.5").await;
    dutch.assert_header(header::CONTENT_LANGUAGE, "nl");
    assert_eq!(problem(dutch, 409).await["detail"], "De boot is gezonken.");
    assert_eq!(problem(raise("sunk", "fr").await, 409).await["detail"], "The boat has sunk.");
}

#[tokio::test]
async fn what_another_library_says_stays_inside() {
    let problem = problem(get("/foreign").await, 503).await;
    assert!(!problem.to_string().contains("10.0.0.1"));
}

#[tokio::test]
async fn good_answers_have_the_headers_too() {
    let response = get("/v1/boats").await;
    response.assert_status(StatusCode::OK);
    response.assert_content_type("application/json");
    response.assert_header("api-version", "1.0.0");
    response.assert_header("cache-control", "no-store");
    response.assert_header("x-content-type-options", "nosniff");
    response.assert_header_exist("x-request-id");
}

#[tokio::test]
async fn a_request_id_from_outside_is_not_taken() {
    let sent = "01932f5e-8a70-7abc-8def-0123456789ab";
    let response = client().get("/v1/health").header("x-request-id", sent).send().await;
    assert_ne!(response.0.headers()["x-request-id"], sent);
}
