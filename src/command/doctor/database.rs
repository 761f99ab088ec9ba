//! Both databases: reachable, new enough, of this program's version, sound, and apart from each other.

use chrono::{DateTime, Utc};
use kluis_core::audit;
use kluis_core::kernel::{Message, Phrase};
use kluis_core::store::migrate::{Schema, newer, plan};
use kluis_core::store::{Db, StoreError, inspect};

use super::report::Report;
use crate::command::terminal::p;
use crate::server::stores::Stores;

const DATA: Phrase = p("database of the data", "database van de gegevens");
const KEYS: Phrase = p("database of the keys", "database van de sleutels");
const APART: Phrase = p("keys apart from the data", "sleutels los van de gegevens");
const AUDIT: Phrase = p("audit log", "logboek");

pub async fn check(stores: &Stores, report: &mut Report) {
    one(DATA, &stores.data, Schema::Data, report).await;
    one(KEYS, &stores.keys, Schema::Keys, report).await;
    apart(stores, report).await;
    audit_chain(&stores.data, report).await;
}

async fn one(name: Phrase, db: &Db, schema: Schema, report: &mut Report) {
    match state(db, schema).await {
        Ok(Ok(detail)) => report.ok(name, detail),
        Ok(Err(detail)) => report.fail(name, detail),
        Err(error) => {
            report
                .fail(name, Message::new(format!("can't be asked: {error}"), format!("is niet te bevragen: {error}")));
        }
    }
}

/// Its version, or what is wrong with it.
async fn state(db: &Db, schema: Schema) -> Result<Result<Message, Message>, StoreError> {
    let version = inspect::version(db).await?;
    if !version.is_supported() {
        let en = format!("{version} is too old: 15 or newer is needed");
        return Ok(Err(Message::new(en, format!("{version} is te oud: 15 of nieuwer is nodig"))));
    }
    if !newer(db, schema).await?.is_empty() {
        return Ok(Err(p("made by a newer version of this program", "gemaakt door een nieuwere versie").into()));
    }
    let open = plan(db, schema).await?.iter().filter(|step| !step.applied).count();
    if open > 0 {
        let en = format!("{open} migrations to do: kluis migrate");
        return Ok(Err(Message::new(en, format!("nog {open} migraties te doen: kluis migrate"))));
    }
    let damage = inspect::damage(db).await?;
    if let Some(first) = damage.first() {
        let en = format!("damaged: {first}");
        return Ok(Err(Message::new(en, format!("beschadigd: {first}"))));
    }
    Ok(Ok(Message::plain(version.to_string())))
}

async fn apart(stores: &Stores, report: &mut Report) {
    match (inspect::place(&stores.data).await, inspect::place(&stores.keys).await) {
        (Ok(data), Ok(keys)) if data == keys => report.fail(
            APART,
            p(
                "both stand in one database: a backup of the data would hold its keys",
                "beide staan in één database: een reservekopie van de gegevens zou de sleutels bevatten",
            ),
        ),
        (Ok(_), Ok(_)) => report.ok(APART, p("two databases", "twee databases")),
        _ => report.warn(APART, p("can't be determined", "is niet vast te stellen")),
    }
}

async fn audit_chain(db: &Db, report: &mut Report) {
    match audit::verify(db).await {
        Ok(found) => match found.broken_at {
            None => {
                let (events, tree) = (found.events, found.tree);
                report.ok(
                    AUDIT,
                    Message::new(
                        format!("{events} events, the chain holds, {tree} are signed"),
                        format!("{events} gebeurtenissen, de keten klopt, {tree} zijn ondertekend"),
                    ),
                );
            }
            Some(at) => report.fail(
                AUDIT,
                Message::new(
                    format!("breaks at event {at}: kluis audit verify tells more"),
                    format!("breekt bij gebeurtenis {at}: kluis audit verify vertelt meer"),
                ),
            ),
        },
        Err(error) => {
            report.fail(AUDIT, Message::new(format!("can't be read: {error}"), format!("is niet leesbaar: {error}")));
        }
    }
}

/// When the last event was recorded; `None` when there is none or it can't be read.
pub async fn last_event(db: &Db) -> Option<DateTime<Utc>> {
    audit::last(db).await.ok().flatten()
}
