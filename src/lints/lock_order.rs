//! `lock-order`: locks taken in orders that form a cycle.
//!
//! The cycles of the lock-order graph ([`crate::analysis::order`]), each reported once, at its first edge by place.

use super::support::{expression, finding, is_by_name, label, statement, step, witness};
use super::{Check, Lint};
use crate::analysis::Analysis;
use crate::analysis::order::{Cycle, Edge, against, cycles, edges};
use crate::finding::{Confidence, Evidence, EvidenceKind, Finding, Location, Role, Rule, Severity};
use crate::ir::Language;
use crate::program::Said;

/// Other places that take two locks in the same order, shown for each order.
const MAX_ALSO: usize = 3;

pub const LOCK_ORDER: Lint = Lint {
    rule: Rule {
        name: "lock-order",
        group: "deadlock",
        severity: Severity::Error,
        languages: &[Language::Python, Language::Rust],
        summary: "Locks are taken in orders that form a cycle",
        page: include_str!("../../lints/lock-order.md"),
    },
    check: Check::Program(check),
};

fn check(analysis: &Analysis<'_>, findings: &mut Vec<Finding>) {
    let edges = edges(analysis);
    let cycles = cycles(analysis, &edges);
    // What closes a cycle as well is said once.
    let in_cycle = |edge: &Edge| cycles.iter().flatten().any(|it| it.function == edge.function && it.acquisition == edge.acquisition);
    for (edge, declared) in against(analysis, &edges) {
        if !in_cycle(&edge) {
            findings.push(report_against(analysis, &edge, declared));
        }
    }
    for cycle in cycles {
        findings.push(report(analysis, cycle));
    }
}

fn place(analysis: &Analysis<'_>, edge: &Edge) -> Location {
    statement(analysis, edge.function, edge.acquisition.op)
}

/// Two locks taken in another order than a comment or the configuration declares.
fn report_against(analysis: &Analysis<'_>, edge: &Edge, declared: Said) -> Finding {
    let program = analysis.program;
    let location = place(analysis, edge);
    let (held, wanted) = (edge.names.0.display(program), edge.names.1.display(program));
    let mut it = finding(&LOCK_ORDER, analysis, edge.function, location, Confidence::High);
    it.message = format!("`{wanted}` is taken under `{held}`, against the declared order");
    it.caption = format!("takes `{wanted}` while `{held}` is held");
    it.help = format!("take `{wanted}` first, or after `{held}` is given up");
    it.locks = vec![held.clone(), wanted.clone()];
    it.labels.push(label(expression(analysis, edge.function, edge.held.at), Role::LockHeld, format!("`{held}` is taken here")));
    if edge.acquisition.via.is_some() {
        it.labels.extend(witness(analysis, edge.function, &edge.acquisition));
    }
    let (who, location_of_order) = match declared {
        Said::Comment(at) => ("a comment".to_string(), Some(at)),
        Said::Configuration(place) => (place.to_string(), None),
    };
    it.labels.extend(location_of_order.map(|at| label(at, Role::LockHeld, "the order is declared here")));
    it.evidence.push(Evidence {
        kind: EvidenceKind::Declared,
        message: format!("{who} says that `{wanted}` is taken before `{held}`"),
        location: location_of_order,
    });
    it.interleaving.push(step('A', location, format!("holds `{held}`, and waits for `{wanted}`")));
    it.interleaving.push(step('B', location, format!("in the declared order: holds `{wanted}`, and waits for `{held}`")));
    it
}

