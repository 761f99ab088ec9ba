//! The frame of the pages: head, style sheet, and what every page has in common.
//!
//! Must never hold an inline style or script, or anything from a third party.

use std::sync::LazyLock;

use kluis_core::kernel::{Phrase, ProblemKind};
use maud::{DOCTYPE, Markup, html};
use poem::http::{HeaderValue, StatusCode, header};
use poem::{Endpoint, IntoResponse, Request, Response, Route};

use super::asset::Asset;
use super::language::Language;
use super::problem::Failure;

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";

static STYLE: LazyLock<Asset> = LazyLock::new(|| Asset::new(CSS, include_bytes!("assets/page.css").to_vec()));
static LINK: LazyLock<Asset> = LazyLock::new(|| Asset::new(JS, include_bytes!("assets/link.js").to_vec()));

/// Adds the files that pages need.
#[must_use]
pub fn mount(route: Route) -> Route {
    route.at("/assets/:name", Files)
}

struct Files;

impl Endpoint for Files {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let asset = match request.raw_path_param("name") {
            Some("page.css") => &STYLE,
            Some("link.js") => &LINK,
            _ => return Err(Failure::new(ProblemKind::NotFound).into()),
        };
        Ok(asset.respond(request.headers()))
    }
}

/// One page.
pub struct Page {
    pub language: Language,
    pub title: Phrase,
    pub body: Markup,
    pub status: StatusCode,
    /// File of a script under `/assets`; the page works without it.
    pub script: Option<&'static str>,
    pub cookies: Vec<HeaderValue>,
}

impl Page {
    pub const fn new(language: Language, title: Phrase, body: Markup) -> Self {
        Self { language, title, body, status: StatusCode::OK, script: None, cookies: Vec::new() }
    }

    #[must_use]
    pub const fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    #[must_use]
    pub const fn script(mut self, file: &'static str) -> Self {
        self.script = Some(file);
        self
    }

    #[must_use]
    pub fn cookie(mut self, cookie: Option<HeaderValue>) -> Self {
        self.cookies.extend(cookie);
        self
    }

    fn markup(&self) -> Markup {
        let title = self.language.say(self.title);
        html! {
            (DOCTYPE)
            html lang=(self.language.tag()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (title) " · Kluis" }
                    link rel="icon" type="image/png" href="/docs/favicon-32x32.png";
                    link rel="stylesheet" href="/assets/page.css";
                    @if let Some(script) = self.script {
                        script src={ "/assets/" (script) } defer {}
                    }
                }
                body {
                    header { "Kluis" }
                    main { h1 { (title) } (self.body) }
                }
            }
        }
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let html = self.markup().into_string();
        let mut response = Response::builder().status(self.status).content_type("text/html; charset=utf-8").body(html);
        for cookie in self.cookies {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }
}

/// Leads the browser to another page (303), so that going back or reloading sends no form again.
pub struct SeeOther {
    pub path: &'static str,
    pub cookies: Vec<HeaderValue>,
}

impl SeeOther {
    pub const fn new(path: &'static str) -> Self {
        Self { path, cookies: Vec::new() }
    }

    #[must_use]
    pub fn cookie(mut self, cookie: Option<HeaderValue>) -> Self {
        self.cookies.extend(cookie);
        self
    }
}

impl IntoResponse for SeeOther {
    fn into_response(self) -> Response {
        let mut response = StatusCode::SEE_OTHER.into_response();
        response.headers_mut().insert(header::LOCATION, HeaderValue::from_static(self.path));
        for cookie in self.cookies {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_no_inline_style_or_script() {
        let title = Phrase { en: "Sign in", nl: "Aanmelden" };
        let page = Page::new(Language::Nl, title, html! { p { "x" } }).script("link.js");
        let text = page.markup().into_string();
        assert!(text.contains("<html lang=\"nl\">") && text.contains("<title>Aanmelden · Kluis</title>"), "{text}");
        assert!(!text.contains("<style") && !text.contains("style=") && !text.contains("onclick"));
        assert_eq!(text.matches("<script").count(), text.matches("<script src=\"/assets/").count());
    }
}
