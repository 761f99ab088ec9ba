//! From an `OpenApi` to an endpoint: the routes of poem-openapi with our guard before each handler.
//!
//! poem-openapi's own service isn't used: it answers 405 without `Allow` and knows nothing of the checked document.
//!
//! Must never serve a handler that the document doesn't show.

use std::collections::HashMap;

use kluis_core::kernel::ProblemKind;
use poem::endpoint::{BoxEndpoint, make_sync};
use poem::error::RouteError;
use poem::http::{HeaderValue, Method, header};
use poem::{Endpoint, EndpointExt, Request, Response, Route};
use poem_openapi::OpenApi;

use super::asset::Asset;
use super::body::JSON;
use super::document::{self, Document};
use super::operation::Guarded;
use super::parameters::Parameters;
use super::problem::Failure;
use super::schema::Components;

/// Why an API can't be served; all of it is a developer's fault, found at start.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    #[error("{0} is served but not in the document")]
    Undocumented(String),
    #[error("the parameters of {0} can't be compiled")]
    Parameters(String),
    #[error("two routes are in each other's way")]
    Route(#[from] RouteError),
}

/// The endpoint of the whole API; nest it under `/v1`.
pub fn service<T: OpenApi + 'static>(api: T, document: &Document) -> Result<Route, ServiceError> {
    let mut table = HashMap::new();
    api.add_routes(&mut table);
    let components = document.components();
    let mut route = Route::new().try_at(document::PATH, published(document)?)?;
    for (path, methods) in table {
        let mut resource = Resource { methods: Vec::new() };
        for (method, handler) in methods {
            let guarded = guard(handler, &method, &path, document, &components)?;
            resource.methods.push((method, guarded.boxed()));
        }
        resource.methods.sort_by(|(one, _), (other, _)| one.as_str().cmp(other.as_str()));
        route = route.try_at(path, resource)?;
    }
    Ok(route)
}

/// The document at its own address, for anybody and from any site: it holds nothing of anyone.
fn published(document: &Document) -> Result<Resource, ServiceError> {
    let asset = Asset::new(JSON, document.text().into_bytes());
    let handler = make_sync(move |request| {
        let mut response = asset.respond(request.headers());
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        response
    });
    let guarded = guard(handler.boxed(), &Method::GET, document::PATH, document, &Components::new())?;
    Ok(Resource { methods: vec![(Method::GET, guarded.boxed())] })
}

fn guard(
    handler: BoxEndpoint<'static>,
    method: &Method,
    path: &str,
    document: &Document,
    components: &Components,
) -> Result<Guarded, ServiceError> {
    let name = || format!("{method} {path}");
    let operation = document
        .operations()
        .iter()
        .find(|operation| operation.method == method && route_of(&operation.template) == path)
        .ok_or_else(|| ServiceError::Undocumented(name()))?;
    let parameters =
        Parameters::compile(&operation.parameters, components).ok_or_else(|| ServiceError::Parameters(name()))?;
    Ok(Guarded::new(handler, operation.clone(), parameters, document.session_cookie()))
}

/// poem-openapi numbers the variables of its routes: `/customers/{id}` is served as `/customers/:param0`.
fn route_of(template: &str) -> String {
    let mut count = 0;
    let segments = template.split('/').map(|segment| {
        if !segment.starts_with('{') {
            return segment.to_owned();
        }
        count += 1;
        format!(":param{}", count - 1)
    });
    segments.collect::<Vec<_>>().join("/")
}

/// All methods of one path.
struct Resource {
    methods: Vec<(Method, BoxEndpoint<'static>)>,
}

impl Resource {
    fn handler(&self, method: &Method) -> Option<&BoxEndpoint<'static>> {
        self.methods.iter().find(|(known, _)| known == method).map(|(_, handler)| handler)
    }

    fn not_allowed(&self) -> Failure {
        let mut names: Vec<&str> = self.methods.iter().map(|(method, _)| method.as_str()).collect();
        if names.contains(&"GET") {
            names.push("HEAD");
        }
        names.sort_unstable();
        let failure = Failure::new(ProblemKind::MethodNotAllowed);
        match HeaderValue::try_from(names.join(", ")) {
            Ok(allow) => failure.header(header::ALLOW, allow),
            Err(_) => failure,
        }
    }
}

impl Endpoint for Resource {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let is_head = *request.method() == Method::HEAD;
        if is_head {
            request.set_method(Method::GET);
        }
        let handler = self.handler(request.method()).ok_or_else(|| self.not_allowed())?;
        let mut response = handler.call(request).await?;
        if is_head {
            response.set_body(());
        }
        Ok(response)
    }
}
