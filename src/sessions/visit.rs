//! A request that has nobody behind it yet: what sign-in needs to know of it.
//!
//! Must never: keep an address, or log what a browser calls itself.

use std::collections::BTreeMap;
use std::net::IpAddr;

use kluis_core::access::Channel;
use kluis_core::audit::{Class, Event, Outcome};
use kluis_core::kernel::id::{Tenant, User};
use kluis_core::kernel::{Id, Problem};
use poem::http::header;
use poem::{FromRequest, Request, RequestBody};
use uuid::Uuid;

use super::model::LABEL;
use crate::app::App;
use crate::users::account::Account;
use crate::web::{ClientAddress, RequestId};

/// Where a request comes from.
#[derive(Debug, Clone)]
pub struct Visit {
    /// `None` behind a Unix socket.
    pub address: Option<IpAddr>,
    /// What the browser or program calls itself; sealed where it is kept.
    pub agent: Option<String>,
    pub request: String,
    pub channel: Channel,
}

impl Visit {
    pub fn of(request: &Request, channel: Channel) -> Self {
        let agent = request.header(header::USER_AGENT);
        Self {
            address: request.data::<ClientAddress>().map(|address| address.network()),
            agent: agent.map(|agent| agent.chars().filter(|c| !c.is_control()).take(LABEL).collect()),
            request: request.data::<RequestId>().map(ToString::to_string).unwrap_or_default(),
            channel,
        }
    }

    /// An event about signing in. Without an account it belongs to no tenant: an unknown address has none.
    pub fn event(&self, app: &App, action: &'static str, account: Option<&Account>) -> Result<Event, Problem> {
        let Some(account) = account else { return Ok(self.bare(app, action, Id::from_uuid(Uuid::nil()), None)) };
        let (tenant, user) = (account.row.tenant, account.row.id);
        let hash = app.keys.audit_hash(tenant.uuid(), user.uuid())?;
        Ok(self.bare(app, action, tenant, Some(user)).record(user, tenant).subjects([hash]))
    }

    fn bare(&self, app: &App, action: &'static str, tenant: Id<Tenant>, user: Option<Id<User>>) -> Event {
        Event {
            id: app.new_id(),
            at: app.clock.now(),
            tenant,
            owner: None,
            actor: user.map_or_else(|| "system:nobody".into(), |user| user.to_string().into()),
            channel: self.channel.as_str().into(),
            request: self.request.clone().into(),
            class: Class::Security,
            action: action.into(),
            entity: "session".into(),
            record: None,
            subjects: Vec::new(),
            compartments: 0,
            purpose: "administration".into(),
            outcome: Outcome::Allowed,
            detail: BTreeMap::new(),
        }
    }
}

/// In a handler's arguments it is a visit over the API.
impl<'a> FromRequest<'a> for Visit {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        Ok(Self::of(request, Channel::Api))
    }
}
