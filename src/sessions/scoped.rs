//! From a request to a decision: `scope: Scoped<Read>` in a handler's arguments.
//!
//! Must never let a request through without an actor, nor take a cookie for a write that another site has caused.

use std::ops::Deref;
use std::sync::Arc;

use kluis_core::access::{Actor, Purpose, Scope, ScopedPermission};
use kluis_core::kernel::{Faults, Phrase, Problem, ProblemKind};
use poem::http::{Method, header};
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaParamIn, MetaSchema, MetaSchemaRef};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use super::again::Repeatable;
use super::alarm::Asker;
use crate::app::App;
use crate::web::{Failure, RequestId};

/// The header in which a request names the purpose of its asking.
pub const PURPOSE_HEADER: &str = "Processing-Purpose";

/// A decision for one permission, made for the caller of this request.
pub struct Scoped<P>(pub Scope<P>);

impl<P> Deref for Scoped<P> {
    type Target = Scope<P>;

    fn deref(&self) -> &Scope<P> {
        &self.0
    }
}

impl<'a, P: ScopedPermission> ApiExtractor<'a> for Scoped<P> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme, ApiExtractorType::Parameter];
    type ParamType = ();
    type ParamRawType = ();

    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Header)
    }

    /// Whoever is decided about may say what for.
    fn param_schema_ref() -> Option<MetaSchemaRef> {
        Some(MetaSchemaRef::Inline(Box::new(MetaSchema {
            // The document names the parameter by this title.
            title: Some(PURPOSE_HEADER.to_owned()),
            description: Some(
                "What the personal data is asked for; without it, the usual purpose of your role counts. It is part of the decision, and goes on record.",
            ),
            enum_items: Purpose::ALL.iter().map(|purpose| purpose.as_str().into()).collect(),
            example: Some(Purpose::Service.as_str().into()),
            ..MetaSchema::new("string")
        })))
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![crate::web::document::BEARER]
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        let caller = Caller::of(request).await?;
        Ok(Self(caller.scope()))
    }
}

/// Who asks, and in which request.
pub struct Caller {
    pub actor: Arc<Actor>,
    pub purpose: Option<Purpose>,
    pub request: Arc<str>,
}

impl Caller {
    /// 401 without a valid token, 400 for an unknown purpose, 403 for a write that another site has caused.
    pub async fn of(request: &Request) -> Result<Self, Failure> {
        let app = request.data::<Arc<App>>().ok_or_else(|| Failure::new(ProblemKind::Internal))?;
        let token = token_of(request, app)?;
        // A write that finds its decision stale has to be repeated as a whole: look first. The others find it out themselves.
        if request.data::<Repeatable>().is_none() {
            super::catch_up(app).await?;
        }
        let actor = super::authenticate(app, &token).await?;
        if let Some(asker) = request.data::<Asker>() {
            asker.is(&actor);
        }
        let id = request.data::<RequestId>().map(ToString::to_string).unwrap_or_default();
        Ok(Self { actor, purpose: purpose(request)?, request: id.into() })
    }

    pub fn scope<P: ScopedPermission>(&self) -> Scope<P> {
        Scope::decide(&self.actor, self.purpose, Arc::clone(&self.request))
    }
}

fn is_read(request: &Request) -> bool {
    [Method::GET, Method::HEAD].contains(request.method())
}

/// The token of the caller: from the header, or from the cookie if the request comes from our own pages.
pub(super) fn token_of(request: &Request, app: &App) -> Result<String, Failure> {
    if let Some(token) = bearer(request) {
        return Ok(token);
    }
    let token = super::cookie(request, app).ok_or_else(|| Failure::new(ProblemKind::Unauthenticated))?;
    if !is_read(request) && !from_own_pages(request, app) {
        return Err(Failure::new(ProblemKind::Forbidden));
    }
    Ok(token)
}

fn bearer(request: &Request) -> Option<String> {
    let text = request.header(header::AUTHORIZATION)?;
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

/// Browsers say where a request comes from; a cookie alone proves nothing (CSRF).
pub(super) fn from_own_pages(request: &Request, app: &App) -> bool {
    match (request.header("sec-fetch-site"), request.header(header::ORIGIN)) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => origin == app.config.public_url,
        (None, None) => false,
    }
}

pub(super) fn purpose(request: &Request) -> Result<Option<Purpose>, Problem> {
    const UNKNOWN: Phrase = Phrase { en: "There is no such purpose.", nl: "Dit doel bestaat niet." };
    let Some(text) = request.header(PURPOSE_HEADER) else { return Ok(None) };
    let purpose = Purpose::parse(text);
    let mut faults = Faults::new();
    if purpose.is_none() {
        faults.add(format!("header:{PURPOSE_HEADER}"), "purpose", UNKNOWN);
    }
    faults.into_result()?;
    Ok(purpose)
}
