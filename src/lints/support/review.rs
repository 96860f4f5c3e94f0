//! What is known of each state for a code review: whether threads share it, and whether its lock is held at all of its
//! uses. What findings say of it comes later ([`crate::finding::review::settle`]).

use super::{Guard, Shared, is_for_one_thread, is_method, shared, statement, stays_on_loop};
use crate::analysis::Analysis;
use crate::analysis::path::{Key, Owner};
use crate::analysis::state::{State, Use};
use crate::catalog::Catalog;
use crate::finding::review::{Answer, StateReview, Verdict};
use crate::finding::{Confidence, EvidenceKind, FileId, Location};
use crate::program::{Program, Ty};

/// Places shown for an answer.
const MAX_PLACES: usize = 5;
/// Writes of a state that are asked who shares it.
const MAX_WRITES: usize = 64;

/// A review of each field and global that is no lock, in the order of their first uses. The questions that findings
/// answer are still unknown.
pub fn review(analysis: &Analysis<'_>) -> Vec<StateReview> {
    analysis.states.iter().filter_map(|(owner, state)| of_state(analysis, owner, state)).collect()
}

fn of_state(analysis: &Analysis<'_>, owner: &Owner, state: &State) -> Option<StateReview> {
    let program = analysis.program;
    let place = Key { owner: *owner, item: false, data: false };
    let first = state.uses.first()?;
    let first_place = statement(analysis, first.function, first.op);
    let is_behind_lock = state.uses.iter().any(|it| analysis.access(it).key.data);
    let (class, subject, location) = match owner {
        Owner::Field(class, name) => {
            let at = program.field_location(*class, *name).unwrap_or(first_place);
            (Some(program.class_name(*class).to_string()), program.class_name(*class).to_string(), at)
        }
        Owner::Global(module, name) => {
            let own = state.uses.iter().find(|it| program.module_of(it.function) == *module);
            (None, name.to_string(), own.map_or(first_place, |it| statement(analysis, it.function, it.op)))
        }
        _ => return None,
    };
    if is_method(program, owner) || (is_lock(program, owner, program.catalog(first.function)) && !is_behind_lock) {
        return None;
    }
    let guard = Guard::of(analysis, owner, state);
    let lock = match &guard {
        Some(guard) => Some(guard.lock),
        None => is_behind_lock.then_some(place),
    };
    let sharing = sharing(analysis, owner, state);
    let is_written = state.uses.iter().any(|it| it.writes && !it.construction);
    let threads = threads(analysis, owner, state, sharing.as_ref());
    let mut files: Vec<FileId> = state.uses.iter().map(|it| program.module(program.module_of(it.function)).file).collect();
    files.sort_unstable();
    files.dedup();
    let open = || Answer::new(Verdict::Unknown, "not looked at", Vec::new());
    Some(StateReview {
        state: place.display(program),
        class,
        subject,
        location,
        files,
        guard: lock.map(|it| it.display(program)),
        is_shared: lock.is_some() || is_written && threads.verdict == Verdict::Yes,
        lock: held(analysis, state, lock, is_behind_lock),
        threads,
        snapshot: open(),
        deadlock: open(),
        tests: open(),
    })
}

fn is_lock(program: &Program<'_>, owner: &Owner, catalog: &'static Catalog) -> bool {
    let is_lock = |ty: &Ty| ty.lock(catalog).is_some();
    match owner {
        Owner::Field(class, name) => program.field(*class, *name).is_some_and(|it| is_lock(it.1)),
        Owner::Global(module, name) => is_lock(program.global_type(*module, *name)),
        _ => false,
    }
}

