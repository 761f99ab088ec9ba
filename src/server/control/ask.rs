//! The other side of the door: what `kluis unseal`, `seal` and `doctor` say to the running service.
//!
//! Must never: hand a secret to a process of another user.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::{Answer, ControlError, Request, socket};

/// Longer than a passphrase takes on a slow machine; requests are dealt with one after another.
const PATIENCE: Duration = Duration::from_mins(1);
const LONGEST_ANSWER: u64 = 64 * 1024;

/// Asks the service that runs on this data directory.
pub async fn ask(directory: &Path, request: &Request) -> Result<Answer, ControlError> {
    let path = socket(directory);
    let mut stream = match UnixStream::connect(&path).await {
        Ok(stream) => stream,
        Err(error) => {
            return Err(match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => ControlError::Nobody(path),
                kind => ControlError::Talk(path, kind),
            });
        }
    };
    if !is_the_service(&stream, directory) {
        return Err(ControlError::Stranger(path));
    }
    let answer = match tokio::time::timeout(PATIENCE, talk(&mut stream, request)).await {
        Ok(answer) => answer,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    };
    answer.map_err(|error| ControlError::Talk(path, error.kind()))
}

async fn talk(stream: &mut UnixStream, request: &Request) -> io::Result<Answer> {
    let bytes = request.to_bytes().ok_or(io::ErrorKind::InvalidInput)?;
    stream.write_all(&bytes).await?;
    stream.shutdown().await?;
    let mut answer = Vec::new();
    stream.take(LONGEST_ANSWER).read_to_end(&mut answer).await?;
    Answer::parse(&answer).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Whether a process of this user answers; for root, one of the user whose data it is.
fn is_the_service(stream: &UnixStream, directory: &Path) -> bool {
    let Ok(peer) = stream.peer_cred() else { return false };
    let me = rustix::process::geteuid().as_raw();
    let owner = || directory.metadata().ok().map(|metadata| metadata.uid());
    peer.uid() == me || peer.uid() == 0 || (me == 0 && owner() == Some(peer.uid()))
}
