//! Strong entity tags from a record's revision, and the preconditions of requests (RFC 9110, sections 8.8 and 13.1).
//!
//! Must never let a write through that doesn't say which revision it was made for, or call an answer known that differs
//! in a byte from the one that the caller has.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use kluis_core::kernel::{Faults, Phrase, Problem, ProblemKind};
use poem::http::{HeaderMap, HeaderValue, header};
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaParamIn, MetaSchema, MetaSchemaRef};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use super::problem::{Failure, Result};

/// The key of this process's tags. Without it a tag, which may stand in the log of a proxy, tells nothing of the answer;
/// another process gives other tags, and then an answer comes once more.
static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// The tag of one revision of a record: `"r7"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ETag(i64);

impl ETag {
    /// The only revision of what is made and ended but never changed in between: a token, a session, a role.
    pub const FIRST: i64 = 1;

    pub const fn of(revision: i64) -> Self {
        Self(revision)
    }

    /// The tag of this revision as one caller sees it: `"r7.1b2f03a4c5d6e7f8"`. Another sees other compartments of it, and
    /// some values that go with a record, such as the last contact, change without a revision.
    pub fn of_answer(self, body: &[u8]) -> String {
        format!("\"r{}.{:016x}\"", self.0, KEY.hash_one(body))
    }

    /// Whether a tag is of this revision, whoever saw it.
    fn is_in(self, tag: &str) -> bool {
        let revision = tag.split_once('.').map_or(tag, |(revision, _)| revision);
        revision.trim_matches('"') == self.to_string().trim_matches('"')
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"r{}\"", self.0)
    }
}

/// The `If-Match` of a write: `if_match: IfMatch` in the handler's arguments makes it mandatory (428 without).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfMatch {
    /// `*`: whatever the revision is, as long as the record exists.
    Any,
    /// Any of these; weak tags are dropped, since they never match here.
    Tags(Vec<String>),
}

impl IfMatch {
    /// 412 with the current tag unless the record still has one of the revisions that were named.
    pub fn check(&self, current: ETag) -> Result<()> {
        let matches = match self {
            Self::Any => true,
            Self::Tags(tags) => tags.iter().any(|tag| current.is_in(tag)),
        };
        if matches {
            return Ok(());
        }
        let stale = Failure::from(Problem::new(ProblemKind::PreconditionFailed).detail(Phrase {
            en: "The record has another revision by now. Fetch it, look at the change, and try again.",
            nl: "Het gegeven heeft inmiddels een andere revisie. Haal het op, bekijk de wijziging en probeer opnieuw.",
        }));
        Err(match HeaderValue::try_from(current.to_string()) {
            Ok(tag) => stale.header(header::ETAG, tag),
            Err(_) => stale,
        })
    }

    fn parse(text: &str) -> Option<Self> {
        if text.trim() == "*" {
            return Some(Self::Any);
        }
        let strong = list(text)?.into_iter().filter(|(weak, _)| !weak);
        Some(Self::Tags(strong.map(|(_, tag)| tag.to_owned()).collect()))
    }
}

/// Whether the caller has the answer with this tag, by `If-None-Match`. Weak tags count here; what can't be read doesn't.
pub fn is_known(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let strong = tag.to_str().unwrap_or_default().trim_start_matches("W/");
    let mut sent = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    sent.any(|text| text.trim() == "*" || list(text).is_some_and(|tags| tags.iter().any(|(_, tag)| *tag == strong)))
}

/// The tags of a list with their quotes, and whether each is weak.
fn list(text: &str) -> Option<Vec<(bool, &str)>> {
    let mut tags = Vec::new();
    let mut rest = text.trim_matches([' ', '\t', ',']);
    while !rest.is_empty() {
        let (weak, tag) = match rest.strip_prefix("W/") {
            Some(tag) => (true, tag),
            None => (false, rest),
        };
        let end = tag.strip_prefix('"')?.find('"')? + 2;
        let (tag, after) = tag.split_at_checked(end)?;
        tags.push((weak, tag));
        let after = after.trim_start_matches([' ', '\t']);
        if !after.is_empty() && !after.starts_with(',') {
            return None;
        }
        rest = after.trim_start_matches([' ', '\t', ',']);
    }
    Some(tags)
}

