//! The importer's rights, looked up again whenever they may have changed.

use std::sync::Arc;

use kluis_core::access::{Actor, Purpose};
use kluis_core::kernel::{Problem, ProblemKind};

use crate::app::App;
use crate::customers::upsert::Upserts;
use crate::jobs::{JobFault, Principal};
use crate::sessions;

/// On whose behalf an import's job works.
pub struct Behalf {
    principal: Principal,
    request: Arc<str>,
    epoch: std::sync::atomic::AtomicI64,
}

impl Behalf {
    pub fn new(principal: Principal, request: String) -> Self {
        Self { principal, request: request.into(), epoch: std::sync::atomic::AtomicI64::new(0) }
    }

    pub fn purpose(&self) -> Option<Purpose> {
        self.principal.purpose()
    }

    pub fn request(&self) -> Arc<str> {
        Arc::clone(&self.request)
    }

    /// Who the importer is now. Nobody any more: the job has failed.
    pub async fn actor(&self, app: &App) -> Result<Arc<Actor>, JobFault> {
        let Principal { user, tenant, scopes, .. } = &self.principal;
        let actor = match user {
            Some(user) => sessions::on_behalf(app, *user, *tenant, scopes.as_deref()).await?,
            None => sessions::operator(app, *tenant).await?,
        };
        let actor = actor.ok_or(JobFault::Failed(ProblemKind::Forbidden.slug().into()))?;
        self.epoch.store(actor.epoch(), std::sync::atomic::Ordering::Relaxed);
        Ok(actor)
    }

    pub async fn upserts(&self, app: &App) -> Result<Upserts, JobFault> {
        let actor = self.actor(app).await?;
        Ok(Upserts::open(app, &actor, self.purpose(), self.request()).await?)
    }

    /// The same anew, if a right has changed anywhere since.
    pub async fn renewed(&self, app: &App) -> Result<Option<Upserts>, JobFault> {
        if !self.is_stale(app).await? {
            return Ok(None);
        }
        self.upserts(app).await.map(Some)
    }

    pub async fn is_stale(&self, app: &App) -> Result<bool, Problem> {
        sessions::catch_up(app).await?;
        Ok(app.policy.epoch() != self.epoch.load(std::sync::atomic::Ordering::Relaxed))
    }
}
