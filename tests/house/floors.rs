//! The floors of the house: imports go down only, and nobody reaches into another domain's rows.
//!
//! kernel → privacy → store → access → audit → configuration → composition root → web → domains → the list of
//! domains → server, worker, command line → main. The first five are the crate `kluis-core`.

use std::collections::{BTreeMap, BTreeSet};

use crate::files::Source;
use crate::paths::{Named, module_of, named};

/// From the ground up. A floor may name itself and what stands before it.
const CORE: &[&str] = &["kernel", "privacy", "store", "access", "audit"];
const BELOW_DOMAINS: &[&str] = &["config", "entropy", "app", "web"];
const LIST_OF_DOMAINS: &str = "domains";
/// Side by side; they wire, and may use each other.
const OUTERMOST: &[&str] = &["server", "worker", "command", "demo", "logging"];

/// The state that the composition root keeps in memory for a domain. This list only shrinks.
const STATE: &[&str] = &["kluis::sessions::Sessions"];

/// Circles between domains that are known and wait for their end: `("customers", "interactions")`. This list only
/// shrinks: an entry that is no circle any more fails the test, too.
pub const KNOWN_CIRCLES: &[(&str, &str)] = &[("sessions", "tenants"), ("sessions", "users")];

/// Where a module stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Floor {
    Level(usize),
    Domain(String),
    /// The crate's root: it declares modules and uses nothing.
    Root,
}

const WEB_LEVEL: usize = CORE.len() + BELOW_DOMAINS.len() - 1;

impl Floor {
    fn of(path: &[String], domains: &BTreeSet<String>) -> Option<Self> {
        let krate = path.first()?.as_str();
        if krate == "main" {
            return Some(Self::Level(WEB_LEVEL + 4));
        }
        let Some(room) = path.get(1).map(String::as_str) else {
            return matches!(krate, "kluis" | "kluis_core").then_some(Self::Root);
        };
        match krate {
            "kluis_core" => CORE.iter().position(|f| *f == room).map(Self::Level),
            "kluis" if domains.contains(room) => Some(Self::Domain(room.to_owned())),
            "kluis" if room == LIST_OF_DOMAINS => Some(Self::Level(WEB_LEVEL + 2)),
            "kluis" if OUTERMOST.contains(&room) => Some(Self::Level(WEB_LEVEL + 3)),
            "kluis" => BELOW_DOMAINS.iter().position(|f| *f == room).map(|at| Self::Level(CORE.len() + at)),
            _ => None,
        }
    }

    fn level(&self) -> usize {
        match self {
            Self::Level(level) => *level,
            Self::Domain(_) => WEB_LEVEL + 1,
            Self::Root => 0,
        }
    }
}

/// Folders of `src` that are no floor by name are domains.
fn domains(sources: &[Source]) -> BTreeSet<String> {
    let floors: Vec<&str> = [&["core", LIST_OF_DOMAINS], BELOW_DOMAINS, OUTERMOST].concat();
    let inside = sources.iter().filter_map(|s| s.path.strip_prefix("src/"));
    let folders = inside.filter_map(|path| path.split_once('/')).map(|(folder, _)| folder);
    folders.filter(|folder| !floors.contains(folder)).map(str::to_owned).collect()
}

/// Every breach of the floors, as `file:line: what`.
pub fn breaches(sources: &[Source]) -> Vec<String> {
    let domains = domains(sources);
    let mut faults = Vec::new();
    for source in sources {
        let own = module_of(&source.path);
        let Some(floor) = Floor::of(&own, &domains) else {
            let known = [CORE, BELOW_DOMAINS, &[LIST_OF_DOMAINS], OUTERMOST].concat().join(", ");
            faults.push(format!("{}: no such floor; there are {known}, and a folder for each domain", source.path));
            continue;
        };
        for path in named(source) {
            if let Some(what) = breach(&own, &floor, &path, &domains) {
                faults.push(format!("{}:{}: {what}", source.path, path.line));
            }
        }
    }
    faults
}

fn breach(own: &[String], floor: &Floor, path: &Named, domains: &BTreeSet<String>) -> Option<String> {
    if path.segment(0) == "sqlx" && !own.starts_with(&["kluis_core".to_owned(), "store".to_owned()]) {
        return Some("only src/core/store may name sqlx".to_owned());
    }
    let target = Floor::of(&path.segments, domains)?;
    if *floor == Floor::Root || target == Floor::Root {
        return None;
    }
    let shown = path.segments.join("::");
    if own.get(1).is_some_and(|room| room == "app") && STATE.iter().any(|state| shown.starts_with(state)) {
        return None;
    }
    if let Floor::Domain(domain) = &target {
        let foreign = *floor != target;
        let rows = path.segments.iter().skip(2).any(|s| s == "rows" || s.starts_with("rows_"));
        if foreign && rows {
            return Some(format!("{shown}: the rows of {domain} belong to it alone; call its service"));
        }
    }
    let down = target.level() < floor.level();
    let beside = target.level() == floor.level() && (matches!(target, Floor::Domain(_)) || is_same(own, path));
    (!down && !beside).then(|| format!("{shown} stands on a higher floor, or beside this one"))
}

/// The same room, or another one of the outermost.
fn is_same(own: &[String], path: &Named) -> bool {
    let outermost = |room: &str| OUTERMOST.contains(&room);
    own.get(1).map(String::as_str) == Some(path.segment(1))
        || own.first().is_some_and(|krate| krate == "main")
        || (own.get(1).is_some_and(|room| outermost(room)) && outermost(path.segment(1)))
}

