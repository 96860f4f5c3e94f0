use super::snapshot;

#[test]
fn if_and_else() {
    snapshot!("fn f(a: bool, b: u8) -> u8 { if a { g(); } else if b > 1 && h(b) { return 1; } else { i() } let c = if a { 1 } else { 2 }; c }\n");
}

#[test]
fn if_let_and_chains() {
    snapshot!("fn f(s: &S) { if let Some(x) = s.get() && x > 1 && let Ok(y) = x.parse() { g(y); } else { h(); } }\n");
}

#[test]
fn let_else() {
    snapshot!("fn f(s: &S) -> u8 { let Some(Pair(a, b)) = s.get() else { return 0; }; a + b }\n");
}

#[test]
fn loops() {
    snapshot!(
        "fn f(xs: &[u8]) -> u8 { let r = 'o: loop { for (i, x) in xs.iter().enumerate() { if *x == 0 { continue 'o; } if i > 3 { break 'o *x; } } while let Some(y) = next() { if y { break; } } while cond() { step(); continue; } }; r }\n"
    );
}

#[test]
fn matches() {
    snapshot!("fn f(e: E, n: u8) -> u8 { match e { E::A => 1, E::B(x) | E::C { x, .. } if x > n => x, E::B(_) => { g(); 2 } _ => return 3 } }\n");
}

#[test]
fn endless_loops_have_no_end() {
    snapshot!("fn f() -> ! { loop { g(); } }\nfn h() { loop { if g() { break; } } after(); }\n");
}

#[test]
fn what_diverges() {
    snapshot!(
        "fn f(a: u8) -> u8 { if a == 0 { panic!(\"no {a}\"); } if a == 1 { unreachable!() } if a == 2 { bail!(\"x\") } match a { 3 => todo!(), _ => std::process::exit(1) } }\n"
    );
}
