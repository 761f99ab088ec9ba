//! An answer as it is kept: status, the headers that matter, and the body, sealed together.
//!
//! Must never: keep a header that belongs to one request only, or give an answer that was sealed for another row.

use kluis_core::kernel::id::Tenant;
use kluis_core::kernel::{Id, Problem, ProblemKind};
use kluis_core::privacy::{Blob, Context, Sealed};
use poem::http::{HeaderName, HeaderValue, StatusCode, header};
use poem::{Body, Response};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::app::App;

/// What a client acts on; the outermost layer puts on whatever else there is, new each time.
const HEADERS: [HeaderName; 6] =
    [header::CONTENT_TYPE, header::CONTENT_LANGUAGE, header::ETAG, header::LOCATION, header::LINK, header::RETRY_AFTER];

/// An answer that can be given again.
pub struct Kept {
    head: Head,
    body: Zeroizing<Vec<u8>>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    status: u16,
    headers: Vec<(String, String)>,
    /// Hash of the rights under which it was given.
    rights: [u8; 32],
    /// Id of the first request: its events say what was read and changed.
    request: String,
}

impl Kept {
    /// Whether an answer with this status is kept at all.
    pub const fn is_for(status: StatusCode) -> bool {
        !matches!(status.as_u16(), 401 | 403 | 404 | 429 | 500..)
    }

    /// Takes an answer apart and puts it together again: its body is read on the way.
    pub async fn of(mut response: Response, rights: [u8; 32], request: &str) -> (Option<Self>, Response) {
        let Ok(body) = response.take_body().into_vec().await else {
            return (None, StatusCode::INTERNAL_SERVER_ERROR.into());
        };
        let text = |name: &HeaderName| {
            let value = response.headers().get(name)?.to_str().ok()?;
            Some((name.as_str().to_owned(), value.to_owned()))
        };
        let headers = HEADERS.iter().filter_map(text).collect();
        let head = Head { status: response.status().as_u16(), headers, rights, request: request.to_owned() };
        response.set_body(body.clone());
        (Some(Self { head, body: Zeroizing::new(body) }), response)
    }

    /// Hash of the rights under which it was given.
    pub const fn rights(&self) -> &[u8; 32] {
        &self.head.rights
    }

    /// Id of the request that it was given to first.
    pub fn request(&self) -> &str {
        &self.head.request
    }

    /// Whether something was done or shown.
    pub const fn is_success(&self) -> bool {
        self.head.status < 400
    }

    /// Where the record is that was made.
    pub fn location(&self) -> Option<HeaderValue> {
        let (_, value) = self.head.headers.iter().find(|(name, _)| name == header::LOCATION.as_str())?;
        HeaderValue::from_str(value).ok()
    }

    /// The answer once more.
    pub fn response(&self) -> Result<Response, Problem> {
        let damaged = || Problem::new(ProblemKind::Integrity);
        let status = StatusCode::from_u16(self.head.status).map_err(|_| damaged())?;
        let mut response = Response::builder().status(status).finish();
        for (name, value) in &self.head.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| damaged())?;
            response.headers_mut().insert(name, HeaderValue::from_str(value).map_err(|_| damaged())?);
        }
        response.set_body(Body::from_vec(self.body.to_vec()));
        Ok(response)
    }

    /// Seals it for its row. First the length of the head, then the head, then the body as it is.
    pub async fn seal(&self, app: &App, tenant: Id<Tenant>, id: [u8; 32]) -> Result<Sealed<Blob>, Problem> {
        let head = serde_json::to_vec(&self.head).map_err(|_| Problem::new(ProblemKind::Internal))?;
        let mut plain = Zeroizing::new(Vec::with_capacity(8 + head.len() + self.body.len()));
        plain.extend_from_slice(&(head.len() as u64).to_be_bytes());
        plain.extend_from_slice(&head);
        plain.extend_from_slice(&self.body);
        let key = app.keys.tenant_key(tenant.uuid()).await?;
        Ok(Sealed::<Blob>::seal_bytes(&key, &place(tenant, id), &plain)?)
    }

    /// Opens what stands in a row; `Integrity` when it isn't that row's.
    pub async fn open(app: &App, tenant: Id<Tenant>, id: [u8; 32], sealed: &Sealed<Blob>) -> Result<Self, Problem> {
        let key = app.keys.tenant_key(tenant.uuid()).await?;
        let plain = sealed.open_bytes(&key, &place(tenant, id))?;
        let (head, body) = parts(&plain).ok_or_else(|| Problem::new(ProblemKind::Integrity))?;
        let head = serde_json::from_slice(head).map_err(|_| Problem::new(ProblemKind::Integrity))?;
        Ok(Self { head, body: Zeroizing::new(body.to_vec()) })
    }
}

fn parts(plain: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = plain.split_first_chunk()?;
    rest.split_at_checked(usize::try_from(u64::from_be_bytes(*length)).ok()?)
}

/// Half of the row's hash names it well enough: finding two rows that share it would take 2^64 requests.
fn place(tenant: Id<Tenant>, id: [u8; 32]) -> Context {
    Context {
        tenant: tenant.uuid(),
        table: "idempotency_keys",
        part: "answer",
        row: Uuid::from_bytes(std::array::from_fn(|at| id[at])),
        subject: tenant.uuid(),
        revision: 1,
        schema: 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_of_rights_haste_or_trouble_is_not_kept() {
        let kept: Vec<u16> = (200..600).filter(|status| Kept::is_for(StatusCode::from_u16(*status).unwrap())).collect();
        for status in [200, 201, 202, 204, 400, 406, 409, 412, 413, 415, 422] {
            assert!(kept.contains(&status), "{status}");
        }
        for status in [401, 403, 404, 429, 500, 503, 599] {
            assert!(!kept.contains(&status), "{status}");
        }
    }

    #[test]
    fn a_damaged_length_is_no_answer() {
        assert_eq!(parts(&[0; 7]), None);
        assert_eq!(parts(&[255; 20]), None);
        assert_eq!(parts(&[0, 0, 0, 0, 0, 0, 0, 1, b'a', b'b']), Some((&b"a"[..], &b"b"[..])));
    }
}
