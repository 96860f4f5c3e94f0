//! A lock that each object has of its own, around what all objects of the class share.

use rustc_hash::{FxHashMap, FxHashSet};

use super::super::support::{finding, label, state_name, statement, step};
use super::INEFFECTIVE_LOCK;
use crate::analysis::Analysis;
use crate::analysis::access::AccessKind;
use crate::analysis::path::{Key, Owner, Root, Step};
use crate::analysis::state::{State, Use};
use crate::finding::{Confidence, Evidence, EvidenceKind, Finding, Role};
use crate::ir::{Base, FunctionKind, Language, Name, OpKind, Projection};
use crate::program::{Cls, Program, Target};

pub(super) fn instance(analysis: &Analysis<'_>, findings: &mut Vec<Finding>) {
    let program = analysis.program;
    let made = std::cell::OnceCell::new();
    for (owner, state) in analysis.states.iter() {
        let Some((usage, lock)) = own_lock_only(analysis, state) else { continue };
        let Owner::Field(class, field) = lock.owner else { continue };
        if !matches!(owner, Owner::Field(..) | Owner::Global(..)) || !is_per_object(program, class, field) {
            continue;
        }
        let constructed: &FxHashMap<Cls, Made> = made.get_or_init(|| constructions(program));
        // One object of the class is one lock.
        if is_single(program, class) || constructed.get(&class).is_some_and(Made::is_one) {
            continue;
        }
        findings.push(report(analysis, usage, &lock, class, field));
    }
}

/// A write of what all objects share, where every write is under a lock of `self` and no other.
fn own_lock_only<'s>(analysis: &Analysis<'_>, state: &'s State) -> Option<(&'s Use, Key)> {
    let writes = || state.uses.iter().filter(|it| it.writes && !it.construction);
    let (first, lock) = writes().find_map(|usage| {
        let access = analysis.access(usage);
        // A flag is the same whoever sets it.
        let changes = matches!(access.kind, AccessKind::Update | AccessKind::Mutate) || access.changes_in_place();
        let locksets = &analysis.facts(usage.function).locksets;
        let own = locksets.before(usage.op).iter().filter(|it| locksets.keeps_out(it)).find(|it| {
            let path = locksets.lock(it).path.as_ref();
            path.is_some_and(|it| it.root == Root::Param(0) && matches!(it.steps[..], [Step::Field(_)]))
        })?;
        (changes && matches!(access.path.root, Root::Class(_) | Root::Global(..))).then_some((usage, locksets.lock(own).key))
    })?;
    let python = analysis.program.language(first.function) == Language::Python;
    // Another lock around it as well is one for all, perhaps.
    (python && first.held.len() == 1 && writes().all(|it| it.held.len() == 1 && it.held[0].0 == lock)).then_some((first, lock))
}

/// Whether the constructor makes the lock, for each object.
fn is_per_object(program: &Program<'_>, class: Cls, field: Name) -> bool {
    let Some(init) = program.method(class, Name::new("__init__")) else { return false };
    let ir = program.function(init);
    let mut made = FxHashSet::default();
    ir.ops.iter().any(|op| {
        made.extend(super::makes_lock(program, init, &op.kind));
        match &op.kind {
            OpKind::Store { place, value, .. } => {
                ir.params.first().is_some_and(|it| place.base == Base::Local(it.local))
                    && place.projections[..] == [Projection::Field(field)]
                    && made.contains(value)
            }
            _ => false,
        }
    })
}

/// Whether the class sees to it that there is one object only.
fn is_single(program: &Program<'_>, class: Cls) -> bool {
    program.method(class, Name::new("__new__")).is_some()
        || program.class(class).bases.iter().any(|it| it.to_string().to_ascii_lowercase().contains("singleton"))
        || program.class(class).attributes.iter().any(|it| it.path.as_str().to_ascii_lowercase().contains("singleton"))
}

/// Where objects of a class are made.
#[derive(Default)]
struct Made {
    /// By statements of modules, which run once.
    once: usize,
    elsewhere: usize,
}

impl Made {
    fn is_one(&self) -> bool {
        self.once == 1 && self.elsewhere == 0
    }
}

fn constructions(program: &Program<'_>) -> FxHashMap<Cls, Made> {
    let mut found: FxHashMap<Cls, Made> = FxHashMap::default();
    for function in program.function_ids().filter(|it| !program.is_exempt(*it)) {
        let ir = program.function(function);
        for op in &ir.ops {
            let OpKind::Call { dest, .. } = &op.kind else { continue };
            if let Target::Construct { class, .. } = program.target(function, *dest) {
                let made = found.entry(*class).or_default();
                if ir.kind == FunctionKind::ModuleBody { made.once += 1 } else { made.elsewhere += 1 }
            }
        }
    }
    found
}

fn report(analysis: &Analysis<'_>, usage: &Use, lock: &Key, class: Cls, field: Name) -> Finding {
    let program = analysis.program;
    let access = analysis.access(usage);
    let (state, lock) = (state_name(analysis, access), lock.display(program));
    let location = statement(analysis, usage.function, usage.op);
    let mut it = finding(&INEFFECTIVE_LOCK, analysis, usage.function, location, Confidence::Medium);
    it.message = format!("`{state}` is one for all objects, and `{lock}` is another for each: it keeps nobody out");
    it.caption = "under the lock of this object only".to_string();
    it.help = format!("make `{field}` an attribute of the class, beside `{state}`, or the state one of the object");
    it.state = Some(state.clone());
    it.locks = vec![lock.clone()];
    let made = program.field_location(class, field);
    it.labels.extend(made.map(|it| label(it, Role::Write, "made for each object here")));
    it.evidence.push(Evidence {
        kind: EvidenceKind::GuardedElsewhere,
        message: format!("every write of `{state}` is under `{lock}`, so it expects several threads"),
        location: None,
    });
    it.interleaving.push(step('A', location, format!("changes `{state}` under the lock of one object")));
    it.interleaving.push(step('B', location, "does the same under the lock of another: both are in"));
    it
}
