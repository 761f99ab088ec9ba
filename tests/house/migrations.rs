//! Migrations say the same on SQLite and on PostgreSQL: the same files, the same tables, columns and indexes.
//!
//! Reads CREATE TABLE, ALTER TABLE … ADD/DROP/RENAME and CREATE/DROP INDEX; what one database has of its own (STRICT,
//! row-level security, grants) is not compared.

use std::collections::{BTreeMap, BTreeSet};

use crate::files::Source;

const SQLITE: &str = "migrations/sqlite/";
const POSTGRES: &str = "migrations/postgres/";

/// A column: its kind of value, and whether it may be absent.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Column {
    name: String,
    kind: &'static str,
    required: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Schema {
    tables: BTreeMap<String, Vec<Column>>,
    /// `UNIQUE tenants (parent_id) WHERE …`
    indexes: BTreeMap<String, String>,
    faults: Vec<String>,
}

/// Files that one database has and the other has not; numbers given twice; odd names.
pub fn names(sources: &[Source]) -> Vec<String> {
    let (sqlite, postgres) = (files(sources, SQLITE), files(sources, POSTGRES));
    let mut faults = Vec::new();
    if sqlite.is_empty() {
        faults.push(format!("no migration in {SQLITE}"));
    }
    for name in sqlite.symmetric_difference(&postgres) {
        let lacks = if sqlite.contains(name) { POSTGRES } else { SQLITE };
        faults.push(format!("{lacks}{name} is missing"));
    }
    let mut numbers = BTreeMap::new();
    for name in &sqlite {
        let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
        let number = file.split('_').next().unwrap_or_default();
        if number.len() != 4 || !number.bytes().all(|b| b.is_ascii_digit()) {
            faults.push(format!("{name}: names are NNNN_name.sql"));
        }
        if let Some(other) = numbers.insert((folder, number), name) {
            faults.push(format!("{name} and {other} have the same number"));
        }
    }
    faults
}

fn files(sources: &[Source], folder: &str) -> BTreeSet<String> {
    sources.iter().filter_map(|s| s.path.strip_prefix(folder)).map(str::to_owned).collect()
}

/// Differences between the two schemas, folder by folder (`keys/` is a database of its own).
pub fn differences(sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut folders: BTreeSet<String> = BTreeSet::new();
    for name in files(sources, SQLITE) {
        folders.insert(name.rsplit_once('/').map_or_else(String::new, |(folder, _)| format!("{folder}/")));
    }
    for folder in folders {
        let sqlite = schema(sources, &format!("{SQLITE}{folder}"));
        let postgres = schema(sources, &format!("{POSTGRES}{folder}"));
        faults.extend(sqlite.faults.iter().chain(&postgres.faults).cloned());
        compare(&folder, &sqlite, &postgres, &mut faults);
        for source in sources.iter().filter(|s| s.path.starts_with(SQLITE)) {
            faults.extend(not_strict(source));
        }
    }
    faults.sort();
    faults.dedup();
    faults
}

fn compare(folder: &str, sqlite: &Schema, postgres: &Schema, faults: &mut Vec<String>) {
    let tables: BTreeSet<&String> = sqlite.tables.keys().chain(postgres.tables.keys()).collect();
    for table in tables {
        match (sqlite.tables.get(table), postgres.tables.get(table)) {
            (Some(s), Some(p)) => columns(&format!("{folder}{table}"), s, p, faults),
            (Some(_), None) => faults.push(format!("{folder}{table}: only SQLite has this table")),
            _ => faults.push(format!("{folder}{table}: only PostgreSQL has this table")),
        }
    }
    let indexes: BTreeSet<&String> = sqlite.indexes.keys().chain(postgres.indexes.keys()).collect();
    for index in indexes {
        let (s, p) = (sqlite.indexes.get(index), postgres.indexes.get(index));
        if s != p {
            let shown = |text: Option<&String>| text.map_or_else(|| "none".to_owned(), Clone::clone);
            faults.push(format!("{folder}index {index}: SQLite {}, PostgreSQL {}", shown(s), shown(p)));
        }
    }
}

