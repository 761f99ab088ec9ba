//! The running service's side of the door.
//!
//! Requests are dealt with one after another, so that no more than one passphrase is stretched at a time; after a wrong one
//! there is a pause, twice as long after each further one.
//!
//! Must never: take over the socket of a service that runs, or let a silent caller keep others waiting.

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kluis_core::kernel::Message;
use kluis_core::privacy::{Sensitive, VaultError};
use rustix::fs::{FlockOperation, flock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use zeroize::Zeroizing;

use super::words::LONGEST;
use super::{Answer, ControlError, Done, Request, socket};
use crate::app::App;
use crate::config::{Config, UnsealSource};
use crate::server::vault;

/// A caller who is slower is hung up on.
const PATIENCE: Duration = Duration::from_secs(5);
/// After the first wrong secret, and at most.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// The socket. It is removed when this is dropped.
#[derive(Debug)]
pub struct Control {
    listener: UnixListener,
    path: PathBuf,
    /// Locked for as long as the socket is ours: whoever has the lock knows that a socket that it finds is a dead one's.
    _directory: File,
}

impl Control {
    /// As [`Self::take`]; without a door a service goes on that needs nobody to open it.
    pub fn for_service(config: &Config) -> Result<Option<Self>, ControlError> {
        match Self::take(&config.data_directory) {
            Ok(control) => Ok(Some(control)),
            Err(error) if config.unseal == UnsealSource::Manual => Err(error),
            Err(error) => {
                tracing::warn!(%error, "kluis seal and kluis unseal won't reach this process");
                Ok(None)
            }
        }
    }

    /// Takes the socket of a data directory. Callers wait from now on, and are answered by [`Self::serve`].
    pub fn take(directory: &Path) -> Result<Self, ControlError> {
        let path = socket(directory);
        let fault = |error: io::Error| ControlError::Make(path.clone(), error.kind());
        let locked = File::open(directory).map_err(fault)?;
        match flock(&locked, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(ControlError::Taken(path)),
            Err(error) => return Err(fault(error.into())),
        }
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fault(error)),
            _ => {}
        }
        let listener = UnixListener::bind(&path).map_err(fault)?;
        let control = Self { listener, path: path.clone(), _directory: locked };
        // The umask of the program has seen to it already; whoever calls this as a library may have another one.
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(fault)?;
        Ok(control)
    }

    /// Answers until the task is aborted.
    pub async fn serve(self, app: Arc<App>) {
        let mut pause = Pause::default();
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => attend(&app, stream, &mut pause).await,
                Err(error) => {
                    tracing::warn!(kind = %error.kind(), "a caller on the control socket could not be accepted");
                    tokio::time::sleep(FIRST_PAUSE).await;
                }
            }
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // Under the lock still, so it is nobody else's. One that stays is removed by the next start.
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn attend(app: &App, mut stream: UnixStream, pause: &mut Pause) {
    if !is_ours(&stream) {
        tracing::warn!("another user called on the control socket");
        return;
    }
    let Ok(Some(request)) = tokio::time::timeout(PATIENCE, read(&mut stream)).await else { return };
    let answer = match request {
        Request::Status => Answer::new(app.keys.is_sealed(), Done::AsBefore),
        Request::Seal => {
            let done = if vault::seal(app).await { Done::Changed } else { Done::AsBefore };
            Answer::new(app.keys.is_sealed(), done)
        }
        Request::Unseal(secret) => unseal(app, secret, pause).await,
    };
    // A caller who has gone doesn't hear what was done; it is in the audit log.
    let _ = tokio::time::timeout(PATIENCE, stream.write_all(&answer.to_bytes())).await;
}

/// The service's own user, and root, who could read its memory anyway.
fn is_ours(stream: &UnixStream) -> bool {
    let me = rustix::process::geteuid().as_raw();
    stream.peer_cred().is_ok_and(|peer| peer.uid() == me || peer.uid() == 0)
}

async fn read(stream: &mut UnixStream) -> Option<Request> {
    // Never grown, so that no copy of a secret is left behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * LONGEST));
    stream.take(LONGEST as u64).read_to_end(&mut bytes).await.ok()?;
    Request::parse(&bytes)
}

async fn unseal(app: &App, secret: Sensitive<String>, pause: &mut Pause) -> Answer {
    if !app.keys.is_sealed() {
        return Answer::new(false, Done::AsBefore);
    }
    if let Some(left) = pause.left() {
        let seconds = left.as_secs() + 1;
        let why = Message::new(
            format!("Too soon after a wrong one: try again in {seconds} s."),
            format!("Te kort na een verkeerde: probeer het over {seconds} s opnieuw."),
        );
        return Answer::refused(true, why);
    }
    match vault::unseal(app, secret).await {
        Ok(()) => {
            *pause = Pause::default();
            Answer::new(false, Done::Changed)
        }
        Err(error) => {
            if is_wrong(&error) {
                pause.lengthen();
            }
            Answer::refused(app.keys.is_sealed(), error.message())
        }
    }
}

/// A secret that didn't fit, however that showed; a database that doesn't answer is nobody's guess.
const fn is_wrong(error: &VaultError) -> bool {
    matches!(error, VaultError::WrongKey | VaultError::KeyText(_) | VaultError::Source(_))
}

/// How long nothing more is tried.
#[derive(Debug, Default)]
struct Pause {
    wrong: u32,
    until: Option<Instant>,
}

impl Pause {
    fn left(&self) -> Option<Duration> {
        self.until.map(|until| until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero())
    }

    fn lengthen(&mut self) {
        let length = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(self.wrong)).min(LONGEST_PAUSE);
        self.wrong = self.wrong.saturating_add(1);
        self.until = Instant::now().checked_add(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_minute() {
        let mut pause = Pause::default();
        assert!(pause.left().is_none());
        let mut lengths = Vec::new();
        for _ in 0..40 {
            pause.lengthen();
            lengths.push(pause.left().expect("a pause").as_secs() + 1);
        }
        assert_eq!(lengths[..7], [1, 2, 4, 8, 16, 32, 60]);
        assert_eq!(lengths[39], 60);
    }

    #[tokio::test]
    async fn a_socket_has_one_owner_and_a_dead_ones_is_taken_over() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = socket(directory.path());
        drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket that a killed process left"));
        let first = Control::take(directory.path()).expect("it is free");
        assert_eq!(path.metadata().expect("it is there").permissions().mode() & 0o777, 0o600);
        assert!(matches!(Control::take(directory.path()), Err(ControlError::Taken(_))));
        assert!(path.exists(), "who comes second touches nothing");
        drop(first);
        assert!(!path.exists());
        drop(Control::take(directory.path()).expect("it is free again"));
    }
}
