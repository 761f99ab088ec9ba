//! What is kept and shown of people, compared with the register: nothing is new without having been declared.

use std::collections::{BTreeMap, BTreeSet};

use kluis::domains::{self, register};
use kluis_core::access::Purpose;
use kluis_core::args;
use kluis_core::privacy::declaration::validate;
use kluis_core::privacy::{Compartment, Content, FieldDeclaration};
use kluis_core::store::migrate::{self, Schema};
use kluis_core::store::{Db, DbOptions, Engine};
use serde_json::Value;

use crate::support::{Scratch, postgres_database};

const WHY: &str = "a test reads the schema";

fn fields() -> impl Iterator<Item = &'static FieldDeclaration> {
    register::FIELDS.iter().copied().flatten()
}

fn is_declared(entity: &str, compartment: Option<Compartment>, field: &str) -> bool {
    fields().any(|one| (one.entity, one.compartment, one.field) == (entity, compartment, field))
}

#[test]
fn declarations_are_complete() {
    assert_eq!(validate(register::FIELDS), Ok(()));
    for field in fields() {
        for purpose in field.purposes {
            assert!(Purpose::parse(purpose).is_some(), "{}.{}: {purpose}", field.entity, field.field);
        }
        let category = field.category;
        assert!(category.starts_with("dpv-pd:") || category.starts_with("dpv:"), "{category}");
    }
}

/// Table, column, and whether it holds bytes (of an id, PostgreSQL says that it is one).
async fn columns(db: &Db) -> Vec<(String, String, bool)> {
    let sql = match db.engine() {
        Engine::Sqlite => {
            "SELECT m.name, p.name, CAST(0 AS INTEGER) FROM sqlite_master AS m, pragma_table_info(m.name) AS p \
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name <> '_sqlx_migrations'"
        }
        Engine::Postgres => {
            "SELECT table_name::text, column_name::text, CASE WHEN data_type = 'bytea' THEN 1 ELSE 0 END::bigint \
             FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations'"
        }
    };
    let rows = db.fetch_all_without_scope(WHY, sql, args![]).await.unwrap();
    rows.iter().map(|row| (row.text(0).unwrap(), row.text(1).unwrap(), row.int(2).unwrap() == 1)).collect()
}

/// Faults of one schema, and the declarations that it uses.
fn compare(
    found: &[(String, String, bool)],
    told_bytes: bool,
) -> (Vec<String>, BTreeSet<(&'static str, &'static str)>) {
    let (mut faults, mut used) = (Vec::new(), BTreeSet::new());
    let all: Vec<_> = register::COLUMNS.iter().copied().flatten().collect();
    for (table, column, bytes) in found {
        let named =
            |wanted: &str| all.iter().filter(|one| one.table == wanted && one.column == column).collect::<Vec<_>>();
        let own = named(table);
        let declared = if own.is_empty() { named("*") } else { own };
        let [one] = declared[..] else {
            faults.push(format!("{table}.{column}: declared {} times", declared.len()));
            continue;
        };
        used.insert((one.table, one.column));
        let fault = match one.content {
            Content::Sealed(entity, compartment) => {
                let fields = fields().any(|f| f.entity == entity && f.compartment == Some(compartment));
                (!fields).then_some("no field lives in it")
            }
            Content::Plain(entity, field) => (!is_declared(entity, None, field)).then_some("no such plain field"),
            Content::SealedWhole(why) | Content::Keyed(why) | Content::Impersonal(why) => {
                why.trim().is_empty().then_some("no reason")
            }
        };
        faults.extend(fault.map(|fault| format!("{table}.{column}: {fault}")));
        // A password's hash and the root record are text; everything else that is sealed or keyed is bytes or a number.
        let is_sealed = matches!(one.content, Content::Sealed(..) | Content::SealedWhole(_));
        let is_open = matches!(one.content, Content::Plain(..) | Content::Impersonal(_));
        if told_bytes && ((is_sealed && !bytes) || (is_open && *bytes)) {
            faults.push(format!("{table}.{column}: its type doesn't fit {:?}", one.content));
        }
    }
    (faults, used)
}

