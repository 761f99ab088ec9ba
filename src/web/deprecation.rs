//! How an operation says goodbye: `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and a link to what to use instead.
//!
//! Must never be put on an operation whose document doesn't say `deprecated`.

use chrono::{DateTime, Utc};
use poem::http::{HeaderMap, HeaderName, HeaderValue, header};

const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// When something is deprecated, when it ends, and where its successor is described.
#[derive(Debug, Clone, Copy)]
pub struct Deprecated {
    pub since: DateTime<Utc>,
    pub sunset: Option<DateTime<Utc>>,
    /// URL of the page that tells what to use instead.
    pub instead: &'static str,
}

impl Deprecated {
    /// Puts the headers on an answer, beside links that are there already.
    pub fn stamp(&self, headers: &mut HeaderMap) {
        let since = format!("@{}", self.since.timestamp());
        let link = format!("<{}>; rel=\"deprecation\"; type=\"text/html\"", self.instead);
        if let Ok(value) = HeaderValue::try_from(since) {
            headers.insert(DEPRECATION, value);
        }
        if let Ok(value) = HeaderValue::try_from(link) {
            headers.append(header::LINK, value);
        }
        let sunset = self.sunset.map(|day| day.format("%a, %d %b %Y %H:%M:%S GMT").to_string());
        if let Some(Ok(value)) = sunset.map(HeaderValue::try_from) {
            headers.insert(SUNSET, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_rfcs() {
        let mut headers = HeaderMap::new();
        let deprecated = Deprecated {
            since: "2023-06-30T23:59:59Z".parse().unwrap(),
            sunset: Some("2024-12-31T23:59:59Z".parse().unwrap()),
            instead: "https://example.org/deprecation",
        };
        deprecated.stamp(&mut headers);
        assert_eq!(headers["deprecation"], "@1688169599");
        assert_eq!(headers["sunset"], "Tue, 31 Dec 2024 23:59:59 GMT");
        assert_eq!(headers["link"], "<https://example.org/deprecation>; rel=\"deprecation\"; type=\"text/html\"");
    }
}