/// Circles between domains that are not on `known`, and entries of `known` that are none.
pub fn circles(sources: &[Source], known: &[(&str, &str)]) -> Vec<String> {
    let uses = uses_between_domains(sources);
    let mut faults = Vec::new();
    for (from, targets) in &uses {
        for (to, place) in targets {
            if from < to && reaches(&uses, to, from) && !known.contains(&(from.as_str(), to.as_str())) {
                faults.push(format!("{from} and {to} use each other (seen at {place})"));
            }
        }
    }
    for (a, b) in known {
        let circle = reaches(&uses, a, b) && reaches(&uses, b, a);
        if !circle {
            faults.push(format!("{a} and {b} are no circle any more: take them off KNOWN_CIRCLES"));
        }
    }
    faults
}

type Uses = BTreeMap<String, BTreeMap<String, String>>;

/// Which domain names which other one, and where it does so first.
fn uses_between_domains(sources: &[Source]) -> Uses {
    let domains = domains(sources);
    let mut uses = Uses::new();
    for source in sources {
        let Some(Floor::Domain(from)) = Floor::of(&module_of(&source.path), &domains) else { continue };
        for path in named(source) {
            let Some(Floor::Domain(to)) = Floor::of(&path.segments, &domains) else { continue };
            if to != from {
                let place = format!("{}:{}", source.path, path.line);
                uses.entry(from.clone()).or_default().entry(to).or_insert(place);
            }
        }
    }
    uses
}

fn reaches(uses: &Uses, from: &str, to: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(domain) = open.pop() {
        if domain == to {
            return true;
        }
        if seen.insert(domain) {
            open.extend(uses.get(domain).into_iter().flat_map(|targets| targets.keys().map(String::as_str)));
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(path: &str, text: &str) -> Option<String> {
        let house = ["src/customers/mod.rs", "src/members/mod.rs"].map(|path| Source::new(path, "//! A domain."));
        let mut sources = house.to_vec();
        sources.push(Source::new(path, text));
        breaches(&sources).first().cloned()
    }

    #[test]
    fn imports_go_down() {
        assert_eq!(fault("src/core/audit/mod.rs", "use crate::access::Actor; use crate::kernel::Id;"), None);
        assert_eq!(fault("src/customers/service.rs", "use kluis_core::store::Db; use crate::app::App;"), None);
        assert_eq!(fault("src/customers/service.rs", "use crate::members::service::show;"), None);
        assert_eq!(fault("src/main.rs", "use kluis::command;"), None);
        assert_eq!(fault("src/command/mod.rs", "use crate::demo; use crate::domains;"), None);
    }

    #[test]
    fn no_import_goes_up() {
        for (path, text) in [
            ("src/core/kernel/id.rs", "use crate::store::Db;"),
            ("src/core/store/mod.rs", "fn f(a: crate::access::Actor) {}"),
            ("src/core/store/mod.rs", "use super::audit::Event;"),
            ("src/core/store/db.rs", "use super::super::audit::Event;"),
            ("src/web/page.rs", "use crate::customers::service;"),
            ("src/web/page.rs", "use crate::server;"),
            ("src/app.rs", "use crate::web::Page;"),
            ("src/customers/service.rs", "use crate::server;"),
            ("src/customers/service.rs", "use crate::domains;"),
        ] {
            assert!(fault(path, text).is_some_and(|f| f.contains("higher floor")), "{path}: {text}");
        }
    }

    #[test]
    fn rows_are_private_to_their_domain() {
        assert_eq!(fault("src/customers/service.rs", "use super::rows;"), None);
        for text in ["use crate::members::rows;", "use crate::members as m; fn f() { m::rows_sqlite::all() }"] {
            assert!(
                fault("src/customers/service.rs", text).is_some_and(|f| f.contains("belong to it alone")),
                "{text}"
            );
        }
        assert!(fault("src/worker.rs", "use crate::members::{service, rows::all};").is_some());
    }

    #[test]
    fn only_the_store_names_sqlx() {
        assert_eq!(fault("src/core/store/db.rs", "use sqlx::Pool;"), None);
        assert!(fault("src/core/audit/mod.rs", "fn f(e: sqlx::Error) {}").is_some_and(|f| f.contains("sqlx")));
        assert!(fault("src/core/audit/mod.rs", "use sqlx;").is_some());
    }

    #[test]
    fn an_unknown_floor_is_named() {
        assert!(fault("src/helpers.rs", "//! x").is_some_and(|f| f.contains("no such floor")));
        assert!(fault("src/core/misc/mod.rs", "//! x").is_some_and(|f| f.contains("no such floor")));
    }

    #[test]
    fn circles_are_found_over_any_number_of_domains_and_the_list_only_shrinks() {
        let sources = [
            Source::new("src/a/service.rs", "use crate::b::service::x;"),
            Source::new("src/b/service.rs", "use crate::c::service::x;"),
            Source::new("src/c/service.rs", "use crate::a::service::x;"),
            Source::new("src/d/service.rs", "use crate::a::service::x;"),
        ];
        assert!(!circles(&sources, &[]).is_empty());
        assert_eq!(circles(&sources[..2], &[]), Vec::<String>::new());
        assert_eq!(circles(&sources[..2], &[("a", "b")]).len(), 1);
    }
}
