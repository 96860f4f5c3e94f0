use super::{lower, snapshot};

#[test]
fn handlers() {
    snapshot!(
        "
def f(a):
    try:
        a.run()
    except ValueError:
        b()
    except (KeyError, socket.timeout) as e:
        log(e)
        raise
    except kinds() as e:
        raise Other from e
    else:
        c()
    return a
"
    );
}

#[test]
fn handlers_of_everything() {
    snapshot!("def f(a):\n    try:\n        a()\n    except E:\n        b()\n    except:\n        c()\n");
}

#[test]
fn exception_groups() {
    snapshot!("def f(a):\n    try:\n        a()\n    except* A as e:\n        b(e)\n    except* B:\n        c()\n");
}

#[test]
fn finally_is_copied_for_each_kind_of_exit() {
    snapshot!(
        "
def f(xs):
    for x in xs:
        try:
            if x.a:
                return x.a
            if x.b:
                return x.b
            if x.c:
                break
            if x.d:
                continue
            x.run()
        except E:
            return None
        finally:
            x.close()
    return 0
"
    );
}

#[test]
fn finally_can_override() {
    snapshot!("def f(a):\n    while a:\n        try:\n            return a()\n        finally:\n            break\n    return 1\n");
}

#[test]
fn a_finally_in_a_finally() {
    snapshot!("def f(a):\n    try:\n        a()\n    finally:\n        try:\n            b()\n        finally:\n            c(lambda: a)\n");
}

#[test]
fn managers() {
    snapshot!("def f(self):\n    with self._lock:\n        self.n += 1\n    return self.n\n");
}

#[test]
fn several_managers() {
    snapshot!("def f(a, b):\n    with a, b() as (x, y), c as self.z:\n        x.run()\n");
}

#[test]
fn managers_in_parentheses() {
    let plain = "def f():\n    with a as x, b:\n        c()\n    with d:\n        e()\n";
    let in_parentheses = "def f():\n    with (a as x, b,):\n        c()\n    with (d):\n        e()\n";
    let ops = |source| lower(source).functions[1].ops.iter().map(|it| it.kind.clone()).collect::<Vec<_>>();
    assert_eq!(ops(plain), ops(in_parentheses));
}

#[test]
fn jumps_leave_managers() {
    snapshot!(
        "def f(xs):\n    for x in xs:\n        with x.lock:\n            if x.a:\n                continue\n            with x.other:\n                break\n    return xs\n"
    );
}

#[test]
fn a_manager_may_swallow() {
    snapshot!("def f(self):\n    with suppress(KeyError):\n        return self.cache['k']\n    self.n = 1\n");
}

#[test]
fn manager_around_finally() {
    snapshot!("def f(self):\n    with self.lock:\n        try:\n            return self.run()\n        finally:\n            self.done()\n");
}

#[test]
fn a_lock_released_in_finally() {
    snapshot!("def f(self):\n    self.lock.acquire()\n    try:\n        self.n += 1\n    finally:\n        self.lock.release()\n");
}

#[test]
fn an_import_can_fail() {
    snapshot!("try:\n    import fast\nexcept ImportError:\n    fast = None\n");
}