/// The strongest sign that a write of the state races.
fn sharing(analysis: &Analysis<'_>, owner: &Owner, state: &State) -> Option<Shared> {
    let writes = state.uses.iter().filter(|it| it.writes && !it.construction).take(MAX_WRITES);
    let mut best: Option<Shared> = None;
    for usage in writes {
        let found = shared(analysis, owner, state, usage, analysis.access(usage), false);
        if let Some(found) = found.filter(|it| best.as_ref().is_none_or(|best| it.confidence > best.confidence)) {
            best = Some(found);
        }
    }
    best
}

fn threads(analysis: &Analysis<'_>, owner: &Owner, state: &State, shared: Option<&Shared>) -> Answer {
    let program = analysis.program;
    let used = || state.uses.iter().filter(|it| !it.construction);
    if let Some(entry) = used().find_map(|it| analysis.sharing.entry(it.function, &analysis.access(it).path)) {
        let entry = &program.threads.entries[entry as usize];
        let because = format!("`{}` runs on other threads (`{}`)", program.symbol(entry.function), entry.what);
        return Answer::new(Verdict::Yes, because, vec![entry.location]);
    }
    if let Some(usage) = used().next()
        && is_for_one_thread(analysis, owner, usage.function)
    {
        return Answer::new(Verdict::No, "it is for one thread, as the docs say", Vec::new());
    }
    if let Some(usage) = used().find(|it| it.writes)
        && stays_on_loop(analysis, state, usage.function)
    {
        return Answer::new(Verdict::No, "all that writes it runs on an event loop, in turn", Vec::new());
    }
    match shared.map(|it| (it.confidence, it.evidence.first())) {
        // That a lock guards it shows what was expected, and no thread.
        Some((confidence, Some(sign))) => {
            let is_said = confidence > Confidence::Low && matches!(sign.kind, EvidenceKind::ThreadTarget | EvidenceKind::Declared);
            let verdict = if is_said { Verdict::Yes } else { Verdict::Unknown };
            let because = if is_said { sign.message.clone() } else { format!("no thread that touches it is seen, but {}", sign.message) };
            Answer::new(verdict, because, sign.location.into_iter().collect())
        }
        _ => Answer::new(Verdict::Unknown, "no thread that touches it is seen", Vec::new()),
    }
}

/// Whether the lock is held at all uses after construction.
fn held(analysis: &Analysis<'_>, state: &State, lock: Option<Key>, is_behind_lock: bool) -> Answer {
    let places = |uses: &[&Use]| -> Vec<Location> {
        let mut places: Vec<Location> = uses.iter().map(|it| statement(analysis, it.function, it.op)).collect();
        places.sort_unstable();
        places.dedup();
        places.truncate(MAX_PLACES);
        places
    };
    let used: Vec<&Use> = state.uses.iter().filter(|it| !it.construction).collect();
    let Some(lock) = lock else {
        let bare: Vec<&Use> = used.iter().copied().filter(|it| it.writes && it.held.is_empty() && !it.maybe_guarded).collect();
        if bare.is_empty() {
            return Answer::new(Verdict::Unknown, "its writes agree on no lock", places(&used));
        }
        return Answer::new(Verdict::No, format!("{} of its {} hold no lock", bare.len(), count(used.len())), places(&bare));
    };
    let name = lock.display(analysis.program);
    if is_behind_lock {
        return Answer::new(Verdict::Yes, format!("`{name}` is the lock that it is in: the type allows no other way"), Vec::new());
    }
    let without: Vec<&Use> = used.iter().copied().filter(|it| it.held.iter().all(|it| it.0 != lock)).collect();
    if without.is_empty() {
        return Answer::new(Verdict::Yes, format!("`{name}` is held at its {}", count(used.len())), Vec::new());
    }
    let because = format!("`{name}` is not seen to be held at {} of its {}", without.len(), count(used.len()));
    let verdict = if without.iter().all(|it| it.maybe_guarded) { Verdict::Unknown } else { Verdict::No };
    Answer::new(verdict, because, places(&without))
}

fn count(uses: usize) -> String {
    if uses == 1 { "1 use".to_string() } else { format!("{uses} uses") }
}
