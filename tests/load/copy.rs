//! Brings what Kluis shows its managers into the limit's database: the same rows, in clear.

use std::net::SocketAddr;

use hyper::Method;
use indicatif::ProgressBar;
use kluis::web::{Ident, Timestamp};
use kluis_core::kernel::id::{Customer, Tenant, User};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::Result;
use crate::client::{Ask, Connection};
use crate::limit::arms::{Arm, NewRow};
use crate::limit::view::{Contact, Row};
use crate::world::World;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    items: Vec<Shown>,
    #[serde(default)]
    next_cursor: Option<String>,
}

/// A customer as Kluis shows it; compartments stay the text that they are.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    id: Ident<Customer>,
    tenant_id: Ident<Tenant>,
    kind: String,
    status: String,
    owner_id: Option<Ident<User>>,
    language: String,
    preferred_channel: Option<String>,
    region: Option<String>,
    source: String,
    legal_basis: String,
    consented_purposes: Option<Box<RawValue>>,
    created_at: Timestamp,
    updated_at: Timestamp,
    archived_at: Option<Timestamp>,
    last_contact_at: Option<Timestamp>,
    revision: i64,
    identity: Option<Box<RawValue>>,
    contact: Option<Box<RawValue>>,
    financial: Option<Box<RawValue>>,
    profile: Option<Box<RawValue>>,
    notes: Option<Box<RawValue>>,
    special: Option<Box<RawValue>>,
    withheld: Option<Box<RawValue>>,
}

pub async fn copy(kluis: SocketAddr, limit: &Arm, world: &World) -> Result<()> {
    let mut connection = Connection::open(kluis).await?;
    let bar = ProgressBar::new(world.customers.len() as u64).with_message("rows for the limit program");
    for place in &world.places {
        let mut cursor = String::new();
        loop {
            let path = format!("/v1/customers?pageSize=200&sort=oldest{cursor}");
            let (status, body) = connection.ask(place, &Ask { method: Method::GET, path, body: None }).await?;
            if !status.is_success() {
                return Err(format!("listing: {status} {}", String::from_utf8_lossy(&body)).into());
            }
            let page: Page = serde_json::from_slice(&body)?;
            let rows = page.items.into_iter().map(Shown::stored).collect::<Result<Vec<NewRow>>>()?;
            limit.insert(&rows).await?;
            bar.inc(rows.len() as u64);
            let Some(next) = page.next_cursor else { break };
            cursor = format!("&cursor={next}");
        }
    }
    bar.finish_and_clear();
    Ok(())
}

impl Shown {
    fn stored(self) -> Result<NewRow> {
        let text = |part: Option<Box<RawValue>>| part.map(|json| json.get().to_owned());
        let values = match &self.contact {
            Some(contact) => serde_json::from_str::<Contact<'_>>(contact.get())?.values(),
            None => Vec::new(),
        };
        let micros = |at: Timestamp| at.0.timestamp_micros();
        let row = Row {
            tenant_id: self.tenant_id.0.uuid(),
            id: self.id.0.uuid(),
            kind: self.kind,
            status: self.status,
            owner_id: self.owner_id.map(|id| id.0.uuid()),
            created_at: micros(self.created_at),
            updated_at: micros(self.updated_at),
            archived_at: self.archived_at.map(micros),
            preferred_channel: self.preferred_channel,
            language: self.language,
            region: self.region,
            source: self.source,
            legal_basis: self.legal_basis,
            consented_purposes: text(self.consented_purposes),
            last_contact_at: self.last_contact_at.map(micros),
            revision: self.revision,
            parts: [
                text(self.identity),
                text(self.contact),
                text(self.financial),
                text(self.profile),
                text(self.notes),
                text(self.special),
            ],
            withheld: text(self.withheld),
        };
        Ok((row, values))
    }
}
