//! What is read outside of a transaction is what stands in the database, of every type, on both databases.

use kluis_core::args;
use kluis_core::store::{Db, Row, Sql, StoreError};
use proptest::prelude::*;
use uuid::Uuid;

use crate::support::Scratch;

const WHY: &str = "a test of the store itself";
// Arguments come in another order than their numbers, and one of them twice.
const ECHO: Sql = Sql::both(
    "SELECT $3, $1, $2, $5, $4, $1",
    "SELECT $3::bigint, $1::uuid, $2::text, $5::bytea, $4::boolean, $1::uuid",
);

#[derive(Debug, Clone, PartialEq)]
struct Values {
    id: Option<Uuid>,
    text: Option<String>,
    number: Option<i64>,
    flag: Option<bool>,
    bytes: Option<Vec<u8>>,
}

fn values() -> impl Strategy<Value = Values> {
    let id = proptest::option::of(any::<u128>().prop_map(Uuid::from_u128));
    // PostgreSQL holds no NUL; the API refuses it in every text.
    let text = proptest::option::of("[^\0]{0,300}");
    let bytes = proptest::option::of(proptest::collection::vec(any::<u8>(), 0..2000));
    (id, text, any::<Option<i64>>(), any::<Option<bool>>(), bytes).prop_map(|(id, text, number, flag, bytes)| Values {
        id,
        text,
        number,
        flag,
        bytes,
    })
}

fn read(row: &Row) -> Result<Values, StoreError> {
    let id = row.opt_uuid(1)?;
    assert_eq!(id, row.opt_uuid(5)?);
    assert!(row.opt_int(6).is_err(), "there is no seventh column");
    Ok(Values { id, text: row.opt_text(2)?, number: row.opt_int(0)?, flag: row.opt_bool(4)?, bytes: row.opt_blob(3)? })
}

async fn echo(db: &Db, values: &Values) -> Values {
    let given = values.clone();
    let args = args![given.id, given.text, given.number, given.flag, given.bytes];
    let row = db.fetch_optional_without_scope(WHY, ECHO, args).await.expect("it reads").expect("a row");
    read(&row).expect("the types are right")
}

#[test]
fn every_value_comes_back() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let both = runtime.block_on(Scratch::both());
    proptest!(ProptestConfig::with_cases(64), |(values in values())| {
        for scratch in &both {
            prop_assert_eq!(&runtime.block_on(echo(&scratch.db, &values)), &values);
        }
    });
}

#[tokio::test]
async fn a_value_of_another_type_is_an_error_not_a_guess() {
    for scratch in Scratch::both().await {
        let row =
            scratch.db.fetch_optional_without_scope(WHY, ECHO, args![Uuid::nil(), "text", 7_i64, true, vec![1_u8]]);
        let row = row.await.expect("it reads").expect("a row");
        assert!(matches!(row.text(0), Err(StoreError::Row(0))));
        assert!(matches!(row.int(2), Err(StoreError::Row(2))));
        assert!(matches!(row.uuid(3), Err(StoreError::Row(3))));
    }
}

#[tokio::test]
async fn whoever_goes_away_leaves_the_reader_behind() {
    let scratch = Scratch::sqlite().await;
    // Counts for some milliseconds.
    const LONG: &str =
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT MAX(i) FROM n";
    for _ in 0..64 {
        let asked = scratch.db.fetch_all_without_scope(WHY, LONG, args![]);
        // Polled once and dropped: the statement runs to its end without anybody.
        let gone = tokio::time::timeout(std::time::Duration::ZERO, asked).await;
        drop(gone);
    }
    let rows = scratch.db.fetch_all_without_scope(WHY, LONG, args![]).await.expect("there is a reader left");
    assert_eq!(rows[0].int(0).expect("a number"), 20000);
}

#[tokio::test]
async fn readers_do_not_write() {
    let scratch = Scratch::sqlite().await;
    let written = scratch.db.fetch_all_without_scope(WHY, "UPDATE authz_epoch SET value = value + 1", args![]).await;
    assert!(matches!(written, Err(StoreError::Unavailable(_))));
}
