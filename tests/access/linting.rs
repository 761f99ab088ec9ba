//! What the linter says about lines, each beside a sound one that it says nothing about.

use kluis_core::access::{Severity, lint, parse};

use crate::subjects::tenant;

const ROLES: &str = "\
role, sales, franchisee, contract, Sales, Verkoop
role, chief, franchisee hq, contract, Chief, Chef
role, robot, -, administration, Robot, Robot
p, role:sales, franchisee, customer, read, unit, contract, allow
p, role:chief, *, customer, export, unit, *, allow
p, role:robot, *, job, update, net, *, allow
";

/// `code:line` of every finding, warnings in brackets; lines are counted after the ones above.
fn found(text: &str) -> Vec<String> {
    let above = u32::try_from(ROLES.lines().count()).expect("few lines");
    let findings = lint(&parse("x.csv", &format!("{ROLES}{text}")));
    let say = |f: &kluis_core::access::Finding| match f.severity {
        Severity::Error => format!("{}:{}", f.code, f.source.line.saturating_sub(above)),
        Severity::Warning => format!("({}:{})", f.code, f.source.line.saturating_sub(above)),
    };
    findings.iter().map(say).collect()
}

#[test]
fn words_that_are_none() {
    for (line, expected) in [
        ("", &[] as &[&str]),
        ("p, role:sales, franchisee, customer, read, own, *, allow", &[]),
        ("p, role:nobody, franchisee, customer, read, own, *, allow", &["unknown_role:1"]),
        ("p, sales, franchisee, customer, read, own, *, allow", &["prefix:1"]),
        ("p, role:Sales, franchisee, customer, read, own, *, allow", &["prefix:1"]),
        ("p, role:sales, france, customer, read, own, *, allow", &["domain:1"]),
        ("p, role:sales, t:berlin, customer, read, own, *, allow", &["domain:1"]),
        ("p, role:sales, franchisee, client, read, own, *, allow", &["object:1"]),
        ("p, role:sales, franchisee, *, read, own, *, allow", &["object:1"]),
        ("p, role:sales, franchisee, customer, raed, own, *, allow", &["action:1"]),
        ("p, role:sales, franchisee, customer, read, mine, *, allow", &["relation:1"]),
        ("p, role:sales, franchisee, customer, read, own, fun, allow", &["purpose:1"]),
        ("p, role:sales, franchisee, customer, raed, mine, fun, allow", &["action:1", "purpose:1", "relation:1"]),
        ("p, \"role:sales\", franchisee, customer, read, own, *, allow", &["prefix:1"]),
        ("p, role:sales, franchisee, customer, read, own, *, allow # because", &["effect:1"]),
        ("p, rol\u{0435}:sales, franchisee, customer, read, own, *, allow", &["prefix:1"]),
        ("g, role:sales, chief, *", &["prefix:1"]),
        ("g, role:sales, user:x, *", &["prefix:1"]),
        ("role, Clerk, hq, contract, Clerk, Klerk", &["role_name:1"]),
        ("role, clerk, *, contract, Clerk, Klerk", &["domain:1"]),
        ("role, clerk, hq, *, Clerk, Klerk", &["purpose:1"]),
        ("role, clerk, hq, contract, Clerk, ", &["label:1"]),
        ("role, clerk, hq, contract, Clerk", &["columns:1"]),
        ("must, perhaps, *, *, customer, read, *, *", &["must:1"]),
        ("must, deny, *, *, job.*, read, *, *", &["object:1"]),
        ("must, deny, role:nobody, *, customer.*, read, *, *", &["(unknown_role:1)"]),
    ] {
        assert_eq!(found(line), expected, "{line}");
    }
}

#[test]
fn roles_and_links() {
    let user = "user:usr_01932f5e-8a70-7abc-8def-0123456789ab";
    for (lines, expected) in [
        ("g, role:chief, role:sales, *", &[] as &[&str]),
        ("g, role:chief, role:chief, *", &["cycle:1"]),
        ("g, role:chief, role:sales, hq\ng, role:sales, role:chief, *", &["cycle:2"]),
        ("g, role:chief, role:robot, *", &["system_role:1"]),
        ("g, role:robot, role:chief, *", &[]),
        ("g, role:chief, role:nobody, *", &["unknown_role:1"]),
        ("role, sales, hq, contract, Sales, Verkoop", &["role_twice:1"]),
        ("role, idle, hq, contract, Idle, Leeg", &["(unused_role:1)"]),
        ("role, idle, hq, contract, Idle, Leeg\ng, role:idle, role:chief, *", &[]),
    ] {
        assert_eq!(found(lines), expected, "{lines}");
    }
    assert_eq!(found(&format!("g, {user}, role:sales, t:ten_{}", &user[9..])), Vec::<String>::new());
    assert_eq!(found(&format!("g, {user}, role:sales, *")), ["user_everywhere:1"]);
    assert_eq!(found(&format!("g, {user}, role:robot, t:ten_{}", &user[9..])), ["system_role:1"]);
}

