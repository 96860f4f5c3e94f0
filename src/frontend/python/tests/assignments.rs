use super::snapshot;

#[test]
fn plain_and_chained() {
    snapshot!("def f(x):\n    a = b.c = d[0] = x\n    self.n = self.n + 1\n");
}

#[test]
fn unpacking() {
    snapshot!("def f(t):\n    a, (b, c) = t\n    first, *rest, last = t\n    [x, *y] = t\n    z, = t\n    (w) = t\n");
}

#[test]
fn opposite_tuples_are_not_built() {
    snapshot!("def swap(self):\n    self.a, self.b = self.b, self.a\n    x, *y = 1, 2\n    p = q, r = 1, 2\n");
}

#[test]
fn augmented_evaluates_its_target_once() {
    snapshot!("def f(self):\n    self.n += 1\n    self.d[key()] += value()\n    self.xs[-1].n -= 2\n    n = 0\n    n **= 2\n    get().n |= 4\n");
}

#[test]
fn annotated() {
    snapshot!(
        "
LIMIT: int = 5
cache: dict[str, int]
Alias: TypeAlias = 'dict[str, int]'
class C:
    x: int = 1
    y: 'C'
    def __init__(self):
        self._items: list[int] = []
        other.z: int = 3
        n: float
        m: 'str' = ''
"
    );
}

#[test]
fn deletions() {
    snapshot!("def f(d, x):\n    del x, d['k'], d[x.i], (d.a, d.b)\n    del d[1:2]\n");
}

#[test]
fn walrus() {
    snapshot!("def f(xs):\n    if (n := len(xs)) > 3:\n        return n\n    return [last := x for x in xs], last\n");
}
