//! Keeping the log's tree, in the background: events are taken into it and signed, and what was signed goes to those who
//! keep it elsewhere. Every node does that; one of them is the first.
//!
//! Must never: sign or hand on anything while the log isn't as it was recorded.

use std::collections::BTreeMap;

use kluis_core::access::Channel;
use kluis_core::audit::kept::{self, Breach, Sequenced, sequence};
use kluis_core::audit::{Class, Event, Outcome};
use kluis_core::kernel::{Id, Problem};
use uuid::Uuid;

use super::{witness_file, witness_url};
use crate::app::App;

/// What one process remembers between two rounds.
#[derive(Debug, Default)]
pub struct Keeper {
    /// What was put on record already: a log that is broken stays so.
    alarmed: Vec<(String, i64)>,
    sender: witness_url::Sender,
}

impl Keeper {
    /// Signs what has happened since the last round, and hands it on. Does nothing while the vault is sealed.
    pub async fn round(&mut self, app: &App) -> Result<(), Problem> {
        if app.keys.is_sealed() {
            return Ok(());
        }
        if let Some(breach) = self.sequence(app).await? {
            return self.alarm(app, breach.kind.as_str(), breach.at).await;
        }
        self.hand_on(app).await
    }

    async fn sequence(&self, app: &App) -> Result<Option<Breach>, Problem> {
        let signer = kept::signer(&app.keys, &app.config.audit.origin)?;
        loop {
            match sequence(&app.db, &signer, app.clock.now()).await? {
                Sequenced::Grown { from, size } => tracing::debug!(from, size, "checkpoint"),
                // Another node does it; what it leaves is for the next round.
                Sequenced::Nothing | Sequenced::Lost => return Ok(None),
                Sequenced::Broken(breach) => return Ok(Some(breach)),
            }
        }
    }

    async fn hand_on(&mut self, app: &App) -> Result<(), Problem> {
        let Some(last) = kept::last_checkpoint(&app.db).await? else { return Ok(()) };
        if let Some(path) = &app.config.audit.witness_file {
            match witness_file::add(app, path, &last).await? {
                witness_file::Added::All => {}
                witness_file::Added::Differs(size) => return self.alarm(app, "witness", size).await,
            }
        }
        if let Some(url) = &app.config.audit.witness_url {
            self.sender.send(url, &last).await;
        }
        Ok(())
    }

    /// Says so in the log of the program and in the audit log itself, once for each place.
    async fn alarm(&mut self, app: &App, kind: &str, at: i64) -> Result<(), Problem> {
        tracing::error!(
            kind,
            at,
            "the audit log was changed outside of the program: nothing more is signed; run kluis audit verify"
        );
        let place = (kind.to_owned(), at);
        if self.alarmed.contains(&place) {
            return Ok(());
        }
        let event = event(app).code("kind", kind.to_owned()).count("at", usize::try_from(at).unwrap_or_default());
        app.db.begin().await?.record(event).await?.commit().await?;
        self.alarmed.push(place);
        Ok(())
    }
}

fn event(app: &App) -> Event {
    Event {
        id: app.new_id(),
        at: app.clock.now(),
        tenant: Id::from_uuid(Uuid::nil()),
        owner: None,
        actor: "system:audit".into(),
        channel: Channel::Job.as_str().into(),
        request: "".into(),
        class: Class::Security,
        action: "integrity.fault".into(),
        entity: "audit_event".into(),
        record: None,
        subjects: Vec::new(),
        compartments: 0,
        purpose: "".into(),
        outcome: Outcome::Failed,
        detail: BTreeMap::new(),
    }
}
