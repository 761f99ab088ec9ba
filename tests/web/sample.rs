//! A small API over boats in memory, as a domain's `api.rs` would write it.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};

use kluis::web::document::{Contact, DocumentError, Settings};
use kluis::web::{
    Accepted, Answer, Body, Created, Cursors, Document, ETag, Ident, IfMatch, Listing, MergePatch, NoContent, Page,
    PageOf, Query, Record, SearchPage, Shell, Surroundings, docs, problem_pages, service,
};
use kluis_core::kernel::{Clock, Entropy, Id, Phrase, Problem, ProblemKind};
use poem::endpoint::BoxEndpoint;
use poem::http::header;
use poem::test::TestClient;
use poem::{EndpointExt, Request, RequestBody, Response, Route};
use poem_openapi::param::Path;
use poem_openapi::types::Example;
use poem_openapi::{ApiExtractor, ApiExtractorType, Enum, ExtractParamOptions, Object, OpenApi, Tags, Union};
use serde::{Deserialize, Serialize};

kluis_core::kinds! {
    /// A boat.
    Boat = "boa",
}

#[derive(Tags)]
pub enum Tag {
    /// Boats and where they lie.
    Boats,
    /// How the server is.
    Health,
}

/// How a boat moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub enum Drive {
    Sail,
    Motor,
    SailAndMotor,
}

/// Where a boat lies.
#[derive(Debug, Clone, PartialEq, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, example)]
#[serde(rename_all = "camelCase")]
pub struct Berth {
    /// Harbour by name.
    #[oai(validator(min_length = 1, max_length = 40))]
    pub harbour: String,
    /// Number of the berth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u16>,
}

impl Example for Berth {
    fn example() -> Self {
        Self { harbour: "Voorbeeldhaven".to_owned(), number: Some(4) }
    }
}

/// A boat as it is written.
#[derive(Debug, Clone, PartialEq, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, example)]
#[serde(rename_all = "camelCase")]
pub struct BoatDraft {
    /// What is painted on it.
    #[oai(validator(min_length = 1, max_length = 20))]
    pub name: String,
    /// How it moves.
    pub drive: Drive,
    /// Length in centimetres.
    #[oai(validator(minimum(value = "100"), maximum(value = "100000")))]
    pub length: i32,
    /// Day of its launch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub launched: Option<chrono::NaiveDate>,
    /// Time of the last inspection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inspected_at: Option<chrono::DateTime<chrono::Utc>>,
    /// Where it lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub berth: Option<Berth>,
    /// The boat that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mother: Option<Ident<Boat>>,
    /// Words to find it by.
    #[oai(default, validator(max_items = 3))]
    #[serde(default)]
    pub words: Vec<String>,
    /// Where it lies in winter; null when it stays.
    #[oai(nullable)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub winter: Option<Berth>,
    /// What the owner paid; null when it was a gift.
    #[oai(nullable)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<i64>,
}

impl Example for BoatDraft {
    fn example() -> Self {
        Self {
            name: "Zwaluw".to_owned(),
            drive: Drive::Sail,
            length: 720,
            launched: chrono::NaiveDate::from_ymd_opt(1998, 5, 1),
            inspected_at: None,
            berth: Some(Berth::example()),
            mother: None,
            words: vec!["blauw".to_owned()],
            winter: None,
            price: None,
        }
    }
}

/// A boat as it is shown.
#[derive(Debug, Clone, Object, Serialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, example)]
#[serde(rename_all = "camelCase")]
pub struct BoatView {
    /// Its id.
    pub id: Ident<Boat>,
    /// What is painted on it.
    pub name: String,
    /// Length in centimetres.
    pub length: i32,
    /// Where it lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub berth: Option<Berth>,
}

impl Example for BoatView {
    fn example() -> Self {
        let draft = BoatDraft::example();
        let id = Id::parse("boa_01932f5e-8a70-7abc-8def-0123456789ab").expect("canonical");
        Self { id: Ident(id), name: draft.name, length: draft.length, berth: draft.berth }
    }
}

