//! The access policy that this installation runs with: whether it can be used, what is odd in it, whether it keeps what
//! must hold whatever a policy says, and how far it is from the one that was reviewed with the program.

use kluis_core::access::{Finding, Line, Policy, lint, parse, shipped, shipped_invariants};
use kluis_core::kernel::{Message, Phrase};

use super::report::{Report, Verdict};
use crate::command::terminal::p;
use crate::config::Config;

const POLICY: Phrase = p("access policy", "toegangsbeleid");
const INVARIANTS: Phrase = p("rules above the policy", "regels boven het beleid");
const MATRIX: Phrase = p("who may do what", "wie mag wat");
/// The effect of the shipped policy, as it was reviewed.
const REVIEWED: &str = include_str!("../../../policies/matrix.txt");
/// Warnings beyond these are only counted; `kluis policy lint` tells all.
const TOLD: usize = 3;

pub fn check(config: &Config, report: &mut Report) {
    let lines = match &config.policy_file {
        None => shipped(),
        Some(file) => match std::fs::read_to_string(file) {
            Ok(text) => parse(&file.display().to_string(), &text),
            Err(error) => {
                let (file, kind) = (file.display(), error.kind());
                return report.fail(POLICY, Message::plain(format!("{file}: {kind}")));
            }
        },
    };
    linted(&lines, report);
    // Opening compiles the policy and holds it against the invariants; a policy that fails is the one that won't start.
    match Policy::open(lines, 0) {
        Ok(policy) => {
            let count = shipped_invariants().len();
            report.ok(INVARIANTS, Message::new(format!("all {count} hold"), format!("alle {count} gelden")));
            matrix(&policy.snapshot().matrix(), config.policy_file.is_none(), report);
        }
        Err(findings) => {
            for finding in findings.iter().filter(|finding| finding.is_error()) {
                report.fail(INVARIANTS, message(finding));
            }
        }
    }
}

fn linted(lines: &[Line], report: &mut Report) {
    let findings = lint(lines);
    let (faults, warnings): (Vec<_>, Vec<_>) = findings.iter().partition(|finding| finding.is_error());
    for fault in &faults {
        report.fail(POLICY, message(fault));
    }
    for warning in warnings.iter().take(TOLD) {
        report.warn(POLICY, message(warning));
    }
    let verdict = if warnings.len() > TOLD { Verdict::Warn } else { Verdict::Ok };
    if faults.is_empty() {
        let (lines, warnings) = (lines.len(), warnings.len());
        report.add(
            POLICY,
            verdict,
            Message::new(
                format!("{lines} lines, {warnings} warnings (kluis policy lint)"),
                format!("{lines} regels, {warnings} waarschuwingen (kluis policy lint)"),
            ),
        );
    }
}

/// The program's own policy must do what was reviewed; another one may differ, and how much is worth knowing.
fn matrix(now: &str, is_shipped: bool, report: &mut Report) {
    let count =
        |text: &str, other: &str| text.lines().filter(|line| !other.lines().any(|known| known == *line)).count();
    let (more, fewer) = (count(now, REVIEWED), count(REVIEWED, now));
    match (now == REVIEWED, is_shipped) {
        (true, _) => report.ok(MATRIX, p("as reviewed with this program", "zoals nagekeken bij dit programma")),
        (false, true) => report.fail(
            MATRIX,
            p(
                "the program's own policy does something else than was reviewed",
                "het eigen beleid van het programma doet iets anders dan is nagekeken",
            ),
        ),
        (false, false) => report.ok(
            MATRIX,
            Message::new(
                format!("{more} lines more and {fewer} fewer than the program's own policy (kluis policy matrix)"),
                format!(
                    "{more} regels meer en {fewer} minder dan het eigen beleid van het programma (kluis policy matrix)"
                ),
            ),
        ),
    }
}

fn message(finding: &Finding) -> Message {
    Message::new(finding.text(|phrase| phrase.en), finding.text(|phrase| phrase.nl))
}
