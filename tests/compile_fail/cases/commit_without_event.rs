//! A change that nobody put on record.

use kluis_core::store::{Db, StoreError};

async fn change(db: &Db) -> Result<(), StoreError> {
    let tx = db.begin().await?;
    tx.commit().await
}

fn main() {
    let _ = change;
}