/// A message to a boat, by one of its channels.
#[derive(Debug, Union, Serialize, Deserialize)]
#[oai(one_of, discriminator_name = "channel", rename_all = "camelCase")]
#[serde(tag = "channel", rename_all = "camelCase")]
pub enum Message {
    Radio(Radio),
    Flags(Flags),
}

/// A message by radio.
#[derive(Debug, Object, Serialize, Deserialize)]
pub struct Radio {
    /// The frequency in kHz.
    #[oai(validator(minimum(value = "1")))]
    pub frequency: u32,
}

/// A message by signal flags.
#[derive(Debug, Object, Serialize, Deserialize)]
pub struct Flags {
    /// The hoist, letter by letter.
    #[oai(validator(pattern = "^[A-Z]{1,4}$"))]
    pub hoist: String,
}

/// What to look for.
#[derive(Debug, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, example)]
#[serde(rename_all = "camelCase")]
pub struct BoatSearch {
    /// Part of the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Items per page.
    #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_size: Option<u32>,
    /// Where the page starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl Example for BoatSearch {
    fn example() -> Self {
        Self { name: Some("Zwa".to_owned()), page_size: Some(10), cursor: None }
    }
}

/// Who calls; the token `good` is known.
pub struct Caller;

impl<'a> ApiExtractor<'a> for Caller {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn security_schemes() -> Vec<&'static str> {
        vec!["bearerToken"]
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        match request.header(header::AUTHORIZATION) {
            Some("Bearer good") => Ok(Self),
            _ => Err(kluis::web::Failure::new(ProblemKind::Unauthenticated).into()),
        }
    }
}

/// A domain's error, as each domain has one.
pub enum BoatError {
    Sunk,
}

impl From<BoatError> for Problem {
    fn from(BoatError::Sunk: BoatError) -> Self {
        Self::new(ProblemKind::Conflict).detail(Phrase { en: "The boat has sunk.", nl: "De boot is gezonken." })
    }
}

fn sunk() -> String {
    "sunk".to_owned()
}

#[derive(Default)]
pub struct Harbour {
    boats: Mutex<BTreeMap<u128, (BoatDraft, i64)>>,
}

pub struct Boats(pub Arc<Harbour>);

type Filter = (Option<Drive>, Option<String>);

impl Boats {
    fn find(&self, id: Id<Boat>) -> Result<(BoatDraft, i64), Problem> {
        let boats = self.0.boats.lock().unwrap();
        boats.get(&id.uuid().as_u128()).cloned().ok_or_else(Problem::not_found)
    }

    fn page(&self, page: &Page, filter: &Filter) -> Result<Listing<PageOf<BoatView>>, Problem> {
        let after: Option<u128> = page.position(filter)?;
        let boats = self.0.boats.lock().unwrap();
        let fits = |boat: &BoatDraft| {
            filter.0.is_none_or(|drive| boat.drive == drive)
                && filter.1.as_ref().is_none_or(|part| boat.name.contains(part.as_str()))
        };
        let mut all = boats.iter().filter(|(_, (boat, _))| fits(boat)).peekable();
        let total = page.count().then(|| all.clone().count() as u64);
        while all.next_if(|(key, _)| after.is_some_and(|after| **key <= after)).is_some() {}
        let mut items = Vec::new();
        let mut last = 0;
        for (key, (boat, _)) in all.by_ref().take(page.size() as usize) {
            items.push(view(id_of(*key), boat));
            last = *key;
        }
        let next = all.next().map(|_| last);
        page.listing(items, next.as_ref(), total, filter)
    }
}

fn id_of(key: u128) -> Id<Boat> {
    Id::from_uuid(uuid::Uuid::from_u128(key))
}

