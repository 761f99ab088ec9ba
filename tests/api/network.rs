//! Networks of tenants with people and customers, for tests that ask what each of them may see.

use kluis::customers::{Archive, Create, service};
use kluis::tenants::model::{TenantDraft, TenantKind};
use kluis::users::model::{UserDraft, UserLanguage};
use kluis::users::setup;
use kluis_core::access::{Scope, ScopedPermission};
use kluis_core::args;
use kluis_core::kernel::Id;
use kluis_core::kernel::id::{Customer, Tenant, User};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::support::app::TestApp;

/// A tenant.
pub struct Place {
    pub id: Id<Tenant>,
    pub kind: &'static str,
    /// The one above it, by its place in the list.
    pub parent: Option<usize>,
}

/// Somebody with roles in one tenant.
pub struct Member {
    pub id: Id<User>,
    pub place: usize,
    pub roles: Vec<&'static str>,
    pub token: Zeroizing<String>,
}

/// A customer.
pub struct Row {
    pub id: Id<Customer>,
    pub place: usize,
    pub owner: Option<usize>,
    pub archived: bool,
    /// As it was sent.
    pub draft: Value,
}

/// A tree of its own.
#[derive(Default)]
pub struct Network {
    pub places: Vec<Place>,
    pub people: Vec<Member>,
    pub rows: Vec<Row>,
}

impl Network {
    pub async fn add_place(&mut self, test: &TestApp, kind: &'static str, parent: Option<usize>) -> usize {
        let draft = TenantDraft {
            kind: TenantKind::from_code(kind).expect("a kind"),
            parent_id: parent.map(|at| self.places[at].id.to_string()),
            name: format!("Voorbeeld {}", self.places.len()),
            country: "NL".to_owned(),
            kvk_number: None,
            branch_number: None,
            contract_starts: None,
            contract_ends: None,
            special_ground: None,
        };
        let made = match parent {
            None => kluis::tenants::service::create_root(&test.app, &draft).await,
            Some(_) => kluis::tenants::service::create_below(&test.app, &draft).await,
        };
        self.places.push(Place { id: made.expect("a tenant").id, kind, parent });
        self.places.len() - 1
    }

