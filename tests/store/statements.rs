//! Every SQL statement of the program, prepared on both databases: found in the source itself, so that none is forgotten.
//! A text that speaks SQL and is part of no statement that was prepared fails the test.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use kluis_core::store::migrate::{self, Schema};
use kluis_core::store::{Db, DbOptions, Engine};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqlSafeStr, SqliteConnection};

use crate::source::{Macros, Token, arguments, group, is_words, program};
use crate::support::{Scratch, postgres_database};

/// Its statements run in the database of the keys.
const KEYS: &str = "core/store/keystore.rs";

/// Texts that speak SQL without being part of a written statement: file, beginning, and what runs them instead.
const PIECES: &[(&str, &str, &str)] = &[
    (
        "core/access/fill.rs",
        "(SELECT value FROM authz_epoch WHERE id = 1) = :epoch AND ",
        "stands in every scope below",
    ),
    ("core/store/tx.rs", "BEGIN; SELECT pg_advisory_xact_lock(", "every customer is made with it"),
    ("core/audit/behind.rs", "WITH head AS (UPDATE audit_head SET", "audit.rs records groups of all sizes with it"),
];

#[tokio::test]
async fn every_statement_is_understood_by_both_databases() {
    let source = Source::read();
    assert!(source.statements.len() > 190, "only {} statements were found", source.statements.len());
    let mut desks = [Desk::data().await, Desk::keys().await];
    let mut faults = source.unaccounted();
    for statement in &source.statements {
        let desk = &mut desks[usize::from(statement.place == KEYS)];
        match source.filled(statement) {
            Ok(sql) => faults.extend(desk.prepare(statement, &sql).await),
            Err(marker) => faults.push(format!("{}: {marker} stands for nothing: {}", statement.place, statement.text)),
        }
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

/// A connection to each engine, with the tables of one schema.
struct Desk {
    sqlite: SqliteConnection,
    postgres: PgConnection,
    _databases: (tempfile::TempDir, Option<[Scratch; 2]>),
}

impl Desk {
    async fn data() -> Self {
        let scratches = Scratch::both().await;
        let file = scratches[0].directory().join("kluis.db");
        let DbOptions::Postgres { url, .. } = &scratches[1].options else { panic!("not PostgreSQL") };
        let url = url.clone();
        Self::at(&file, &url, (tempfile::tempdir().expect("a directory"), Some(scratches))).await
    }

    async fn keys() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("keys.db");
        let url = postgres_database("prepared").await;
        let options = [
            DbOptions::Sqlite { file: file.clone(), readers: 1 },
            DbOptions::Postgres { url: url.clone(), connections: 2 },
        ];
        for options in &options {
            migrate::run(&Db::open(options).await.expect("it opens"), Schema::Keys).await.expect("the migrations run");
        }
        Self::at(&file, &url, (directory, None)).await
    }

    async fn at(file: &Path, url: &str, databases: (tempfile::TempDir, Option<[Scratch; 2]>)) -> Self {
        Self {
            sqlite: SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.expect("it opens"),
            postgres: PgConnection::connect(url).await.expect("it answers"),
            _databases: databases,
        }
    }

    async fn prepare(&mut self, statement: &Statement, sql: &str) -> Vec<String> {
        let text = || AssertSqlSafe(sql.to_owned()).into_sql_str();
        let mut faults = Vec::new();
        if statement.engine != Some(Engine::Postgres)
            && let Err(error) = (&mut self.sqlite).prepare(text()).await
        {
            faults.push(format!("SQLite, {}: {error}\n  {sql}", statement.place));
        }
        if statement.engine != Some(Engine::Sqlite)
            && let Err(error) = (&mut self.postgres).prepare(text()).await
        {
            faults.push(format!("PostgreSQL, {}: {error}\n  {sql}", statement.place));
        }
        faults
    }
}

/// A statement of the source; `engine` where it is meant for one of them only.
struct Statement {
    place: String,
    text: String,
    engine: Option<Engine>,
}

/// All of the source that has to do with SQL.
#[derive(Default)]
struct Source {
    statements: Vec<Statement>,
    /// Every text of every file.
    texts: Vec<(String, String)>,
    /// Calls of macros that are given SQL and make nothing of it that could be read here.
    unread: Vec<String>,
    /// How relations to a row are spelled, by the folder of the entity.
    predicates: BTreeMap<String, Predicates>,
}

/// The predicates of one entity, and what it demands for purposes that people must have consented to.
#[derive(Default)]
struct Predicates {
    rows: Vec<String>,
    consent: Option<String>,
}

impl Source {
    fn read() -> Self {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
        let files: Vec<(String, Vec<Token>)> = files_below(&root)
            .into_iter()
            .map(|path| {
                let place = path.strip_prefix(&root).unwrap_or(&path).display().to_string();
                (place, program(&std::fs::read_to_string(&path).expect("a source file")))
            })
            .collect();
        let mut exported = Macros::default();
        files.iter().filter(|(place, _)| place == "core/access/entity.rs").for_each(|(_, tokens)| exported.add(tokens));
        let mut source = Self::default();
        for (place, tokens) in &files {
            let mut macros = exported.clone();
            macros.add(tokens);
            source.statements.extend(statements_of(place, tokens, &macros));
            source.unread.extend(unread(tokens, &macros).into_iter().map(|name| format!("{place}: {name}! makes SQL")));
            let texts = tokens.iter().filter_map(|token| match token {
                Token::Text(text) => Some((place.clone(), text.clone())),
                _ => None,
            });
            source.texts.extend(texts);
            if let Some(predicates) = predicates_of(tokens, &macros) {
                let before = source.predicates.insert(folder(place).to_owned(), predicates);
                assert!(before.is_none(), "{place}: two entities in one folder");
            }
        }
        source
    }

    /// Texts that speak SQL, and that no prepared statement holds.
    fn unaccounted(&self) -> Vec<String> {
        let prepared: BTreeSet<&str> = self.statements.iter().map(|statement| statement.text.as_str()).collect();
        let predicates = self.predicates.values().flat_map(|p| p.rows.iter().chain(&p.consent));
        let all =
            format!("{}\0{}", Vec::from_iter(prepared).join("\0"), Vec::from_iter(predicates.cloned()).join("\0"));
        let mut faults = self.unread.clone();
        for (place, text) in self.texts.iter().filter(|(_, text)| speaks_sql(text)) {
            if !is_piece(place, text) && !all.contains(text.as_str()) {
                faults.push(format!("{place}: in no statement that is prepared: {text:?}"));
            }
        }
        for (file, begin, _) in PIECES {
            if !self.texts.iter().any(|(place, text)| place == file && text.starts_with(begin)) {
                faults.push(format!("{file}: no longer there: {begin:?}"));
            }
        }
        faults
    }

    /// The statement with every class of relations in the places that a scope fills, so that each of them is prepared.
    fn filled(&self, statement: &Statement) -> Result<String, String> {
        let mut sql = statement.text.clone();
        if sql.ends_with("VALUES ") {
            sql.push_str(&row_for(&sql));
        }
        // The driver tells PostgreSQL the types of arguments; here the comparison that follows must.
        for number in (1..40).rev() {
            sql = sql.replace(&format!("${number} IS NULL OR "), "");
        }
        while let Some(start) = sql.find('{').filter(|_| statement.engine.is_none() || sql.contains("{scope}")) {
            let end = sql[start..].find('}').map_or(sql.len(), |end| start + end + 1);
            let marker = sql[start..end].to_owned();
            let Some(predicates) = self.predicates.get(folder(&statement.place)) else {
                // An empty object in JSON is no marker.
                if marker == "{}" {
                    break;
                }
                return Err(marker);
            };
            let with = match marker.as_str() {
                "{scope}" | "{readable}" => predicates.scope(),
                "{rel}" => predicates.relations(),
                sees if sees.starts_with("{sees:") => predicates.any(),
                "{}" => break,
                _ => return Err(marker),
            };
            sql.replace_range(start..end, &with);
        }
        Ok(numbered(&sql))
    }
}

impl Predicates {
    fn any(&self) -> String {
        format!("({})", self.rows.join(" OR "))
    }

    fn scope(&self) -> String {
        let consent = self.consent.as_deref().unwrap_or("TRUE");
        format!("(SELECT value FROM authz_epoch WHERE id = 1) = :epoch AND ({} AND {consent})", self.any())
    }

    fn relations(&self) -> String {
        let cases: Vec<String> = self.rows.iter().map(|row| format!("CASE WHEN {row} THEN 1 ELSE 0 END")).collect();
        format!("(CAST(0 AS BIGINT) + {})", cases.join(" + "))
    }
}

/// A row for a statement to which the program adds as many as there are.
fn row_for(sql: &str) -> String {
    let columns = sql.split_once('(').map_or(0, |(_, columns)| columns.split(',').count());
    let places: Vec<String> = (1..=columns).map(|number| format!("${number}")).collect();
    format!("({})", places.join(", "))
}

/// The named arguments of scopes become numbers behind the statement's own.
fn numbered(sql: &str) -> String {
    let own = (1..60).rev().find(|number| sql.contains(&format!("${number}"))).unwrap_or(0);
    let names = [":epoch", ":tenant", ":user", ":self", ":consent"];
    let used = names.into_iter().filter(|name| sql.contains(name));
    used.enumerate().fold(sql.to_owned(), |text, (at, name)| text.replace(name, &format!("${}", own + at + 1)))
}

/// The domain that a file belongs to.
fn folder(place: &str) -> &str {
    place.split('/').next().unwrap_or(place)
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn statements_of(place: &str, tokens: &[Token], macros: &Macros) -> Vec<Statement> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if is_words(&tokens[at..], &["Sql", ":", ":", "both", "("]) {
            let length = group(&tokens[at + 4..]);
            let sides = arguments(&tokens[at + 5..at + 3 + length]);
            for (side, engine) in sides.into_iter().zip([Engine::Sqlite, Engine::Postgres]) {
                // Anything else is a constant, which is looked at where it stands.
                found.extend(macros.whole(side).map(|text| (text, Some(engine))));
            }
            at += 4 + length;
        } else if is_words(&tokens[at..], &["macro_rules", "!"]) {
            at += 3;
            at += group(&tokens[at..]);
        } else if let Some((text, length)) = macros.text(&tokens[at..]) {
            let only = if text.contains("sqlite_") || text.starts_with("PRAGMA") {
                Some(Engine::Sqlite)
            } else {
                text.contains("pg_").then_some(Engine::Postgres)
            };
            found.push((text, only));
            at += length;
        } else {
            at += 1;
        }
    }
    found.retain(|(text, _)| begins_a_statement(text) && !is_piece(place, text));
    found.into_iter().map(|(text, engine)| Statement { place: place.to_owned(), text, engine }).collect()
}

