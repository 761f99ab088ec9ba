//! Pages of lists: size, sealed cursors, links (keyset paging: stable under concurrent inserts).
//!
//! ```ignore
//! async fn list(&self, scope: Scope<Read>, page: Page, status: Query<Option<Status>>) -> web::Result<Listing<PageOf<CustomerView>>> {
//!     let filter = Filter { status: status.0 };
//!     let after: Option<Position> = page.position(&filter)?;
//!     let found = service::list(&self.app, &scope, &filter, after, page.size()).await?;
//!     Ok(page.listing(found.views, found.next.as_ref(), found.total, &filter)?)
//! }
//! ```
//!
//! A cursor is encrypted, not only signed: a list sorted by name has a name in its position, and a URL ends up in logs.
//!
//! Must never: accept a cursor for other filters, another operation, or one that was altered.

use std::borrow::Cow;
use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use kluis_core::kernel::{Faults, Phrase, Problem, ProblemKind};
use poem::http::Uri;
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaParamIn, MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce};
use ring::digest::{SHA256, digest};
use ring::hkdf;
use ring::rand::{SecureRandom, SystemRandom};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::answer::Listing;
use super::operation::Route;
use super::problem::Failure;
use super::query;
use super::text::{JsonText, Members};

/// How many items a page has when nothing is said, and at most.
pub const USUAL_SIZE: u32 = 50;
pub const MAX_SIZE: u32 = 200;
const MAX_CURSOR: usize = 2048;

/// The title by which the document knows that a parameter stands for all of a page's.
pub(super) const MARKER: &str = "page";

/// Gives the secret of 32 bytes from which the cursors' key is derived, the same on every node; a fault while the vault is
/// sealed.
type Secret = dyn Fn() -> Result<[u8; 32], Problem> + Send + Sync;

/// Seals and opens cursors. Put one into the application's data: `endpoint.data(Arc::new(Cursors::new(secret)))`.
///
/// The key is derived for each cursor and dropped: so it is gone when the vault is sealed, and there when it is opened.
pub struct Cursors {
    secret: Box<Secret>,
    random: SystemRandom,
}

/// What a cursor holds besides the position.
#[derive(Serialize, Deserialize)]
struct Sealed<P> {
    position: P,
}

impl Cursors {
    /// Asks for its secret each time.
    pub fn new(secret: impl Fn() -> Result<[u8; 32], Problem> + Send + Sync + 'static) -> Self {
        Self { secret: Box::new(secret), random: SystemRandom::new() }
    }

    fn key(&self) -> Result<LessSafeKey, Problem> {
        let secret = Zeroizing::new((self.secret)()?);
        let derived = hkdf::Salt::new(hkdf::HKDF_SHA256, b"kluis cursor v1").extract(&*secret);
        let key = derived.expand(&[b"seal"], &AES_256_GCM).map_err(|_| Problem::new(ProblemKind::Internal))?;
        Ok(LessSafeKey::new(key.into()))
    }

    /// `context` is bound to the cursor: it opens only with the same operation and the same filters.
    pub fn seal<P: Serialize>(&self, context: &[u8], position: &P) -> Result<String, Problem> {
        let internal = || Problem::new(ProblemKind::Internal);
        let mut bytes = serde_json::to_vec(&Sealed { position }).map_err(|_| internal())?;
        let mut nonce = [0_u8; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(|_| internal())?;
        let aad = Aad::from(digest(&SHA256, context));
        self.key()?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut bytes)
            .map_err(|_| internal())?;
        Ok(BASE64URL_NOPAD.encode(&[&nonce[..], &bytes].concat()))
    }

    /// `None` for a cursor that was altered, made by another key, or for another context.
    pub fn open<P: DeserializeOwned>(&self, context: &[u8], cursor: &str) -> Option<P> {
        if cursor.len() > MAX_CURSOR {
            return None;
        }
        let bytes = BASE64URL_NOPAD.decode(cursor.as_bytes()).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        let plain = self.key().ok()?.open_in_place(nonce, Aad::from(digest(&SHA256, context)), &mut sealed).ok()?;
        serde_json::from_slice(plain).ok().map(|Sealed { position }| position)
    }
}