impl<'a> ApiExtractor<'a> for IfMatch {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];
    const PARAM_IS_REQUIRED: bool = true;
    type ParamType = ();
    type ParamRawType = ();

    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Header)
    }

    fn param_schema_ref() -> Option<MetaSchemaRef> {
        Some(MetaSchemaRef::Inline(Box::new(MetaSchema {
            // The document names the parameter by this title.
            title: Some("If-Match".to_owned()),
            description: Some("The ETag of the revision that you are changing."),
            example: Some("\"r7\"".into()),
            ..MetaSchema::new("string")
        })))
    }

    async fn from_request(
        request: &'a Request,
        _: &mut RequestBody,
        _: ExtractParamOptions<Self::ParamType>,
    ) -> poem::Result<Self> {
        let sent: Vec<_> = request.headers().get_all(header::IF_MATCH).iter().collect();
        if sent.is_empty() {
            return Err(Failure::new(ProblemKind::PreconditionRequired).into());
        }
        let text: Vec<&str> = sent.into_iter().map(|value| value.to_str().unwrap_or("unreadable")).collect();
        Self::parse(&text.join(",")).ok_or_else(|| {
            let mut faults = Faults::new();
            let detail = Phrase { en: "Not an entity tag.", nl: "Geen entity tag." };
            faults.add("header:If-Match", "etag", detail);
            Failure::from(Problem::invalid(faults.into_vec())).into()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(text: &str) -> Option<Vec<String>> {
        match IfMatch::parse(text)? {
            IfMatch::Tags(tags) => Some(tags),
            IfMatch::Any => None,
        }
    }

    #[test]
    fn lists_stars_and_weak_tags() {
        assert_eq!(IfMatch::parse(" * "), Some(IfMatch::Any));
        assert_eq!(tags(r#""r1""#).unwrap(), [r#""r1""#]);
        assert_eq!(tags(r#""r1", "a,b" ,, W/"r2""#).unwrap(), [r#""r1""#, r#""a,b""#]);
        for wrong in ["r1", "\"r1", "\"r1\" \"r2\"", "w/\"r1\"", "\"r1\"x"] {
            assert_eq!(IfMatch::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_the_caller_has_is_known_by_weak_tags_too() {
        let known = |sent: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, sent.parse().unwrap());
            is_known(&headers, &HeaderValue::from_static("\"r7.1b\""))
        };
        for same in ["\"r7.1b\"", "W/\"r7.1b\"", "\"r1\", W/\"r7.1b\"", "*"] {
            assert!(known(same), "{same}");
        }
        for other in ["\"r1\"", "\"r7\"", "\"r7.1c\"", "r7.1b", "", "\"r7.1bb\"", "\"r7.1b"] {
            assert!(!known(other), "{other}");
        }
    }

    #[test]
    fn a_write_asks_for_the_revision_and_not_for_what_was_seen_of_it() {
        let seen = ETag::of(7).of_answer(b"{}");
        assert_ne!(seen, ETag::of(7).of_answer(b"[]"));
        assert!(IfMatch::parse(&seen).unwrap().check(ETag::of(7)).is_ok());
        assert!(IfMatch::parse(&seen).unwrap().check(ETag::of(8)).is_err());
        assert!(IfMatch::parse("\"r77.1b\", \"7\"").unwrap().check(ETag::of(7)).is_err());
    }

    #[test]
    fn a_stale_tag_is_told_the_current_one() {
        let stale = IfMatch::parse("\"r1\", W/\"r2\"").unwrap().check(ETag::of(2)).unwrap_err();
        assert_eq!(stale.problem().kind, ProblemKind::PreconditionFailed);
        assert!(IfMatch::parse("\"r1\", \"r2\"").unwrap().check(ETag::of(2)).is_ok());
        assert!(IfMatch::Any.check(ETag::of(2)).is_ok());
    }
}
