use super::snapshot;

#[test]
fn captures() {
    snapshot!(
        "fn f(s: Arc<S>, mut n: u8) { let add = |x: u8| n += x; add(1); let t = s.clone(); spawn(move || { t.run(n); let inner = || t.stop(); inner(); }); }\n"
    );
}

#[test]
fn parameters_and_results() {
    snapshot!("fn f(v: Vec<(u8, S)>) -> Vec<u8> { v.iter().map(|&(a, ref b)| -> u8 { b.get(a) }).filter(|it| *it > 0).collect() }\n");
}

#[test]
fn at_the_place_of_items() {
    snapshot!("static F: fn(u8) -> u8 = |x| x + 1;\nimpl S { const G: fn(&S) = |s| s.run(); }\n");
}
