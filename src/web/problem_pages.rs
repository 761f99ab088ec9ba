//! `/problems/<slug>`: what each kind of problem means and what to do about it, in Dutch and English.
//!
//! Must never tell more of a request than its kind of problem.

use kluis_core::kernel::{Phrase, ProblemKind};
use maud::{DOCTYPE, Markup, html};
use poem::http::{HeaderValue, header};
use poem::web::Html;
use poem::{Endpoint, IntoResponse, Request, Response, Route};

use super::language::Language;
use super::problem::{Failure, type_url};

/// Adds the list of problems at `/problems`, and a page for each below it.
#[must_use]
pub fn mount(route: Route) -> Route {
    route.at("/problems", List).at("/problems/:slug", One)
}

struct List;

impl Endpoint for List {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let language = Language::of(request.headers());
        let body = html! {
            ul {
                @for kind in ProblemKind::ALL {
                    li { a href=(type_url(kind)) { (language.say(kind.parts().2)) } " (" (kind.status()) ")" }
                }
            }
        };
        Ok(page(language, language.say(PROBLEMS), &body))
    }
}

struct One;

impl Endpoint for One {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let slug = request.raw_path_param("slug").unwrap_or_default();
        let kind = ProblemKind::ALL.into_iter().find(|kind| kind.slug() == slug);
        let kind = kind.ok_or_else(|| Failure::new(ProblemKind::NotFound))?;
        let language = Language::of(request.headers());
        let body = html! {
            dl {
                dt { (language.say(TYPE)) } dd { code { (type_url(kind)) } }
                dt { (language.say(STATUS)) } dd { (kind.status()) }
            }
            p { (language.say(explanation(kind))) }
            p { a href="/problems" { (language.say(PROBLEMS)) } }
        };
        Ok(page(language, language.say(kind.parts().2), &body))
    }
}

fn page(language: Language, title: &str, body: &Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang=(language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Kluis" }
            }
            body { main { h1 { (title) } (body) } }
        }
    };
    let mut response = Html(page.into_string()).into_response();
    response.headers_mut().insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept-Language"));
    response
}

const PROBLEMS: Phrase = Phrase { en: "Problems", nl: "Problemen" };
const TYPE: Phrase = Phrase { en: "Type", nl: "Soort" };
const STATUS: Phrase = Phrase { en: "HTTP status", nl: "HTTP-status" };

