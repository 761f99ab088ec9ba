//! TLS over real connections: both protocols, a new certificate without a restart, and no plain HTTP.

use std::path::Path;
use std::sync::Arc;

use kluis::config::TlsConfig;
use kluis::server::listen::{Certificates, ListenError, Listening};
use poem::Server;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::sample::shell;

/// Writes a new certificate for `localhost`, and gives it.
fn certificate(folder: &Path) -> (TlsConfig, CertificateDer<'static>) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let files = TlsConfig { certificate: folder.join("certificates.pem"), key: folder.join("key.pem") };
    std::fs::write(&files.certificate, cert.pem()).unwrap();
    std::fs::write(&files.key, signing_key.serialize_pem()).unwrap();
    (files, cert.der().clone())
}

/// The protocol agreed on and the first bytes of the answer; `None` when the certificate isn't the trusted one.
async fn ask(
    address: std::net::SocketAddr,
    trusted: &CertificateDer<'static>,
    protocol: &str,
) -> Option<(String, String)> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let tcp = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, tcp).await.ok()?;
    let agreed = String::from_utf8(stream.get_ref().1.alpn_protocol().unwrap().to_vec()).unwrap();
    let hello: &[u8] = match protocol {
        "h2" => b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
        _ => b"GET /v1/health HTTP/1.1\r\nhost: localhost\r\n\r\n",
    };
    stream.write_all(hello).await.unwrap();
    let mut answer = vec![0; 200];
    let read = stream.read(&mut answer).await.unwrap();
    Some((agreed, String::from_utf8_lossy(&answer[..read]).into_owned()))
}

#[tokio::test]
async fn both_protocols_and_a_new_certificate_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (files, first) = certificate(folder.path());
    let listening = Listening::bind("127.0.0.1:0".parse().unwrap(), Some(&files)).await.unwrap();
    let (address, certificates) = (listening.address(), listening.certificates().unwrap());
    let server = tokio::spawn(Server::new_with_acceptor(listening.accept()).run(shell()));

    let (agreed, answer) = ask(address, &first, "http/1.1").await.unwrap();
    assert_eq!(agreed, "http/1.1");
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    let (agreed, answer) = ask(address, &first, "h2").await.unwrap();
    assert_eq!(agreed, "h2");
    assert_eq!(answer.as_bytes()[3], 4, "the answer is a settings frame");

    let mut plain = TcpStream::connect(address).await.unwrap();
    plain.write_all(b"GET /v1/health HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut refused = Vec::new();
    plain.read_to_end(&mut refused).await.ok();
    assert!(!refused.starts_with(b"HTTP/"), "plain HTTP is not answered");

    std::fs::write(&files.key, "nonsense").unwrap();
    assert!(matches!(certificates.reload(), Err(ListenError::Certificate(_))));
    assert!(ask(address, &first, "http/1.1").await.is_some(), "what is in use stays");
    let (_, second) = certificate(folder.path());
    certificates.reload().unwrap();
    assert!(ask(address, &first, "http/1.1").await.is_none());
    assert!(ask(address, &second, "http/1.1").await.is_some());
    server.abort();
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (files, _) = certificate(folder.path());
    let chain = std::fs::read(&files.certificate).unwrap();
    certificate(folder.path());
    std::fs::write(&files.certificate, chain).unwrap();
    assert!(matches!(Certificates::load(&files), Err(ListenError::Pair)));
    let missing = TlsConfig { certificate: folder.path().join("none.pem"), ..files };
    assert!(matches!(Certificates::load(&missing), Err(ListenError::Certificate(_))));
}
