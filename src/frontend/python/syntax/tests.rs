//! Both parsers give trees that are lowered to the same IR.

use pretty_assertions::assert_eq;

use super::super::context::Ctx;
use super::super::repair::Parsed;
use super::{Tree, strict, tolerant};
use crate::ir;

fn lowered(source: &str, tree: Option<Tree>) -> String {
    let parsed = Parsed { tree: tree.expect("the parser gives a tree"), grafts: rustc_hash::FxHashMap::default() };
    let module = Ctx::new(source, &parsed).module();
    format!("{}\n{:#?}", ir::print(&module, source), module.imports)
}

fn agree(source: &str) {
    assert_eq!(ruff_python_parser::parse_module(source).err(), None, "{source}");
    assert_eq!(lowered(source, strict::parse(source)), lowered(source, tolerant::parse(source)), "{source}");
}

#[test]
fn on_statements() {
    agree("import a, b.c, d.e as f\nfrom . import g\nfrom .. h import i as j, k\nfrom .l.m import *\nfrom __future__ import annotations\n");
    agree("x = y = z.a[0]\nx: int\nx: dict[str, A | None] = {}\nself.a: 'B' = c\na, *b = c\n[a, b] = c, d\nx += 1\nx[1, 2] -= y\n");
    agree("def f():\n    global g\n    g = 1\n    def h():\n        nonlocal k\n        k = 2\n    k = 3\n    return g, k\n");
    agree("del a, b.c, d[0]\ndel e\nassert a\nassert a, 'b'\nraise\nraise A(b) from c\npass; x = 1\n");
    agree("if a:\n    b\nelif c: # d:\n    e; f\nelse:\n    g\nwhile a:\n    break\nelse:\n    b\nfor a, b in c, d:\n    continue\nelse:\n    e\n");
    agree("with a as b, c, d as e.f:\n    g\nasync def f():\n    async with a as b:\n        async for c in d:\n            await e\n");
    agree(
        "try:\n    a\nexcept A as e:\n    b\nexcept b.C:\n    c\nexcept:\n    raise\nelse:\n    d\nfinally:\n    e\ntry:\n    a\nexcept* A:\n    b\n",
    );
    agree("type A = B[C]\ntype D[T: E, *F, **G] = T | None\n");
}

#[test]
fn on_definitions() {
    agree("@a\n@b.c(d, e=1) # f\n# g\ndef h(i, j=1, /, k: A = 2, *l: B, m, n: C = 3, **o) -> 'D':\n    '''p'''\n    return i\n");
    agree("def f(a, *, b): pass\ndef g[T: A](a: T) -> None: pass\nasync def h(): yield\n");
    agree(
        "@a\nclass B[T](C, d.E[F], metaclass=G):\n    'doc'\n    x: int = 1\n    @property\n    def y(self): return self.x\nclass D: pass\nclass E(): pass\n",
    );
    agree("f = lambda: 1\ng = lambda a, b=1, *c, **d: a + b\n");
}

#[test]
fn on_expressions() {
    agree("a and b and c or not d or e\na if b else c if d else e\na < b <= c\na is not b\na not in b\na == b != c\n-1\n-a + ~b * c ** d | e\n");
    agree("f(a, *b, c=d, **e)\nf(a=1, *b)\nf(x for x in y)\nf(x for x in y if z).g(h)[i:j:k, ...][l,][m]\nf(a, [b for b in c])\n");
    agree(
        "[a for b, c in d if e if f for g in h]\n{a for a in b}\n{a: b for a, b in c}\nx = {a: b, **c}\nx = {a, *b}\nx = [a, *b]\nx = a,\nx = a, *b\n",
    );
    agree("async def f():\n    return [a async for a in b]\ndef g():\n    x = yield\n    y = yield a, b\n    z = yield from c\n");
    agree("if a := b: c\nx = [y := 1, y]\n");
    agree(
        "'a' 'b'\nx = b'a' b'c'\nx = f'a{b!r:{c}>{d}}e' 'f' f'{g=}'\nx = rb'''a'''\nx = 'a\\n' \"b\"\nx = 0x1f + 1_000 + 1e5 + 2j + 0b1\nx = None, True, False, ...\n",
    );
    agree("getattr(a, 'b', c)\nhasattr(a, 'b')\nprint(a, file=b)\nexec(a)\n");
}

#[test]
fn on_patterns() {
    agree(
        "match a, b:\n    case 1, -2:\n        c\n    case [d, *e] if f:\n        g\n    case {'h': i, -1: _, **j}:\n        k\n    case _:\n        l\n",
    );
    agree(
        "match a:\n    case B(c, d=E.f, g=-1, h=_) | None:\n        i\n    case 'j' | -1 | 1.5 | True | _:\n        k\n    case [*_] as l:\n        m\n    case n:\n        o\n",
    );
}

#[test]
fn on_what_the_rule_book_shows() {
    let pages = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/lints")).expect("the rule book is there");
    let mut examples = 0;
    for page in pages {
        let text = std::fs::read_to_string(page.expect("it can be listed").path()).expect("a page is text");
        for block in text.split("```python").skip(1) {
            let (_, code) = block.split_once('\n').expect("a fence has a line of its own");
            let code = code.split("```").next().unwrap_or("");
            // Only one parser shows parentheses.
            if strict::parse(code).is_some() && !code.contains(" (") {
                agree(code);
                examples += 1;
            }
        }
    }
    assert!(examples > 100, "only {examples} examples were found");
}
