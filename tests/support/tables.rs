//! A database as somebody sees it who has it without the program: every table, every column.

use kluis_core::store::DbOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqliteConnection};

/// Its own connection to a database under test.
pub enum Tables {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// What changes by asking alone: the audit log, when a token was last used, and answers kept for repetition.
const OF_ASKING: [&str; 4] = ["audit_events", "audit_head", "idempotency", "idempotency_keys"];

impl Tables {
    pub async fn open(options: &DbOptions) -> Self {
        match options {
            DbOptions::Sqlite { file, .. } => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file).read_only(true);
                Self::Sqlite(SqliteConnection::connect_with(&options).await.expect("the file opens"))
            }
            DbOptions::Postgres { url, .. } => {
                Self::Postgres(PgConnection::connect(url).await.expect("PostgreSQL answers"))
            }
        }
    }

    /// Waits until nobody else is at work here: PostgreSQL still ends the commit that a killed process had asked for.
    pub async fn at_rest(&mut self) {
        let Self::Postgres(connection) = self else { return };
        let sql = "SELECT COUNT(*) FROM pg_stat_activity \
                   WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()";
        while sqlx::query_scalar::<_, i64>(sql).fetch_one(&mut *connection).await.expect("it tells") > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    /// Names of all tables, and of the columns of each.
    pub async fn columns(&mut self) -> Vec<(String, Vec<String>)> {
        let sqlite = "SELECT m.name, c.name FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS c \
                      WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, c.cid";
        let postgres = "SELECT table_name::text, column_name::text FROM information_schema.columns \
                        WHERE table_schema = 'public' ORDER BY table_name, ordinal_position";
        let rows: Vec<(String, String)> = match self {
            Self::Sqlite(connection) => sqlx::query_as(sqlite).fetch_all(connection).await,
            Self::Postgres(connection) => sqlx::query_as(postgres).fetch_all(connection).await,
        }
        .expect("the catalogue is read");
        let mut tables: Vec<(String, Vec<String>)> = Vec::new();
        for (table, column) in rows {
            match tables.last_mut().filter(|(last, _)| *last == table) {
                Some((_, columns)) => columns.push(column),
                None => tables.push((table, vec![column])),
            }
        }
        assert!(!tables.is_empty(), "there are tables");
        tables
    }

    /// One statement whose answer differs as soon as a row of a data table does.
    pub async fn digest_sql(&mut self) -> String {
        let sqlite = matches!(self, Self::Sqlite(_));
        let mut parts = Vec::new();
        for (table, columns) in self.columns().await {
            if OF_ASKING.contains(&table.as_str()) || table.starts_with("_sqlx") {
                continue;
            }
            let texts: Vec<String> = columns
                .iter()
                .filter(|column| column.as_str() != "last_used_at")
                .map(|c| if sqlite { format!("quote(\"{c}\")") } else { format!("quote_nullable(\"{c}\"::text)") })
                .collect();
            let row = texts.join(" || ',' || ");
            let joined = if sqlite { "group_concat(x, ';')" } else { "md5(string_agg(x, ';' ORDER BY x))" };
            parts.push(format!(
                "SELECT '{table}' AS t, COALESCE({joined}, '') AS d FROM (SELECT {row} AS x FROM \"{table}\" ORDER BY 1) AS r"
            ));
        }
        // PostgreSQL may read the tables in parallel, and then gives them as they come.
        format!("{} ORDER BY 1", parts.join(" UNION ALL "))
    }

    /// Name and content of every data table.
    pub async fn digest(&mut self, sql: &str) -> Vec<(String, String)> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(connection) => sqlx::query_as(sql).fetch_all(connection).await,
            Self::Postgres(connection) => sqlx::query_as(sql).fetch_all(connection).await,
        }
        .expect("the tables are read")
    }

    /// Every value of every table as bytes: texts as they are, blobs as they are.
    pub async fn dump(&mut self) -> Vec<(String, Vec<u8>)> {
        let sqlite = matches!(self, Self::Sqlite(_));
        let mut values = Vec::new();
        for (table, columns) in self.columns().await {
            for column in columns {
                let cell = if sqlite {
                    format!("CAST(\"{column}\" AS BLOB)")
                } else {
                    format!(
                        "CASE WHEN pg_typeof(\"{column}\")::text = 'bytea' THEN decode(substr(\"{column}\"::text, 3), 'hex') ELSE convert_to(\"{column}\"::text, 'UTF8') END"
                    )
                };
                let sql = AssertSqlSafe(format!("SELECT {cell} FROM \"{table}\" WHERE \"{column}\" IS NOT NULL"));
                let cells: Vec<Vec<u8>> = match self {
                    Self::Sqlite(connection) => {
                        let rows = sqlx::query(sql).fetch_all(connection).await.expect("it reads");
                        rows.iter().map(|row| row.get(0)).collect()
                    }
                    Self::Postgres(connection) => {
                        let rows = sqlx::query(sql).fetch_all(connection).await.expect("it reads");
                        rows.iter().map(|row| row.get(0)).collect()
                    }
                };
                values.extend(cells.into_iter().map(|bytes| (format!("{table}.{column}"), bytes)));
            }
        }
        values
    }
}
