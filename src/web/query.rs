//! One query parameter: `#[oai(name = "createdAfter")] created_after: Query<Option<DateTime<Utc>>>`.
//!
//! poem-openapi's own `Query` wants a list that only its service provides; this one reads the request. Presence, type,
//! bounds and repetition were checked before (`super::parameters`), all parameters at once.
//!
//! Must never be used for what identifies a person: URLs end up in logs. That goes into `POST …/_search`.

use kluis_core::kernel::{Faults, Problem};
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaParamIn, MetaSchemaRef, Registry};
use poem_openapi::types::ParseFromParameter;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use super::faults::{REQUIRED, UNREADABLE};
use super::problem::Failure;

/// A query parameter; `Option<T>` when it may be absent, `Vec<T>` when it may be repeated.
#[derive(Debug)]
pub struct Query<T>(pub T);

/// The query string's names and values, percent-decoded.
pub fn pairs(request: &Request) -> Vec<(String, String)> {
    request.params().unwrap_or_default()
}

impl<'a, T: ParseFromParameter> ApiExtractor<'a> for Query<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];
    const PARAM_IS_REQUIRED: bool = T::IS_REQUIRED;
    type ParamType = T;
    type ParamRawType = T::RawValueType;

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Query)
    }

    fn param_schema_ref() -> Option<MetaSchemaRef> {
        Some(T::schema_ref())
    }

    fn param_raw_type(&self) -> Option<&Self::ParamRawType> {
        self.0.as_raw_value()
    }

    async fn from_request(
        request: &'a Request,
        _: &mut RequestBody,
        options: ExtractParamOptions<Self::ParamType>,
    ) -> poem::Result<Self> {
        let sent: Vec<String> =
            pairs(request).into_iter().filter(|(name, _)| name == options.name).map(|(_, value)| value).collect();
        if sent.is_empty()
            && let Some(default) = options.default_value
        {
            return Ok(Self(default()));
        }
        let missing = sent.is_empty();
        T::parse_from_parameters(sent).map(Self).map_err(|_| {
            let (code, detail) = if missing { REQUIRED } else { UNREADABLE };
            let mut faults = Faults::new();
            faults.add(format!("query:{}", options.name), code, detail);
            Failure::from(Problem::invalid(faults.into_vec())).into()
        })
    }
}
