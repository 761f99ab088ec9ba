//! Addresses of pages on the web (RFC 3986), with the characters of RFC 3987 left as people copy them.
//!
//! Must never: be printed (see [`super::text`]); hold a password, or lead into a program (`javascript:`, `data:`).

use super::email::{ascii_domain, is_public};
use super::text::{is_invisible, personal_text};
use super::{REQUIRED, TextFault};

const FAULT: TextFault = TextFault::new(
    "url",
    "This isn't a web address that begins with https:// or http://.",
    "Dit is geen webadres dat begint met https:// of http://.",
);

/// More than this no browser takes.
const LONGEST: usize = 2000;

personal_text! {
    /// A web address: scheme and host in their one spelling, the rest as typed.
    WebAddress
}

impl WebAddress {
    /// `http` or `https`, a host with at least two labels, and whatever follows; no user, no password, no IP address.
    /// Faults: `required`, `url`.
    pub fn parse(text: &str) -> Result<Self, TextFault> {
        let text = text.trim();
        if text.is_empty() {
            return Err(REQUIRED);
        }
        if text.len() > LONGEST || text.chars().any(is_forbidden) {
            return Err(FAULT);
        }
        let (scheme, rest) = text.split_once("://").ok_or(FAULT)?;
        let scheme = scheme.to_ascii_lowercase();
        if scheme != "http" && scheme != "https" {
            return Err(FAULT);
        }
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse::<u16>().ok().filter(|port| *port > 0).ok_or(FAULT)?)),
            None => (authority, None),
        };
        let host = ascii_domain(host).filter(|host| is_public(host)).ok_or(FAULT)?;
        let port = port.map_or_else(String::new, |port| format!(":{port}"));
        Ok(Self(format!("{scheme}://{}{port}{path}", host.as_str())))
    }
}

/// What a URL has percent-encoded, and what can't be seen.
fn is_forbidden(c: char) -> bool {
    c.is_whitespace() || is_invisible(c) || matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn scheme_and_host_have_one_spelling() {
        for (typed, kept) in [
            (" HTTPS://Www.Example.ORG/Pad?q=1#x ", "https://www.example.org/Pad?q=1#x"),
            ("http://bücher.example:8080", "http://xn--bcher-kva.example:8080"),
            ("https://a.example/straat/één", "https://a.example/straat/één"),
        ] {
            assert_eq!(WebAddress::parse(typed).unwrap().expose(), kept);
        }
        assert_eq!(format!("{:?}", WebAddress::parse("https://a.example").unwrap()), "WebAddress");
    }

    #[test]
    fn what_is_no_page_is_refused() {
        for wrong in [
            "www.example.org",
            "ftp://example.org",
            "javascript://example.org/%0aalert(1)",
            "https://",
            "https://localhost",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://user:secret@example.org",
            "https://example.org:0",
            "https://example.org:65536",
            "https://example.org/a b",
            "https://example.org/<script>",
            "https://exa\u{200b}mple.org",
        ] {
            assert_eq!(WebAddress::parse(wrong).map_err(|fault| fault.code), Err("url"), "{wrong}");
        }
        assert_eq!(WebAddress::parse(" ").map_err(|fault| fault.code), Err("required"));
    }

    proptest! {
        #[test]
        fn what_was_parsed_parses_to_itself(text in "(?i)https?://[a-zé.]{1,12}(:[0-9]{1,5})?[/?#a-z0-9é%]{0,20}") {
            if let Ok(address) = WebAddress::parse(&text) {
                prop_assert_eq!(WebAddress::parse(address.expose()), Ok(address));
            }
        }
    }
}
