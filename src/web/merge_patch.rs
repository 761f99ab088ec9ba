//! JSON Merge Patch (RFC 7396): `PATCH` with `application/merge-patch+json`.
//!
//! ```text
//! async fn change(&self, scope: Scope<Update>, id: Path<IdParam<Customer>>, if_match: IfMatch,
//!                 patch: MergePatch<CustomerDraft>) -> web::Result<Record<CustomerView>> {
//!     let current = service::show(&self.app, &scope, id.0.0).await?;
//!     if_match.check(current.revision)?;
//!     let draft = patch.apply(&CustomerDraft::from(&current))?;
//!     …
//! }
//! ```
//!
//! Must never: turn an absent name into a removal.

use std::borrow::Cow;
use std::marker::PhantomData;

use kluis_core::kernel::{Problem, ProblemKind};
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaRequest, MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::body::{self, USUAL_LIMIT};
use super::json;
use super::problem::Failure;
use super::schema::{PLACEHOLDER, Shape};

/// The content type of merge patches.
pub const MERGE_PATCH_JSON: &str = "application/merge-patch+json";

/// A patch for `T`, the writable form of a record: its names and types are already checked.
pub struct MergePatch<T, const LIMIT: usize = USUAL_LIMIT> {
    patch: Map<String, Value>,
    of: PhantomData<fn() -> T>,
}

impl<T, const LIMIT: usize> MergePatch<T, LIMIT>
where
    T: Type + Serialize + DeserializeOwned + 'static,
{
    /// The changed form. What the patch breaks (a required name taken away) is a fault with its pointer.
    pub fn apply(&self, current: &T) -> Result<T, Problem> {
        applied(&self.patch, current)
    }

    /// Whether the patch names this member at the top level: for rules about who may change what.
    pub fn names(&self, member: &str) -> bool {
        self.patch.contains_key(member)
    }

    /// The members that the patch names at the top level, in alphabetical order.
    pub fn members(&self) -> impl Iterator<Item = &str> {
        self.patch.keys().map(String::as_str)
    }
}

/// The form with what another one names: what is absent there stays as it is.
pub fn merged<T>(current: &T, named: &T) -> Result<T, Problem>
where
    T: Type + Serialize + DeserializeOwned + 'static,
{
    match serde_json::to_value(named) {
        Ok(Value::Object(patch)) => applied(&patch, current),
        _ => Err(Problem::new(ProblemKind::Internal)),
    }
}

fn applied<T>(patch: &Map<String, Value>, current: &T) -> Result<T, Problem>
where
    T: Type + Serialize + DeserializeOwned + 'static,
{
    let internal = |_| Problem::new(ProblemKind::Internal);
    let mut value = serde_json::to_value(current).map_err(internal)?;
    merge(&mut value, patch);
    body::conform(value)
}

/// RFC 7396, section 2.
fn merge(target: &mut Value, patch: &Map<String, Value>) {
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(members) = target.as_object_mut() else { return };
    for (name, change) in patch {
        match change {
            Value::Null => {
                members.remove(name);
            }
            Value::Object(inner) => merge(members.entry(name.as_str()).or_insert(Value::Null), inner),
            other => {
                members.insert(name.clone(), other.clone());
            }
        }
    }
}

impl<'a, T, const LIMIT: usize> ApiExtractor<'a> for MergePatch<T, LIMIT>
where
    T: Type + Serialize + DeserializeOwned + 'static,
{
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        register_patch::<T>(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        Some(body::request_meta(MERGE_PATCH_JSON, MetaSchemaRef::Reference(patch_name::<T>())))
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<Self::ParamType>,
    ) -> poem::Result<Self> {
        let json::Parsed { value, mut faults } = body::read(request, body, MERGE_PATCH_JSON, LIMIT).await?;
        let shape = Shape::of_patch::<T>().ok_or_else(|| Failure::new(ProblemKind::Internal))?;
        shape.check(&value, "", &mut faults);
        faults.into_result().map_err(Failure::from)?;
        match value {
            Value::Object(patch) => Ok(Self { patch, of: PhantomData }),
            _ => Err(Failure::new(ProblemKind::Malformed).into()),
        }
    }
}

fn register_patch<T: Type>(registry: &mut Registry) {
    T::register(registry);
    registry.schemas.entry(patch_name::<T>()).or_insert_with(|| MetaSchema {
        // The real patch schema comes here, made from the finished components.
        all_of: vec![T::schema_ref()],
        title: Some(PLACEHOLDER.to_owned()),
        ..MetaSchema::ANY
    });
}

/// A merge patch for `T` within a body. Its names and types are checked with the body, by the schema.
pub struct Patch<T> {
    members: Map<String, Value>,
    of: PhantomData<fn() -> T>,
}

impl<T> Patch<T> {
    /// The members that the patch names at the top level, in alphabetical order.
    pub fn members(&self) -> impl Iterator<Item = &str> {
        self.members.keys().map(String::as_str)
    }
}

impl<T> Patch<T>
where
    T: Type + Serialize + DeserializeOwned + 'static,
{
    /// The changed form, as [`MergePatch::apply`] gives it.
    pub fn apply(&self, current: &T) -> Result<T, Problem> {
        applied(&self.members, current)
    }
}

impl<T> Clone for Patch<T> {
    fn clone(&self) -> Self {
        Self { members: self.members.clone(), of: PhantomData }
    }
}

impl<T> Serialize for Patch<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.members.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { members: Map::deserialize(deserializer)?, of: PhantomData })
    }
}

impl<T: Type> Type for Patch<T> {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        patch_name::<T>().into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Reference(patch_name::<T>())
    }

    fn register(registry: &mut Registry) {
        register_patch::<T>(registry);
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl<T: Type> ParseFromJSON for Patch<T> {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        match value {
            Some(Value::Object(members)) => Ok(Self { members, of: PhantomData }),
            _ => Err(ParseError::custom("not an object")),
        }
    }
}

impl<T: Type> ToJSON for Patch<T> {
    fn to_json(&self) -> Option<Value> {
        Some(Value::Object(self.members.clone()))
    }
}

fn patch_name<T: Type>() -> String {
    let name: Cow<'static, str> = T::name();
    format!("{name}Patch")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_examples_of_rfc_7396() {
        let cases = [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (json!({"a":"b","b":"c"}), json!({"a":null}), json!({"b":"c"})),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
            (json!({"a":{"b":"c"}}), json!({"a":{"b":"d","c":null}}), json!({"a":{"b":"d"}})),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (json!([1, 2]), json!({"a":"b","c":null}), json!({"a":"b"})),
            (json!({}), json!({"a":{"bb":{"ccc":null}}}), json!({"a":{"bb":{}}})),
        ];
        for (mut target, patch, wanted) in cases {
            let Value::Object(patch) = patch else { unreachable!() };
            merge(&mut target, &patch);
            assert_eq!(target, wanted);
        }
    }
}
