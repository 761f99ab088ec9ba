//! A whole program over a scratch database: a small franchise with people in every role, and a client to ask it.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use kluis::app::App;
use kluis::config::{Config, Sources, resolve};
use kluis::entropy::SystemEntropy;
use kluis::server::site;
use kluis::server::stores::Stores;
use kluis::sessions::model::AccessKind;
use kluis::sessions::sign_in::{NewAccess, insert};
use kluis::tenants::model::{TenantDraft, TenantKind};
use kluis::users::account::Account;
use kluis::users::model::{UserDraft, UserLanguage, UserStatus};
use kluis::users::setup;
use kluis_core::access::Policy;
use kluis_core::kernel::id::{Tenant, User};
use kluis_core::kernel::{Clock, Entropy, Id};
use kluis_core::privacy::RootKey;
use poem::EndpointExt;
use poem::endpoint::BoxEndpoint;
use poem::test::{TestClient, TestResponse};
use serde_json::Value;
use zeroize::Zeroizing;

use super::postgres_database;

/// A person with a role, and a token of theirs.
pub struct Person {
    pub id: Id<User>,
    pub tenant: Id<Tenant>,
    pub token: Zeroizing<String>,
}

/// The program under test.
pub struct TestApp {
    pub app: Arc<App>,
    pub client: TestClient<BoxEndpoint<'static>>,
    pub hq: Id<Tenant>,
    pub region: Id<Tenant>,
    pub north: Id<Tenant>,
    pub south: Id<Tenant>,
    pub people: BTreeMap<&'static str, Person>,
    pub directory: tempfile::TempDir,
    pub engine: &'static str,
    /// The settings, for other processes that serve the same.
    pub flags: Vec<(String, String)>,
    /// The root key's text.
    pub root: Zeroizing<String>,
}

/// A second node over the databases of a test's program.
pub struct Node {
    pub app: Arc<App>,
    pub client: TestClient<BoxEndpoint<'static>>,
}

impl Node {
    /// Asks this node with a person's token.
    pub async fn ask(&self, token: &str, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let request = self.client.request(method.parse().expect("a method"), path);
        let request = request.header("authorization", format!("Bearer {token}"));
        let answer = match body {
            Some(body) => request.body_json(body).send().await,
            None => request.send().await,
        };
        read(answer).await
    }
}

/// In what a test's program differs from the usual.
pub struct Making {
    /// Settings of its own.
    pub flags: Vec<(String, String)>,
    pub clock: Clock,
    pub entropy: Arc<dyn Entropy>,
    /// Another policy than the shipped one.
    pub policy: Option<Policy>,
}

impl Default for Making {
    fn default() -> Self {
        let entropy = Arc::new(SystemEntropy::default());
        Self { flags: Vec::new(), clock: Clock::fixed(start()), entropy, policy: None }
    }
}

fn configuration(flags: &[(String, String)]) -> Config {
    let resolved = resolve(&Sources { file: None, environment: &BTreeMap::new(), flags });
    Config::from_resolved(&resolved.expect("the flags are known")).expect("the configuration is valid")
}

async fn assemble(
    flags: &[(String, String)],
    stores: Stores,
    clock: Clock,
    entropy: Arc<dyn Entropy>,
    policy: Option<Policy>,
) -> Arc<App> {
    let app = App::assemble(configuration(flags), stores.data, stores.keyring, clock, entropy).await.expect("the app");
    let Some(policy) = policy else { return app };
    let app = Arc::into_inner(app).expect("nobody else has it yet");
    Arc::new(App { policy, ..app })
}

fn client(app: &Arc<App>) -> TestClient<BoxEndpoint<'static>> {
    TestClient::new(site::build(app).unwrap_or_else(|error| panic!("{error}")).boxed())
}

