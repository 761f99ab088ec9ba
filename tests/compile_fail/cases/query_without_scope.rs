//! A query that no decision restricts, under the name that looks harmless.

use kluis_core::args;
use kluis_core::store::{Db, StoreError};

async fn all(db: &Db) -> Result<usize, StoreError> {
    Ok(db.fetch_all("SELECT id FROM customers", args![]).await?.len())
}

fn main() {
    let _ = all;
}
