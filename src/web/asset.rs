//! Files that are part of the program, compressed once: style sheets, scripts, the document.
//!
//! Must never serve what depends on who asks.

use std::io::Write;
use std::sync::LazyLock;

use data_encoding::HEXLOWER;
use flate2::Compression;
use flate2::write::GzEncoder;
use poem::http::{HeaderMap, HeaderValue, StatusCode, header};
use poem::{IntoResponse, Response};
use ring::digest::{SHA256, digest};

use super::language::weight;

/// A file with its compressed form and its tag.
pub struct Asset {
    content_type: &'static str,
    plain: Vec<u8>,
    gzip: LazyLock<Vec<u8>, Box<dyn FnOnce() -> Vec<u8> + Send>>,
    tag: String,
}

impl Asset {
    /// Compressed when it is first asked for in that form.
    pub fn new(content_type: &'static str, plain: Vec<u8>) -> Self {
        let copy = plain.clone();
        let hash = digest(&SHA256, &plain);
        let short = hash.as_ref().get(..16).unwrap_or_default();
        Self {
            content_type,
            plain,
            gzip: LazyLock::new(Box::new(move || compress(&copy))),
            tag: HEXLOWER.encode(short),
        }
    }

    /// 304 when the caller has it, otherwise the file in the form that the caller takes. It is kept by the caller but
    /// asked for again each time, so that a new version of the program shows at once.
    pub fn respond(&self, request: &HeaderMap) -> Response {
        let zipped = accepts_gzip(request) && !self.gzip.is_empty();
        let tag = if zipped { format!("\"{}-gzip\"", self.tag) } else { format!("\"{}\"", self.tag) };
        let known = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let mut response = if known.flat_map(|value| value.split(',')).any(|known| known.trim() == tag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let body = if zipped { self.gzip.clone() } else { self.plain.clone() };
            Response::builder().content_type(self.content_type).body(body)
        };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        if zipped {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if let Ok(tag) = HeaderValue::try_from(tag) {
            headers.insert(header::ETAG, tag);
        }
        response
    }
}

/// Empty when it can't be compressed, which then is never served.
fn compress(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    match encoder.write_all(plain) {
        Ok(()) => encoder.finish().unwrap_or_default(),
        Err(_) => Vec::new(),
    }
}

fn accepts_gzip(request: &HeaderMap) -> bool {
    let values = request.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
        name.trim().eq_ignore_ascii_case("gzip") && weight(parameters) > 0
    })
}
