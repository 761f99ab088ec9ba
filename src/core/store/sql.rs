//! Statement texts: always written by us, in the source, never put together from what people sent.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use super::Engine;

/// A statement: one text for both databases, or one for each where they truly differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sql {
    sqlite: &'static str,
    postgres: &'static str,
}

impl Sql {
    pub const fn both(sqlite: &'static str, postgres: &'static str) -> Self {
        Self { sqlite, postgres }
    }

    pub const fn text(self, engine: Engine) -> &'static str {
        match engine {
            Engine::Sqlite => self.sqlite,
            Engine::Postgres => self.postgres,
        }
    }
}

impl From<&'static str> for Sql {
    fn from(text: &'static str) -> Self {
        Self { sqlite: text, postgres: text }
    }
}

/// A text that is ready to run: static, or a static one whose markers the core has filled with static fragments.
#[derive(Debug, Clone)]
pub(crate) enum Ready {
    Static(&'static str),
    Filled(Arc<str>),
}

impl Ready {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Static(text) => text,
            Self::Filled(text) => text,
        }
    }

    pub(super) fn into_driver(self) -> SqlStr {
        match self {
            Self::Static(text) => SqlStr::from_static(text),
            Self::Filled(text) => AssertSqlSafe(text).into_sql_str(),
        }
    }
}
