//! `kluis policy`: the access policy, checked, explained and spelled out. None of it needs a database.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use kluis_core::access::{
    Action, Finding, Line, Object, Policy, Purpose, Role, SubjectRoles, TenantKind, lint, parse, shipped,
};
use kluis_core::kernel::{Id, Message};
use uuid::Uuid;

use super::exit::{Exit, Failure};
use super::options::Options;
use super::terminal::Terminal;

#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Looks for unknown words, dead lines and broken rules
    Lint(Source),
    /// Shows what each role may do, as one text
    Matrix(Source),
    /// Checks what must hold whatever the policy says
    Invariants(Source),
    /// Says why a role may, or may not, do something
    Explain(Explain),
}

#[derive(Debug, Args)]
pub struct Source {
    /// The policy; otherwise the one that the configuration names, or the one inside the program
    file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Explain {
    /// The role, as policy.csv names it, without role:
    #[arg(long)]
    role: String,
    /// Kind of the organisation: hq, region, franchisee, member_org or ngo
    #[arg(long, value_name = "KIND")]
    at: String,
    /// What is done: read, create, update …
    action: String,
    /// An entity or a compartment of it: customer, customer.contact …
    object: String,
    /// Purpose of the processing; otherwise the usual one of the role
    #[arg(long)]
    purpose: Option<String>,
}

pub fn run(command: &PolicyCommand, options: &Options, terminal: Terminal) -> Result<(), Failure> {
    match command {
        PolicyCommand::Lint(source) => check(&lines(source, options)?, false, terminal),
        PolicyCommand::Invariants(source) => check(&lines(source, options)?, true, terminal),
        PolicyCommand::Matrix(source) => {
            Terminal::raw(&open(lines(source, options)?)?.snapshot().matrix());
            Ok(())
        }
        PolicyCommand::Explain(question) => explain(question, options, terminal),
    }
}

fn lines(source: &Source, options: &Options) -> Result<Vec<Line>, Failure> {
    // The policy inside the program can be looked at without a sound configuration.
    let configured = || match options.file() {
        Some(_) => Ok(options.load()?.1.policy_file),
        None => Ok::<_, Failure>(None),
    };
    let named = source.file.clone();
    let Some(file) = named.map_or_else(configured, |file| Ok(Some(file)))? else { return Ok(shipped()) };
    let text = std::fs::read_to_string(&file).map_err(|error| Failure::file(&file, &error))?;
    Ok(parse(&file.display().to_string(), &text))
}

fn open(lines: Vec<Line>) -> Result<Policy, Failure> {
    Policy::open(lines, 0)
        .map_err(|findings| Failure { exit: Exit::Failed, messages: findings.iter().map(message).collect() })
}

/// Prints every finding; faults make the command fail, warnings don't.
fn check(lines: &[Line], only_invariants: bool, terminal: Terminal) -> Result<(), Failure> {
    let mut findings = match Policy::open(lines.to_vec(), 0) {
        Ok(policy) => policy.snapshot().findings().to_vec(),
        Err(findings) => findings,
    };
    if only_invariants {
        findings.retain(Finding::is_error);
    } else {
        let more: Vec<_> = lint(lines).into_iter().filter(|finding| !findings.contains(finding)).collect();
        findings.extend(more);
    }
    for finding in &findings {
        terminal.say(message(finding));
    }
    let faults = findings.iter().filter(|finding| finding.is_error()).count();
    let warnings = findings.len() - faults;
    terminal.say(Message::new(
        format!("{faults} faults, {warnings} warnings."),
        format!("{faults} fouten, {warnings} waarschuwingen."),
    ));
    if faults > 0 { Err(Failure::told()) } else { Ok(()) }
}

fn message(finding: &Finding) -> Message {
    Message::new(finding.text(|phrase| phrase.en), finding.text(|phrase| phrase.nl))
}

fn explain(question: &Explain, options: &Options, terminal: Terminal) -> Result<(), Failure> {
    let role = Role::parse(&question.role).map_err(|_| unknown("--role", &question.role))?;
    let kind = TenantKind::parse(&question.at).ok_or_else(|| unknown("--at", &question.at))?;
    let action = Action::parse(&question.action).ok_or_else(|| unknown("ACTION", &question.action))?;
    let object = Object::parse(&question.object).ok_or_else(|| unknown("OBJECT", &question.object))?;
    let named = question.purpose.as_deref().map(|name| Purpose::parse(name).ok_or_else(|| unknown("--purpose", name)));
    let named = named.transpose()?;
    let policy = open(lines(&Source { file: None }, options)?)?;
    let snapshot = policy.snapshot();
    // No tenant and no user: the question is about the role as such.
    let tenant = Id::from_uuid(Uuid::nil());
    let subject = SubjectRoles { user: None, tenant, kind, roles: vec![role] };
    let usual = || snapshot.decisions(&subject).default_purpose(object.entity(), action);
    let purpose = named.or_else(usual).or_else(|| Purpose::ALL.first().copied());
    let purpose = purpose.ok_or_else(|| unknown("--purpose", ""))?;
    let explanation = snapshot.explain(&subject, object, action, purpose);
    Terminal::raw(&explanation.text(|phrase| terminal.language.say(phrase)));
    Ok(())
}

fn unknown(place: &str, word: &str) -> Failure {
    Failure::new(
        Exit::Usage,
        Message::new(format!("{place}: there is no {word}"), format!("{place}: {word} bestaat niet")),
    )
}
