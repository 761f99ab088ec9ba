//! What the people of the demonstration did before the visitors came: they wrote down partners, and brought a table in.
//!
//! Must never: do what the role of whoever does it isn't given.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use kluis_core::access::{Actor, Scope};
use kluis_core::kernel::{CountryCode, Id, Phrase, Problem, id::Tenant};

use super::customers::customers;
use super::draft::{PersonDraft, Who};
use super::network::{NETWORK, Person};
use super::partners::partners;
use super::seed::Place;
use crate::app::App;
use crate::customers::model::{CustomerStatus, LegalBasis};
use crate::imports::mapping::Field;
use crate::imports::merge::Terms;
use crate::imports::service::Decision;
use crate::jobs::{Timing, Worker, Workshop};
use crate::users::setup;
use crate::web::Ident;
use crate::{imports, partners as partner, sessions, worker};

/// Keeps the contracts with the partners; doesn't show visitors around.
pub const PARTNER_MANAGER: Person = Person {
    role: "partner_manager",
    unit: "hq",
    name: "Petra Voorbeeld",
    email: "petra@hq.example",
    title: Phrase { en: "Partner manager", nl: "Partnermanager" },
};

/// Writes the franchise partners and their contact people down.
pub async fn make_partners(app: &App, places: &[Place], seed: u64) -> Result<(), Problem> {
    let actor = actor(app, places, &PARTNER_MANAGER).await?;
    let create: Scope<partner::access::Create> = Scope::decide(&actor, None, "".into());
    for drawn in partners(seed, app.clock.now()) {
        let place = places.get(drawn.unit).ok_or_else(Problem::not_found)?;
        let mut draft = drawn.partner;
        draft.tenant_id = Some(Ident(place.tenant.id));
        let made = partner::service::create(app, &create, draft).await?;
        for person in drawn.people {
            partner::contacts::create(app, &create.also(), made.id.0, person).await?;
        }
    }
    Ok(())
}

/// Hands a table in for somebody and runs it: most of its lines are written over customers that are there, some of them
/// can't be.
pub async fn bring_in_table(app: &Arc<App>, places: &[Place], who: &Person, seed: u64) -> Result<(), Problem> {
    let actor = actor(app, places, who).await?;
    let scope: Scope<imports::Create> = Scope::decide(&actor, None, "".into());
    let table = table(who.unit, seed, app.clock.now());
    let import = imports::service::upload(app, &scope, &mut table.as_bytes()).await?.row.id;
    let terms = Terms {
        legal_basis: LegalBasis::Contract,
        source: "kassa".to_owned(),
        status: CustomerStatus::Active,
        language: "nl".to_owned(),
    };
    let columns = COLUMNS.iter().filter_map(|(_, field)| Field::parse(field)).collect();
    let decision = Decision { columns, country: CountryCode::NL, terms };
    let decided = imports::service::decide(app, &scope, import, |_| Ok(()), |_| Ok(decision)).await;
    decided.map_err(|failure| failure.problem().clone())?;
    imports::service::start(app, &scope, import, false).await?;
    let worker = Worker::new(Workshop::of(app), worker::registry(app), Timing::default());
    while worker.run_one().await? {}
    Ok(())
}

/// The header of each column, and what it means.
const COLUMNS: [(&str, &str); 5] = [
    ("kassanummer", "externalId:kassa"),
    ("tussenvoegsel", "prefix"),
    ("achternaam", "familyName"),
    ("e-mail", "email"),
    ("opmerking", "remarks"),
];
/// People of the unit that stand in the table.
const LINES: usize = 12;
/// The one whose address is mistyped, and the one who stands in it twice.
const MISTYPED: usize = 3;
const TWICE: usize = 1;

/// A table as a till exports it. Three lines are wrong: an address that is none, one line twice, a number without a name.
fn table(unit: &str, seed: u64, today: DateTime<Utc>) -> String {
    let lines = customers(seed, today).filter(|draft| NETWORK.get(draft.unit).is_some_and(|of| of.key == unit));
    let lines: Vec<_> = lines.filter_map(|draft| Some((draft.till_number, person(draft.who)?))).take(LINES).collect();
    let line = |(till, who): &(String, PersonDraft), address: &str, remark: &str| {
        format!("{till};{};{};{address};{remark}\r\n", who.prefix, who.family_name)
    };
    let mut table = COLUMNS.map(|(header, _)| header).join(";") + "\r\n";
    for (place, known) in lines.iter().enumerate() {
        let address = if place == MISTYPED { "geen-adres" } else { "" };
        table += &line(known, address, "Kreeg in de winkel een folder mee.");
    }
    table.extend(lines.get(TWICE).map(|known| line(known, "", "Staat er twee keer in.")));
    table + "KASSA-99999;;;;Een nummer zonder naam.\r\n"
}

fn person(who: Who) -> Option<PersonDraft> {
    match who {
        Who::Person(person) => Some(person),
        Who::Organisation { .. } | Who::Household { .. } => None,
    }
}

async fn actor(app: &App, places: &[Place], person: &Person) -> Result<Arc<Actor>, Problem> {
    let account = setup::by_email(app, person.email).await?.ok_or_else(Problem::not_found)?;
    let account = setup::activate(app, account).await?;
    let home: Option<Id<Tenant>> =
        places.iter().find(|place| place.unit.key == person.unit).map(|place| place.tenant.id);
    let home = home.ok_or_else(Problem::not_found)?;
    sessions::on_behalf(app, account.row.id, home, None).await?.ok_or_else(Problem::not_found)
}
