//! What the log holds of a request: its id, its method, its route's template, its status, its time. Nothing that was sent.

use std::io::Write;
use std::sync::{Arc, Mutex};

use poem::http::header;
use tracing_subscriber::fmt::MakeWriter;

use crate::sample::client;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn the_log_names_the_route_and_nothing_that_was_sent() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    let client = client();
    let guard = tracing::subscriber::set_default(subscriber);
    let secret = "boa_01932f5e-8a70-7abc-8def-0123456789ab";
    let get = |path: String| client.get(path).header(header::AUTHORIZATION, "Bearer good").send();
    get(format!("/v1/boats/{secret}")).await;
    get("/v1/boats?cursor=canary-query&canary-name=1".to_owned()).await;
    get("/canary-path".to_owned()).await;
    let body = r#"{"name":"canary-body","canary-key":1}"#;
    let post =
        client.post("/v1/boats").header(header::AUTHORIZATION, "Bearer good").header("x-canary", "canary-header");
    post.content_type("application/json").body(body).send().await;
    get("/foreign".to_owned()).await;
    drop(guard);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for line in ["route=\"/boats/{id}\"", "method=\"POST\" route=\"/boats\"", "status=404", "status=503", "micros="] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert_eq!(text.matches("answered").count(), 5, "{text}");
    for value in ["canary", secret, "10.0.0.1", "good"] {
        assert!(!text.contains(value), "{value} in {text}");
    }
}
