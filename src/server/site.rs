//! The whole site as one endpoint: API, its document, its pages, health, and what stands around every request.
//!
//! Must never answer anything that doesn't pass the outermost layer.

use std::sync::Arc;
use std::time::Duration;

use kluis_core::access::current_epoch;
use kluis_core::kernel::{Problem, ProblemKind};
use kluis_core::privacy::{Keyring, SystemKey, VaultError};
use poem::http::StatusCode;
use poem::web::Data;
use poem::{EndpointExt, Route, get, handler};

use crate::app::App;
use crate::domains;
use crate::idempotency::Idempotent;
use crate::sessions::{Again, Alarm};
use crate::web::address::{ProxyHeader, TrustedProxies};
use crate::web::document::DocumentError;
use crate::web::ratelimit::{Limit, RateLimits};
use crate::web::service::ServiceError;
use crate::web::{self, Cursors, Shell, Surroundings, docs, problem_pages};

/// Why there is no site.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    #[error(transparent)]
    Document(#[from] DocumentError),
    #[error(transparent)]
    Service(#[from] ServiceError),
    #[error("a rate of zero would let nobody in")]
    Rate,
    #[error("a trusted proxy is not an address")]
    Proxies,
}

/// Puts the site together.
pub fn build(app: &Arc<App>) -> Result<Shell, SiteError> {
    let document = domains::document()?;
    let keys = app.keys.clone();
    let cursors = Arc::new(Cursors::new(move || cursor_secret(&keys).map_err(Problem::from)));
    let rate = app.config.rate;
    let address = Limit::new(rate.burst, per(rate)).ok_or(SiteError::Rate)?;
    let token = Limit::new(rate.burst, per(rate)).ok_or(SiteError::Rate)?;
    let limits = RateLimits::new(address, token).ok_or(SiteError::Rate)?;
    // Innermost: what runs under an idempotency key ends as an answer, whatever came of it.
    let api = domains::endpoint(&document)?.with(Alarm(Arc::clone(app)));
    let again = Again { app: Arc::clone(app), creations: domains::REPEATABLE };
    let api = api.with(Idempotent::new(app, &document)).with(again);
    let mut route = Route::new().nest("/v1", api).at("/health/live", get(live)).at("/health/ready", get(ready));
    route = docs::mount(route, "Kluis", "/v1/openapi.json");
    route = problem_pages::mount(route);
    route = domains::pages(route);
    let networks: Vec<_> = app.config.trusted_proxies.iter().map(ToString::to_string).collect();
    let networks = networks.iter().map(String::as_str);
    let proxies = TrustedProxies::parse(networks, ProxyHeader::XForwardedFor).ok_or(SiteError::Proxies)?;
    let around = Surroundings {
        clock: app.clock.clone(),
        entropy: Arc::clone(&app.entropy),
        proxies,
        limits: Some(limits),
        behind_tls: app.config.is_https(),
    };
    Ok(Shell::new(route.data(Arc::clone(app)).data(cursors), around))
}

/// The time in which a burst is refilled.
fn per(rate: crate::config::RateConfig) -> Duration {
    Duration::from_secs_f64(f64::from(rate.burst) / f64::from(rate.per_second.max(1)))
}

/// The same on every node. A sealed vault has none, and shows no list either.
fn cursor_secret(keys: &Keyring) -> Result<[u8; 32], VaultError> {
    Ok(keys.system_mac(SystemKey::Cursor)?.sign(b"cursors"))
}

/// The process runs.
#[handler]
fn live() -> &'static str {
    "ok\n"
}

/// The databases answer and the vault is open.
#[handler]
async fn ready(app: Data<&Arc<App>>) -> web::Result<(StatusCode, &'static str)> {
    if app.keys.is_sealed() {
        return Err(Problem::new(ProblemKind::Sealed).into());
    }
    current_epoch(&app.db).await?;
    Ok((StatusCode::OK, "ok\n"))
}
