//! `/docs`: Swagger UI, served from the program, under the same content policy as everything else.
//!
//! Must never hold an inline script or style, or lead a browser to a third party.

use std::collections::HashMap;
use std::sync::Arc;

use kluis_core::kernel::ProblemKind;
use maud::{DOCTYPE, Markup, html};
use poem::web::Html;
use poem::{Endpoint, Request, Response, Route};
use utoipa_swagger_ui::{Config, Url, serve};

use super::asset::Asset;
use super::problem::Failure;

const INITIALIZER: &str = "swagger-initializer.js";
const FILES: [(&str, &str); 6] = [
    ("swagger-ui.css", "text/css; charset=utf-8"),
    ("index.css", "text/css; charset=utf-8"),
    ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    ("swagger-ui-standalone-preset.js", "text/javascript; charset=utf-8"),
    (INITIALIZER, "text/javascript; charset=utf-8"),
    ("favicon-32x32.png", "image/png"),
];

/// Adds the page at `/docs` and its files below; `document` is the URL of the document.
#[must_use]
pub fn mount(route: Route, title: &'static str, document: &'static str) -> Route {
    route.at("/docs", Page(title)).at("/docs/:name", Files::new(document))
}

struct Page(&'static str);

impl Endpoint for Page {
    type Output = Html<String>;

    async fn call(&self, _: Request) -> poem::Result<Html<String>> {
        Ok(Html(page(self.0).into_string()))
    }
}

fn page(title: &str) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                link rel="icon" type="image/png" href="/docs/favicon-32x32.png";
                link rel="stylesheet" href="/docs/swagger-ui.css";
                link rel="stylesheet" href="/docs/index.css";
            }
            body {
                main id="swagger-ui" {}
                script src="/docs/swagger-ui-bundle.js" {}
                script src="/docs/swagger-ui-standalone-preset.js" {}
                script src={ "/docs/" (INITIALIZER) } {}
            }
        }
    }
}

struct Files(HashMap<&'static str, Asset>);

impl Files {
    fn new(document: &'static str) -> Self {
        // Without a name it is the one document; a list of named ones is only read by the other layout, with a top bar.
        let config = Config::new([Url::new("", document)])
            .validator_url("none")
            .use_base_layout()
            .deep_linking(true)
            .display_operation_id(true)
            .persist_authorization(false)
            .query_config_enabled(false);
        let config = Arc::new(config);
        let read = |(name, content_type): (&'static str, &'static str)| {
            let file = serve(name, Arc::clone(&config)).ok().flatten()?;
            Some((name, Asset::new(content_type, file.bytes.into_owned())))
        };
        Self(FILES.into_iter().filter_map(read).collect())
    }
}

impl Endpoint for Files {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let name = request.raw_path_param("name").unwrap_or_default();
        let file = self.0.get(name).ok_or_else(|| Failure::new(ProblemKind::NotFound))?;
        Ok(file.respond(request.headers()))
    }
}