#[tokio::test]
async fn every_column_of_both_databases_is_declared() {
    for scratch in Scratch::both().await {
        let keys = match &scratch.options {
            DbOptions::Sqlite { .. } => DbOptions::Sqlite { file: scratch.directory().join("keys.db"), readers: 1 },
            DbOptions::Postgres { .. } => DbOptions::Postgres { url: postgres_database("keys").await, connections: 1 },
        };
        let keys = Db::open(&keys).await.unwrap();
        migrate::run(&keys, Schema::Keys).await.unwrap();
        let found = [columns(&scratch.db).await, columns(&keys).await].concat();
        assert!(found.len() > 200, "the search itself works: {}", found.len());
        let (faults, used) = compare(&found, scratch.db.engine() == Engine::Postgres);
        assert!(faults.is_empty(), "declare them in src/domains/register.rs or a domain's fields.rs: {faults:#?}");
        for one in register::COLUMNS.iter().copied().flatten() {
            assert!(used.contains(&(one.table, one.column)), "{}.{} is gone", one.table, one.column);
        }
    }
}

#[test]
fn a_column_that_nobody_declared_is_found() {
    let one = |table: &str, column: &str, bytes| vec![(table.to_owned(), column.to_owned(), bytes)];
    let faults = |found: Vec<_>| compare(&found, true).0.len();
    assert_eq!(faults(one("customers", "kind", false)), 0);
    assert_eq!(faults(one("customers", "shoe_size", false)), 1);
    assert_eq!(faults(one("customers", "identity", false)), 1, "a name in clear");
    assert_eq!(faults(one("customers", "source", true)), 1);
    assert_eq!(faults(one("idempotency_keys", "id", true)), 0, "a table's own declaration comes first");
}

/// The members of all answers, as `(entity, path)`.
struct Answers<'a> {
    schemas: &'a Value,
    views: BTreeMap<&'static str, &'static str>,
    found: BTreeSet<(&'static str, String)>,
    faults: BTreeSet<String>,
}

