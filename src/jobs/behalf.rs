//! The rights of whoever asked for a job, looked up again whenever they may have changed.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use kluis_core::access::{Actor, Purpose};
use kluis_core::kernel::{Problem, ProblemKind};

use super::{JobFault, Principal};
use crate::app::App;
use crate::sessions;

/// On whose behalf a job works.
pub struct Behalf {
    principal: Principal,
    request: Arc<str>,
    epoch: AtomicI64,
}

impl Behalf {
    pub fn new(principal: Principal, request: String) -> Self {
        Self { principal, request: request.into(), epoch: AtomicI64::new(0) }
    }

    pub fn purpose(&self) -> Option<Purpose> {
        self.principal.purpose()
    }

    pub fn request(&self) -> Arc<str> {
        Arc::clone(&self.request)
    }

    /// Who that is now. Nobody any more: the job has failed.
    pub async fn actor(&self, app: &App) -> Result<Arc<Actor>, JobFault> {
        let Principal { user, tenant, scopes, .. } = &self.principal;
        let actor = match user {
            Some(user) => sessions::on_behalf(app, *user, *tenant, scopes.as_deref()).await?,
            None => sessions::operator(app, *tenant).await?,
        };
        let actor = actor.ok_or(JobFault::Failed(ProblemKind::Forbidden.slug().into()))?;
        self.epoch.store(actor.epoch(), Ordering::Relaxed);
        Ok(actor)
    }

    /// Whether a right has changed anywhere since [`Self::actor`].
    pub async fn is_stale(&self, app: &App) -> Result<bool, Problem> {
        sessions::catch_up(app).await?;
        Ok(app.policy.epoch() != self.epoch.load(Ordering::Relaxed))
    }
}
