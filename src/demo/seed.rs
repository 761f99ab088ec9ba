//! Fills an empty installation with the fictitious franchise, and lets visitors in.
//!
//! Everything goes through the services that the API calls, as the operator whom the policy knows.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::TimeDelta;
use kluis_core::access::Scope;
use kluis_core::kernel::id::{Customer, Tenant};
use kluis_core::kernel::{Id, Problem};
use zeroize::Zeroizing;

use super::network::{NETWORK, PEOPLE, Person, Unit};
use super::{convert, customers::customers, office};
use crate::app::App;
use crate::customers::{Create, bulk};
use crate::interactions;
use crate::relations;
use crate::server::operator;
use crate::sessions::own::{TokenWish, issue_token};
use crate::tenants;
use crate::tenants::model::{TenantDraft, TenantRecord};
use crate::users::links::LinkPurpose;
use crate::users::model::{UserDraft, UserLanguage};
use crate::users::setup;

/// Customers that go into one transaction: large enough to spare commits, small enough to let others in between.
const AT_ONCE: usize = 250;
/// How long the tokens of the demonstration work.
const TOKEN_TIME: TimeDelta = TimeDelta::hours(12);

/// A tenant that was made for a unit of the network.
pub struct Place {
    pub unit: &'static Unit,
    pub tenant: TenantRecord,
}

/// Somebody who can look around: shown once.
pub struct Visitor {
    pub person: Person,
    pub link: Zeroizing<String>,
    pub token: Zeroizing<String>,
}

/// Makes tenants, people, partners, customers and what happened with them. `tell` hears how many customers are there.
pub async fn seed(app: &Arc<App>, seed: u64, mut tell: impl FnMut(usize)) -> Result<(), Problem> {
    let places = places(app).await?;
    for person in PEOPLE.into_iter().chain([office::PARTNER_MANAGER]) {
        let home = home(&places, person.unit)?;
        let draft = UserDraft {
            email: person.email.to_owned(),
            display_name: person.name.to_owned(),
            language: UserLanguage::Nl,
        };
        setup::create_user(app, home, &draft, &[(home, person.role)]).await?;
    }
    office::make_partners(app, &places, seed).await?;
    let mut drafts = customers(seed, app.clock.now()).peekable();
    let mut known: HashMap<u32, Id<Customer>> = HashMap::new();
    while let Some(first) = drafts.peek() {
        let unit = first.unit;
        let place = places.get(unit).ok_or_else(Problem::not_found)?;
        let mut chunk = Vec::with_capacity(AT_ONCE);
        while let Some(draft) = drafts.next_if(|draft| draft.unit == unit && chunk.len() < AT_ONCE) {
            chunk.push(draft);
        }
        let scope: Scope<Create> = operator::scope(app, place.tenant.id).await?;
        let ids = bulk::create_all(app, &scope, chunk.iter().map(convert::customer).collect()).await?;
        let contacts = chunk.iter().zip(&ids).flat_map(|(draft, id)| convert::interactions(draft, *id)).collect();
        interactions::bulk::create_all(app, &scope.also(), contacts).await?;
        known.extend(chunk.iter().map(|draft| draft.number).zip(ids));
        let related: Vec<_> = chunk.iter().flat_map(|draft| convert::relations(draft, &known)).collect();
        relations::bulk::create_all(app, &scope.also(), &related).await?;
        tell(known.len());
    }
    if let Some(seller) = PEOPLE.iter().find(|person| person.role == "sales") {
        office::bring_in_table(app, &places, seller, seed).await?;
    }
    app.keys.flush().await?;
    Ok(())
}

async fn places(app: &App) -> Result<Vec<Place>, Problem> {
    let mut places: Vec<Place> = Vec::with_capacity(NETWORK.len());
    for unit in NETWORK {
        let parent = unit.parent.and_then(|parent| places.get(parent)).map(|place| place.tenant.id.to_string());
        let draft = TenantDraft {
            kind: unit.kind,
            parent_id: parent,
            name: unit.name.to_owned(),
            country: "NL".to_owned(),
            kvk_number: Some(unit.kvk_number.to_owned()),
            branch_number: Some(unit.branch_number.to_owned()),
            contract_starts: None,
            contract_ends: None,
            special_ground: None,
        };
        let tenant = match unit.parent {
            None => tenants::service::create_root(app, &draft).await?,
            Some(_) => tenants::service::create_below(app, &draft).await?,
        };
        places.push(Place { unit, tenant });
    }
    Ok(places)
}

fn home(places: &[Place], key: &str) -> Result<Id<Tenant>, Problem> {
    let place = places.iter().find(|place| place.unit.key == key);
    place.map(|place| place.tenant.id).ok_or_else(Problem::not_found)
}

/// New sign-in links and tokens for the four visitors of a demonstration that was seeded.
pub async fn visitors(app: &App) -> Result<Vec<Visitor>, Problem> {
    let mut visitors = Vec::with_capacity(PEOPLE.len());
    for person in PEOPLE {
        let account = setup::by_email(app, person.email).await?.ok_or_else(Problem::not_found)?;
        let account = setup::activate(app, account).await?;
        let link = setup::make_link(app, account.row.id, LinkPurpose::Demonstration).await?;
        let scopes = ["*:*".to_owned()];
        let wish = TokenWish {
            name: "Demonstration",
            scopes: &scopes,
            expires_at: app.clock.now() + TOKEN_TIME,
            tenant: None,
        };
        let event = setup::token_event(app, &account)?;
        let issued = issue_token(app, &account, &wish, account.row.acting_tenant, event).await?;
        let link = link.url(&app.config.public_url);
        visitors.push(Visitor { person, link, token: issued.token.text() });
    }
    Ok(visitors)
}