impl<'a> Answers<'a> {
    fn of(document: &'a Value) -> Self {
        let views = register::VIEWS.iter().copied().collect();
        let schemas = &document["components"]["schemas"];
        let mut answers = Self { schemas, views, found: BTreeSet::new(), faults: BTreeSet::new() };
        for operation in
            document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values())
        {
            let responses = operation["responses"].as_object().into_iter().flatten();
            for (_, response) in responses.filter(|(status, _)| status.starts_with('2')) {
                // Tables and streams show the same records in another form.
                if let Some(schema) = response.pointer("/content/application~1json/schema") {
                    answers.answer(schema);
                }
            }
        }
        answers
    }

    /// A view, a page of them, or the API's own document.
    fn answer(&mut self, schema: &'a Value) {
        let Some(name) = reference(schema) else {
            assert_eq!(schema, &serde_json::json!({ "type": "object" }), "only the document has no name");
            return;
        };
        match (self.views.get(name), name.strip_suffix("Page").filter(|_| name.ends_with("ViewPage"))) {
            (Some(entity), _) => self.walk(entity, String::new(), &self.schemas[name]),
            (None, Some(_)) => self.answer(&self.schemas[name]["properties"]["items"]["items"]),
            (None, None) => drop(self.faults.insert(format!("{name}: of which entity does it speak?"))),
        }
    }

    fn walk(&mut self, entity: &'static str, path: String, schema: &'a Value) {
        if let Some(name) = reference(schema) {
            let target = &self.schemas[name];
            // An answer inside of another one is of its own entity.
            return match self.views.get(name).copied() {
                Some(own) => self.walk(own, String::new(), target),
                None => self.walk(entity, path, target),
            };
        }
        let parts: Vec<_> =
            ["allOf", "anyOf", "oneOf"].iter().filter_map(|key| schema[key].as_array()).flatten().collect();
        if !parts.is_empty() {
            return parts.into_iter().for_each(|part| self.walk(entity, path.clone(), part));
        }
        if let Some(members) = schema["properties"].as_object().filter(|members| !members.is_empty()) {
            for (name, member) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                self.walk(entity, path, member);
            }
        } else if schema["items"].is_object() && self.has_members(&schema["items"]) {
            self.walk(entity, format!("{path}[]"), &schema["items"]);
        } else {
            self.found.insert((entity, path));
        }
    }

    fn has_members(&self, schema: &Value) -> bool {
        let target = reference(schema).map_or(schema, |name| &self.schemas[name]);
        ["properties", "allOf", "anyOf", "oneOf"].iter().any(|key| !target[key].is_null())
    }

    /// Members that nobody declared, and declarations that no member has.
    fn faults(mut self) -> BTreeSet<String> {
        let mut used = BTreeSet::new();
        for (entity, path) in &self.found {
            let reasons = register::IMPERSONAL.iter().filter(|(of, ..)| of == entity || *of == "*");
            let excused = reasons.filter(|(_, paths, _)| paths.contains(&path.as_str())).count();
            let declared: Vec<_> = fields().filter(|field| field.entity == *entity && stands_at(field, path)).collect();
            used.extend(declared.iter().map(|field| (field.entity, field.compartment, field.field)));
            match (declared.len(), excused) {
                (0, 0) => drop(self.faults.insert(format!("{entity} {path}: not declared"))),
                (0, 1) | (1.., 0) => {}
                _ => drop(self.faults.insert(format!("{entity} {path}: declared and excused, or excused twice"))),
            }
        }
        for field in fields().filter(|field| !used.contains(&(field.entity, field.compartment, field.field))) {
            self.faults.insert(format!("{} {}: declared, but nowhere shown", field.entity, field.field));
        }
        for (entity, paths, why) in register::IMPERSONAL {
            let is_there =
                |path: &str| self.found.iter().any(|(of, at)| (of == entity || *entity == "*") && at == path);
            let stale =
                paths.iter().filter(|path| !is_there(path)).map(|path| format!("{entity} {path}: excused, but gone"));
            self.faults.extend(stale);
            assert!(!why.trim().is_empty(), "{entity} {paths:?}: why?");
        }
        self.faults
    }
}

fn reference(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

/// A record's compartments are its members by their names; where an entity has none of these, its fields stand alone.
fn stands_at(field: &FieldDeclaration, path: &str) -> bool {
    let inside = path.split_once('.').and_then(|(first, rest)| Some((Compartment::from_name(first)?, rest)));
    match inside {
        Some((compartment, rest)) => (field.compartment, field.field) == (Some(compartment), rest),
        None => field.field == path,
    }
}

fn document() -> Value {
    serde_json::from_str(&domains::document().unwrap().text()).unwrap()
}

#[test]
fn every_member_of_every_answer_is_declared() {
    let document = document();
    let answers = Answers::of(&document);
    assert!(answers.found.len() > 150, "the search itself works: {}", answers.found.len());
    let faults = answers.faults();
    assert!(faults.is_empty(), "declare them in a domain's fields.rs: {faults:#?}");
}

#[test]
fn a_member_that_nobody_declared_is_found() {
    for (place, expected) in [
        ("Person", "customer identity.person.shoeSize: not declared"),
        ("CustomerView", "customer shoeSize: not declared"),
        ("Participant", "interaction participants[].shoeSize: not declared"),
        ("JobView", "job shoeSize: not declared"),
        ("ImportSettings", "import settings.shoeSize: not declared"),
    ] {
        let mut document = document();
        document["components"]["schemas"][place]["properties"]["shoeSize"] = serde_json::json!({ "type": "string" });
        let faults = Answers::of(&document).faults();
        assert_eq!(faults.iter().collect::<Vec<_>>(), [expected], "{place}");
    }
    let mut document = document();
    let contact = document["components"]["schemas"]["CustomerView"]["properties"]["contact"].clone();
    document["components"]["schemas"]["CustomerView"]["properties"]["notes"] = contact;
    let faults = Answers::of(&document).faults();
    assert!(faults.contains("customer notes.emails[].address: not declared"), "in another compartment: {faults:?}");
}
