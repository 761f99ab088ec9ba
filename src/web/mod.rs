//! The poem kit: what stands between HTTP and the domains' `api.rs`.
//!
//! **How a handler looks.** It parses, calls one service, shapes the view:
//! ```ignore
//! #[OpenApi(prefix_path = "/customers", tag = "Tag::Customers")]
//! impl CustomersApi {
//!     /// Shows one customer.
//!     ///
//!     /// Fields that you may not see are absent and named under `withheld`.
//!     #[oai(path = "/:id", method = "get", operation_id = "getCustomer")]
//!     async fn show(&self, scope: Scope<Read>, id: Path<IdParam<Customer>>) -> web::Result<Record<CustomerView>> {
//!         let customer = service::show(&self.app, &scope, id.0.0).await?;
//!         Ok(Record::new(CustomerView::from(&customer), ETag::of(customer.revision)))
//!     }
//! }
//! ```
//! - The summary is the first paragraph of the doc comment, the description the rest; both must be there.
//! - Bodies are [`Body<T>`] and [`MergePatch<T>`]; answers are the types of [`answer`]. A type `T` derives poem-openapi's
//!   `Object` with `example`, and serde's traits, with the same renames.
//! - Errors: `?` on anything that converts into [`kluis_core::kernel::Problem`].
//!
//! Must never: know a domain, run SQL, decide who may do what.

pub mod address;
pub mod answer;
mod archival;
pub mod asset;
pub mod body;
mod catch;
pub mod docs;
pub mod document;
pub mod etag;
mod faults;
pub mod frame;
pub mod headers;
pub mod ident;
pub mod json;
pub mod language;
pub mod merge_patch;
pub mod operation;
pub mod page;
mod parameters;
pub mod problem;
pub mod problem_pages;
pub mod query;
pub mod ratelimit;
pub mod schema;
pub mod service;
pub mod shell;
pub mod stream;
mod tag;
pub mod text;
pub mod timestamp;
pub mod upload;

pub use address::ClientAddress;
pub use answer::{Accepted, Answer, Created, Listing, NoContent, Record};
pub use archival::Archival;
pub use body::Body;
pub use catch::settle;
pub use document::Document;
pub use etag::{ETag, IfMatch};
pub use headers::RequestId;
pub use ident::Ident;
pub use language::Language;
pub use merge_patch::MergePatch;
pub use page::{Cursors, Order, Page, PageOf, SearchPage};
pub use problem::{Failure, Result};
pub use query::Query;
pub use service::service;
pub use shell::{Shell, Surroundings};
pub use tag::{SESSION_COOKIE, Tag};
pub use text::{JsonText, Members};
pub use timestamp::Timestamp;
