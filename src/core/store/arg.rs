//! Arguments of a statement: the few types that both databases hold alike.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::Arguments as _;
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use uuid::Uuid;

use super::StoreError;
use crate::kernel::{Id, Kind};
use crate::privacy::Sealed;

/// One argument. Times are microseconds since 1970.
#[derive(Clone)]
pub enum Arg {
    Uuid(Option<Uuid>),
    Text(Option<Arc<str>>),
    Int(Option<i64>),
    Bool(Option<bool>),
    Blob(Option<Vec<u8>>),
}

/// The arguments of one statement, `$1` first.
#[derive(Clone, Default)]
pub struct Args(Vec<Arg>);

impl Args {
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    #[must_use]
    pub fn with(mut self, arg: impl Into<Arg>) -> Self {
        self.0.push(arg.into());
        self
    }

    pub fn push(&mut self, arg: impl Into<Arg>) {
        self.0.push(arg.into());
    }

    pub fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    pub const fn len(&self) -> usize {
        self.0.len()
    }

    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `$number`, counted from 1.
    pub(super) fn get(&self, number: usize) -> Option<&Arg> {
        self.0.get(number.checked_sub(1)?)
    }

    pub(super) fn sqlite(self) -> Result<SqliteArguments, StoreError> {
        let mut out = SqliteArguments::default();
        for arg in self.0 {
            match arg {
                Arg::Uuid(v) => out.add(v),
                Arg::Text(v) => out.add(v),
                Arg::Int(v) => out.add(v),
                Arg::Bool(v) => out.add(v),
                Arg::Blob(v) => out.add(v),
            }
            .map_err(StoreError::Statement)?;
        }
        Ok(out)
    }

    pub(super) fn postgres(self) -> Result<PgArguments, StoreError> {
        let mut out = PgArguments::default();
        for arg in self.0 {
            match arg {
                Arg::Uuid(v) => out.add(v),
                Arg::Text(v) => out.add(v.as_deref()),
                Arg::Int(v) => out.add(v),
                Arg::Bool(v) => out.add(v),
                Arg::Blob(v) => out.add(v),
            }
            .map_err(StoreError::Statement)?;
        }
        Ok(out)
    }
}

/// `args![tenant, id, "text", 5]`: the arguments of a statement in order.
#[macro_export]
macro_rules! args {
    ($($arg:expr),* $(,)?) => { $crate::store::Args::new()$(.with($arg))* };
}

macro_rules! arg_from {
    ($($from:ty, $value:ident => $make:expr;)+) => {
        $(impl From<$from> for Arg { fn from($value: $from) -> Self { $make } })+
    };
}

arg_from! {
    Uuid, v => Self::Uuid(Some(v));
    Option<Uuid>, v => Self::Uuid(v);
    &str, v => Self::Text(Some(v.into()));
    String, v => Self::Text(Some(v.into()));
    &String, v => Self::Text(Some(v.as_str().into()));
    Option<String>, v => Self::Text(v.map(Into::into));
    Option<&str>, v => Self::Text(v.map(Into::into));
    i64, v => Self::Int(Some(v));
    Option<i64>, v => Self::Int(v);
    bool, v => Self::Bool(Some(v));
    Option<bool>, v => Self::Bool(v);
    Vec<u8>, v => Self::Blob(Some(v));
    Option<Vec<u8>>, v => Self::Blob(v);
    &[u8], v => Self::Blob(Some(v.to_vec()));
    DateTime<Utc>, v => Self::Int(Some(v.timestamp_micros()));
    Option<DateTime<Utc>>, v => Self::Int(v.map(|t| t.timestamp_micros()));
}

impl<const N: usize> From<[u8; N]> for Arg {
    fn from(v: [u8; N]) -> Self {
        Self::Blob(Some(v.to_vec()))
    }
}
impl<K: Kind> From<Id<K>> for Arg {
    fn from(v: Id<K>) -> Self {
        Self::Uuid(Some(v.uuid()))
    }
}
impl<K: Kind> From<Option<Id<K>>> for Arg {
    fn from(v: Option<Id<K>>) -> Self {
        Self::Uuid(v.map(Id::uuid))
    }
}
impl<T> From<&Sealed<T>> for Arg {
    fn from(v: &Sealed<T>) -> Self {
        Self::Blob(Some(v.as_bytes().to_vec()))
    }
}
impl<T> From<Option<&Sealed<T>>> for Arg {
    fn from(v: Option<&Sealed<T>>) -> Self {
        Self::Blob(v.map(|s| s.as_bytes().to_vec()))
    }
}
