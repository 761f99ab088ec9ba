//! E-mail addresses (RFC 5321, RFC 6531), kept as typed and compared in one spelling.
//!
//! Must never: be printed; see [`super::text`].

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::text::{is_invisible, personal_text};
use super::{REQUIRED, TextFault};

const FAULT: TextFault = TextFault::new("email", "This isn't an e-mail address.", "Dit is geen geldig e-mailadres.");

/// RFC 5321 section 4.5.3.1: octets of the part before the `@`.
const LOCAL_MAX: usize = 64;
/// RFC 5321 section 4.5.3.1.3: a path has 256 octets, two of them are `<` and `>`.
const ADDRESS_MAX: usize = 254;

personal_text! {
    /// An e-mail address in the spelling of whoever typed it, trimmed.
    Email
}

impl Email {
    /// One address, `local@domain`: the local part without quotes, the domain with at least two labels, in any script.
    /// Faults: `required`, `email`.
    pub fn parse(text: &str) -> Result<Self, TextFault> {
        let text = text.trim();
        if text.is_empty() {
            return Err(REQUIRED);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(FAULT)?;
        // The index form must be an address too: some characters turn into `@`, dots or blanks by NFKC.
        let folded = fold_local(local);
        let domain = ascii_domain(domain).ok_or(FAULT)?;
        let sound = is_local(local) && is_local(&folded) && is_public(&domain);
        let short = local.len().max(folded.len()) <= LOCAL_MAX
            && text.len().max(folded.len() + 1 + domain.len()) <= ADDRESS_MAX;
        if sound && short { Ok(Self(text.to_owned())) } else { Err(FAULT) }
    }

    /// The one spelling under which the address is indexed and compared: NFKC and lower case before the `@`, the
    /// ASCII form of the domain (UTS 46) after it.
    pub fn index_form(&self) -> Zeroizing<String> {
        let Some((local, domain)) = self.0.rsplit_once('@') else {
            return fold_local(&self.0);
        };
        let mut form = fold_local(local);
        form.push('@');
        form.push_str(&ascii_domain(domain).unwrap_or_else(|| fold_local(domain)));
        form
    }

    /// The domain as typed.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

/// NFKC, lower case, and NFKC again, since lower case may leave a text that isn't normalised.
fn fold_local(local: &str) -> Zeroizing<String> {
    let once = Zeroizing::new(local.nfkc().collect::<String>());
    let lower = Zeroizing::new(once.to_lowercase());
    Zeroizing::new(lower.nfkc().collect())
}

/// The one spelling of a host name: ASCII by UTS 46.
pub(super) fn ascii_domain(domain: &str) -> Option<Zeroizing<String>> {
    let ascii =
        Uts46::new().to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify);
    ascii.ok().map(|ascii| Zeroizing::new(ascii.into_owned()))
}

/// RFC 5321 dot-string, with the non-ASCII characters of RFC 6531. Quoted local parts exist on paper only.
fn is_local(local: &str) -> bool {
    local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom))
}

fn is_atom(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
    } else {
        !c.is_whitespace() && !is_invisible(c)
    }
}

/// At least two labels, and the last isn't a number: neither `localhost` nor an IP address.
pub(super) fn is_public(domain: &str) -> bool {
    domain.rsplit_once('.').is_some_and(|(_, top)| top.len() >= 2 && !top.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn index_form(text: &str) -> String {
        Email::parse(text).unwrap().index_form().to_string()
    }

    #[test]
    fn spelling_is_kept_and_compared_in_one_form() {
        let email = Email::parse("  Jan.de.Vries@Example.COM ").unwrap();
        assert_eq!(email.expose(), "Jan.de.Vries@Example.COM");
        assert_eq!(email.domain(), "Example.COM");
        assert_eq!(*email.index_form(), "jan.de.vries@example.com");
        assert_eq!(index_form("zoë@bücher.example"), index_form("ZOE\u{308}@xn--bcher-kva.EXAMPLE"));
        assert_eq!(index_form("ｊan@ｅxample.com"), "jan@example.com");
        assert_eq!(format!("{email:?}"), "Email");
    }

    #[test]
    fn faulty_addresses_are_refused() {
        for text in [
            "jan",
            "@example.com",
            "jan@",
            "jan@@example.com",
            "jan at example.com",
            "jan@example",
            "jan@localhost",
            "jan@192.0.2.1",
            "jan@[192.0.2.1]",
            "jan@-a.example",
            "jan@a_b.example",
            "jan@example..com",
            "jan@example.com.",
            ".jan@example.com",
            "jan.@example.com",
            "ja..n@example.com",
            "\"jan\"@example.com",
            "jan <jan@example.com>",
            "jan@example.com, piet@example.com",
            "ja\u{200b}n@example.com",
            "ja\u{ff20}n@example.com",
            "ja\u{a0}n@example.com",
        ] {
            assert_eq!(Email::parse(text), Err(FAULT), "{text}");
        }
        assert_eq!(Email::parse(" "), Err(REQUIRED));
    }

    #[test]
    fn lengths_are_those_of_smtp() {
        let local = "a".repeat(64);
        assert!(Email::parse(&format!("{local}@example.com")).is_ok());
        assert!(Email::parse(&format!("{local}a@example.com")).is_err());
        let domain = format!("{0}.{0}.{0}.example", "b".repeat(60));
        assert!(Email::parse(&format!("{local}@{domain}")).is_err());
        assert!(Email::parse(&format!("{}@{domain}", "a".repeat(254 - 1 - domain.len()))).is_ok());
    }

    proptest! {
        #[test]
        fn the_index_form_is_an_address_with_the_same_index_form(text in "[a-zA-ZÀ-ɏͰ-ϿĲﬁ０-９.+]{1,12}@[a-zA-ZÀ-ɏ]{1,8}\\.example") {
            if let Ok(email) = Email::parse(&text) {
                let form = email.index_form();
                prop_assert_eq!(Email::parse(&form).unwrap().index_form(), form);
            }
        }
    }
}
