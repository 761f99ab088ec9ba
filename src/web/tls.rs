//! TLS 1.2 and 1.3 over ring, HTTP/1.1 and h2, from PEM files that are read again when they change.
//!
//! poem's own acceptor would bring a second cryptography library; this one is small. The handshake runs with the
//! connection, not in the accepting loop, and has ten seconds.
//!
//! Must never: go on with a certificate that doesn't fit its key, or stop serving because a new one can't be read.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use poem::http::uri::Scheme;
use poem::listener::Acceptor;
use poem::web::{LocalAddr, RemoteAddr};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Timeout, timeout};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

const HANDSHAKE: Duration = Duration::from_secs(10);
/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(30);

/// Where the certificate chain and its key are.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    pub certificates: PathBuf,
    pub key: PathBuf,
}

/// Why TLS can't be offered. Names the file's role, never its content.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("the certificate file can't be read or holds no certificate")]
    Certificates,
    #[error("the key file can't be read or holds no private key")]
    Key,
    #[error("certificate and key don't fit each other, or aren't usable")]
    Mismatch,
}

impl TlsFiles {
    /// Reads both files.
    pub fn load(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let chain = CertificateDer::pem_file_iter(&self.certificates).map_err(|_| TlsError::Certificates)?;
        let chain = chain.collect::<Result<Vec<_>, _>>().map_err(|_| TlsError::Certificates)?;
        if chain.is_empty() {
            return Err(TlsError::Certificates);
        }
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|_| TlsError::Key)?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(|_| TlsError::Mismatch)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    fn changed(&self) -> [Option<SystemTime>; 2] {
        [&self.certificates, &self.key].map(|path| path.metadata().and_then(|file| file.modified()).ok())
    }
}

/// The configuration in use; connections that are open keep theirs.
#[derive(Debug, Clone)]
pub struct Tls {
    files: TlsFiles,
    config: Arc<RwLock<Arc<ServerConfig>>>,
}

impl Tls {
    pub fn open(files: TlsFiles) -> Result<Self, TlsError> {
        let config = files.load()?;
        Ok(Self { files, config: Arc::new(RwLock::new(config)) })
    }

    /// Takes the files as they are now; what is in use stays when they can't be used.
    pub fn reload(&self) -> Result<(), TlsError> {
        let config = self.files.load()?;
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// Looks at the files for ever, and reloads when they change. Run it beside the server.
    pub async fn watch(&self) {
        let mut seen = self.files.changed();
        loop {
            tokio::time::sleep(LOOK).await;
            let now = self.files.changed();
            if now == seen {
                continue;
            }
            match self.reload() {
                Ok(()) => tracing::info!("a new certificate is in use"),
                Err(error) => tracing::error!(%error, "the new certificate can't be used; the old one stays"),
            }
            seen = now;
        }
    }

    /// TLS over the connections of another acceptor.
    pub const fn over<A: Acceptor>(self, inner: A) -> TlsOver<A> {
        TlsOver { inner, tls: self }
    }

    fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// An acceptor whose connections speak TLS.
pub struct TlsOver<A> {
    inner: A,
    tls: Tls,
}

impl<A: Acceptor> Acceptor for TlsOver<A> {
    type Io = TlsIo<A::Io>;

    fn local_addr(&self) -> Vec<LocalAddr> {
        self.inner.local_addr()
    }

    async fn accept(&mut self) -> io::Result<(Self::Io, LocalAddr, RemoteAddr, Scheme)> {
        let (io, local, remote, _) = self.inner.accept().await?;
        let handshake = Box::pin(timeout(HANDSHAKE, self.tls.acceptor().accept(io)));
        Ok((TlsIo::Handshake(handshake), local, remote, Scheme::HTTPS))
    }
}

/// A connection: first its handshake, then its stream.
pub enum TlsIo<I> {
    Handshake(Pin<Box<Timeout<Accept<I>>>>),
    Open(Box<TlsStream<I>>),
    /// The handshake failed or took too long; nothing can be said any more.
    Failed,
}

impl<I: AsyncRead + AsyncWrite + Unpin> TlsIo<I> {
    fn poll_open(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Pin<&mut TlsStream<I>>>> {
        if let Self::Handshake(handshake) = self {
            let opened = match handshake.as_mut().poll(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(opened) => opened.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())),
            };
            match opened {
                Ok(stream) => *self = Self::Open(Box::new(stream)),
                Err(error) => {
                    *self = Self::Failed;
                    return Poll::Ready(Err(error));
                }
            }
        }
        match self {
            Self::Open(stream) => Poll::Ready(Ok(Pin::new(stream.as_mut()))),
            Self::Handshake(_) | Self::Failed => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsIo<I> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut().poll_open(context) {
            Poll::Ready(Ok(stream)) => stream.poll_read(context, buffer),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsIo<I> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut().poll_open(context) {
            Poll::Ready(Ok(stream)) => stream.poll_write(context, bytes),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut().poll_open(context) {
            Poll::Ready(Ok(stream)) => stream.poll_flush(context),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            // Nothing was promised to the other side yet.
            Self::Handshake(_) | Self::Failed => Poll::Ready(Ok(())),
            Self::Open(stream) => Pin::new(stream.as_mut()).poll_shutdown(context),
        }
    }
}