    pub async fn add_member(&mut self, test: &TestApp, place: usize, roles: &[&'static str]) -> usize {
        let tenant = self.places[place].id;
        let draft = UserDraft {
            email: format!("lid{}@{}.example", self.people.len(), tenant.uuid().simple()),
            display_name: format!("Lid {}", self.people.len()),
            language: UserLanguage::default(),
        };
        let grants: Vec<_> = roles.iter().map(|role| (tenant, *role)).collect();
        let id = setup::create_user(&test.app, tenant, &draft, &grants).await.expect("a user");
        let token = test.token(id, tenant).await;
        self.people.push(Member { id, place, roles: roles.to_vec(), token });
        self.people.len() - 1
    }

    /// Makes a customer as the operator, under the shipped policy.
    pub async fn add_row(&mut self, test: &TestApp, place: usize, owner: Option<usize>, mut draft: Value) -> usize {
        if let Some(owner) = owner {
            draft["ownerId"] = self.people[owner].id.to_string().into();
        }
        let scope: Scope<Create> = self.operator(test, place).await;
        let sent = serde_json::from_value(draft.clone()).expect("a draft");
        let made =
            service::create(&test.app, &scope, sent).await.unwrap_or_else(|problem| panic!("{problem:?} {draft}"));
        self.rows.push(Row { id: made.1, place, owner, archived: false, draft });
        self.rows.len() - 1
    }

    pub async fn archive(&mut self, test: &TestApp, row: usize) {
        let scope: Scope<Archive> = self.operator(test, self.rows[row].place).await;
        let put = service::set_archived(&test.app, &scope, self.rows[row].id, |_| Ok(()), true).await;
        assert!(put.is_ok(), "it is put away");
        self.rows[row].archived = true;
    }

    async fn operator<P: ScopedPermission>(&self, test: &TestApp, place: usize) -> Scope<P> {
        let actor = kluis::sessions::operator(&test.app, self.places[place].id).await.expect("it reads");
        Scope::decide(&actor.expect("an operator"), None, "req_test".into())
    }

    /// Whether one tenant stands below another.
    pub fn is_below(&self, place: usize, above: usize) -> bool {
        let parent = self.places[place].parent;
        parent.is_some_and(|parent| parent == above || self.is_below(parent, above))
    }
}

/// Puts other lines into force, as a change of the policy does: under a new epoch.
pub async fn enforce(test: &TestApp, text: &str) {
    const WHY: &str = "a test changes the policy";
    let mut tx = test.app.db.begin().await.expect("a transaction");
    let raise = "UPDATE authz_epoch SET value = value + 1 RETURNING value";
    let row = tx.fetch_optional_without_scope(WHY, raise, args![]).await.expect("it writes").expect("an epoch");
    tx.commit_without_event(WHY).await.expect("it commits");
    let lines = kluis_core::access::parse("made_up.csv", text);
    let loaded = test.app.policy.reload(lines, row.int(0).expect("a number"));
    loaded.unwrap_or_else(|findings| panic!("{findings:?}\n{text}"));
}

/// Throws that come out the same for the same seed.
pub struct Dice(pub u64);

impl Dice {
    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % count.max(1) as u64).expect("it fits")
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    pub fn happens(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

/// The compartments of a customer, as the policy calls them.
pub const PARTS: [&str; 6] = ["identity", "contact", "financial", "profile", "notes", "special"];

/// A made-up policy: these roles in any kind of tenant, links between them, and lines about customers that meet, cover
/// and contradict each other; most of them are about the `favoured` roles. Domains are tenants, by their ids.
pub fn made_up(dice: &mut Dice, (roles, favoured): (&[&str], &[&str]), domains: &[String], users: &[String]) -> String {
    let mut text = String::new();
    for role in roles {
        text += &format!("role, {role}, hq region franchisee member_org ngo, contract, {role}, {role}\n");
    }
    text += &format!("p, role:{}, hq, job, read, unit, *, allow\n", roles[0]);
    for _ in 0..4 + dice.below(30) {
        let subject = if !users.is_empty() && dice.happens(10) {
            format!("user:{}", dice.pick(users))
        } else {
            let of = if favoured.is_empty() || dice.happens(30) { roles } else { favoured };
            format!("role:{}", dice.pick(of))
        };
        let domain = match dice.below(10) {
            0..5 => "*".to_owned(),
            5..9 => (*dice.pick(&["hq", "region", "franchisee", "member_org"])).to_owned(),
            _ if domains.is_empty() => "*".to_owned(),
            _ => format!("t:{}", dice.pick(domains)),
        };
        let object = if dice.happens(45) { "customer".to_owned() } else { format!("customer.{}", dice.pick(&PARTS)) };
        let rel = *dice.pick(&["own", "unit", "unit", "sub", "net", "shared", "*"]);
        let effect = if dice.happens(22) { "deny" } else { "allow" };
        // Records of people are never open to the whole network: the linter refuses that.
        let rel = if effect == "allow" && matches!(rel, "net" | "*") { "unit" } else { rel };
        let action = *dice.pick(&["read", "read", "read", "update", "*"]);
        let purpose = *dice.pick(&["*", "*", "contract", "marketing", "service"]);
        text += &format!("p, {subject}, {domain}, {object}, {action}, {rel}, {purpose}, {effect}\n");
    }
    for _ in 0..dice.below(4) {
        let from = dice.below(roles.len() - 1);
        let to = from + 1 + dice.below(roles.len() - from - 1);
        text += &format!("g, role:{}, role:{}, *\n", roles[from], roles[to]);
    }
    text
}
