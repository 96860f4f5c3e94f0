//! The way from a call to what waits in it: one that can be gone with the arguments of the calls, on the object it is about.
//!
//! [`waits`](super::waits) says where the nearest wait is, whoever calls. Here the calls are gone through one after the
//! other: what the arguments rule out ([`constants`](super::constants)) does not wait, nor does what stands in for a
//! method in a class that the object cannot be of.

use super::Analysis;
use super::callers::calls_on_self;
use super::constants::{Left, left_in};
use super::waits::Wait;
use crate::ir::OpId;
use crate::program::{Cls, Fun, Receiver, Target};

/// Calls on the way to the wait, up to here.
const MAX_CHAIN: usize = 8;

/// So many calls are tried for a way.
const MAX_TRIES: usize = 48;

/// Of a class with so many below it, one may be anything.
const MAX_SUBCLASSES: usize = 256;

/// Each call on the way, with the callee it leads into; the last is the wait itself.
pub type Way = Vec<(Fun, OpId, Option<Fun>)>;

/// Where one is on a way.
struct At<'l> {
    function: Fun,
    /// The class of the object whose method it is, as far as the calls before say.
    class: Option<Cls>,
    left: Option<&'l Left>,
}

/// The wait that a call of `callee` at `op` of `function` leads to, and the way there.
pub fn way(analysis: &Analysis<'_>, function: Fun, op: OpId, callee: Fun) -> Option<(Wait, Way)> {
    analysis.waits.nearest(callee)?;
    let mut way = Way::new();
    let mut tries = MAX_TRIES;
    let at = At { function, class: analysis.program.class_of(function), left: None };
    let wait = enter(analysis, &at, op, callee, &mut way, &mut tries)?;
    Some((Wait { op, via: Some(callee), depth: way.len() as u32 - 1, ..wait }, way))
}

fn enter(analysis: &Analysis<'_>, at: &At<'_>, op: OpId, callee: Fun, way: &mut Way, tries: &mut usize) -> Option<Wait> {
    let program = analysis.program;
    if *tries == 0 || way.len() >= MAX_CHAIN || way.iter().any(|it| it.0 == callee) {
        return None;
    }
    *tries -= 1;
    let nearest = analysis.waits.nearest(callee)?;
    let call = program.invocation(at.function, &program.function(at.function).op(op)?.kind)?;
    let class = of_class(analysis, at, op, callee)?;
    let left = left_in(program, at.left, at.function, &call, callee);
    let ir = program.function(callee);
    way.push((at.function, op, Some(callee)));
    let inner = At { function: callee, class, left: Some(&left) };
    let mut go = |wait: &Wait, way: &mut Way| {
        if !left.has(ir.block_of(wait.op)) {
            return None;
        }
        match wait.via {
            Some(via) => enter(analysis, &inner, wait.op, via, way, tries),
            None => {
                way.push((callee, wait.op, None));
                Some(*wait)
            }
        }
    };
    if let Some(wait) = go(nearest, way) {
        return Some(wait);
    }
    // The next best: what waits here itself, then what is called.
    for wait in analysis.waits.direct(callee) {
        if let Some(wait) = go(wait, way) {
            return Some(wait);
        }
    }
    for (id, op) in program.function(callee).numbered() {
        if let Some(via) = program.called(callee, &op.kind).filter(|it| *it != callee)
            && !program.function(via).is_async
            && !program.function(via).is_generator
            && let Some(wait) = analysis.waits.nearest(via)
            && let Some(wait) = go(&Wait { op: id, via: Some(via), ..*wait }, way)
        {
            return Some(wait);
        }
    }
    way.pop();
    None
}

/// The class of the object that the call runs `callee` on; none if it cannot be of `callee`'s.
fn of_class(analysis: &Analysis<'_>, at: &At<'_>, op: OpId, callee: Fun) -> Option<Option<Cls>> {
    let program = analysis.program;
    let (Some(known), Some(class)) = (at.class, program.class_of(callee)) else { return Some(program.class_of(callee)) };
    let kind = &program.function(at.function).op(op)?.kind;
    let is_super = program.invocation(at.function, kind).is_some_and(|it| matches!(it.target, Target::Function { receiver: Receiver::Caller, .. }));
    if !is_super && !calls_on_self(analysis.program, analysis.values(at.function), kind) {
        return Some(Some(class));
    }
    if program.ancestry(known).contains(&class) {
        return Some(Some(known));
    }
    if program.ancestry(class).contains(&known) {
        return Some(Some(class));
    }
    // One that is both: `class Both(Known, Other)`.
    let below = program.descendants(known);
    let is_mixed = below.len() >= MAX_SUBCLASSES || below.iter().any(|it| program.ancestry(*it).contains(&class));
    is_mixed.then_some(Some(known))
}
