use super::{lower, snapshot};
use crate::ir::{Const, Name, OpKind};

#[test]
fn places() {
    snapshot!("def f(self, d, i):\n    return self.stats['hits'].n, d[i].x[-1], d[1, 2], d[i:], d[::2], d[b'k'], d[-i], d[...], d[(1)], d[1,]\n");
}

#[test]
fn displays() {
    snapshot!("def f(a):\n    return [1, *a], (), (a,), {a, 2}, {'k': a, **a}, {}\n");
}

#[test]
fn operators() {
    snapshot!("def f(a, b):\n    return a + b * -2 ** ~b - (a @ b)\n");
}

#[test]
fn format_strings() {
    snapshot!("def f(a, w):\n    return f'{a.n!r:>{w}} {w=}' 'x' f'{{}}', t'{a}', f'{a, w}', f'{f\"{a}\"}'\n");
}

#[test]
fn constants() {
    let constant = |text: &str| {
        let module = lower(&format!("x = {text}\n"));
        let first = module.functions[0].ops.first().map(|it| it.kind.clone());
        match first {
            Some(OpKind::Const { value, .. }) => value,
            other => panic!("{text} is {other:?}"),
        }
    };
    let text = |it: &str| Const::Str(Name::new(it));
    let number = |it: &str| Const::Number(Name::new(it));
    for (source, value) in [
        ("5", Const::Int(5)),
        ("-5", Const::Int(-5)),
        ("1_000", Const::Int(1000)),
        ("0xFF", Const::Int(255)),
        ("-0b11", Const::Int(-3)),
        ("0o17", Const::Int(15)),
        ("00", Const::Int(0)),
        ("-9223372036854775808", Const::Int(i64::MIN)),
        ("9223372036854775808", number("9223372036854775808")),
        ("0777", number("0777")),
        ("10L", number("10L")),
        ("1.5", number("1.5")),
        ("-1e9", number("-1e9")),
        ("2j", number("2j")),
        ("True", Const::Bool(true)),
        ("None", Const::None),
        ("...", Const::Other),
        ("'a'", text("a")),
        ("'a' \"b\"", text("ab")),
        (r"'\n\x41\u00e9\101\'\q\\'", text("\nAéA'\\q\\")),
        ("'a\\\nb'", text("ab")),
        (r"r'\n'", text("\\n")),
        ("u'x'", text("x")),
        ("'''a'b'''", text("a'b")),
        (r"'\ud800'", text("\\ud800")),
        ("b'a'", Const::Other),
        ("((1))", Const::Int(1)),
    ] {
        assert_eq!(constant(source), value, "{source}");
    }
    assert_eq!(constant(&format!("'{}'", "x".repeat(300))), Const::Other);
}
