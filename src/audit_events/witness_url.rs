//! The newest checkpoint sent to whoever keeps it: a POST of the note as it is.
//!
//! What fails is tried again with longer and longer waits; meanwhile newer checkpoints take the place of older ones, over
//! which they say everything. Delivery isn't remembered: after a start the newest one is sent again.
//!
//! Must never: log the address, which may hold a token, or keep others waiting for long.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use kluis_core::audit::kept::StoredCheckpoint;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// One attempt, from the look-up of the name to the end of the answer.
const TIME: Duration = Duration::from_secs(10);
const LONGEST_ANSWER: usize = 64 * 1024;
/// Rounds between two attempts at most; it begins with one and doubles.
const MOST_ROUNDS: u32 = 64;

/// Why it wasn't delivered; says nothing about the address.
#[derive(Debug, thiserror::Error)]
enum SendError {
    #[error("the address isn't one")]
    Address,
    #[error("nobody answers: {0}")]
    Connection(std::io::ErrorKind),
    #[error("the answer is no HTTP")]
    Protocol(#[from] hyper::Error),
    #[error("the answer was {0}")]
    Status(u16),
    #[error("no answer in time")]
    Time,
}

/// What one process has sent.
#[derive(Debug, Default)]
pub struct Sender {
    sent: i64,
    /// Attempts that failed since the last one that didn't.
    failed: u32,
    /// Rounds that are left out.
    waits: u32,
}

impl Sender {
    /// Sends it, unless that was done, or the last failure is too fresh.
    pub async fn send(&mut self, url: &str, newest: &StoredCheckpoint) {
        if self.sent == newest.size {
            return;
        }
        if self.waits > 0 {
            self.waits -= 1;
            return;
        }
        let posted = tokio::time::timeout(TIME, post(url, &newest.note)).await.unwrap_or(Err(SendError::Time));
        match posted {
            Ok(()) => *self = Self { sent: newest.size, ..Self::default() },
            Err(error) => {
                self.failed = self.failed.saturating_add(1);
                self.waits = 1_u32.checked_shl(self.failed - 1).unwrap_or(MOST_ROUNDS).min(MOST_ROUNDS) - 1;
                tracing::warn!(%error, attempts = self.failed, "the audit log's checkpoint could not be sent to its witness");
            }
        }
    }
}

/// The public authorities that browsers trust, compiled in.
static TLS: LazyLock<Option<TlsConnector>> = LazyLock::new(|| {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let config =
        ClientConfig::builder_with_provider(Arc::new(default_provider())).with_safe_default_protocol_versions();
    let config = config.ok()?.with_root_certificates(roots).with_no_client_auth();
    Some(TlsConnector::from(Arc::new(config)))
});

async fn post(url: &str, note: &str) -> Result<(), SendError> {
    let url: Uri = url.parse().map_err(|_| SendError::Address)?;
    let host = url.host().ok_or(SendError::Address)?.to_owned();
    let is_tls = url.scheme_str() == Some("https");
    let port = url.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let fault = |error: std::io::Error| SendError::Connection(error.kind());
    let stream = TcpStream::connect((bare, port)).await.map_err(fault)?;
    if !is_tls {
        return exchange(stream, &url, note).await;
    }
    let name = ServerName::try_from(bare.to_owned()).map_err(|_| SendError::Address)?;
    let tls = TLS.as_ref().ok_or(SendError::Address)?;
    exchange(tls.connect(name, stream).await.map_err(fault)?, &url, note).await
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    url: &Uri,
    note: &str,
) -> Result<(), SendError> {
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let host = url.authority().map(|authority| authority.as_str().rsplit('@').next().unwrap_or_default());
    let request = Request::post(path)
        .header(HOST, host.unwrap_or_default())
        .header(CONTENT_TYPE, "text/plain; charset=utf-8")
        .header(USER_AGENT, "kluis")
        .body(Full::new(Bytes::from(note.to_owned())))
        .map_err(|_| SendError::Address)?;
    let answer = sender.send_request(request).await?;
    let status = answer.status();
    // What the witness says beside its status is read for good manners, and nothing more.
    let _ = Limited::new(answer.into_body(), LONGEST_ANSWER).collect().await;
    connection.abort();
    if status.is_success() { Ok(()) } else { Err(SendError::Status(status.as_u16())) }
}
