use super::snapshot;

#[test]
fn literals_and_captures() {
    snapshot!(
        "def f(x):\n    match x:\n        case 1 | -2 | 'a' 'b':\n            return 1\n        case None:\n            return 2\n        case -1.5:\n            return 3\n        case y if y > x:\n            return y\n        case _:\n            return 4\n"
    );
}

#[test]
fn values() {
    snapshot!("def f(self, x):\n    match x:\n        case Color.RED:\n            return 1\n        case self.limit | _:\n            return 2\n");
}

#[test]
fn sequences() {
    snapshot!(
        "def f(x, y):\n    match x, y:\n        case [1, _], (a, *rest, b):\n            return rest\n        case *_, c:\n            return c\n        case (d):\n            return d\n        case e,:\n            return e\n"
    );
}

#[test]
fn mappings() {
    snapshot!("def f(x):\n    match x:\n        case {'k': v, -1: [w], Color.RED: _, **rest}:\n            return v, w, rest\n");
}

#[test]
fn classes() {
    snapshot!(
        "def f(x):\n    match x:\n        case a.Point(0, y=q, z=-1, w=_) as p:\n            return p, q\n        case str(s) | bytes(s):\n            return s\n        case Empty():\n            pass\n"
    );
}
