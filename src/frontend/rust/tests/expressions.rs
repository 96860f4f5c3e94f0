use super::snapshot;

#[test]
fn arithmetic_and_comparison() {
    snapshot!("fn f(a: u8, b: u8) -> bool { let c = a + b * 2 - -1; let d = !a as u16; (a << 1) < b && c != d || a == b }\n");
}

#[test]
fn places() {
    snapshot!(
        "fn f(s: &mut S, i: usize) { s.a.b.0 = 1; s.v[i] = s.v[0]; *s.p = 2; (*s.p).q += s.r(); s.m[i].n -= 1; let x = &s.a; let y = &mut s.v[i]; let z = &raw const s.a; }\n"
    );
}

#[test]
fn calls() {
    snapshot!(
        "fn f(s: &S, g: fn(u8)) { h(1, s.a); a::b::<u8>::c(&s); <X as Y>::z(s); Self::w(); s.m(1).n::<u8>(&2); g(3); (s.callback)(4); S::new()(5); }\n"
    );
}

#[test]
fn aggregates() {
    snapshot!(
        "fn f(a: u8) { let t = (a, 1, g()); let v = [a, h()]; let r = [0; 4]; let s = S { a, b: g(), ..S::default() }; let e = E::V { x: 1 }; let p = Point(1, g()); let n = Some(a); let u = (); }\n"
    );
}

#[test]
fn ranges_and_indices() {
    snapshot!("fn f(v: &[u8], n: usize) { &v[1..n]; &v[..]; v[..=n].len(); for i in 0..n {} }\n");
}

#[test]
fn assignments() {
    snapshot!(
        "fn f(mut a: u8, s: &mut S) { a = 1; a += g(); s.n = s.n + 1; s.n += 1; s.t <<= 2; (a, s.n) = (1, 2); [a, _] = pair(); S { x: a, .. } = make(); _ = g(); let b; b = a; }\n"
    );
}

#[test]
fn question_mark() {
    snapshot!("fn f(s: &S) -> Result<u8, E> { let a = s.get()?; s.lock()?.n += 1; Ok(a.parse::<u8>()? + 1) }\n");
}

#[test]
fn literals_and_blocks() {
    snapshot!(
        "fn f() { 1; 1.5; true; \"s\"; b'c'; 'c'; b\"s\"; c\"s\"; let x = { let y = 1; y }; unsafe { g() }; const { h() }; let z = 'a: { if x { break 'a 1; } 2 }; }\n"
    );
}