impl std::fmt::Debug for Cursors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cursors")
    }
}

/// The paging part of a request: `page: Page` in the handler's arguments, or [`Page::of_search`] from a body.
#[derive(Debug, Clone)]
pub struct Page {
    size: u32,
    cursor: Option<String>,
    count: bool,
    cursors: Arc<Cursors>,
    operation: Arc<str>,
    /// The URL without its cursor; `None` for a search, whose next page is asked for in the body.
    url: Option<String>,
}

impl Page {
    /// Items per page, 1 to 200.
    pub const fn size(&self) -> u32 {
        self.size
    }

    /// Whether the total was asked for.
    pub const fn count(&self) -> bool {
        self.count
    }

    /// Where the page starts: after this position; `None` for the first page. `filter` is everything that decides which
    /// records are in the list, and in which order.
    pub fn position<P: DeserializeOwned>(&self, filter: &impl Serialize) -> Result<Option<P>, Problem> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let context = self.context(filter)?;
        self.cursors.open(&context, cursor).map(Some).ok_or_else(|| {
            const NOT_OURS: Phrase = Phrase {
                en: "Not a cursor of this list with these filters. Start at the first page.",
                nl: "Geen cursor van deze lijst met deze filters. Begin bij de eerste pagina.",
            };
            let pointer = if self.url.is_some() { "query:cursor" } else { "/cursor" };
            let mut faults = Faults::new();
            faults.add(pointer, "cursor", NOT_OURS);
            Problem::invalid(faults.into_vec())
        })
    }

    /// The answer: the items, and the way to the next page while there is one.
    pub fn listing<T, P: Serialize>(
        &self,
        items: Vec<T>,
        next: Option<&P>,
        total: Option<u64>,
        filter: &impl Serialize,
    ) -> Result<Listing<PageOf<T>>, Problem> {
        let next_cursor = self.next_cursor(next, filter)?;
        let link = self.link(next_cursor.as_deref());
        Ok(Listing::new(PageOf { items, next_cursor, total }, link.as_deref()))
    }

    /// The same for items that are written already.
    pub fn listing_written<T, P: Serialize>(
        &self,
        items: &[JsonText<T>],
        next: Option<&P>,
        total: Option<u64>,
        filter: &impl Serialize,
    ) -> Result<Listing<PageOf<T>>, Problem> {
        let next_cursor = self.next_cursor(next, filter)?;
        let link = self.link(next_cursor.as_deref());
        let length: usize = items.iter().map(|item| item.as_bytes().len() + 1).sum();
        let mut page = Members::none(length + MAX_CURSOR);
        page.put_texts("items", items)?;
        if let Some(cursor) = &next_cursor {
            page.put("nextCursor", cursor)?;
        }
        if let Some(total) = &total {
            page.put("total", total)?;
        }
        Ok(Listing::written(JsonText::of(page), link.as_deref()))
    }

    fn next_cursor<P: Serialize>(&self, next: Option<&P>, filter: &impl Serialize) -> Result<Option<String>, Problem> {
        next.map(|position| self.cursors.seal(&self.context(filter)?, position)).transpose()
    }

    fn link(&self, next_cursor: Option<&str>) -> Option<String> {
        let (cursor, url) = (next_cursor?, self.url.as_deref()?);
        let separator = if url.contains('?') { '&' } else { '?' };
        Some(format!("{url}{separator}cursor={cursor}"))
    }

    /// A page of a list that is never long, and therefore read whole: the sessions of one person, the roles of one user.
    /// `place` gives each item its place in the order, `order` which end comes first.
    pub fn whole<T, P, F>(
        &self,
        mut items: Vec<T>,
        order: Order,
        place: impl Fn(&T) -> P,
        filter: &F,
    ) -> Result<Listing<PageOf<T>>, Problem>
    where
        P: Ord + Serialize + DeserializeOwned,
        F: Serialize,
    {
        let total = self.count.then_some(items.len() as u64);
        let before = |one: &P, other: &P| match order {
            Order::Rising => one < other,
            Order::Falling => one > other,
        };
        items.sort_by_key(|item| place(item));
        if order == Order::Falling {
            items.reverse();
        }
        if let Some(after) = self.position::<P>(filter)? {
            items.retain(|item| before(&after, &place(item)));
        }
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        let is_last = items.len() <= size;
        items.truncate(size);
        let next = items.last().filter(|_| !is_last).map(&place);
        self.listing(items, next.as_ref(), total, filter)
    }

    /// For `POST …/_search`: size, cursor and count come from the body, where the schema has checked them.
    pub fn of_search(request: &SearchPage, size: Option<u32>, cursor: Option<String>, count: Option<bool>) -> Self {
        Self {
            size: size.unwrap_or(USUAL_SIZE).clamp(1, MAX_SIZE),
            cursor,
            count: count.unwrap_or(false),
            cursors: Arc::clone(&request.cursors),
            operation: Arc::clone(&request.operation),
            url: None,
        }
    }

    fn context(&self, filter: &impl Serialize) -> Result<Vec<u8>, Problem> {
        serde_json::to_vec(&(&self.operation, filter)).map_err(|_| Problem::new(ProblemKind::Internal))
    }
}

