//! The one who asks, with account and session at hand: for what people do with their own account.
//!
//! Always read from the database: whoever was signed out a moment ago, on whatever node, gets nothing here.

use std::sync::Arc;

use kluis_core::access::{Action, Actor, Object, Rel};
use kluis_core::audit::{Class, Event, Outcome};
use kluis_core::kernel::{Phrase, Problem, ProblemKind};
use poem::{Request, RequestBody};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use super::model::{AccessKind, AccessRow};
use super::visit::Visit;
use super::{rows, scoped};
use crate::app::App;
use crate::users::account::Account;
use crate::users::token::Token;
use crate::users::{seal, service as users};
use crate::web::Failure;

/// The caller of this request.
pub struct Me {
    pub actor: Arc<Actor>,
    pub access: AccessRow,
    pub account: Account,
    pub visit: Visit,
}

impl Me {
    /// 401 without a valid token, 403 for a write that another site has caused.
    pub async fn of(request: &Request) -> Result<Self, Failure> {
        let app = request.data::<Arc<App>>().ok_or_else(|| Failure::new(ProblemKind::Internal))?;
        let token = scoped::token_of(request, app)?;
        super::catch_up(app).await?;
        let actor = super::authenticate(app, &token).await?;
        let refused = || Failure::new(ProblemKind::Unauthenticated);
        let token = Token::parse(&token).ok_or_else(refused)?;
        let found = rows::by_hash(&app.db, seal::token_hash(&app.keys, &token).map_err(Problem::from)?).await;
        let (access, _) = found.map_err(Problem::from)?.ok_or_else(refused)?;
        let account = users::read(app, access.user).await?.ok_or_else(refused)?;
        let visit = Visit::of(request, actor.channel());
        Ok(Self { actor, access, account, visit })
    }

    /// 403 unless the policy lets people do this with what is theirs, and the token reaches that far.
    pub fn require(&self, object: Object, action: Action) -> Result<(), Problem> {
        if self.actor.formula_for(object, action).permits_only(Rel::Myself) {
            return Ok(());
        }
        Err(Problem::new(ProblemKind::Forbidden))
    }

    /// 403 for a program: what one signs in with is changed by the person.
    pub fn require_person(&self) -> Result<(), Problem> {
        if self.access.kind == AccessKind::Session {
            return Ok(());
        }
        Err(Problem::new(ProblemKind::Forbidden).detail(PERSON))
    }

    /// An event about one's own account.
    pub fn event(&self, app: &App, action: &'static str) -> Result<Event, Problem> {
        let mut event = self.visit.event(app, action, Some(&self.account))?;
        event.tenant = self.access.tenant;
        event.class = Class::Security;
        event.outcome = Outcome::Allowed;
        Ok(event)
    }
}

impl<'a> ApiExtractor<'a> for Me {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn security_schemes() -> Vec<&'static str> {
        vec![crate::web::document::BEARER]
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        Ok(Self::of(request).await?)
    }
}

const PERSON: Phrase =
    Phrase { en: "A program can't do this: sign in yourself.", nl: "Een programma kan dit niet: meld u zelf aan." };
