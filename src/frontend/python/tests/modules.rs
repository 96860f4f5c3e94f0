use super::{function, lower, snapshot};
use crate::ir::Told;

#[test]
fn imports() {
    snapshot!(
        "
import a
import a.b.c
import a.b as m, d
from . import e
from ..p.q import (r as s, t)
from u import *
from __future__ import annotations
def f():
    import json
    from x import y as z
    json.dumps(z)
    def g():
        return json
def h():
    global late
    import late
"
    );
}

#[test]
fn globals() {
    snapshot!(
        "
import a
count = 0
for i in a: pass
with a as handle: pass
try: import fast
except ImportError: fast = None
def f():
    global count, made, unused
    count += 1
    made = 1
    local = 2
class C: pass
if a:
    pair, (deep, *rest) = a
C = wrap(C)
"
    );
}

#[test]
fn docstrings() {
    let module = lower(
        "'''Not thread-safe.'''\ndef f():\n    'Thread\\x2dsafe. The caller' ' must hold the lock.'\ndef g():\n    f'thread-safe {x}'\nclass C:\n    r'thread\\x2dsafe'\n",
    );
    assert_eq!(module.functions[0].told, Told { several_threads: Some(false), caller_locks: false });
    assert_eq!(function(&module, "f").told, Told { several_threads: Some(true), caller_locks: true });
    assert_eq!(function(&module, "g").told, Told::default());
    assert_eq!(module.classes[0].told, Told::default());
}

#[test]
fn odd_text() {
    for source in [
        "\u{feff}x = 1\r\ndef f():\r\n\treturn x\r\n",
        "\x0cdef f():\n\x0c    return 1\n",
        "größe = 1\ndef f(): return größe\n",
        "def f():\n        return 1",
        "",
    ] {
        let module = lower(source);
        assert!(module.lost.is_empty(), "{source:?}: {:?}", module.lost);
        assert_eq!(module.functions.len(), if source.is_empty() { 1 } else { 2 }, "{source:?}");
    }
}

#[test]
fn statements_cover_heads() {
    let source = "@d\ndef f(a,\n      b):\n    with a.lock as x:  # why\n        x.run(1,\n          2)\n    for i in b: pass\n    if a: pass\n    elif b: pass\n";
    let module = lower(source);
    let texts: Vec<&str> = function(&module, "f").statements.iter().skip(1).map(|it| &source[it.range.as_usize()]).collect();
    assert_eq!(texts, ["with a.lock as x:", "x.run(1,\n          2)", "for i in b:", "pass", "if a:", "pass", "elif b:", "pass"]);
    let texts: Vec<&str> = module.functions[0].statements.iter().skip(1).map(|it| &source[it.range.as_usize()]).collect();
    assert_eq!(texts, ["@d\ndef f(a,\n      b):"]);
}
