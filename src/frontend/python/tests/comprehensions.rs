use super::snapshot;

#[test]
fn displays() {
    snapshot!("def f(xs, y):\n    a = [x + y for x in xs if x if y]\n    b = {x for x in a}\n    return {k: v for k, v in b}\n");
}

#[test]
fn nested_loops() {
    snapshot!("def f(xss):\n    x = 1\n    ys = [[z for z in x] for xs in xss for x in xs]\n    return x\n");
}

#[test]
fn generators_run_with_their_call() {
    snapshot!("def f(xs):\n    return sum(x.n for x in xs), g((x for x in xs), 1), h(*(x for x in xs))\n");
}

#[test]
fn generators_kept_are_functions() {
    snapshot!("def f(xs, n):\n    lazy = (x + n for x in xs.all() if x)\n    return g(key=(y for y in lazy))\n");
}

#[test]
fn loop_variables_can_be_captured() {
    snapshot!("def f(xs):\n    return [lambda: x for x in xs]\nfs = [lambda: x for x in ys]\n");
}