fn view(id: Id<Boat>, boat: &BoatDraft) -> BoatView {
    BoatView { id: id.into(), name: boat.name.clone(), length: boat.length, berth: boat.berth.clone() }
}

#[OpenApi(tag = "Tag::Boats", prefix_path = "/boats")]
impl Boats {
    /// Lists boats.
    ///
    /// In the order in which they came.
    #[oai(path = "/", method = "get", operation_id = "listBoats")]
    async fn list(
        &self,
        _caller: Caller,
        page: Page,
        /// Only boats that move like this.
        drive: Query<Option<Drive>>,
        /// Only boats of at least this length, in centimetres.
        #[oai(name = "minLength")]
        min_length: Query<Option<u32>>,
    ) -> kluis::web::Result<Listing<PageOf<BoatView>>> {
        let _ = min_length;
        Ok(self.page(&page, &(drive.0, None))?)
    }

    /// Searches boats.
    ///
    /// By what must not stand in a URL.
    #[oai(path = "/_search", method = "post", operation_id = "searchBoats")]
    async fn search(
        &self,
        _caller: Caller,
        around: SearchPage,
        body: Body<BoatSearch>,
    ) -> kluis::web::Result<Listing<PageOf<BoatView>>> {
        let BoatSearch { name, page_size, cursor } = body.0;
        let page = Page::of_search(&around, page_size, cursor, None);
        Ok(self.page(&page, &(None, name))?)
    }

    /// Adds a boat.
    ///
    /// It gets an id of its own.
    #[oai(path = "/", method = "post", operation_id = "createBoat")]
    async fn create(&self, _caller: Caller, body: Body<BoatDraft, 4096>) -> kluis::web::Result<Created<BoatView>> {
        let mut boats = self.0.boats.lock().unwrap();
        let key = 0x0193_2f5e_8a70_7000_8000_0000_0000_0000 + boats.len() as u128;
        boats.insert(key, (body.0.clone(), 1));
        let id = id_of(key);
        Ok(Created::new(view(id, &body.0), ETag::of(1), &format!("/v1/boats/{id}")))
    }

    /// Shows a boat.
    ///
    /// With its berth.
    #[oai(path = "/:id", method = "get", operation_id = "getBoat")]
    async fn show(
        &self,
        _caller: Caller,
        /// The boat.
        id: Path<Ident<Boat>>,
    ) -> kluis::web::Result<Record<BoatView>> {
        let (boat, revision) = self.find(id.0.0)?;
        Ok(Record::new(view(id.0.0, &boat), ETag::of(revision)))
    }

    /// Changes a boat.
    ///
    /// Only what the patch names.
    #[oai(path = "/:id", method = "patch", operation_id = "changeBoat")]
    async fn change(
        &self,
        _caller: Caller,
        /// The boat.
        id: Path<Ident<Boat>>,
        if_match: IfMatch,
        patch: MergePatch<BoatDraft>,
    ) -> kluis::web::Result<Record<BoatView>> {
        let (boat, revision) = self.find(id.0.0)?;
        if_match.check(ETag::of(revision))?;
        let boat = patch.apply(&boat)?;
        let shown = view(id.0.0, &boat);
        self.0.boats.lock().unwrap().insert(id.0.0.uuid().as_u128(), (boat, revision + 1));
        Ok(Record::new(shown, ETag::of(revision + 1)))
    }

    /// Removes a boat.
    ///
    /// For good.
    #[oai(path = "/:id", method = "delete", operation_id = "deleteBoat")]
    async fn delete(
        &self,
        _caller: Caller,
        /// The boat.
        id: Path<Ident<Boat>>,
        if_match: IfMatch,
    ) -> kluis::web::Result<NoContent> {
        let (_, revision) = self.find(id.0.0)?;
        if_match.check(ETag::of(revision))?;
        self.0.boats.lock().unwrap().remove(&id.0.0.uuid().as_u128());
        Ok(NoContent)
    }