fn columns(table: &str, sqlite: &[Column], postgres: &[Column], faults: &mut Vec<String>) {
    let names = |columns: &[Column]| columns.iter().map(|c| c.name.clone()).collect::<Vec<_>>().join(", ");
    if names(sqlite) != names(postgres) {
        faults.push(format!("{table}: SQLite has ({}), PostgreSQL ({})", names(sqlite), names(postgres)));
        return;
    }
    for (s, p) in sqlite.iter().zip(postgres) {
        if s.kind != p.kind {
            faults.push(format!("{table}.{}: {} on SQLite, {} on PostgreSQL", s.name, s.kind, p.kind));
        }
        if s.required != p.required {
            faults.push(format!("{table}.{}: NOT NULL on one database only", s.name));
        }
    }
}

/// A table of SQLite that isn't STRICT takes any text as a number.
fn not_strict(source: &Source) -> Vec<String> {
    let is_strict = |s: &str| s.rsplit_once(')').is_some_and(|(_, options)| options.contains("STRICT"));
    let lax = statements(&source.text).into_iter().filter(|s| s.starts_with("CREATE TABLE") && !is_strict(s));
    lax.map(|s| format!("{}: not STRICT: {}", source.path, s.split('(').next().unwrap_or_default().trim())).collect()
}

fn schema(sources: &[Source], folder: &str) -> Schema {
    let mut schema = Schema::default();
    let here = |path: &str| path.strip_prefix(folder).is_some_and(|rest| !rest.contains('/'));
    for source in sources.iter().filter(|s| here(&s.path)) {
        for statement in statements(&source.text) {
            schema.apply(&statement, &source.path);
        }
    }
    schema
}

impl Schema {
    fn apply(&mut self, statement: &str, file: &str) {
        let words: Vec<&str> = statement.split_whitespace().collect();
        match words.as_slice() {
            ["CREATE", "TABLE", ..] => self.create_table(statement, file),
            ["DROP", "TABLE", ..] => {
                self.tables.remove(last_name(statement));
            }
            ["ALTER", "TABLE", table, "ADD", "COLUMN", ..] => {
                let definition = statement.split_once("ADD COLUMN").map_or("", |(_, d)| d);
                self.add_column(table, definition, file);
            }
            ["ALTER", "TABLE", table, "DROP", "COLUMN", column, ..] => {
                self.tables.entry((*table).to_owned()).or_default().retain(|c| c.name != *column);
            }
            ["ALTER", "TABLE", table, "RENAME", "TO", new] => {
                if let Some(columns) = self.tables.remove(*table) {
                    self.tables.insert((*new).to_owned(), columns);
                }
            }
            ["ALTER", "TABLE", table, "RENAME", "COLUMN", old, "TO", new] => {
                let columns = self.tables.entry((*table).to_owned()).or_default();
                columns.iter_mut().filter(|c| c.name == *old).for_each(|c| (*new).clone_into(&mut c.name));
            }
            ["CREATE", "INDEX", name, "ON", rest @ ..] => {
                self.indexes.insert((*name).to_owned(), rest.join(" "));
            }
            ["CREATE", "UNIQUE", "INDEX", name, "ON", rest @ ..] => {
                self.indexes.insert((*name).to_owned(), format!("UNIQUE {}", rest.join(" ")));
            }
            ["DROP", "INDEX", ..] => {
                self.indexes.remove(last_name(statement));
            }
            _ => {}
        }
    }

    fn create_table(&mut self, statement: &str, file: &str) {
        let (head, rest) = statement.split_once('(').unwrap_or((statement, ""));
        let table = head.split_whitespace().last().unwrap_or_default().to_owned();
        let body = rest.rsplit_once(')').map_or(rest, |(body, _)| body);
        self.tables.insert(table.clone(), Vec::new());
        for part in split_outside_brackets(body, ',') {
            let first = part.split_whitespace().next().unwrap_or_default();
            let is_constraint = matches!(first, "PRIMARY" | "UNIQUE" | "CHECK" | "FOREIGN" | "CONSTRAINT" | "EXCLUDE");
            if !is_constraint {
                self.add_column(&table, &part, file);
            }
        }
    }

    fn add_column(&mut self, table: &str, definition: &str, file: &str) {
        let words: Vec<&str> = definition.split_whitespace().collect();
        let (Some(name), Some(kind)) = (words.first(), words.get(1)) else {
            self.faults.push(format!("{file}: cannot read a column of {table}: {definition:?}"));
            return;
        };
        let Some(kind) = kind_of(kind) else {
            self.faults.push(format!("{file}: {table}.{name} has the unknown type {kind}"));
            return;
        };
        let required = definition.contains("NOT NULL") || definition.contains("PRIMARY KEY");
        let column = Column { name: (*name).to_owned(), kind, required };
        self.tables.entry(table.to_owned()).or_default().push(column);
    }
}

