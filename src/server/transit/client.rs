//! One request to Vault, over a connection of its own: this happens a few times in a program's life.
//!
//! hyper and rustls are here for the server already. Redirections aren't followed: a token belongs to the address that the
//! operator named.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use kluis_core::privacy::service_fault::ServiceFault;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use zeroize::Zeroizing;

use super::Verb;
use crate::config::TransitConfig;

/// For all of it: name, connection, handshake, answer.
const PATIENCE: Duration = Duration::from_secs(10);
const LONGEST: usize = 64 * 1024;

pub(super) async fn post(config: &TransitConfig, verb: Verb, body: &[u8]) -> Result<Zeroizing<Vec<u8>>, ServiceFault> {
    tokio::time::timeout(PATIENCE, connect_and_post(config, verb, body)).await.map_err(|_| ServiceFault::Slow)?
}

async fn connect_and_post(config: &TransitConfig, verb: Verb, body: &[u8]) -> Result<Zeroizing<Vec<u8>>, ServiceFault> {
    let address: Uri = config.address.parse().map_err(|_| ServiceFault::Unreachable)?;
    let is_tls = address.scheme_str() == Some("https");
    let host = address.host().ok_or(ServiceFault::Unreachable)?.trim_matches(['[', ']']).to_owned();
    let port = address.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
    let request = request(config, verb, &address, body)?;
    let stream = TcpStream::connect((host.as_str(), port)).await.map_err(|_| ServiceFault::Unreachable)?;
    if !is_tls {
        return talk(stream, request).await;
    }
    let name = ServerName::try_from(host).map_err(|_| ServiceFault::Untrusted)?;
    let connector = TlsConnector::from(Arc::new(trust(config)?));
    talk(connector.connect(name, stream).await.map_err(|_| ServiceFault::Untrusted)?, request).await
}

fn request(
    config: &TransitConfig,
    verb: Verb,
    address: &Uri,
    body: &[u8],
) -> Result<Request<Full<Bytes>>, ServiceFault> {
    let authority = address.authority().ok_or(ServiceFault::Unreachable)?.as_str();
    let mut token = HeaderValue::from_str(&config.token).map_err(|_| ServiceFault::Forbidden)?;
    token.set_sensitive(true);
    let mut request = Request::post(format!("/v1/{}/{}/{}", config.mount, verb.name(), config.key))
        .header(HOST, authority)
        .header(CONTENT_TYPE, "application/json")
        .header("x-vault-request", "true")
        .header("x-vault-token", token);
    if let Some(namespace) = &config.namespace {
        request = request.header("x-vault-namespace", namespace);
    }
    request.body(Full::new(Bytes::copy_from_slice(body))).map_err(|_| ServiceFault::Unreachable)
}

/// The authority that the operator named and no other; else those that browsers trust.
fn trust(config: &TransitConfig) -> Result<ClientConfig, ServiceFault> {
    let mut roots = RootCertStore::empty();
    match &config.authority {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(file) => {
            let certificates = CertificateDer::pem_file_iter(file).map_err(|_| ServiceFault::Authority)?;
            for certificate in certificates {
                let certificate = certificate.map_err(|_| ServiceFault::Authority)?;
                roots.add(certificate).map_err(|_| ServiceFault::Authority)?;
            }
        }
    }
    if roots.is_empty() {
        return Err(ServiceFault::Authority);
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|_| ServiceFault::Untrusted)?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<Zeroizing<Vec<u8>>, ServiceFault> {
    let gone = |_: hyper::Error| ServiceFault::Unreachable;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(gone)?;
    // Ends with the connection, which ends with the sender.
    tokio::spawn(connection);
    let answer = sender.send_request(request).await.map_err(gone)?;
    refused(answer.status())?;
    let body = Limited::new(answer.into_body(), LONGEST).collect().await.map_err(|_| ServiceFault::Garbled)?;
    Ok(Zeroizing::new(body.to_bytes().to_vec()))
}

/// As Vault's documentation of its interface lists them. What it says beside stays unread.
fn refused(status: StatusCode) -> Result<(), ServiceFault> {
    Err(match status {
        StatusCode::OK => return Ok(()),
        StatusCode::BAD_REQUEST => ServiceFault::Undecryptable,
        StatusCode::FORBIDDEN => ServiceFault::Forbidden,
        StatusCode::NOT_FOUND => ServiceFault::Unknown,
        StatusCode::SERVICE_UNAVAILABLE => ServiceFault::Sealed,
        other => ServiceFault::Status(other.as_u16()),
    })
}
