use super::snapshot;

#[test]
fn locals_and_globals() {
    snapshot!(
        "
total = 0
def f(a):
    print(total, later)
    later = a
    for i in a: pass
    with a as w: pass
    try: pass
    except E as e: print(e)
    if a:
        import os
    return os.path, i, w, e
"
    );
}

#[test]
fn declared() {
    snapshot!(
        "
n = 0
def outer():
    n = 1
    m = 2
    def inner():
        global n
        nonlocal m
        n += 1
        m += n
        def innermost():
            return n, m
"
    );
}

#[test]
fn captured_through_every_function() {
    snapshot!(
        "
def a(x):
    def b():
        def c():
            return x
        return c
    return b
"
    );
}

#[test]
fn class_scopes_are_not_seen_from_inside() {
    snapshot!(
        "
x = 0
def f():
    x = 1
    class C:
        x = 2
        y = x
        z = [x for _ in y]
        def m(self):
            return x, y
    return C
"
    );
}
