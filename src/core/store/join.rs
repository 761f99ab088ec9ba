//! Several writes as one statement of PostgreSQL, where each statement of a transaction is a round trip. All of it sees the
//! database as it was before: none of the writes may need what another one has done, except for foreign keys, which are
//! looked at in the end.
//!
//! Must never: be given a text in which `$` and a digit mean anything but an argument.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use super::Args;
use super::sql::Ready;

/// A write and its arguments, as many as its text names.
pub(super) type Write = (&'static str, Args);

const WITH: &str = "WITH";

/// Address and length of each text.
type Combination = Vec<(usize, usize)>;

/// The program has few combinations.
static JOINED: LazyLock<Mutex<HashMap<Combination, Arc<str>>>> = LazyLock::new(Mutex::default);

/// One statement that does what all of them do and answers as the last one; only that one may begin with `WITH`.
pub(super) fn joined(writes: Vec<Write>) -> (Ready, Args) {
    let texts: Vec<_> = writes.iter().map(|(text, args)| (*text, args.len())).collect();
    let mut all = Args::new();
    writes.into_iter().for_each(|(_, args)| all.append(args));
    if let [(text, _)] = *texts {
        return (Ready::Static(text), all);
    }
    let key = texts.iter().map(|(text, _)| (text.as_ptr().addr(), text.len())).collect();
    let mut known = JOINED.lock().unwrap_or_else(PoisonError::into_inner);
    let text = known.entry(key).or_insert_with(|| written(&texts).into());
    (Ready::Filled(Arc::clone(text)), all)
}

/// `texts` with the number of their arguments.
fn written(texts: &[(&str, usize)]) -> String {
    let mut sql = String::from(WITH);
    let mut before = 0;
    for (at, (text, args)) in texts.iter().enumerate() {
        let moved = moved(text, before);
        // Writing to a String can't fail.
        let _ = if at + 1 < texts.len() {
            write!(sql, "{} part{at} AS ({moved})", if at > 0 { "," } else { "" })
        } else if let Some(own) = moved.strip_prefix(WITH) {
            write!(sql, ",{own}")
        } else {
            write!(sql, " {moved}")
        };
        before += args;
    }
    sql
}

/// The text with its arguments counted from `before`.
fn moved(text: &str, before: usize) -> String {
    let mut parts = text.split('$');
    let mut sql = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, rest) = part.split_at(digits);
        // Writing to a String can't fail.
        let _ = match number.parse::<usize>() {
            Ok(number) => write!(sql, "${}{rest}", number + before),
            Err(_) => write!(sql, "${part}"),
        };
    }
    sql
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args;

    #[test]
    fn arguments_are_counted_on() {
        let first = "INSERT INTO a VALUES ($1, $2, $1)";
        let second = "INSERT INTO b VALUES ($1, $10)";
        let third = "WITH c AS (SELECT $1) INSERT INTO d SELECT * FROM c";
        assert_eq!(
            written(&[(first, 2), (second, 10), (third, 1)]),
            "WITH part0 AS (INSERT INTO a VALUES ($1, $2, $1)), part1 AS (INSERT INTO b VALUES ($3, $12)), \
             c AS (SELECT $13) INSERT INTO d SELECT * FROM c"
        );
        assert_eq!(
            written(&[(first, 2), (second, 10)]),
            "WITH part0 AS (INSERT INTO a VALUES ($1, $2, $1)) INSERT INTO b VALUES ($3, $12)"
        );
    }

    #[test]
    fn one_alone_stays_as_it_is_and_several_are_joined_once() {
        let (alone, args) = joined(vec![("DELETE FROM a WHERE b = $1", args![1])]);
        assert_eq!((alone.text(), args.len()), ("DELETE FROM a WHERE b = $1", 1));
        let twice = || joined(vec![("DELETE FROM a WHERE b = $1", args![1]), ("DELETE FROM c WHERE d = $1", args![2])]);
        let ((Ready::Filled(one), args), (Ready::Filled(other), _)) = (twice(), twice()) else { panic!("not joined") };
        assert!(Arc::ptr_eq(&one, &other));
        assert_eq!(args.len(), 2);
    }
}
