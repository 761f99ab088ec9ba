//! The limit program: a bare handler over the same rows that gives the same bytes as Kluis, without access, audit and
//! decryption. What Kluis costs is told as a ratio to this.
//!
//! Must never: be better equipped than what a competent developer would write in an afternoon, or worse.

pub mod arms;
pub mod schema;
mod sqlite;
pub mod view;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use kluis_core::kernel::Id;
use kluis_core::kernel::id::Customer;
use poem::http::{HeaderMap, StatusCode, header};
use poem::listener::TcpListener;
use poem::web::{Data, Path, Query};
use poem::{EndpointExt, IntoResponse, Response, Route, Server, get, handler, post};
use serde::Deserialize;
use uuid::Uuid;

use arms::Arm;
use view::{Draft, PageView, Row, TENANT};

use crate::Result;

/// Answers as Kluis does, out of a database of its own.
#[derive(clap::Args)]
pub struct LimitCommand {
    /// Address and port to listen on.
    #[arg(long)]
    listen: SocketAddr,
    #[command(flatten)]
    database: Database,
    /// Through rusqlite instead of sqlx.
    #[arg(long, requires = "sqlite")]
    rusqlite: bool,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Database {
    /// The file of the limit's database.
    #[arg(long)]
    sqlite: Option<PathBuf>,
    /// `postgres://…` of the limit's database.
    #[arg(long)]
    postgres: Option<String>,
}

pub async fn run(command: &LimitCommand) -> Result<()> {
    let (sqlite, postgres) = (command.database.sqlite.as_deref(), command.database.postgres.as_deref());
    let arm = Arm::open(sqlite, postgres, command.rusqlite).await?;
    let site = Route::new()
        .at("/health/ready", get(ready))
        .at("/v1/customers", get(list).post(create))
        .at("/v1/customers/:id", get(show))
        .at("/v1/customers/_search", post(search))
        .data(Arc::new(arm));
    Ok(Server::new(TcpListener::bind(command.listen.to_string())).run(site).await?)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct List {
    #[serde(default = "usual_size")]
    page_size: u32,
}

const fn usual_size() -> u32 {
    50
}

/// What the load program asks: an exact e-mail address.
#[derive(Deserialize)]
struct Search {
    r#where: Leaf,
}

#[derive(Deserialize)]
struct Leaf {
    value: String,
}

#[handler]
fn ready() -> &'static str {
    "ok\n"
}

#[handler]
async fn list(arm: Data<&Arc<Arm>>, headers: &HeaderMap, query: Query<List>) -> poem::Result<Response> {
    let size = query.page_size as usize;
    let mut rows = arm.list(tenant(headers)?, i64::from(query.page_size) + 1).await.map_err(failed)?;
    let more = rows.len() > size;
    rows.truncate(size);
    let next = rows.last().filter(|_| more).map(|row| row.id.simple().to_string());
    json(StatusCode::OK, &PageView::of(&rows, next))
}

#[handler]
async fn show(arm: Data<&Arc<Arm>>, headers: &HeaderMap, id: Path<String>) -> poem::Result<Response> {
    let id: Id<Customer> = Id::parse(&id.0).ok_or(StatusCode::NOT_FOUND)?;
    let row = arm.get(tenant(headers)?, id.uuid()).await.map_err(failed)?.ok_or(StatusCode::NOT_FOUND)?;
    json(StatusCode::OK, &row.view())
}

#[handler]
async fn search(arm: Data<&Arc<Arm>>, headers: &HeaderMap, body: Vec<u8>) -> poem::Result<Response> {
    let search: Search = serde_json::from_slice(&body).map_err(|_| StatusCode::UNPROCESSABLE_ENTITY)?;
    let rows = arm.by_email(tenant(headers)?, &search.r#where.value).await.map_err(failed)?;
    json(StatusCode::OK, &PageView::of(&rows, None))
}

#[handler]
async fn create(arm: Data<&Arc<Arm>>, headers: &HeaderMap, body: Vec<u8>) -> poem::Result<Response> {
    let draft: Draft<'_> = serde_json::from_slice(&body).map_err(|_| StatusCode::UNPROCESSABLE_ENTITY)?;
    let new = [(Row::new(tenant(headers)?, &draft), draft.values())];
    arm.insert(&new).await.map_err(failed)?;
    json(StatusCode::CREATED, &new[0].0.view())
}

fn json(status: StatusCode, body: &impl serde::Serialize) -> poem::Result<Response> {
    let bytes = serde_json::to_vec(body).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(bytes.with_header(header::CONTENT_TYPE, "application/json").with_status(status).into_response())
}

/// The load program says for whom it asks; there is nobody to check it.
fn tenant(headers: &HeaderMap) -> poem::Result<Uuid> {
    let text = headers.get(TENANT).and_then(|value| value.to_str().ok());
    Ok(text.and_then(|text| Uuid::parse_str(text).ok()).ok_or(StatusCode::BAD_REQUEST)?)
}

fn failed(error: arms::ArmError) -> poem::Error {
    eprintln!("{error}");
    StatusCode::INTERNAL_SERVER_ERROR.into()
}
