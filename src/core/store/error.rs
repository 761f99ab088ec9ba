//! What can go wrong below, in words that may be acted on; the database's own text stays in the log, without values.

use crate::kernel::{Problem, ProblemKind};

/// A constraint of the schema that a statement ran into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constraint {
    Unique,
    ForeignKey,
    Check,
    NotNull,
}

/// What the driver said.
type Source = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A rule of the schema said no. Which one is told by its kind; the name is for the log.
    #[error("constraint {constraint:?} {name}")]
    Constraint { constraint: Constraint, name: String },
    /// Somebody else was first; the whole transaction may be tried again.
    #[error("the transaction lost against another one")]
    Contention,
    /// The disk is full, the file can't be written, the server is gone.
    #[error("the database can't be reached or written")]
    Unavailable(#[source] Source),
    /// A row doesn't have the form that the code expects: a fault of ours.
    #[error("a row has an unexpected form at column {0}")]
    Row(usize),
    /// The schema is newer than this program, or a migration was changed.
    #[error("migration: {0}")]
    Migration(String),
    #[error("the database refused a statement")]
    Statement(#[source] Source),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::error::ErrorKind;
        let Some(database) = error.as_database_error() else {
            return match error {
                sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Tls(_) => {
                    Self::Unavailable(error.into())
                }
                other => Self::Statement(other.into()),
            };
        };
        let constraint = match database.kind() {
            ErrorKind::UniqueViolation => Some(Constraint::Unique),
            ErrorKind::ForeignKeyViolation => Some(Constraint::ForeignKey),
            ErrorKind::CheckViolation => Some(Constraint::Check),
            ErrorKind::NotNullViolation => Some(Constraint::NotNull),
            _ => None,
        };
        if let Some(constraint) = constraint {
            // SQLite tells the name only inside its message, which names columns, never values.
            let name = database.constraint().unwrap_or_default().to_owned();
            return Self::Constraint { constraint, name };
        }
        let code = database.code().map(std::borrow::Cow::into_owned).unwrap_or_default();
        Self::of_code(&code, error.into())
    }
}

/// Only what a reader can meet; it hurts no constraint.
impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let code = error.sqlite_error().map(|error| error.extended_code.to_string()).unwrap_or_default();
        Self::of_code(&code, error.into())
    }
}

impl StoreError {
    fn of_code(code: &str, error: Source) -> Self {
        match code {
            // SQLite: BUSY, LOCKED and their extended forms; PostgreSQL: serialization failure, deadlock.
            "5" | "6" | "261" | "517" | "262" | "40001" | "40P01" => Self::Contention,
            // SQLite: FULL, IOERR, READONLY, CANTOPEN; PostgreSQL class 53 (resources), 57P (shutdown), 08 (connection).
            "13" | "10" | "8" | "14" | "778" | "1032" => Self::Unavailable(error),
            code if code.starts_with("53") || code.starts_with("57P") || code.starts_with("08") => {
                Self::Unavailable(error)
            }
            _ => Self::Statement(error),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Constraint { constraint: Constraint::Unique, .. } => Self::new(ProblemKind::Duplicate),
            StoreError::Constraint { constraint: Constraint::ForeignKey, .. } => Self::new(ProblemKind::Conflict),
            StoreError::Contention | StoreError::Unavailable(_) => {
                tracing::error!(error = %error, "store unavailable");
                Self::new(ProblemKind::Unavailable)
            }
            other => {
                tracing::error!(error = %other, cause = ?std::error::Error::source(&other).map(ToString::to_string), "store");
                Self::new(ProblemKind::Internal)
            }
        }
    }
}