    /// Sends a message to a boat.
    ///
    /// A job does it.
    #[oai(path = "/:id/messages", method = "post", operation_id = "sendMessage")]
    async fn send(
        &self,
        _caller: Caller,
        /// The boat.
        id: Path<Ident<Boat>>,
        body: Body<Message>,
    ) -> kluis::web::Result<Accepted<BoatView>> {
        let (boat, _) = self.find(id.0.0)?;
        let _ = body;
        Ok(Accepted::new(view(id.0.0, &boat), "/v1/jobs/job_1"))
    }

    /// Raises a boat.
    ///
    /// It never works, in one of three ways.
    #[oai(path = "/raised", method = "post", operation_id = "raiseBoat")]
    async fn raise(
        &self,
        _caller: Caller,
        /// What goes wrong.
        #[oai(example = "sunk")]
        how: Query<String>,
    ) -> kluis::web::Result<NoContent> {
        match how.0.as_str() {
            "panic" => panic!("a secret value"),
            "sunk" => Err(BoatError::Sunk.into()),
            _ => Ok(NoContent),
        }
    }
}

pub struct Health;

#[OpenApi(tag = "Tag::Health")]
impl Health {
    /// Tells whether the server lives.
    ///
    /// Answers without sign-in.
    #[oai(path = "/health", method = "get", operation_id = "getHealth")]
    async fn health(&self) -> Answer<Vec<Berth>> {
        Answer::new(Vec::new())
    }
}

/// An API as it must not be.
pub struct Bare;

#[derive(Object, Serialize)]
pub struct BareThing {
    long_name: String,
    items: Vec<String>,
}

#[OpenApi]
impl Bare {
    #[oai(path = "/bare_things/:thing_id", method = "get", operation_id = "x")]
    async fn x(&self, thing_id: Path<String>, why: Query<Option<String>>) -> Answer<BareThing> {
        Answer::new(BareThing { long_name: why.0.unwrap_or(thing_id.0), items: Vec::new() })
    }

    #[oai(path = "/bare_things/:thing_id", method = "delete", operation_id = "y")]
    async fn y(&self, thing_id: Path<String>) -> NoContent {
        drop(thing_id);
        NoContent
    }
}

pub fn settings() -> Settings<'static> {
    Settings {
        title: "Boats",
        description: "A sample.",
        contact: Contact { name: "Example", url: "https://example.org", email: "api@example.org" },
        public: &["getHealth"],
        session_cookie: "__Host-kluis",
        also: &[],
        words: &[],
    }
}

pub type Api = (Boats, Health);

pub fn document() -> Result<Document, DocumentError> {
    Document::of::<Api>(&settings())
}

struct Counting;

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

pub fn surroundings() -> Surroundings {
    Surroundings {
        clock: Clock::fixed("2026-01-31T09:00:00Z".parse().unwrap()),
        entropy: Arc::new(Counting),
        proxies: kluis::web::address::TrustedProxies::default(),
        behind_tls: true,
        limits: None,
    }
}

/// What a layer without our problems answers.
#[poem::handler]
fn foreign() -> poem::Result<Response> {
    Err(poem::error::BadGateway(std::io::Error::other("connection to 10.0.0.1 refused")))
}

pub fn routes() -> Route {
    static DOCUMENT: LazyLock<Document> = LazyLock::new(|| document().unwrap_or_else(|error| panic!("{error}")));
    let cursors = Arc::new(Cursors::new(|| Ok([9; 32])));
    let api = service((Boats(Arc::default()), Health), &DOCUMENT).unwrap().data(cursors);
    let pages = problem_pages::mount(docs::mount(Route::new(), "Boats", "/v1/openapi.json"));
    pages.nest("/v1", api).at("/foreign", foreign)
}

pub fn shell() -> Shell {
    Shell::new(routes(), surroundings())
}

pub fn client() -> TestClient<BoxEndpoint<'static>> {
    TestClient::new(shell().boxed())
}
