//! Where values die: the rules of the Rust reference's chapter on destructors, by edition.

use super::snapshot;
use crate::frontend::rust::Edition::{E2021, E2024};

#[test]
fn variables_in_reverse_order() {
    snapshot!("fn f(p: P) { let a = x(); let b = y(); { let c = z(); } let a = w(); }\n");
}

#[test]
fn statement_temporaries() {
    snapshot!("fn f(m: &M) { m.lock().unwrap().push(1); let n = m.lock().unwrap().len(); g(&m.lock(), m.lock().len()); }\n");
}

#[test]
fn wildcards_keep_nothing_and_names_do() {
    snapshot!("fn f(m: &M, v: V) { let _ = m.lock(); let _guard = m.lock(); let _ = v; let (_, b) = m.pair(); }\n");
}

#[test]
fn extended_temporaries() {
    snapshot!(
        "fn f(m: &M) { let a = &m.lock(); let b = &mut *m.lock().unwrap(); let c = S { x: &m.lock() }; let d = (&m.lock(), 1); let e = &m.get().field; let h = Some(&m.lock()); let not = m.lock().method(); let nor = g(&m.lock()); end(); }\n"
    );
}

#[test]
fn scrutinees_of_match_live_on() {
    snapshot!("fn f(m: &M) { match m.lock().unwrap().get(1) { Some(x) => g(x), None => h() } after(); }\n");
}

#[test]
fn if_let_keeps_its_scrutinee_through_else_up_to_2021() {
    snapshot!("fn f(m: &M) { if let Some(x) = m.lock().pop() { g(x); } else { h(); } after(); }\n", E2021);
}

#[test]
fn if_let_drops_its_scrutinee_before_else_from_2024() {
    snapshot!("fn f(m: &M) { if let Some(x) = m.lock().pop() { g(x); } else { h(); } after(); }\n", E2024);
}

#[test]
fn conditions_drop_at_once() {
    snapshot!(
        "fn f(m: &M) { if m.lock().is_empty() { g(); } while m.lock().more() && m.lock().ok() { h(); } if !m.lock().a() || m.lock().b() { i(); } }\n"
    );
}

#[test]
fn loops_keep_what_they_iterate() {
    snapshot!("fn f(m: &M) { for x in m.lock().iter() { g(x); } while let Some(y) = m.lock().pop() { h(y); } }\n");
}

#[test]
fn tails_drop_after_variables_up_to_2021() {
    snapshot!("fn f(m: &M) -> usize { let g = m.read(); m.lock().len() }\n", E2021);
}

#[test]
fn tails_drop_before_variables_from_2024() {
    snapshot!("fn f(m: &M) -> usize { let g = m.read(); m.lock().len() }\n", E2024);
}

#[test]
fn block_tails_up_to_2021() {
    snapshot!("fn f(m: &M) { let n = { let g = x(); m.lock().len() } + 1; }\n", E2021);
}

#[test]
fn block_tails_from_2024() {
    snapshot!("fn f(m: &M) { let n = { let g = x(); m.lock().len() } + 1; }\n", E2024);
}

#[test]
fn moves_are_not_dropped() {
    snapshot!("fn f(m: &M) -> G { let g = m.lock(); take(m.lock()); let s = S { guard: m.lock() }; let h = g; h }\n");
}

#[test]
fn early_exits_drop_what_is_live() {
    snapshot!(
        "fn f(m: &M) -> Option<u8> { let g = m.lock(); let a = m.get()?; if a > 1 { return None; } let h = x(); loop { let i = y(); if i.done() { break; } continue; } Some(a) }\n"
    );
}

#[test]
fn explicit_drops_are_calls() {
    snapshot!("fn f(m: &M) { let g = m.lock(); drop(g); let h = m.lock(); std::mem::drop(h); mem::forget(m.lock()); }\n");
}

#[test]
fn match_guards_and_arms() {
    snapshot!("fn f(m: &M, n: u8) { match n { 0 if m.lock().is_empty() => g(&m.lock()), _ => h(m.lock().len()) } }\n");
}

#[test]
fn assignments_drop_the_old_value() {
    snapshot!("fn f(m: &M, s: &mut S) { let mut g = m.lock(); g = m.other(); s.guard = m.lock(); }\n");
}
