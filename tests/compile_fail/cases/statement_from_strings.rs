//! SQL put together from what somebody sent.

use kluis_core::args;
use kluis_core::store::{Db, StoreError};

async fn find(db: &Db, name: &str) -> Result<usize, StoreError> {
    let sql = format!("SELECT id FROM tenants WHERE name = '{name}'");
    Ok(db.fetch_all_without_scope("a test", sql.as_str(), args![]).await?.len())
}

fn main() {
    let _ = find;
}
