//! Connections: plain TCP, or TLS 1.2 and 1.3 with HTTP/2 offered, over rustls with ring.
//!
//! poem's own TLS listener would bring a second cryptographic library; its accept loop spins when the process has no
//! file handles left. Here handshakes run beside each other, each within a time, and a failing `accept` waits a moment.
//!
//! Must never: let a slow handshake hold up other connections, log an address.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::Duration;

use poem::http::uri::Scheme;
use poem::listener::Acceptor;
use poem::web::{LocalAddr, RemoteAddr};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;

use crate::config::TlsConfig;

/// A handshake that takes longer is dropped.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// So many handshakes may run at once; further connections wait in the kernel's queue.
const HANDSHAKES: usize = 256;
/// After a failed `accept`, as when no file handles are left.
const PAUSE: Duration = Duration::from_millis(50);

/// Why the server can't listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error("{0} can't be listened on: {1}")]
    Address(SocketAddr, io::ErrorKind),
    #[error("{0} holds no usable certificate or key")]
    Certificate(PathBuf),
    #[error("certificate and key don't fit together")]
    Pair,
}

/// A bound address.
pub struct Listening {
    listener: TcpListener,
    tls: Option<Certificates>,
    address: SocketAddr,
}

impl Listening {
    /// Takes the address, so that a second start fails at once, before anything else is done.
    pub async fn bind(address: SocketAddr, tls: Option<&TlsConfig>) -> Result<Self, ListenError> {
        let tls = tls.map(Certificates::load).transpose()?;
        let fault = |error: io::Error| ListenError::Address(address, error.kind());
        let listener = TcpListener::bind(address).await.map_err(fault)?;
        let address = listener.local_addr().map_err(fault)?;
        Ok(Self { listener, tls, address })
    }

    /// The address that was given; with port 0, the port that the system chose.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// For reading the certificate again when it was renewed; `None` without TLS.
    pub fn certificates(&self) -> Option<Certificates> {
        self.tls.clone()
    }

    /// Starts to accept.
    pub fn accept(self) -> Connections {
        let (sender, ready) = mpsc::channel(HANDSHAKES);
        let address = self.address;
        tokio::spawn(accept_all(self, sender));
        Connections { ready, address }
    }
}

type Ready = (Connection, SocketAddr);

async fn accept_all(listening: Listening, ready: mpsc::Sender<Ready>) {
    let limit = Arc::new(Semaphore::new(HANDSHAKES));
    loop {
        // The semaphore is never closed; when the receiver has gone, the server is stopping.
        let Ok(permit) = limit.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listening.listener.accept() => accepted,
            () = ready.closed() => return,
        };
        let (stream, remote) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(kind = %error.kind(), "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        // Answers are written whole; waiting for more to send would only delay them.
        let _ = stream.set_nodelay(true);
        let (ready, tls) = (ready.clone(), listening.tls.as_ref().map(Certificates::acceptor));
        tokio::spawn(async move {
            if let Some(connection) = shake_hands(stream, tls).await {
                let _ = ready.send((connection, remote)).await;
            }
            drop(permit);
        });
    }
}

/// Gives nothing when the other side doesn't speak TLS, or too slowly.
async fn shake_hands(stream: TcpStream, tls: Option<TlsAcceptor>) -> Option<Connection> {
    let Some(acceptor) = tls else { return Some(Connection::Plain(stream)) };
    match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => Some(Connection::Tls(Box::new(stream))),
        Ok(Err(error)) => {
            tracing::debug!(kind = %error.kind(), "a handshake failed");
            None
        }
        Err(_) => None,
    }
}

/// What poem's server takes connections from.
pub struct Connections {
    ready: mpsc::Receiver<Ready>,
    address: SocketAddr,
}

impl Acceptor for Connections {
    type Io = Connection;

    fn local_addr(&self) -> Vec<LocalAddr> {
        vec![LocalAddr(self.address.into())]
    }

    async fn accept(&mut self) -> io::Result<(Self::Io, LocalAddr, RemoteAddr, Scheme)> {
        let (connection, remote) = self.ready.recv().await.ok_or(io::ErrorKind::BrokenPipe)?;
        let scheme = match connection {
            Connection::Plain(_) => Scheme::HTTP,
            Connection::Tls(_) => Scheme::HTTPS,
        };
        Ok((connection, LocalAddr(self.address.into()), RemoteAddr(remote.into()), scheme))
    }
}

/// One connection; the TLS state is large, so that it stands beside.
pub enum Connection {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// The certificate in use; cheap to clone.
#[derive(Clone)]
pub struct Certificates {
    files: TlsConfig,
    current: Arc<RwLock<Arc<ServerConfig>>>,
}

impl Certificates {
    /// Reads and checks the files.
    pub fn load(files: &TlsConfig) -> Result<Self, ListenError> {
        let config = Arc::new(read(files)?);
        Ok(Self { files: files.clone(), current: Arc::new(RwLock::new(config)) })
    }

    /// Reads the files again; connections from now on use them. The old ones stay in use if they have a fault.
    pub fn reload(&self) -> Result<(), ListenError> {
        let config = Arc::new(read(&self.files)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.current.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

fn read(files: &TlsConfig) -> Result<ServerConfig, ListenError> {
    let fault = |path: &Path| ListenError::Certificate(path.to_owned());
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect)
        .map_err(|_| fault(&files.certificate))?;
    if chain.is_empty() {
        return Err(fault(&files.certificate));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|_| fault(&files.key))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|_| ListenError::Pair)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