/// Names of macros that are given SQL, but don't give a text.
fn unread(tokens: &[Token], macros: &Macros) -> Vec<String> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if is_words(&tokens[at..], &["macro_rules", "!"]) {
            at += 3 + group(&tokens[at + 3..]);
            continue;
        }
        if let [Token::Word(name), Token::Sign('!'), Token::Sign('(' | '[' | '{'), ..] = &tokens[at..]
            && !["scoped_permissions", "tenant_predicates"].contains(&name.as_str())
            && macros.text(&tokens[at..]).is_none()
        {
            let inner = &tokens[at + 2..at + 2 + group(&tokens[at + 2..])];
            let sql = inner.iter().any(|token| matches!(token, Token::Text(text) if speaks_sql(text)));
            found.extend(sql.then(|| name.clone()));
        }
        at += 1;
    }
    found
}

/// The texts of `impl Entity for …`, after what its macros stand for.
fn predicates_of(tokens: &[Token], macros: &Macros) -> Option<Predicates> {
    let start = (0..tokens.len()).find(|at| is_words(&tokens[*at..], &["impl", "Entity", "for"]))?;
    let open = start + tokens[start..].iter().position(|token| token.is('{'))?;
    let block = &tokens[open..open + group(&tokens[open..])];
    let mut expanded = Vec::new();
    let mut at = 0;
    while at < block.len() {
        if let Some((inner, length)) = macros.call(&block[at..]) {
            expanded.extend(inner);
            at += length;
        } else {
            expanded.push(block[at].clone());
            at += 1;
        }
    }
    let mut predicates = Predicates::default();
    let mut function = String::new();
    let mut at = 0;
    while at < expanded.len() {
        if let [Token::Word(word), Token::Word(name), ..] = &expanded[at..]
            && word == "fn"
        {
            function.clone_from(name);
        }
        match macros.text(&expanded[at..]) {
            Some((text, length)) => {
                match function.as_str() {
                    "consent" => predicates.consent = Some(text),
                    _ => predicates.rows.push(text),
                }
                at += length;
            }
            None => at += 1,
        }
    }
    Some(predicates)
}

