use super::snapshot;

#[test]
fn for_loops() {
    snapshot!(
        "def f(xs):\n    for i, x in enumerate(xs):\n        if x:\n            continue\n        break\n    else:\n        g()\n    return i\n"
    );
}

#[test]
fn while_loops() {
    snapshot!(
        "def f(self):\n    while self.n < 3 or self.more:\n        self.n += 1\n    else:\n        g()\n    while True:\n        if h():\n            break\n"
    );
}

#[test]
fn endless_loops_have_no_end() {
    snapshot!("def f(self):\n    while 1:\n        self.run()\n    unreachable()\n");
}