/// Which end of a list comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Rising,
    Falling,
}

/// What a search needs from the request besides its body: `page: SearchPage` in the handler's arguments.
#[derive(Debug, Clone)]
pub struct SearchPage {
    cursors: Arc<Cursors>,
    operation: Arc<str>,
}

impl<'a> poem::FromRequest<'a> for SearchPage {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        let (cursors, operation) = surroundings(request)?;
        Ok(Self { cursors, operation })
    }
}

fn surroundings(request: &Request) -> Result<(Arc<Cursors>, Arc<str>), Failure> {
    let internal = || Failure::new(ProblemKind::Internal);
    let cursors = request.data::<Arc<Cursors>>().ok_or_else(internal)?;
    let Route(operation) = request.data::<Route>().ok_or_else(internal)?;
    Ok((Arc::clone(cursors), Arc::clone(operation)))
}

impl<'a> ApiExtractor<'a> for Page {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];
    type ParamType = ();
    type ParamRawType = ();

    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Query)
    }

    /// Stands for three parameters; the document puts them in its place.
    fn param_schema_ref() -> Option<MetaSchemaRef> {
        Some(MetaSchemaRef::Inline(Box::new(MetaSchema {
            title: Some(MARKER.to_owned()),
            ..MetaSchema::new("string")
        })))
    }

    /// Types and bounds were checked before, against the declared parameters.
    async fn from_request(
        request: &'a Request,
        _: &mut RequestBody,
        _: ExtractParamOptions<Self::ParamType>,
    ) -> poem::Result<Self> {
        let (cursors, operation) = surroundings(request)?;
        let pairs = query::pairs(request);
        let get = |wanted: &str| pairs.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        Ok(Self {
            size: get("pageSize").and_then(|size| size.parse().ok()).unwrap_or(USUAL_SIZE).clamp(1, MAX_SIZE),
            cursor: get("cursor").map(str::to_owned),
            count: get("count") == Some("true"),
            cursors,
            operation,
            url: Some(without_cursor(request)),
        })
    }
}

/// The URL as it was sent; nested routes see only their part of it. Put into each request by the outermost layer.
#[derive(Debug, Clone)]
pub(super) struct AskedFor(pub Uri);

/// The path and query as they were sent, without the cursor.
fn without_cursor(request: &Request) -> String {
    let uri = request.data::<AskedFor>().map_or_else(|| request.uri(), |AskedFor(uri)| uri);
    let pairs: Vec<&str> = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty() && pair.split('=').next() != Some("cursor"))
        .collect();
    if pairs.is_empty() { uri.path().to_owned() } else { format!("{}?{}", uri.path(), pairs.join("&")) }
}