/// What both databases call by their own names. UUIDs and bytes are one kind on SQLite.
fn kind_of(name: &str) -> Option<&'static str> {
    let bare = name.split('(').next().unwrap_or(name).to_ascii_uppercase();
    Some(match bare.as_str() {
        "BLOB" | "UUID" | "BYTEA" => "bytes",
        "INTEGER" | "BIGINT" | "SMALLINT" | "BOOLEAN" => "number",
        "TEXT" => "text",
        "REAL" | "DOUBLE" => "fraction",
        _ => return None,
    })
}

fn last_name(statement: &str) -> &str {
    statement.split_whitespace().last().unwrap_or_default()
}

/// Statements without comments, whitespace made one blank.
fn statements(sql: &str) -> Vec<String> {
    let without_comments: String =
        sql.lines().map(|line| line.split_once("--").map_or(line, |(code, _)| code)).collect::<Vec<_>>().join(" ");
    let all = split_outside_brackets(&without_comments, ';');
    all.iter().map(|s| s.split_whitespace().collect::<Vec<_>>().join(" ")).filter(|s| !s.is_empty()).collect()
}

fn split_outside_brackets(text: &str, at: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0_i32;
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
        if c == at && depth == 0 && !quoted {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts.into_iter().map(|p| p.trim().to_owned()).filter(|p| !p.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(sqlite: &str, postgres: &str) -> Vec<String> {
        differences(&[
            Source::new("migrations/sqlite/0001_a.sql", sqlite),
            Source::new("migrations/postgres/0001_a.sql", postgres),
        ])
    }

    #[test]
    fn the_same_schema_in_two_dialects_is_the_same() {
        let sqlite = "CREATE TABLE a (id BLOB PRIMARY KEY, b TEXT CHECK (b IN ('x', 'y;')), n INTEGER NOT NULL) STRICT, WITHOUT ROWID;\n\
                      CREATE UNIQUE INDEX a_b ON a (b) WHERE n = 1; -- a comment; with a sign";
        let postgres = "CREATE TABLE a (id UUID PRIMARY KEY, b TEXT, n BIGINT NOT NULL);\n\
                        ALTER TABLE a ENABLE ROW LEVEL SECURITY; CREATE UNIQUE INDEX a_b ON a (b)  WHERE n = 1;";
        assert_eq!(both(sqlite, postgres), Vec::<String>::new());
    }

    #[test]
    fn every_kind_of_difference_is_found() {
        let good = "CREATE TABLE a (id BLOB NOT NULL, n TEXT) STRICT;";
        for (postgres, what) in [
            ("", "only SQLite"),
            ("CREATE TABLE a (id UUID NOT NULL);", "PostgreSQL (id)"),
            ("CREATE TABLE a (id UUID NOT NULL, n BIGINT);", "text on SQLite, number on PostgreSQL"),
            ("CREATE TABLE a (id UUID, n TEXT);", "NOT NULL on one database"),
            ("CREATE TABLE a (id UUID NOT NULL, n TEXT); CREATE INDEX i ON a (n);", "index i"),
            ("CREATE TABLE a (id UUID NOT NULL, n TEXT); ALTER TABLE a ADD COLUMN x TEXT;", "PostgreSQL (id, n, x)"),
            ("CREATE TABLE a (id UUID NOT NULL, n MONEY);", "unknown type"),
        ] {
            assert!(both(good, postgres).iter().any(|f| f.contains(what)), "{what}: {:?}", both(good, postgres));
        }
        assert!(both("CREATE TABLE a (n TEXT);", "CREATE TABLE a (n TEXT);").iter().any(|f| f.contains("STRICT")));
    }

    #[test]
    fn names_are_compared() {
        let faults = |paths: &[&str]| names(&paths.iter().map(|p| Source::new(p, "")).collect::<Vec<_>>()).len();
        assert_eq!(faults(&["migrations/sqlite/0001_a.sql", "migrations/postgres/0001_a.sql"]), 0);
        assert_eq!(faults(&["migrations/sqlite/0001_a.sql", "migrations/postgres/0001_b.sql"]), 2);
        assert_eq!(faults(&["migrations/sqlite/keys/0001_a.sql", "migrations/postgres/0001_a.sql"]), 2);
        assert_eq!(faults(&["migrations/sqlite/1_a.sql", "migrations/postgres/1_a.sql"]), 1);
        assert_eq!(faults(&[]), 1);
    }
}
