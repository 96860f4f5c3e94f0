use super::{function, lower, snapshot};

/// The type that an annotation spells.
fn check(annotation: &str, expected: &str) {
    let module = lower(&format!("x: {annotation}\n"));
    assert_eq!(module.globals[0].ty.as_ref().map(ToString::to_string).as_deref(), Some(expected), "{annotation}");
}

#[test]
fn annotations() {
    check("int", "int");
    check("threading.Lock", "threading.Lock");
    check("dict[str, list[int]]", "dict<str, list<int>>");
    check("t.Optional[Foo]", "Foo | None");
    check("Union[A, b.C, None]", "A | b.C | None");
    check("A | B | None", "A | B | None");
    check("Callable[[int, A | B], None]", "fn(int, A | B) -> None");
    check("Callable[..., T]", "fn() -> T");
    check("tuple[int, str]", "(int, str)");
    check("tuple[int, ...]", "tuple<int, _>");
    check("Annotated[int, GuardedBy('_lock'), 'note']", "Annotated<int, GuardedBy<_lock>, note>");
    check("Annotated['Foo', Guard(by='x')]", "Annotated<Foo, Guard<x>>");
    check("Literal['a', 1, True]", "Literal<a, 1, True>");
    check("ClassVar[dict[str, 'Foo']]", "ClassVar<dict<str, Foo>>");
    check("None", "None");
    check("...", "_");
    check("f(1)[2]", "_");
}

#[test]
fn forward_references() {
    check("'Foo'", "Foo");
    check("'a.b.Foo'", "a.b.Foo");
    check("Optional['Foo']", "Foo | None");
    check("'Optional[Foo]'", "Foo | None");
    check("'dict[str, list[\"Foo\"]] | None'", "dict<str, list<Foo>> | None");
    check("'None'", "None");
    check("'not a type('", "_");
    check("''", "_");
}

#[test]
fn deep_types_say_nothing() {
    check(&format!("{}int{}", "list[".repeat(32), "]".repeat(32)), &format!("{}int{}", "list<".repeat(32), ">".repeat(32)));
    check(&format!("{}int{}", "list[".repeat(33), "]".repeat(33)), &format!("{}_{}", "list<".repeat(33), ">".repeat(33)));
}

#[test]
fn parameters_and_returns() {
    snapshot!("def f(a: int, /, b: 'B' = None, *args: str, c: list[int], **kw: object) -> Optional['B']: pass\n");
}

#[test]
fn type_parameters() {
    let module = lower("class C[T: int, *Ts]: pass\ndef f[U: (A, B), **P](x: U): pass\ntype Pairs[T] = list[tuple[T, T]]\ntype Plain = int\n");
    let names = |generics: &[crate::ir::Generic]| {
        generics.iter().map(|it| format!("{}{}", it.name, it.bounds.iter().map(|it| format!(" {it}")).collect::<String>())).collect::<Vec<_>>()
    };
    assert_eq!(names(&module.classes[0].generics), ["T int", "Ts"]);
    assert_eq!(names(&function(&module, "f").generics), ["U A B", "P"]);
    let aliases: Vec<String> = module.aliases.iter().map(|it| format!("{} {:?} {}", it.name, names(&it.generics), it.ty)).collect();
    assert_eq!(aliases, ["Pairs [\"T\"] list<(T, T)>", "Plain [] int"]);
    assert!(module.globals.is_empty());
}
