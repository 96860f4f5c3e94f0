use super::snapshot;

#[test]
fn short_circuits() {
    snapshot!(
        "def f(a, b, c):\n    if a and (b or not c):\n        return 1\n    elif not (a or b):\n        return 2\n    else:\n        return 3\n"
    );
}

#[test]
fn values() {
    snapshot!("def f(a, b, c):\n    x = a or b or c\n    y = a if b else c if x else 0\n    return not y\n");
}

#[test]
fn comparisons() {
    snapshot!("def f(a, b, d):\n    if a < b < 3 and a not in d and a is None:\n        return a is not b\n    return a == b != 3\n");
}

#[test]
fn constants_have_one_way() {
    snapshot!(
        "def f(a):\n    while 0:\n        a()\n    if None or not 1:\n        return 2\n    if True and a:\n        return 3\n    return 4 if False else 5\n"
    );
}

#[test]
fn assertions() {
    snapshot!("def f(a):\n    try:\n        assert a > 0 and a.b, 'no %s' % a\n    finally:\n        g()\n");
}
