//! A row, read by position.

use chrono::{DateTime, Utc};
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::StoreError;
use super::reader::Line;
use crate::kernel::clock::from_micros;
use crate::kernel::{Id, Kind};
use crate::privacy::Sealed;

/// One row of a result; columns count from 0.
pub enum Row {
    /// Read outside of a transaction.
    File(Line),
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

macro_rules! getters {
    ($($(#[$doc:meta])* $get:ident, $opt:ident: $ty:ty, $line:ident => $read:expr;)+) => {
        $($(#[$doc])*
        pub fn $get(&self, column: usize) -> Result<$ty, StoreError> {
            self.$opt(column)?.ok_or(StoreError::Row(column))
        }
        /// The same, where the column may be NULL.
        pub fn $opt(&self, column: usize) -> Result<Option<$ty>, StoreError> {
            match self {
                Self::File(line) => return line.$line(column)?.map($read).transpose().map_err(|()| StoreError::Row(column)),
                // SQLite knows no column types worth checking; the STRICT schema has checked them at writing.
                Self::Sqlite(row) => row.try_get_unchecked::<Option<$ty>, _>(column),
                Self::Postgres(row) => row.try_get::<Option<$ty>, _>(column),
            }
            .map_err(|_| StoreError::Row(column))
        })+
    };
}

impl Row {
    getters! {
        uuid, opt_uuid: Uuid, blob => |bytes| Uuid::from_slice(bytes).map_err(drop);
        text, opt_text: String, text => |text| Ok(text.to_owned());
        int, opt_int: i64, int => Ok;
        bool, opt_bool: bool, int => |number| Ok(number != 0);
        blob, opt_blob: Vec<u8>, blob => |bytes| Ok(bytes.to_vec());
    }

    pub fn id<K: Kind>(&self, column: usize) -> Result<Id<K>, StoreError> {
        self.uuid(column).map(Id::from_uuid)
    }

    pub fn opt_id<K: Kind>(&self, column: usize) -> Result<Option<Id<K>>, StoreError> {
        Ok(self.opt_uuid(column)?.map(Id::from_uuid))
    }

    pub fn time(&self, column: usize) -> Result<DateTime<Utc>, StoreError> {
        self.int(column).map(from_micros)
    }

    pub fn opt_time(&self, column: usize) -> Result<Option<DateTime<Utc>>, StoreError> {
        Ok(self.opt_int(column)?.map(from_micros))
    }

    pub fn array<const N: usize>(&self, column: usize) -> Result<[u8; N], StoreError> {
        if let Self::File(line) = self {
            let bytes = line.blob(column)?.and_then(|bytes| bytes.try_into().ok());
            return bytes.ok_or(StoreError::Row(column));
        }
        self.blob(column)?.try_into().map_err(|_| StoreError::Row(column))
    }

    pub fn sealed<T>(&self, column: usize) -> Result<Option<Sealed<T>>, StoreError> {
        Ok(self.opt_blob(column)?.map(Sealed::from_stored_bytes))
    }
}