/// What happened and what to do, for the people who write programs against the API.
const fn explanation(kind: ProblemKind) -> Phrase {
    const fn p(en: &'static str, nl: &'static str) -> Phrase {
        Phrase { en, nl }
    }
    match kind {
        ProblemKind::Malformed => p(
            "The request can't be read at all: the body isn't JSON, isn't UTF-8, or is nested too deeply. Mend the program that sends it.",
            "Het verzoek is in het geheel niet leesbaar: de inhoud is geen JSON, geen UTF-8 of te diep genest. Herstel het programma dat het stuurt.",
        ),
        ProblemKind::Invalid => p(
            "The request can be read but has faults. Each one is listed under errors, with a pointer to its place, a code for programs and a text for people.",
            "Het verzoek is leesbaar maar bevat fouten. Elke fout staat onder errors, met een verwijzing naar de plaats, een code voor programma's en een tekst voor mensen.",
        ),
        ProblemKind::Unauthenticated => p(
            "Nobody is signed in, or the session or token is no longer valid. Sign in, or send a valid token.",
            "Er is niemand aangemeld, of de sessie of het token is niet meer geldig. Meld u aan of stuur een geldig token.",
        ),
        ProblemKind::Forbidden => p(
            "You may see this, but not do this with it. Ask whoever manages the access rights.",
            "U mag dit zien, maar hier niet mee doen wat u vroeg. Vraag het degene die de rechten beheert.",
        ),
        ProblemKind::FieldNotPermitted => p(
            "You can filter, sort and search only on fields that you may read.",
            "U kunt alleen filteren, sorteren en zoeken op velden die u mag lezen.",
        ),
        ProblemKind::NotFound => p(
            "There is nothing at this address, or nothing that you may see. Both are answered alike on purpose.",
            "Op dit adres is niets, of niets wat u mag zien. Beide worden met opzet gelijk beantwoord.",
        ),
        ProblemKind::MethodNotAllowed => p(
            "This address exists, but not with this method. The header Allow names those that it has.",
            "Dit adres bestaat, maar niet met deze methode. De header Allow noemt welke er wel zijn.",
        ),
        ProblemKind::NotAcceptable => p(
            "None of the content types in Accept can be given. Ask for application/json.",
            "Geen van de inhoudstypen in Accept kan worden geleverd. Vraag om application/json.",
        ),
        ProblemKind::Conflict => p(
            "What you ask conflicts with the present state. The detail says how.",
            "Wat u vraagt is in strijd met de huidige toestand. De toelichting zegt waarom.",
        ),
        ProblemKind::Duplicate => p(
            "A record with the same exact key exists already. It is named if you may see it.",
            "Er is al een gegeven met precies dezelfde sleutel. Het wordt genoemd als u het mag zien.",
        ),
        ProblemKind::IdempotencyInProgress => p(
            "The first request with this Idempotency-Key still runs. Wait a moment and repeat it.",
            "Het eerste verzoek met deze Idempotency-Key loopt nog. Wacht even en herhaal het.",
        ),
        ProblemKind::PreconditionFailed => p(
            "The record was changed since you fetched it. Fetch it again, look at what is new, and repeat your change with the new ETag.",
            "Het gegeven is gewijzigd sinds u het ophaalde. Haal het opnieuw op, bekijk wat er nieuw is en herhaal uw wijziging met de nieuwe ETag.",
        ),
        ProblemKind::TooLarge => p(
            "The body is larger than this address accepts. Send less at once.",
            "De inhoud is groter dan dit adres aanneemt. Stuur minder tegelijk.",
        ),
        ProblemKind::UnsupportedMediaType => p(
            "The content type isn't the one that the document names for this address, or the charset isn't UTF-8.",
            "Het inhoudstype is niet dat wat het document voor dit adres noemt, of de tekenset is geen UTF-8.",
        ),
        ProblemKind::IdempotencyMismatch => p(
            "This Idempotency-Key was used for another request within the last 24 hours. Use a new key for a new request.",
            "Deze Idempotency-Key is in de laatste 24 uur voor een ander verzoek gebruikt. Gebruik een nieuwe sleutel voor een nieuw verzoek.",
        ),
        ProblemKind::PreconditionRequired => p(
            "A change must say for which revision it was made: send the ETag of the record in If-Match.",
            "Een wijziging moet zeggen voor welke revisie ze is gemaakt: stuur de ETag van het gegeven in If-Match.",
        ),
        ProblemKind::TooManyRequests => p(
            "More requests than allowed. Wait for the seconds in Retry-After; RateLimit tells how many are left.",
            "Meer verzoeken dan toegestaan. Wacht het aantal seconden in Retry-After; RateLimit zegt hoeveel er nog over zijn.",
        ),
        ProblemKind::Integrity => p(
            "A stored record isn't what was written. It isn't shown, and the fault is on record. Tell the administrator.",
            "Een opgeslagen gegeven is niet wat er is geschreven. Het wordt niet getoond en de fout is vastgelegd. Meld het de beheerder.",
        ),
        ProblemKind::Internal => p(
            "Something went wrong on the server. Quote the request id (instance) when you report it.",
            "Er ging iets mis op de server. Noem het verzoeknummer (instance) als u dit meldt.",
        ),
        ProblemKind::Sealed => p(
            "The server has no key at the moment, so personal data can't be read. An administrator has to open the vault.",
            "De server heeft nu geen sleutel, dus persoonsgegevens zijn niet leesbaar. Een beheerder moet de kluis openen.",
        ),
        ProblemKind::Unavailable => p(
            "A part that the server needs doesn't answer. Try again in a while.",
            "Een onderdeel dat de server nodig heeft antwoordt niet. Probeer het over een tijdje opnieuw.",
        ),
    }
}