/// Who works where in the test's franchise: name, role, tenant.
const PEOPLE: [(&str, &str, &str); 10] = [
    ("admin", "hq_admin", "hq"),
    ("analyst", "hq_analyst", "hq"),
    ("privacy", "privacy_officer", "hq"),
    ("auditor", "auditor", "hq"),
    ("regional", "region_manager", "region"),
    ("manager", "manager", "north"),
    ("sales", "sales", "north"),
    ("service", "service", "north"),
    ("manager_south", "manager", "south"),
    ("sales_south", "sales", "south"),
];

/// The moment at which the tests' clock stands.
pub fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).expect("a valid time")
}

impl TestApp {
    pub async fn both() -> [Self; 2] {
        [Self::sqlite().await, Self::postgres().await]
    }

    pub async fn sqlite() -> Self {
        Self::made("sqlite", Making::default()).await
    }

    pub async fn postgres() -> Self {
        Self::made("postgres", Making::default()).await
    }

    /// One on each engine, made in the same way.
    pub async fn both_made(making: impl Fn() -> Making) -> [Self; 2] {
        [Self::made("sqlite", making()).await, Self::made("postgres", making()).await]
    }

    pub async fn with(engine: &'static str, flags: Vec<(String, String)>) -> Self {
        Self::made(engine, Making { flags, ..Making::default() }).await
    }

    pub async fn made(engine: &'static str, making: Making) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let Making { mut flags, clock, entropy, policy } = making;
        if engine == "postgres" {
            flags.push(("database.url".to_owned(), postgres_database("data").await));
            flags.push(("keys.url".to_owned(), postgres_database("keys").await));
        }
        flags.push(("data.directory".to_owned(), directory.path().display().to_string()));
        flags.push(("rate.per_second".to_owned(), "100000".to_owned()));
        flags.push(("rate.burst".to_owned(), "100000".to_owned()));
        let root = RootKey::generate().expect("randomness").to_text();
        let stores = Stores::open(&configuration(&flags)).await.expect("the databases open");
        stores.migrate().await.expect("the migrations run");
        stores.keyring.initialise(&RootKey::parse(&root).expect("a key")).await.expect("the vault opens");
        let app = assemble(&flags, stores, clock, entropy, policy).await;
        let client = client(&app);
        let mut test = Self::empty(app, client, directory, engine).await;
        (test.flags, test.root) = (flags, root);
        for (name, role, place) in PEOPLE {
            let tenant = test.place(place);
            let person = test.person(name, role, tenant).await;
            test.people.insert(name, person);
        }
        test
    }

    /// Another process's part of the same installation, as far as one process can play it: its own connections, its own
    /// vault, its own memory.
    pub async fn node(&self) -> Node {
        let stores = Stores::open(&configuration(&self.flags)).await.expect("the databases open");
        stores.keyring.unseal(RootKey::parse(&self.root).expect("a key")).await.expect("the vault opens");
        let (clock, entropy) = (self.app.clock.clone(), Arc::new(SystemEntropy::default()));
        let app = assemble(&self.flags, stores, clock, entropy, None).await;
        Node { client: client(&app), app }
    }

    async fn empty(
        app: Arc<App>,
        client: TestClient<BoxEndpoint<'static>>,
        directory: tempfile::TempDir,
        engine: &'static str,
    ) -> Self {
        let draft = |kind, parent: Option<Id<Tenant>>, name: &str| TenantDraft {
            kind,
            parent_id: parent.map(|id| id.to_string()),
            name: name.to_owned(),
            country: "NL".to_owned(),
            kvk_number: None,
            branch_number: None,
            contract_starts: None,
            contract_ends: None,
            special_ground: None,
        };
        let below = |kind, parent, name: &str| {
            let (app, draft) = (Arc::clone(&app), draft(kind, Some(parent), name));
            async move { kluis::tenants::service::create_below(&app, &draft).await.expect("a tenant").id }
        };
        let root = kluis::tenants::service::create_root(&app, &draft(TenantKind::Hq, None, "Voorbeeldketen")).await;
        let hq = root.expect("a root").id;
        let region = below(TenantKind::Region, hq, "Regio Voorbeeld").await;
        let north = below(TenantKind::Franchisee, region, "Voorbeeld Noord").await;
        let south = below(TenantKind::Franchisee, region, "Voorbeeld Zuid").await;
        let (people, flags, root) = (BTreeMap::new(), Vec::new(), Zeroizing::new(String::new()));
        Self { client, hq, region, north, south, people, directory, engine, app, flags, root }
    }

