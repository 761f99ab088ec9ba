//! Every SQL statement of the program, prepared on both databases: found in the source itself, so that none is forgotten.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kluis_core::store::Engine;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqlSafeStr, SqliteConnection};

use crate::support::Scratch;

/// The keys have a schema of their own; their statements are prepared against it beside the tests of the key store.
const KEYS: &str = "core/store/keystore.rs";

#[tokio::test]
async fn every_statement_is_understood_by_both_databases() {
    let statements = all();
    assert!(statements.len() > 100, "only {} statements were found", statements.len());
    let [sqlite, postgres] = Scratch::both().await;
    let file = sqlite.directory().join("kluis.db");
    let mut lite = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.expect("it opens");
    let kluis_core::store::DbOptions::Postgres { url, .. } = &postgres.options else { panic!("not PostgreSQL") };
    let mut pg = PgConnection::connect(url).await.expect("it answers");
    let mut faults = Vec::new();
    for statement in statements {
        let sql = || AssertSqlSafe(filled(&statement.text)).into_sql_str();
        if statement.engine != Some(Engine::Postgres)
            && let Err(error) = (&mut lite).prepare(sql()).await
        {
            faults.push(format!("SQLite, {}: {error}\n  {}", statement.place, statement.text));
        }
        if statement.engine != Some(Engine::Sqlite)
            && let Err(error) = (&mut pg).prepare(sql()).await
        {
            faults.push(format!("PostgreSQL, {}: {error}\n  {}", statement.place, statement.text));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A statement of the source; `engine` where it is meant for one of them only.
struct Statement {
    place: String,
    text: String,
    engine: Option<Engine>,
}

fn all() -> Vec<Statement> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut statements = Vec::new();
    for path in sources(&root) {
        let place = path.strip_prefix(&root).unwrap_or(&path).display().to_string();
        if place == KEYS {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a source file");
        let program = text.split("#[cfg(test)]").next().unwrap_or_default();
        let tokens = tokens(program);
        for (text, engine) in statements_of(&tokens) {
            statements.push(Statement { place: place.clone(), text, engine });
        }
    }
    statements
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The markers of scoped statements in their simplest form; their real fillings have tests of their own.
fn filled(text: &str) -> String {
    let mut text = text.replace("{scope}", "1 = 1").replace("{readable}", "1 = 1").replace("{rel}", "0");
    // The driver tells PostgreSQL the types of arguments; here the comparison that follows must.
    for number in (1..40).rev() {
        text = text.replace(&format!("${number} IS NULL OR "), "");
    }
    while let Some(start) = text.find("{sees:") {
        let end = text[start..].find('}').map_or(text.len(), |end| start + end + 1);
        text.replace_range(start..end, "1 = 1");
    }
    text
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Text(String),
    Word(String),
    Sign(char),
}

/// Just enough of Rust: texts, words and signs; no comments, no characters.
fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let rest = &chars[at..];
        match rest {
            ['/', '/', ..] => at += rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
            ['\'', '\\', _, '\'', ..] => at += 4,
            ['\'', _, '\'', ..] => at += 3,
            ['"', ..] => {
                let (text, length) = literal(&rest[1..]);
                tokens.push(Token::Text(text));
                at += length + 1;
            }
            [c, ..] if c.is_alphanumeric() || *c == '_' => {
                let length = rest.iter().position(|c| !c.is_alphanumeric() && *c != '_').unwrap_or(rest.len());
                tokens.push(Token::Word(rest[..length].iter().collect()));
                at += length;
            }
            [c, ..] => {
                if !c.is_whitespace() {
                    tokens.push(Token::Sign(*c));
                }
                at += 1;
            }
            [] => break,
        }
    }
    tokens
}

/// A text up to its closing quote, and how long its spelling is.
fn literal(chars: &[char]) -> (String, usize) {
    let (mut text, mut at) = (String::new(), 0);
    while at < chars.len() && chars[at] != '"' {
        if chars[at] != '\\' {
            text.push(chars[at]);
            at += 1;
            continue;
        }
        match chars.get(at + 1) {
            Some('\n') => {
                at += 2;
                at += chars[at..].iter().take_while(|c| c.is_whitespace()).count();
            }
            Some('n') => {
                text.push('\n');
                at += 2;
            }
            Some(c) => {
                text.push(*c);
                at += 2;
            }
            None => at += 1,
        }
    }
    (text, at + 1)
}

fn statements_of(tokens: &[Token]) -> Vec<(String, Option<Engine>)> {
    let macros = macros(tokens);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if is_words(&tokens[at..], &["Sql", ":", ":", "both", "("]) {
            at += 5;
            for engine in [Engine::Sqlite, Engine::Postgres] {
                if let Some((text, length)) = expression(&tokens[at..], &macros) {
                    found.push((text, Some(engine)));
                    at += length + 1;
                } else {
                    // A constant, which is looked at where it stands.
                    at += 2;
                }
            }
        } else if is_words(&tokens[at..], &["macro_rules", "!"]) {
            at += 3;
            at += block(&tokens[at..]);
        } else if let Some((text, length)) = expression(&tokens[at..], &macros) {
            let only = if text.contains("sqlite_master") {
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
    let verbs = ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH "];
    // One that ends with VALUES is the beginning of a longer one, whose rows the audit log writes; its tests run it.
    found.retain(|(text, _)| verbs.iter().any(|verb| text.starts_with(verb)) && !text.ends_with("VALUES "));
    found
}

/// A text, a `concat!`, or a call of a macro that gives a text: what it gives, and how many tokens it takes.
fn expression(tokens: &[Token], macros: &BTreeMap<String, String>) -> Option<(String, usize)> {
    match tokens {
        [Token::Text(text), ..] => Some((text.clone(), 1)),
        [Token::Word(name), Token::Sign('!'), Token::Sign('('), ..] if name == "concat" => {
            let (mut text, mut at) = (String::new(), 3);
            while tokens.get(at) != Some(&Token::Sign(')')) {
                match expression(&tokens[at..], macros) {
                    Some((part, length)) => {
                        text.push_str(&part);
                        at += length;
                    }
                    None if tokens.get(at) == Some(&Token::Sign(',')) => at += 1,
                    None => return None,
                }
            }
            Some((text, at + 1))
        }
        [Token::Word(name), Token::Sign('!'), Token::Sign('('), Token::Sign(')'), ..] => {
            macros.get(name).map(|text| (text.clone(), 4))
        }
        _ => None,
    }
}

/// Macros without arguments that give a text.
fn macros(tokens: &[Token]) -> BTreeMap<String, String> {
    let mut macros = BTreeMap::new();
    for at in 0..tokens.len() {
        if is_words(&tokens[at..], &["macro_rules", "!"])
            && let Some(Token::Word(name)) = tokens.get(at + 2)
            && is_words(&tokens[at + 3..], &["{", "(", ")", "=", ">", "{"])
            && let Some((text, _)) = expression(&tokens[at + 9..], &macros)
        {
            macros.insert(name.clone(), text);
        }
    }
    macros
}

/// How many tokens the block takes that begins here.
fn block(tokens: &[Token]) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Sign('{') => depth += 1,
            Token::Sign('}') if depth == 1 => return at + 1,
            Token::Sign('}') => depth -= 1,
            _ => {}
        }
    }
    tokens.len()
}

fn is_words(tokens: &[Token], words: &[&str]) -> bool {
    let same = |(token, word): (&Token, &&str)| match token {
        Token::Word(text) => text == word,
        Token::Sign(sign) => word.chars().eq([*sign]),
        Token::Text(_) => false,
    };
    tokens.len() >= words.len() && tokens.iter().zip(words).all(same)
}
