//! The running server: it puts everything on one address, and stops in good order.
//!
//! Must never: hold a rule of a domain, or cut off an answer that is under way.

pub mod control;
pub mod holder;
pub mod listen;
pub mod open;
pub mod operator;
pub mod recovery;
pub mod rotation;
pub mod setup;
pub mod site;
pub mod stores;
pub mod transit;
pub mod vault;

use std::sync::Arc;
use std::time::Duration;

use poem::Server;
use tokio::signal::unix::{SignalKind, signal};

use crate::app::App;
use crate::worker;
use control::Control;
use listen::{Certificates, Listening};
use open::StartError;

/// Requests that are under way when the server is told to stop have this long.
const GRACE: Duration = Duration::from_secs(20);

/// Answers until the process is told to stop, and then until what is under way has been answered.
pub async fn run(app: Arc<App>, listening: Listening, control: Option<Control>) -> Result<(), StartError> {
    let site = site::build(&app)?;
    let watcher = listening.certificates().map(|certificates| tokio::spawn(renew(certificates)));
    let stopped = |error: std::io::Error| StartError::Run(error.kind());
    let stop = stop_signal().map_err(stopped)?;
    let background = worker::start(&app);
    let control = control.map(|control| tokio::spawn(control.serve(Arc::clone(&app))));
    let server = Server::new_with_acceptor(listening.accept());
    let served = server.run_with_graceful_shutdown(site, stop, Some(GRACE)).await.map_err(stopped);
    if let Some(control) = control {
        control.abort();
    }
    // Steps under way are brought to their end; what dies here goes on at the next start.
    if tokio::time::timeout(GRACE, background.stop()).await.is_err() {
        tracing::warn!("a job's step took too long; it goes on at the next start");
    }
    served?;
    if let Some(watcher) = watcher {
        watcher.abort();
    }
    if !app.keys.is_sealed() {
        app.keys.flush().await?;
        app.seal();
    }
    tracing::info!("stopped");
    Ok(())
}

/// SIGTERM from a service manager, SIGINT from a terminal.
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {},
            _ = interrupt.recv() => {},
        }
        tracing::info!("stopping");
    })
}

/// Reads the certificate again when the process is told to (SIGHUP), and each hour.
async fn renew(certificates: Certificates) {
    const AT_LEAST: Duration = Duration::from_hours(1);
    let mut hangup = signal(SignalKind::hangup()).ok();
    loop {
        let told = async {
            match &mut hangup {
                Some(hangup) => drop(hangup.recv().await),
                None => std::future::pending().await,
            }
        };
        // Told or not: both mean that the file may be a new one.
        let _ = tokio::time::timeout(AT_LEAST, told).await;
        if let Err(error) = certificates.reload() {
            tracing::error!(%error, "the certificate could not be renewed; the old one stays in use");
        }
    }
}
