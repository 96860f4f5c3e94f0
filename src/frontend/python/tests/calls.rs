use super::snapshot;

#[test]
fn callees() {
    snapshot!(
        "
import a.b as m
def f(g, d, self):
    f(1)
    g(2)
    m.c.d(3)
    self._lock.acquire()
    d['k'].m()
    d[g].m()
    d['k'](4)
    f()()
    f().x.m()
    super().m()
    ', '.join(d)
    (g)(5)
"
    );
}

#[test]
fn arguments() {
    snapshot!("def f(a, k):\n    g(a, *a, x=1, **k)\n    g(*[1], (2), y=(3, 4))\n");
}

#[test]
fn decorators_and_defaults_run_outside() {
    snapshot!(
        "
@app.route('/x', methods=['GET'])
@cached
@(lambda f: f)
def f(a, b=1, c=make(), *rest, d=-2, e=None, **kw): pass

def outer(n):
    def inner(x=n, y: int = 5): return x
    return inner
"
    );
}

#[test]
fn lambdas() {
    snapshot!("key = lambda x, *a, y=1, **k: (x, a, y, k)\ndef f(n):\n    return g(lambda: n + 1, lambda m=n: (o := m))\n");
}

#[test]
fn python_2_statements() {
    snapshot!("def f((a, b), c):\n    print a, 'x'\n    print >>c, b\n    exec c in d\n    raise E, 'x'\n");
}
