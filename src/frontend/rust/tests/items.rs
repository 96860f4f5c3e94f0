use super::{Edition, lower, snapshot};

#[test]
fn structs_enums_and_unions() {
    snapshot!(
        "/// Counts.\n#[derive(Clone)]\npub struct A<T: Send> { pub n: Mutex<T>, rest: Vec<u8> }\nstruct B(u8, Arc<A<u8>>);\nstruct C;\nenum E { One, Two(u8, B), Three { a: u8 } }\nunion U { a: u8, b: f32 }\n"
    );
}

#[test]
fn implementations_and_traits() {
    snapshot!(
        "trait T: Send { const N: u8 = 1; type I; fn must(&self); fn may(&mut self) -> u8 { self.must(); Self::N } fn make() -> Self where Self: Sized; }\nimpl<X> T for A<X> { type I = u8; fn must(&self) {} fn make() -> Self { A::new() } }\nimpl A { pub fn new(self: Arc<Self>, n: u8) -> Self { self } }\nunsafe impl Sync for A {}\n"
    );
}

#[test]
fn statics_and_constants() {
    snapshot!(
        "static N: AtomicU64 = AtomicU64::new(0);\nstatic mut M: u64 = f();\nconst C: [u8; 2] = [1, 2];\nconst _: () = assert!(C.len() == 2);\n"
    );
}

#[test]
fn imports() {
    snapshot!(
        "use std::sync::{self, Arc, Mutex as M, atomic::*};\npub use crate::a::B;\nuse ::c::d as _;\nextern crate alloc;\nextern crate core as k;\n"
    );
}

#[test]
fn modules_nest() {
    snapshot!("mod a { use super::x; pub mod b { static S: u8 = 0; pub fn f() { S; } struct T; impl T { fn g(&self) {} } } }\nmod elsewhere;\n");
}

#[test]
fn items_inside_functions() {
    snapshot!(
        "fn f() { use a::g; const N: u8 = 3; static S: Mutex<u8> = Mutex::new(0); fn inner(x: u8) -> u8 { x + N } struct L { a: u8 } impl L { fn h(&self) { g() } } inner(1); }\n"
    );
}

#[test]
fn tests_are_marked() {
    snapshot!(
        "fn f() {}\n#[test]\nfn a() { f() }\n#[tokio::test]\nasync fn b() {}\n#[cfg(test)]\nmod tests { fn helper() {} }\n#[cfg(not(test))]\nfn c() {}\n"
    );
}

#[test]
fn what_is_inside_a_test_module_is_a_test() {
    let source = "fn f() {} #[cfg(test)] mod tests { fn helper() {} mod deeper { fn g() {} } } #[cfg(not(test))] fn h() {}";
    let module = lower(source, Edition::E2024);
    let tests: Vec<_> = module.functions.iter().filter(|it| it.is_test).map(|it| it.name.as_str()).collect();
    assert_eq!(tests, ["helper", "g"]);
}

#[test]
fn signatures() {
    snapshot!(
        "fn f<'a, T, const N: usize>(&(a, b): &'a (u8, u8), mut c: impl Fn(u8) -> u8, _: [T; N], d: &mut dyn Write) -> Result<Option<T>, Box<dyn Error>> where T: Clone + 'a { todo!() }\nextern \"C\" { fn g(x: c_int, ...); static mut V: c_int; }\npub(crate) const unsafe extern \"C\" fn h(this: *const u8) {}\n"
    );
}

#[test]
fn aliases() {
    snapshot!("type Shared<T> = Arc<Mutex<T>>;\npub type N = u8;\nmod m { type X = super::N; }\n");
}

#[test]
fn of_two_alternatives_one_is_read() {
    snapshot!(
        "fn f(m: &M) { #[cfg(feature = \"std\")] let g = m.lock().unwrap(); #[cfg(not(feature = \"std\"))] let g = m.lock(); #[cfg(not(unix))] { alone(); } g.run(); }\n"
    );
}
