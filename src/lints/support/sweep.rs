//! Looking at every function, or every state, side by side. What is found comes in their order.

use rayon::prelude::*;

use crate::analysis::Analysis;
use crate::analysis::path::Owner;
use crate::analysis::state::State;
use crate::program::Fun;

/// So many functions or states are looked at in a row: what is known of one helps with the next.
const IN_A_ROW: usize = 256;

/// What `look` finds in each function that something may be said of.
pub fn over_functions<T: Send>(analysis: &Analysis<'_>, look: impl Fn(Fun, &mut Vec<T>) + Sync) -> Vec<T> {
    let program = analysis.program;
    let functions: Vec<Fun> = program.function_ids().filter(|it| !program.is_exempt(*it)).collect();
    let look = |functions: &[Fun]| {
        let mut found = Vec::new();
        functions.iter().for_each(|it| look(*it, &mut found));
        found
    };
    functions.par_chunks(IN_A_ROW).flat_map_iter(look).collect()
}

/// What `look` finds in each state, with what it keeps from one to the next.
pub fn over_states<'a, K: Default, T: Send>(analysis: &'a Analysis<'_>, look: impl Fn(&'a Owner, &'a State, &mut K, &mut Vec<T>) + Sync) -> Vec<T> {
    let states: Vec<(&Owner, &State)> = analysis.states.iter().collect();
    // What is kept goes on from row to row, as far as one worker looks at them: what is known of a long function is costly.
    let look = |kept: &mut K, states: &[(&'a Owner, &'a State)]| {
        let mut found = Vec::new();
        states.iter().for_each(|(owner, state)| look(owner, state, kept, &mut found));
        found
    };
    states.par_chunks(IN_A_ROW).map_init(K::default, look).flatten_iter().collect()
}
