//! A lock class whose methods do nothing, where the same field is a real lock on another way.

use super::super::support::{finding, label, statement, step};
use super::{INEFFECTIVE_LOCK, makes_lock};
use crate::analysis::Analysis;
use crate::analysis::definitions::Definitions;
use crate::analysis::path::Owner;
use crate::finding::{Confidence, Evidence, EvidenceKind, Finding, Role};
use crate::ir::{FunctionKind, Language, Name, OpId, OpKind, Terminator};
use crate::program::{Cls, Fun, Program, Target};

pub(super) fn dummy(analysis: &Analysis<'_>, function: Fun, findings: &mut Vec<Finding>) {
    let program = analysis.program;
    let ir = program.function(function);
    if program.language(function) != Language::Python || ir.kind == FunctionKind::ModuleBody {
        return;
    }
    let made = ir.numbered().find_map(|(id, op)| match &op.kind {
        OpKind::Call { dest, .. } => match program.target(function, *dest) {
            Target::Construct { class, .. } if is_dummy(program, *class) => Some((*class, id)),
            _ => None,
        },
        _ => None,
    });
    let Some((class, id)) = made else { return };
    let definitions = Definitions::new(ir);
    // The fields that the dummy and a real lock are stored to.
    let mut dummies: Vec<Owner> = Vec::new();
    let mut real: Vec<(Owner, OpId)> = Vec::new();
    for (store, op) in ir.numbered() {
        let OpKind::Store { place, value, .. } = &op.kind else { continue };
        if place.as_local().is_some() {
            continue;
        }
        let Some((key, _)) = analysis.values(function).place(program, place).and_then(|it| it.resolve(program, function)) else { continue };
        let sources = definitions.sources(*value, store);
        if sources.contains(&id) {
            dummies.push(key.owner);
        }
        let lock = sources.iter().find(|it| definitions.op(**it).is_some_and(|op| makes_lock(program, function, &op.kind).is_some()));
        real.extend(lock.map(|it| (key.owner, *it)));
    }
    let Some((owner, lock)) = real.into_iter().find(|it| dummies.contains(&it.0)) else { return };
    // What the caller asks for is the caller's choice.
    let chosen = definitions.predecessors(definitions.block_of(id)).iter().any(|before| match ir.blocks[*before as usize].terminator {
        Terminator::Branch { condition, .. } => {
            let sources = definitions.sources_at_end(condition, *before as usize);
            let read = sources.iter().filter_map(|it| definitions.op(*it)).flat_map(|it| it.kind.uses());
            let read: Vec<_> = read.chain([condition]).collect();
            ir.params.iter().any(|it| read.contains(&it.local))
        }
        _ => true,
    });
    let Owner::Field(of, field) = owner else { return };
    let name = format!("{}.{field}", program.class_name(of));
    let location = statement(analysis, function, id);
    let mut it = finding(&INEFFECTIVE_LOCK, analysis, function, location, if chosen { Confidence::Low } else { Confidence::Medium });
    let dummy = program.class_name(class);
    it.message = format!("`{name}` is a `{dummy}` on this way, whose `acquire` does nothing");
    it.caption = "keeps nobody out".to_string();
    it.help = "make a real lock on every way: one that nobody waits for costs next to nothing".to_string();
    it.locks = vec![name.clone()];
    it.labels.push(label(statement(analysis, function, lock), Role::LockHeld, "a real lock on the other way"));
    let class_location =
        crate::finding::Location { file: program.module(program.module_of_class(class)).file, range: program.class(class).name_range };
    it.evidence.push(Evidence {
        kind: EvidenceKind::ByType,
        message: format!("the methods of `{dummy}` have nothing in them"),
        location: Some(class_location),
    });
    it.interleaving.push(step('A', location, format!("“takes” `{name}`")));
    it.interleaving.push(step('B', location, "“takes” it, too: both are in"));
    findings.push(it);
}

/// Whether the class has what a lock has, and nothing in it.
fn is_dummy(program: &Program<'_>, class: Cls) -> bool {
    let method = |name: &str| program.method(class, Name::new(name));
    let pair = method("acquire").zip(method("release")).or_else(|| method("__enter__").zip(method("__exit__")));
    let is_empty = |method: Fun| {
        let ops = &program.function(method).ops;
        ops.iter()
            .map(|it| &it.kind)
            .all(|it| matches!(it, OpKind::Const { .. }) || matches!(it, OpKind::Load { place, .. } if place.as_local().is_some()))
    };
    pair.is_some_and(|(take, release)| is_empty(take) && is_empty(release))
}