/// The query parameters of a list, as they stand in the document.
pub(super) fn parameters() -> Vec<Value> {
    vec![
        json!({
            "name": "pageSize", "in": "query", "required": false, "description": "How many items a page has.", "example": 25,
            "schema": { "type": "integer", "format": "int32", "minimum": 1, "maximum": MAX_SIZE, "default": USUAL_SIZE },
        }),
        json!({
            "name": "cursor", "in": "query", "required": false,
            "description": "Where the page starts: from `nextCursor` or the next link of the page before, with the same filters.",
            "example": "q1oAk8kW2v3sX0pG",
            "schema": { "type": "string", "minLength": 1, "maxLength": MAX_CURSOR, "pattern": "^[A-Za-z0-9_-]+$" },
        }),
        json!({
            "name": "count", "in": "query", "required": false, "description": "Whether to count all items that fit.", "example": true,
            "schema": { "type": "boolean", "default": false },
        }),
    ]
}

/// One page of a list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PageOf<T> {
    pub items: Vec<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
}

/// By hand, so that the schema's name reads well: `CustomerPage`.
impl<T: Type> Type for PageOf<T> {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        format!("{}Page", T::name()).into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Reference(Self::name().into_owned())
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
        registry.create_schema::<Self, _>(Self::name().into_owned(), |_| {
            let inline = |schema| MetaSchemaRef::Inline(Box::new(schema));
            let items = MetaSchema {
                description: Some("The items of this page, in the order that was asked for."),
                items: Some(Box::new(T::schema_ref())),
                max_items: Some(MAX_SIZE as usize),
                ..MetaSchema::new("array")
            };
            let next = MetaSchema {
                description: Some("Where the next page starts; absent on the last page."),
                ..MetaSchema::new("string")
            };
            let total = MetaSchema {
                description: Some("How many items fit in all, when that was asked for."),
                minimum: Some(0.0),
                ..MetaSchema::new_with_format("integer", "int64")
            };
            MetaSchema {
                description: Some("One page of a list."),
                required: vec!["items"],
                properties: vec![("items", inline(items)), ("nextCursor", inline(next)), ("total", inline(total))],
                ..MetaSchema::new("object")
            }
        });
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cursors(byte: u8) -> Cursors {
        Cursors::new(move || Ok([byte; 32]))
    }

    #[test]
    fn a_cursor_opens_only_with_its_key_and_context() {
        let sealed = cursors(1).seal(b"list a", &("Zwart", 7)).unwrap();
        assert_eq!(cursors(1).open::<(String, u8)>(b"list a", &sealed), Some(("Zwart".to_owned(), 7)));
        assert_eq!(cursors(1).open::<(String, u8)>(b"list b", &sealed), None);
        assert_eq!(cursors(2).open::<(String, u8)>(b"list a", &sealed), None);
        let bytes = BASE64URL_NOPAD.decode(sealed.as_bytes()).unwrap();
        assert!(!bytes.windows(5).any(|window| window == b"Zwart"), "the position can't be read");
    }

    proptest! {
        #[test]
        fn an_altered_cursor_is_refused(at in 0_usize..60, flip in 1_u8..=255) {
            let cursors = cursors(3);
            let sealed = cursors.seal(b"x", &"0123456789012345").unwrap();
            let mut bytes = BASE64URL_NOPAD.decode(sealed.as_bytes()).unwrap();
            let at = at % bytes.len();
            bytes[at] ^= flip;
            prop_assert_eq!(cursors.open::<String>(b"x", &BASE64URL_NOPAD.encode(&bytes)), None);
        }

        #[test]
        fn whatever_is_sent_as_a_cursor_never_panics(text in ".{0,100}") {
            prop_assert_eq!(cursors(3).open::<String>(b"x", &text), None);
        }
    }
}
