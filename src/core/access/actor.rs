//! Who asks: made once for a request, a command or a job, and handed down to everything it does.
//!
//! Must never: be made otherwise than from a policy, or hold a name, an address or a token.

use std::borrow::Cow;
use std::sync::Arc;

use super::decisions::Decisions;
use super::formula::Formula;
use super::permission::Permission;
use super::token::TokenScopes;
use super::vocabulary::{Action, Object, Purpose, Role, TenantKind, words};
use crate::kernel::Id;
use crate::kernel::id::{Customer, Tenant, User};

words! {
    /// The door through which somebody came in.
    Channel {
        Api = "api", "API", "API";
        Console = "console", "console", "console";
        CommandLine = "command_line", "command line", "opdrachtregel";
        Job = "job", "background job", "taak op de achtergrond";
    }
}

/// What is known about somebody who asks, before the policy has been looked at.
#[derive(Debug, Clone)]
pub struct Seat {
    /// `None` for the system itself.
    pub user: Option<Id<User>>,
    /// The tenant that is acted for.
    pub tenant: Id<Tenant>,
    pub kind: TenantKind,
    /// The roles that are assigned in that tenant; for the system its own roles.
    pub roles: Vec<Role>,
    /// The record that is about the person who asks.
    pub self_record: Option<Id<Customer>>,
    /// What personal data is asked for, where the request says it.
    pub purpose: Option<Purpose>,
    pub channel: Channel,
    /// The restriction of the API token, where one was used.
    pub scopes: Option<Arc<TokenScopes>>,
    /// What audit events call the actor: `usr_…`, `job_…`, `system:…`.
    pub label: Cow<'static, str>,
    /// `authz_epoch` in the transaction in which the roles were read.
    pub epoch: i64,
}

/// Somebody who asks, with all that the policy decides about them.
#[derive(Debug, Clone)]
pub struct Actor {
    seat: Seat,
    decisions: Arc<Decisions>,
    epoch: i64,
}

impl Actor {
    /// `epoch` is that of the policy; the actor is as old as the older of policy and roles.
    pub(super) fn new(seat: Seat, decisions: Arc<Decisions>, epoch: i64) -> Self {
        let epoch = epoch.min(seat.epoch);
        Self { seat, decisions, epoch }
    }

    /// The decision for a permission, under the purpose of the request or the default, within the token's restriction.
    pub fn formula<P: Permission>(&self) -> Formula {
        self.formula_for(P::OBJECT, P::ACTION)
    }

    /// The same, for an object and action that are only known at run time.
    pub fn formula_for(&self, object: Object, action: Action) -> Formula {
        self.purpose_for(object, action).map_or(Formula::NOTHING, |purpose| self.formula_at(object, action, purpose))
    }

    /// The decision under a given purpose: for compartments, which are disclosed under the purpose of their entity.
    pub fn formula_at(&self, object: Object, action: Action, purpose: Purpose) -> Formula {
        let covered = self.seat.scopes.as_ref().is_none_or(|scopes| scopes.covers(object, action));
        if covered { self.decisions.formula(object, action, purpose) } else { Formula::NOTHING }
    }

    /// The purpose under which this is decided, and which goes on record. `None`: no purpose, so nothing is permitted.
    pub fn purpose_for(&self, object: Object, action: Action) -> Option<Purpose> {
        self.seat.purpose.or_else(|| self.decisions.default_purpose(object, action))
    }

    /// The same actor with the purpose that a request names.
    #[must_use]
    pub fn with_purpose(mut self, purpose: Option<Purpose>) -> Self {
        self.seat.purpose = purpose.or(self.seat.purpose);
        self
    }

    pub const fn user(&self) -> Option<Id<User>> {
        self.seat.user
    }

    /// The tenant that is acted for.
    pub const fn tenant(&self) -> Id<Tenant> {
        self.seat.tenant
    }

    pub const fn tenant_kind(&self) -> TenantKind {
        self.seat.kind
    }

    /// The record about the person who asks.
    pub const fn self_record(&self) -> Option<Id<Customer>> {
        self.seat.self_record
    }

    /// The purpose that was named, if any.
    pub const fn purpose(&self) -> Option<Purpose> {
        self.seat.purpose
    }

    pub const fn channel(&self) -> Channel {
        self.seat.channel
    }

    /// The roles as they were assigned, without inherited ones.
    pub fn assigned_roles(&self) -> &[Role] {
        &self.seat.roles
    }

    pub fn decisions(&self) -> &Decisions {
        &self.decisions
    }

    pub fn token_scopes(&self) -> Option<&TokenScopes> {
        self.seat.scopes.as_deref()
    }

    /// What audit events call the actor.
    pub fn label(&self) -> &str {
        &self.seat.label
    }

    /// The epoch at which roles and policy were known; a statement under a later one must not be answered.
    pub const fn epoch(&self) -> i64 {
        self.epoch
    }
}