#[test]
fn lines_that_do_nothing_or_say_it_again() {
    for (lines, expected) in [
        ("p, role:sales, franchisee, customer, read, unit, contract, allow", &["(duplicate:1)"] as &[&str]),
        ("p, role:sales, franchisee, customer, read, unit, *, allow", &["(shadowed:0)"]),
        ("p, role:sales, *, customer, *, unit, *, allow", &["(shadowed:0)"]),
        ("p, role:sales, franchisee, customer, *, *, *, deny", &["(dead:0)"]),
        ("p, role:sales, franchisee, customer, update, *, *, deny", &[]),
        ("p, role:sales, franchisee, customer, read, sub, contract, allow", &[]),
        ("p, role:sales, franchisee, job, export, unit, *, allow", &["(dead:1)"]),
        ("p, role:sales, hq, customer, read, unit, contract, allow", &["(dead:1)"]),
        // A role that brings another one along says what that one says.
        (
            "g, role:chief, role:sales, *\np, role:chief, franchisee, customer, read, unit, contract, allow",
            &["(shadowed:2)"],
        ),
        ("g, role:chief, role:sales, hq\np, role:chief, franchisee, customer, read, unit, contract, allow", &[]),
        ("g, role:chief, role:sales, *\np, role:sales, *, customer, export, *, *, deny", &["(dead:0)"]),
        // Where the other role is had, its lines can count.
        ("g, role:chief, role:sales, *\np, role:sales, hq, customer, read, sub, contract, allow", &[]),
        (
            "g, role:chief, role:sales, franchisee\np, role:sales, hq, customer, read, sub, contract, allow",
            &["(dead:2)"],
        ),
    ] {
        assert_eq!(found(lines), expected, "{lines}");
    }
}

#[test]
fn the_network_is_for_figures() {
    for (line, expected) in [
        ("p, role:chief, hq, customer, aggregate, net, statistics, allow", &[] as &[&str]),
        ("p, role:chief, hq, customer, read, net, statistics, allow", &["net_people:1"]),
        ("p, role:chief, hq, customer, read, *, statistics, allow", &["net_people:1"]),
        ("p, role:chief, hq, customer.contact, *, net, statistics, allow", &["net_people:1"]),
        ("p, role:chief, hq, interaction, *, net, statistics, allow", &["net_people:1"]),
        ("p, role:chief, hq, customer, read, *, statistics, deny", &[]),
        ("p, role:chief, hq, tenant, read, net, statistics, allow", &[]),
    ] {
        assert_eq!(found(line), expected, "{line}");
    }
}

#[test]
fn findings_say_where_in_both_languages() {
    let findings = lint(&parse("policies/x.csv", &format!("{ROLES}p, role:chief, hq, customer, raed, unit, *, allow")));
    let english: Vec<String> = findings.iter().map(|finding| finding.text(|phrase| phrase.en)).collect();
    let dutch: Vec<String> = findings.iter().map(|finding| finding.text(|phrase| phrase.nl)).collect();
    assert_eq!(english, ["policies/x.csv:7: error: no such action (raed)"]);
    assert_eq!(dutch, ["policies/x.csv:7: fout: deze handeling bestaat niet (raed)"]);
}

#[test]
fn ten_thousand_lines_are_linted_in_a_moment() {
    let line = |number| format!("p, role:sales, t:{}, customer, update, unit, contract, allow\n", tenant(number));
    let many: Vec<String> = (0..10_000).map(line).collect();
    let lines = parse("x.csv", &format!("{ROLES}{}", many.concat()));
    let started = std::time::Instant::now();
    assert_eq!(lint(&lines), []);
    let took = started.elapsed();
    assert!(took.as_secs() < 20, "{took:?}, unoptimised");
}