    fn place(&self, name: &str) -> Id<Tenant> {
        match name {
            "hq" => self.hq,
            "region" => self.region,
            "south" => self.south,
            _ => self.north,
        }
    }

    /// Makes an active user with a role, and an API token of theirs.
    pub async fn person(&self, name: &str, role: &str, tenant: Id<Tenant>) -> Person {
        let draft = UserDraft {
            email: format!("{name}@kluis.example"),
            display_name: format!("Tester {name}"),
            language: UserLanguage::default(),
        };
        let id = setup::create_user(&self.app, tenant, &draft, &[(tenant, role)])
            .await
            .unwrap_or_else(|problem| panic!("{name} {role}: {problem:?}"));
        let token = self.token(id, tenant).await;
        Person { id, tenant, token }
    }

    /// An API token without restrictions; makes an invited user active, as a one-time link would.
    pub async fn token(&self, user: Id<User>, tenant: Id<Tenant>) -> Zeroizing<String> {
        const WHY: &str = "a test makes tokens for its people";
        let read = Account::read(&self.app.db, &self.app.keys, user).await.expect("it reads");
        let mut account = read.expect("it is there");
        let mut tx = self.app.db.begin().await.expect("a transaction");
        account.change(self.app.clock.now()).status = UserStatus::Active;
        account.save(&mut tx).await.expect("it saves");
        let expires_at = self.app.clock.now() + TimeDelta::days(30);
        let access = NewAccess { kind: AccessKind::Api, tenant, label: None, scopes: None, expires_at };
        let issued = insert(&self.app, &mut tx, &account, access).await.expect("a token");
        tx.commit_without_event(WHY).await.expect("it commits");
        issued.text()
    }

    pub fn as_(&self, name: &str) -> &str {
        &self.people[name].token
    }

    pub async fn get(&self, name: &str, path: &str) -> TestResponse {
        self.client.get(path).header("authorization", format!("Bearer {}", self.as_(name))).send().await
    }

    pub async fn post(&self, name: &str, path: &str, body: &Value) -> TestResponse {
        let request = self.client.post(path).header("authorization", format!("Bearer {}", self.as_(name)));
        request.body_json(body).send().await
    }

    pub async fn patch(&self, name: &str, path: &str, etag: &str, body: &Value) -> TestResponse {
        let request = self.client.patch(path).header("authorization", format!("Bearer {}", self.as_(name)));
        let request = request.header("if-match", etag).content_type("application/merge-patch+json");
        request.body(body.to_string()).send().await
    }
}

impl TestApp {
    pub async fn delete(&self, name: &str, path: &str, etag: &str) -> TestResponse {
        let request = self.client.delete(path).header("authorization", format!("Bearer {}", self.as_(name)));
        request.header("if-match", etag).send().await
    }

    pub async fn put(&self, name: &str, path: &str, etag: &str, body: Option<&Value>) -> TestResponse {
        let request = self.client.put(path).header("authorization", format!("Bearer {}", self.as_(name)));
        let request = request.header("if-match", etag);
        match body {
            Some(body) => request.body_json(body).send().await,
            None => request.send().await,
        }
    }
}

/// Status and JSON body of an answer.
pub async fn read(response: TestResponse) -> (u16, Value) {
    let status = response.0.status().as_u16();
    let text = response.0.into_body().into_string().await.expect("a text");
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}
