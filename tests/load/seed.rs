//! Fills an empty Kluis with a network: one headquarters, franchisees with a manager each, customers.

use std::sync::Arc;

use chrono::TimeDelta;
use indicatif::ProgressBar;
use kluis::app::App;
use kluis::customers::model::CustomerDraft;
use kluis::customers::{Create, bulk};
use kluis::demo::random::Random;
use kluis::demo::words;
use kluis::server::operator;
use kluis::sessions::own::{TokenWish, issue_token};
use kluis::tenants::model::{TenantDraft, TenantKind};
use kluis::tenants::service as tenants;
use kluis::users::model::{UserDraft, UserLanguage};
use kluis::users::setup;
use kluis_core::access::Scope;
use kluis_core::kernel::Id;
use kluis_core::kernel::id::Tenant;
use serde_json::{Value, json};

use crate::Result;
use crate::world::{Known, Place, World};

/// Customers in one transaction.
const AT_ONCE: usize = 500;
/// Of a hundred customers, so many belong to the first franchisee: one shop is always larger than the others.
const FIRST_SHARE: usize = 20;

/// How large the network is.
#[derive(Clone, Copy)]
pub struct Size {
    pub customers: usize,
    /// Franchisees; headquarters comes on top.
    pub tenants: usize,
}

pub async fn fill(app: &Arc<App>, size: Size) -> Result<World> {
    let root = tenants::create_root(app, &tenant(TenantKind::Hq, None, "Voorbeeldketen".to_owned())).await?;
    let mut world = World::default();
    let bar = ProgressBar::new(size.customers as u64).with_message("customers");
    for number in 0..size.tenants {
        let draft = tenant(TenantKind::Franchisee, Some(root.id), format!("Voorbeeld {number}"));
        let id = tenants::create_below(app, &draft).await?.id;
        let authorization = manager(app, id, number).await?;
        world.places.push(Place { tenant: id.uuid().to_string(), authorization });
        let scope: Scope<Create> = operator::scope(app, id).await?;
        let mut emails: Vec<String> = Vec::new();
        for _ in 0..share(size, number) {
            emails.push(format!("klant{}@example.org", world.customers.len() + emails.len()));
        }
        for chunk in emails.chunks(AT_ONCE) {
            let first = world.customers.len();
            let drafts = chunk.iter().enumerate().map(|(at, email)| draft_of(first + at, email));
            let drafts = drafts.map(serde_json::from_value).collect::<serde_json::Result<Vec<CustomerDraft>>>()?;
            let ids = bulk::create_all(app, &scope, drafts).await?;
            let known = ids.iter().zip(chunk).map(|(id, email)| (id.to_string(), email.clone()));
            world.customers.extend(known.map(|(id, email)| Known { place: number, id, email }));
            bar.set_position(world.customers.len() as u64);
        }
    }
    bar.finish_and_clear();
    app.keys.flush().await?;
    Ok(world)
}

fn share(size: Size, number: usize) -> usize {
    let first = if size.tenants == 1 { size.customers } else { size.customers * FIRST_SHARE / 100 };
    let others = size.tenants.saturating_sub(1).max(1);
    let rest = size.customers - first;
    if number == 0 { first } else { rest / others + usize::from(number <= rest % others) }
}

fn tenant(kind: TenantKind, parent: Option<Id<Tenant>>, name: String) -> TenantDraft {
    TenantDraft {
        kind,
        parent_id: parent.map(|id| id.to_string()),
        name,
        country: "NL".to_owned(),
        kvk_number: None,
        branch_number: None,
        contract_starts: None,
        contract_ends: None,
        special_ground: None,
    }
}

async fn manager(app: &Arc<App>, tenant: Id<Tenant>, number: usize) -> Result<String> {
    let draft = UserDraft {
        email: format!("manager{number}@kluis.example"),
        display_name: format!("Manager {number}"),
        language: UserLanguage::Nl,
    };
    setup::create_user(app, tenant, &draft, &[(tenant, "manager")]).await?;
    let account = setup::by_email(app, &draft.email).await?.ok_or("the user is gone")?;
    let account = setup::activate(app, account).await?;
    let scopes = ["*:*".to_owned()];
    let expires_at = app.clock.now() + TimeDelta::days(2);
    let wish = TokenWish { name: "Load", scopes: &scopes, expires_at, tenant: None };
    let event = setup::token_event(app, &account)?;
    let issued = issue_token(app, &account, &wish, tenant, event).await?;
    Ok(format!("Bearer {}", issued.token.text().as_str()))
}

/// A fictitious person, as a front-end would send one.
pub fn draft_of(number: usize, email: &str) -> Value {
    let mut random = Random::new(7, number as u64);
    let (prefix, family) = random.pick(words::FAMILIES);
    let given = if random.chance(50) { random.pick(words::WOMEN) } else { random.pick(words::MEN) };
    let mut person = json!({ "givenName": given, "familyName": family, "initials": format!("{}.", given.chars().next().unwrap_or_default()) });
    if !prefix.is_empty() {
        person["prefix"] = prefix.into();
    }
    json!({
        "kind": "person",
        "status": "active",
        "language": "nl",
        "source": "webshop",
        "legalBasis": "contract",
        "identity": { "person": person },
        "contact": {
            "emails": [{ "address": email, "primary": true }],
            "phones": [{ "number": format!("+316{:08}", 10_000_000 + number), "primary": true }],
            "addresses": [{
                "street": "Voorbeeldstraat",
                "houseNumber": (number % 200 + 1).to_string(),
                "postcode": format!("{} AB", 1000 + number % 9000),
                "city": "Voorbeeldstad",
                "country": "NL",
                "primary": true
            }]
        },
        "profile": { "interests": ["tuin", "klussen"] }
    })
}
