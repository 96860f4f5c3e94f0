use super::snapshot;

#[test]
fn destructuring() {
    snapshot!(
        "fn f(t: (u8, S), s: S) { let (a, S { b, c: C(d, ..), .. }) = t; let [x, .., y] = arr(); let &z = s.r; let ref q = s.t; let ref mut w = s.u; }\n"
    );
}

#[test]
fn bindings_and_alternatives() {
    snapshot!(
        "fn f(o: Option<Result<u8, E>>) { match o { Some(Ok(n @ 1..=9)) | Some(Ok(n @ 20)) => g(n), Some(Err(ref e)) => h(e), whole @ Some(_) => i(whole), None => {} } }\n"
    );
}

#[test]
fn constants_and_paths() {
    snapshot!(
        "fn f(x: u8, y: E) { match x { LIMIT => a(), Self::MAX => b(), 0 | 1 => c(), -1 => d(), _ => e() } match y { E::A {} => {} crate::E::B => {} _ => {} } }\n"
    );
}

#[test]
fn parameters() {
    snapshot!("fn f((a, b): (u8, u8), S { c, .. }: S, [d, e]: [u8; 2], _: u8) { g(a, b, c, d, e); }\n");
}

#[test]
fn opposite_tuples_are_not_built() {
    snapshot!("fn f(s: &S) { let (a, b) = (s.x.lock(), s.y.lock()); g(a, b); }\n");
}
