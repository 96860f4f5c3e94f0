use super::snapshot;

#[test]
fn formatting_borrows() {
    snapshot!(
        "fn f(n: u8, s: &S) { println!(\"{n} {} {x:?} {:>w$}\", s.name(), g(), x = s.x, w = 3); log::warn!(target: \"t\", \"a {}\", n); let t = format!(\"{n}\"); write!(s.out, \"{}\", n)?; }\n"
    );
}

#[test]
fn assertions() {
    snapshot!(
        "fn f(a: u8, s: &S) { assert!(s.ok(), \"not {a}\"); assert_eq!(a, s.n()); debug_assert!(a > 1); if matches!(s.state(), State::A | State::B(_) if a > 2) { g(); } }\n"
    );
}

#[test]
fn collections_and_values() {
    snapshot!(
        "fn f(n: u8) { let v = vec![1, n, g()]; let w = vec![h(); 3]; let d = dbg!(n + 1); let e = env!(\"X\"); let j = json!({ \"a\": n, \"b\": [k()] }); }\n"
    );
}

#[test]
fn statics_by_macro() {
    snapshot!(
        "lazy_static! { static ref TABLE: Mutex<Vec<u8>> = Mutex::new(make()); pub static ref N: u8 = 1; }\nthread_local! { static OWN: RefCell<u8> = const { RefCell::new(0) }; }\n"
    );
}

#[test]
fn unknown_macros_hold_expressions() {
    snapshot!("fn f(s: &S) { check!(s.a(), s.b); run! { let x = s.c(); x.d(); } odd!(a => b, ~); my::own![s.e()]; }\n");
}

#[test]
fn macros_in_item_position() {
    snapshot!(
        "cfg_if! { if #[cfg(unix)] { fn a() { x() } } else { fn b() {} } }\nmacro_rules! m { () => { fn never() {} } }\nitems! { fn c() { y() } }\n"
    );
}

#[test]
fn macros_of_the_file_are_what_they_become() {
    snapshot!(
        "macro_rules! lock { ($m:expr) => { $m.lock().unwrap() }; }\nmacro_rules! hold { ($g:ident = $m:expr) => { let $g = lock!($m); }; }\nfn f(s: &S) -> u8 { hold!(g = s.a); *lock!(s.b) += *g; crate::lock!(s.c).n }\n"
    );
}

#[test]
fn macros_that_call_themselves_come_to_an_end() {
    snapshot!(
        "macro_rules! twice { ($e:expr) => { { twice!($e); twice!($e) } }; }\nmacro_rules! deep { ($e:expr) => { deep!(($e)) }; }\nfn f(s: &S) { deep!(s.a()); }\nfn g() { macro_rules! two { ($($e:expr),*) => { $(h($e);)* }; } two!(1, 2); }\n"
    );
}

#[test]
fn macros_that_double_are_cut_off() {
    let source = "macro_rules! twice { ($e:expr) => { { twice!($e); twice!($e) } }; }\nfn f(s: &S) { twice!(s.a()); }\n";
    assert!(crate::frontend::rust::lower(source, crate::frontend::rust::Edition::E2024).is_ok());
}
