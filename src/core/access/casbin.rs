//! The only place that names the casbin library: an enforcer made aside, filled, and never changed again.
//!
//! Plain `Enforcer`, one `g`, no matching functions, no `eval`, no cache, no incremental change: each of these has a
//! hazard (see `tests/access/hazards.rs`). Casbin's domains are exact, so a link that counts everywhere or in a kind of
//! tenant is asked for under each of these names.
//!
//! Must never: be filled with a line that wasn't understood word by word.

use std::collections::HashSet;

use casbin::{CoreApi, DefaultModel, Enforcer, MemoryAdapter};
use futures_util::FutureExt;

use super::line::MODEL;
use super::rule::{Link, Rule};

/// Casbin's answer wasn't one: the policy is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("casbin failed: {0}")]
pub(super) struct CasbinFault(&'static str);

/// One tuple of Casbin's request definition.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    pub subject: &'a str,
    pub domain: &'a str,
    pub kind: &'a str,
    pub object: &'a str,
    pub action: &'a str,
    pub rel: &'a str,
    pub purpose: &'a str,
}

pub(super) struct Casbin {
    enforcer: Enforcer,
}

impl Casbin {
    /// Loads rules and links, and checks that exactly these have arrived, in their order.
    pub fn load<'a>(rules: impl Iterator<Item = &'a Rule>, links: Vec<[String; 3]>) -> Result<Self, CasbinFault> {
        let mut enforcer = new_enforcer()?;
        let rules = rules.map(Rule::words);
        let links = links.into_iter().map(Vec::from);
        fill(&mut enforcer, "p", rules)?;
        fill(&mut enforcer, "g", links)?;
        enforcer.build_role_links().map_err(|_| CasbinFault("the links can't be built"))?;
        Ok(Self { enforcer })
    }

    /// What a name brings along directly, under any of the names of a domain.
    pub fn roles_of(&self, name: &str, domains: &[&str]) -> Vec<String> {
        let manager = self.enforcer.get_role_manager();
        let manager = manager.read();
        domains.iter().flat_map(|domain| manager.get_roles(name, Some(domain))).collect()
    }

    /// Casbin's own decision: walks every line.
    pub fn enforce(&self, request: Request<'_>) -> Result<bool, CasbinFault> {
        let Request { subject, domain, kind, object, action, rel, purpose } = request;
        let values = [subject, domain, kind, object, action, rel, purpose].map(str::to_owned);
        self.enforcer.enforce(values.to_vec()).map_err(|_| CasbinFault("the matcher failed"))
    }
}

/// Each line once: adding one that is there would move it to the end, and the order tells which line decided.
fn fill(enforcer: &mut Enforcer, section: &str, lines: impl Iterator<Item = Vec<String>>) -> Result<(), CasbinFault> {
    let mut seen = HashSet::new();
    let lines: Vec<Vec<String>> = lines.filter(|words| seen.insert(words.clone())).collect();
    for words in &lines {
        enforcer.get_mut_model().add_policy(section, section, words.clone());
    }
    let arrived = enforcer.get_model().get_policy(section, section) == lines;
    arrived.then_some(()).ok_or(CasbinFault("lines were lost"))
}

/// An empty enforcer for the shipped model. Everything it awaits is in memory, so it is ready at once.
fn new_enforcer() -> Result<Enforcer, CasbinFault> {
    let made = async {
        let model = DefaultModel::from_str(MODEL).await?;
        Enforcer::new_raw(model, MemoryAdapter::default()).await
    };
    match made.now_or_never() {
        Some(Ok(enforcer)) => Ok(enforcer),
        Some(Err(_)) => Err(CasbinFault("the model can't be read")),
        None => Err(CasbinFault("the model wasn't ready")),
    }
}

/// A link, under a name of the domain.
pub(super) fn link_words(link: &Link, domain: &str) -> [String; 3] {
    [link.from.to_string(), link.to.prefixed(), domain.to_owned()]
}