fn report(analysis: &Analysis<'_>, mut cycle: Cycle) -> Finding {
    let program = analysis.program;
    let first = (0..cycle.len()).min_by_key(|it| place(analysis, &cycle[*it])).unwrap_or(0);
    cycle.rotate_left(first);
    let confidence =
        if cycle.iter().all(|it| it.definite && !is_by_name(analysis, it.function, &it.acquisition)) { Confidence::High } else { Confidence::Medium };
    let edge = &cycle[0];
    let mut it = finding(&LOCK_ORDER, analysis, edge.function, place(analysis, edge), confidence);
    let names: Vec<String> = cycle.iter().map(|it| it.names.0.display(program)).collect();
    let (from, to) = (edge.names.0.display(program), edge.names.1.display(program));
    it.message = match &cycle[..] {
        [_] => format!("`{to}` of one object is taken under that of another, in the order of the arguments of `{}`", program.symbol(edge.function)),
        [_, back] => format!("`{to}` is taken under `{from}` here, and `{from}` under `{to}` in `{}`", program.symbol(back.function)),
        _ => format!("`{to}` is taken under `{from}`, closing a cycle of {} locks: `{}`", cycle.len(), names.join("` → `")),
    };
    it.caption = format!("takes `{to}` while `{from}` is held");
    it.help = match &cycle[..] {
        [_] => "take the two in an order of their own, by a number or address they have, whichever way they are passed".to_string(),
        _ => format!("take `{}` in one order everywhere, or take the second one after the first is given up", names.join("` and `")),
    };
    it.locks = names;
    for (number, edge) in cycle.iter().enumerate() {
        let (from, to) = (edge.names.0.display(program), edge.names.1.display(program));
        it.labels.push(label(expression(analysis, edge.function, edge.held.at), Role::LockHeld, format!("`{from}` is taken here")));
        if number > 0 || edge.acquisition.via.is_some() {
            let mut way = witness(analysis, edge.function, &edge.acquisition);
            if let Some(last) = way.last_mut() {
                last.message = format!("`{to}` is taken under `{from}`");
            }
            it.labels.extend(way);
        }
    }
    for edge in &cycle {
        let (from, to) = (edge.names.0.display(program), edge.names.1.display(program));
        for (function, acquisition) in edge.also.iter().take(MAX_ALSO) {
            let place = expression(analysis, *function, acquisition.op);
            it.labels.push(label(place, Role::LockWanted, format!("`{to}` is taken under `{from}` here too")));
        }
    }
    for edge in &cycle {
        it.evidence.push(Evidence {
            kind: EvidenceKind::GuardedElsewhere,
            message: format!(
                "`{}` takes `{}` before `{}`",
                program.symbol(edge.function),
                edge.names.0.display(program),
                edge.names.1.display(program)
            ),
            location: Some(expression(analysis, edge.function, edge.held.at)),
        });
    }
    if !cycle.iter().all(|it| it.definite) {
        it.evidence.push(Evidence {
            kind: EvidenceKind::Caveat,
            message: match &cycle[..] {
                [_] => "it takes two threads that pass the same two objects in opposite order".to_string(),
                _ => "the locks are told apart by where they are declared: the two threads need the same objects to hang".to_string(),
            },
            location: None,
        });
    }
    if let [edge] = &cycle[..] {
        swapped(analysis, edge, &mut it);
        return it;
    }
    for (number, edge) in cycle.iter().enumerate() {
        let thread = char::from(b'A' + (number % 26) as u8);
        it.interleaving.push(step(thread, expression(analysis, edge.function, edge.held.at), format!("takes `{}`", edge.names.0.display(program))));
    }
    for (number, edge) in cycle.iter().enumerate() {
        let thread = char::from(b'A' + (number % 26) as u8);
        let holder = char::from(b'A' + ((number + 1) % cycle.len() % 26) as u8);
        it.interleaving.push(step(thread, place(analysis, edge), format!("waits for `{}`, which {holder} holds", edge.names.1.display(program))));
    }
    it
}

/// Two threads that pass the same two objects the other way round.
fn swapped(analysis: &Analysis<'_>, edge: &Edge, it: &mut Finding) {
    let (held, wanted) = (expression(analysis, edge.function, edge.held.at), place(analysis, edge));
    let lock = edge.names.0.display(analysis.program);
    it.interleaving.push(step('A', held, format!("takes `{lock}` of the first object")));
    it.interleaving.push(step('B', held, format!("called with the two swapped, takes `{lock}` of the second")));
    it.interleaving.push(step('A', wanted, "waits for the second, which B holds"));
    it.interleaving.push(step('B', wanted, "waits for the first, which A holds"));
}