fn is_piece(place: &str, text: &str) -> bool {
    PIECES.iter().any(|(file, begin, _)| *file == place && text.starts_with(begin))
}

fn begins_a_statement(text: &str) -> bool {
    const VERBS: [&str; 6] = ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH ", "PRAGMA "];
    VERBS.iter().any(|verb| text.starts_with(verb))
}

/// Whether it holds words that stand in SQL and hardly anywhere else: keywords in capitals, or a statement in any case.
fn speaks_sql(text: &str) -> bool {
    const WORDS: [&str; 28] = [
        "SELECT ",
        "INSERT INTO",
        "UPDATE ",
        "DELETE FROM",
        "FROM ",
        "WHERE ",
        "VALUES",
        "JOIN ",
        "LIMIT ",
        "RETURNING ",
        "PRAGMA ",
        "VACUUM",
        "ANALYZE",
        "CREATE ",
        "ALTER ",
        "DROP ",
        "TRUNCATE",
        "LOCK ",
        "LISTEN ",
        "NOTIFY ",
        "EXISTS",
        "UNION ",
        "ATTACH ",
        "COPY ",
        "MERGE ",
        "GROUP BY",
        "ORDER BY",
        "ON CONFLICT",
    ];
    const FORMS: [(&str, &str); 6] = [
        ("select ", " from "),
        ("insert ", "into "),
        ("update ", " set "),
        ("delete ", "from "),
        ("with ", " as ("),
        ("pragma ", ""),
    ];
    let lower = text.trim_start().to_lowercase();
    let begins = |at: usize| !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    WORDS.iter().any(|word| text.match_indices(word).any(|(at, _)| begins(at)))
        || FORMS.iter().any(|(verb, then)| lower.starts_with(verb) && lower.contains(then))
}

#[test]
fn sql_is_told_from_prose() {
    for sql in ["select x from y", "WHERE x = $1", " ORDER BY x LIMIT 2", "pragma x", "with x as (select 1)"] {
        assert!(speaks_sql(sql), "{sql}");
    }
    for prose in ["select a tenant", "Update your password", "with a reason", "the vault is sealed", "created_from"] {
        assert!(!speaks_sql(prose), "{prose}");
    }
}
