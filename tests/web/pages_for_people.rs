//! The pages that the kit brings: the documentation and the problems, under the strict content policy.

use kluis_core::kernel::ProblemKind;
use poem::http::{StatusCode, header};
use serde_json::Value;

use crate::sample::client;

/// What a strict policy would block: inline scripts and styles, handlers in attributes, other hosts.
fn assert_strict(html: &str) {
    for forbidden in ["<style", " style=", " onload=", " onclick=", "javascript:", "http://", "https://", "src=\"//"] {
        assert!(!html.contains(forbidden), "{forbidden} in {html}");
    }
    for script in html.split("<script").skip(1) {
        let (attributes, content) = script.split_once('>').unwrap();
        assert!(attributes.contains("src=\"/"), "{script}");
        assert!(content.starts_with("</script>"), "an inline script: {script}");
    }
}

#[tokio::test]
async fn the_documentation_is_files_under_the_strict_policy() {
    let client = client();
    let page = client.get("/docs").send().await;
    page.assert_status_is_ok();
    let policy = page.0.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let html = page.0.into_body().into_string().await.unwrap();
    assert_strict(&html);
    let links: Vec<&str> =
        html.split('"').filter(|part| part.starts_with("/docs/") && !part.contains(char::is_whitespace)).collect();
    assert_eq!(links.len(), 6, "{links:?}");
    for link in links {
        let file = client.get(link).send().await;
        file.assert_status_is_ok();
        file.assert_header_exist(header::ETAG);
        assert_ne!(file.0.content_type(), Some("application/octet-stream"), "{link}");
    }
    let start = client.get("/docs/swagger-initializer.js").send().await.0.into_body().into_string().await.unwrap();
    assert!(start.contains("/v1/openapi.json") && start.contains("\"validatorUrl\": \"none\""), "{start}");
    assert!(!start.contains("http"), "{start}");
}

#[tokio::test]
async fn nothing_else_is_served_beside_the_documentation() {
    for path in ["/docs/", "/docs/oauth2-redirect.html", "/docs/index.html", "/docs/..%2fCargo.toml", "/docs/x/y"] {
        client().get(path).send().await.assert_status(StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn files_are_compressed_and_asked_for_again_only_when_they_changed() {
    let client = client();
    let plain = client.get("/docs/swagger-ui.css").send().await;
    let zipped = client.get("/docs/swagger-ui.css").header(header::ACCEPT_ENCODING, "br, gzip;q=0.5").send().await;
    zipped.assert_header(header::CONTENT_ENCODING, "gzip");
    let tag = zipped.0.headers()[header::ETAG].clone();
    assert_ne!(plain.0.headers()[header::ETAG], tag);
    let again = client
        .get("/docs/swagger-ui.css")
        .header(header::ACCEPT_ENCODING, "gzip")
        .header(header::IF_NONE_MATCH, &tag)
        .send()
        .await;
    again.assert_status(StatusCode::NOT_MODIFIED);
    let bytes = zipped.0.into_body().into_bytes().await.unwrap();
    assert!(bytes.len() * 3 < plain.0.into_body().into_bytes().await.unwrap().len());
}

#[tokio::test]
async fn the_document_is_published_for_anybody() {
    let response = client().get("/v1/openapi.json").send().await;
    response.assert_status_is_ok();
    response.assert_content_type("application/json");
    response.assert_header(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    let text = response.0.into_body().into_string().await.unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    assert!(document["paths"]["/openapi.json"]["get"].is_object());
    assert_eq!(text, crate::sample::document().unwrap().text());
}

#[tokio::test]
async fn every_problem_has_a_page_in_both_languages() {
    let client = client();
    let read = async |path: &str, language: &str| {
        let page = client.get(path).header(header::ACCEPT_LANGUAGE, language).send().await;
        page.assert_status_is_ok();
        page.assert_header(header::CONTENT_LANGUAGE, language);
        let html = page.0.into_body().into_string().await.unwrap();
        assert_strict(&html);
        html
    };
    for kind in ProblemKind::ALL {
        let path = format!("/problems/{}", kind.slug());
        let (english, dutch) = (read(&path, "en").await, read(&path, "nl").await);
        assert!(english.contains("lang=\"en\"") && dutch.contains("lang=\"nl\""));
        assert_ne!(english, dutch, "{path}");
    }
    let list = read("/problems", "nl").await;
    assert_eq!(list.matches("<li>").count(), ProblemKind::ALL.len());
    client.get("/problems/nothing").send().await.assert_status(StatusCode::NOT_FOUND);
}
