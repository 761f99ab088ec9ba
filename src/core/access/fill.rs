//! Fills the markers of a scoped statement with the entity's predicates. All pieces are static texts of ours; what comes
//! from outside only ever travels as an argument.

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use super::{Actor, Entity, Formula, Purpose, Rel, RelSet};
use crate::privacy::Compartment;
use crate::store::{Args, Ready};

/// The formulas of one permission: equal shapes give equal texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Shape {
    pub read: Formula,
    pub act: Formula,
    pub sees: [Formula; 6],
    pub edits: [Formula; 6],
    /// The purpose is one that people must have consented to.
    pub consent: bool,
    /// Classes that other decisions about the same rows look at.
    pub beside: RelSet,
}

/// Arguments that the predicates ask for by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    Epoch,
    Tenant,
    User,
    SelfRecord,
    Consent,
}

const NAMES: [(&str, Named); 5] = [
    (":epoch", Named::Epoch),
    (":tenant", Named::Tenant),
    (":user", Named::User),
    (":self", Named::SelfRecord),
    (":consent", Named::Consent),
];

struct Filled {
    sql: Arc<str>,
    named: Vec<Named>,
}

#[derive(PartialEq, Eq, Hash)]
struct CacheKey {
    entity: TypeId,
    /// Address and length of the static text.
    text: (usize, usize),
    arity: usize,
    shape: Shape,
}

/// Texts that were filled before. There are few shapes and a fixed number of statements; the bound is for safety only.
static CACHE: LazyLock<RwLock<HashMap<CacheKey, Arc<Filled>>>> = LazyLock::new(RwLock::default);
const MOST_CACHED: usize = 20_000;

pub(super) fn fill<E: Entity>(
    text: &'static str,
    mut args: Args,
    shape: &Shape,
    actor: &Actor,
    purpose: Option<Purpose>,
) -> (Ready, Args) {
    let key = CacheKey {
        entity: TypeId::of::<E>(),
        text: (text.as_ptr() as usize, text.len()),
        arity: args.len(),
        shape: *shape,
    };
    let cached = CACHE.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
    let filled = cached.unwrap_or_else(|| {
        let filled = Arc::new(fill_text::<E>(text, args.len(), shape));
        let mut cache = CACHE.write().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= MOST_CACHED {
            cache.clear();
        }
        cache.insert(key, Arc::clone(&filled));
        filled
    });
    for named in &filled.named {
        match named {
            Named::Epoch => args.push(actor.epoch()),
            Named::Tenant => args.push(actor.tenant()),
            Named::User => args.push(actor.user()),
            Named::SelfRecord => args.push(actor.self_record()),
            Named::Consent => args.push(purpose.map_or(0_i64, |purpose| 1 << purpose.index())),
        }
    }
    (Ready::Filled(Arc::clone(&filled.sql)), args)
}

fn fill_text<E: Entity>(text: &str, arity: usize, shape: &Shape) -> Filled {
    const GUARD: &str = "(SELECT value FROM authz_epoch WHERE id = 1) = :epoch AND ";
    let mut sql = text.to_owned();
    let mut replace = |marker: &str, with: &dyn Fn() -> String| {
        if sql.contains(marker) {
            sql = sql.replace(marker, &with());
        }
    };
    replace("{scope}", &|| format!("{GUARD}{}", with_consent::<E>(shape, shape.act)));
    replace("{readable}", &|| format!("{GUARD}{}", with_consent::<E>(shape, shape.read)));
    replace("{rel}", &|| relations::<E>(shape));
    for compartment in Compartment::ALL {
        let marker = format!("{{sees:{}}}", compartment.name());
        replace(&marker, &|| predicate::<E>(shape.sees[compartment.index()]));
    }
    number(&sql, arity)
}

/// For a purpose that requires consent, only the rows of those who gave it.
fn with_consent<E: Entity>(shape: &Shape, formula: Formula) -> String {
    let rows = predicate::<E>(formula);
    if !shape.consent {
        return rows;
    }
    E::consent().map_or_else(|| "FALSE".to_owned(), |consent| format!("({rows} AND {consent})"))
}

/// (one of the allowed classes) AND NOT (one of the denied ones); nothing allowed is FALSE.
fn predicate<E: Entity>(formula: Formula) -> String {
    let allowed = any_of::<E>(formula.allow);
    let denied = any_of::<E>(formula.deny);
    match (allowed, denied) {
        (None, _) => "FALSE".to_owned(),
        (Some(allowed), None) => format!("({allowed})"),
        (Some(allowed), Some(denied)) => format!("(({allowed}) AND NOT ({denied}))"),
    }
}

fn any_of<E: Entity>(mut classes: RelSet) -> Option<String> {
    let mut parts = Vec::new();
    // What a wider class holds anyway would only keep the index from being used.
    if classes.contains(Rel::Unit) {
        classes = classes.without(RelSet::of(Rel::Own));
    }
    let both = RelSet::of(Rel::Unit).with(Rel::Sub);
    if both.without(classes).is_empty() {
        classes = classes.without(both);
        parts.push(E::unit_and_sub());
    }
    parts.extend(classes.iter().filter_map(E::predicate));
    if parts.is_empty() { None } else { Some(parts.join(" OR ")) }
}

/// One bit for each class that matters to any of the formulas.
fn relations<E: Entity>(shape: &Shape) -> String {
    let mut matters = shape.beside;
    for formula in shape.sees.iter().chain(&shape.edits).chain([&shape.act, &shape.read]) {
        matters = matters.union(formula.allow).union(formula.deny);
    }
    let unit = RelSet::of(Rel::Unit);
    if matters == unit {
        // Every row that is found at all stands in this one relation.
        return format!("CAST({} AS BIGINT)", unit.bits());
    }
    let mut sum = String::from("CAST(0 AS BIGINT)");
    for rel in matters.iter() {
        if let Some(predicate) = E::predicate(rel) {
            // Writing to a String can't fail.
            let _ = write!(sum, " + CASE WHEN {predicate} THEN {} ELSE 0 END", RelSet::of(rel).bits());
        }
    }
    format!("({sum})")
}

/// Names become numbers behind the statement's own arguments, in the order of their first use.
fn number(text: &str, arity: usize) -> Filled {
    let mut named: Vec<Named> = Vec::new();
    let mut sql = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(':') {
        sql.push_str(&rest[..at]);
        let tail = &rest[at..];
        match NAMES.iter().find(|(name, _)| tail.starts_with(name)) {
            None => {
                sql.push(':');
                rest = &tail[1..];
            }
            Some((name, which)) => {
                let position = named.iter().position(|n| n == which).unwrap_or_else(|| {
                    named.push(*which);
                    named.len() - 1
                });
                // Writing to a String can't fail.
                let _ = write!(sql, "${}", arity + position + 1);
                rest = &tail[name.len()..];
            }
        }
    }
    sql.push_str(rest);
    Filled { sql: sql.into(), named }
}
