//! Which request this is: keyed hashes of who asks for what under which key.
//!
//! Must never: hash anything without the length of each part, or keep a key or a body.

use kluis_core::access::Purpose;
use kluis_core::kernel::{Faults, Phrase, Problem};
use kluis_core::privacy::{MacKey, SystemKey};
use poem::Request;
use poem::http::HeaderMap;

use crate::app::App;
use crate::sessions::Caller;

/// The header that carries the key.
pub const HEADER: &str = "Idempotency-Key";
const LONGEST: usize = 255;

/// The key of a request; `None` without the header. 400 unless it is one key of 1 to 255 visible ASCII characters.
pub fn key_of(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    const FORM: Phrase = Phrase {
        en: "Give one key of 1 to 255 visible ASCII characters, without spaces.",
        nl: "Geef één sleutel van 1 tot 255 zichtbare ASCII-tekens, zonder spaties.",
    };
    let mut sent = headers.get_all(HEADER).iter();
    let Some(first) = sent.next() else { return Ok(None) };
    let bytes = first.as_bytes();
    let is_good =
        sent.next().is_none() && (1..=LONGEST).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
    match first.to_str() {
        Ok(key) if is_good => Ok(Some(key.to_owned())),
        _ => {
            let mut faults = Faults::new();
            faults.add(format!("header:{HEADER}"), "pattern", FORM);
            Err(Problem::invalid(faults.into_vec()))
        }
    }
}

/// The three hashes of one request.
#[derive(Clone, Copy)]
pub struct Identity {
    /// Caller, operation, key: what finds the row.
    pub id: [u8; 32],
    /// Body and purpose: what must be the same at a repetition.
    pub request: [u8; 32],
    /// Roles and the token's restriction: whoever repeats must hold the same.
    pub rights: [u8; 32],
}

impl Identity {
    /// `what` is the operation with its path.
    pub fn of(app: &App, caller: &Caller, what: &[&str], key: &str, body: &[u8]) -> Result<Self, Problem> {
        let mac = app.keys.system_mac(SystemKey::Idempotency)?;
        let actor = &caller.actor;
        let mut whose = Message::of("key");
        whose.put(actor.tenant().uuid().as_bytes());
        whose.put(actor.label().as_bytes());
        what.iter().for_each(|part| whose.put(part.as_bytes()));
        whose.put(key.as_bytes());

        let mut asked = Message::of("request");
        asked.put(caller.purpose.map_or("", Purpose::as_str).as_bytes());
        asked.put(body);

        let mut roles: Vec<&str> = actor.assigned_roles().iter().map(kluis_core::access::Role::as_str).collect();
        roles.sort_unstable();
        let mut rights = Message::of("rights");
        rights.put(roles.join(" ").as_bytes());
        match actor.token_scopes() {
            None => rights.put(b"all"),
            Some(scopes) => {
                rights.put(b"some");
                scopes.texts().for_each(|text| rights.put(text.as_bytes()));
            }
        }
        Ok(Self { id: whose.sign(&mac), request: asked.sign(&mac), rights: rights.sign(&mac) })
    }
}

/// What stands for the body: the body itself, or its type and length where it streams past (an upload).
pub fn streamed_body(request: &Request) -> Vec<u8> {
    // The parameters of a multipart type hold a boundary that is new each time.
    let essence = request.content_type().and_then(|kind| kind.split(';').next()).unwrap_or_default();
    let length = request.header("content-length").unwrap_or("unknown");
    format!("{} {length}", essence.trim().to_ascii_lowercase()).into_bytes()
}

struct Message(zeroize::Zeroizing<Vec<u8>>);

impl Message {
    fn of(label: &str) -> Self {
        let mut message = Self(zeroize::Zeroizing::new(Vec::with_capacity(256)));
        message.put(label.as_bytes());
        message
    }

    fn put(&mut self, part: &[u8]) {
        self.0.extend_from_slice(&(part.len() as u64).to_be_bytes());
        self.0.extend_from_slice(part);
    }

    fn sign(&self, mac: &MacKey) -> [u8; 32] {
        mac.sign(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderValue;

    use super::*;

    fn sent(values: &[&[u8]]) -> Result<Option<String>, Problem> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER, HeaderValue::from_bytes(value).unwrap());
        }
        key_of(&headers)
    }

    #[test]
    fn a_key_is_one_word_of_visible_ascii() {
        assert_eq!(sent(&[]).unwrap(), None);
        assert_eq!(sent(&[b"a!~"]).unwrap().unwrap(), "a!~");
        assert!(sent(&[&[b'k'; 255]]).is_ok());
        let long = [b'k'; 256];
        let bad: [&[&[u8]]; 6] = [&[b""], &[&long], &[b"a b"], &[b"a", b"a"], &["é".as_bytes()], &[b"a\tb"]];
        for values in bad {
            let problem = sent(values).unwrap_err();
            assert_eq!(problem.faults[0].pointer, "header:Idempotency-Key");
        }
    }

    #[test]
    fn parts_cannot_run_into_each_other() {
        let message = |parts: &[&str]| {
            let mut message = Message::of("test");
            parts.iter().for_each(|part| message.put(part.as_bytes()));
            message.0.to_vec()
        };
        assert_ne!(message(&["ab", "c"]), message(&["a", "bc"]));
        assert_ne!(message(&["ab"]), message(&["ab", ""]));
    }
}
