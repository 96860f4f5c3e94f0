use super::lower;

/// What `source` loses, and the functions that are left.
fn check(source: &str, lost: &[&str], functions: &[&str]) {
    let module = lower(source);
    let texts: Vec<&str> = module.lost.iter().map(|it| &source[it.range.as_usize()]).collect();
    assert_eq!(texts, lost, "{source}");
    let names: Vec<&str> = module.functions.iter().map(|it| it.name.as_str()).filter(|it| !it.starts_with('<')).collect();
    assert_eq!(names, functions, "{source}");
}

#[test]
fn a_statement() {
    check("def f():\n    a = 1\n    b = = 2\n    c = 3\ndef g(): pass\n", &["b = = 2"], &["f", "g"]);
    check("if a:\n    b = = c\n    def h(): pass\ndef g(): pass\n", &["b = = c"], &["h", "g"]);
    check("for x in = y:\n    def h(): pass\ndef g(): pass\n", &["for x in = y:"], &["h", "g"]);
}

#[test]
fn an_unclosed_bracket_in_a_function() {
    check("def f():\n    x = g(\n    y = 2\n\ndef h():\n    pass\n", &["def f():\n    x = g(\n    y = 2"], &["h"]);
    let class =
        "class C:\n    def f(self, x=):\n        pass\n    @property\n    def g(self):\n        return (1\n    def h(self): pass\n\ndef i(): pass\n";
    check(class, &["def f(self, x=):\n        pass", "@property", "def g(self):\n        return (1"], &["h", "i"]);
}

#[test]
fn a_broken_statement_of_the_module() {
    check("x = 5 if\ndef f():\n    pass\nclass C:\n    y = (\n    def g(self): pass\n", &["x = 5 if", "y = ("], &["f", "g"]);
}

#[test]
fn an_unclosed_string() {
    check("def f():\n    x = 'abc\n    return 1\ndef g(): pass\n", &["x = 'abc"], &["f", "g"]);
}

#[test]
fn strings_that_end_at_the_left() {
    let class = "class C:\n    def f(self):\n        run('''\n  a\n''', 1)\n    def g(self):\n        return (\n    def h(self): pass\n";
    check(class, &["def g(self):\n        return ("], &["f", "h"]);
}

#[test]
fn types_are_lost_alone() {
    let source = "def f[T = int](x: T): pass\nclass C[T = int]:\n    def g(self): pass\n";
    check(source, &[], &["f", "g"]);
    // Only the parser that reads on behind errors knows no defaults of type parameters.
    check(&format!("{source}x = = 1\n"), &["x = = 1"], &["f", "g"]);
    check("def f[T = int](x: T):\n    y = = 1\n    return x\n", &["[T = int]", "y = = 1"], &["f"]);
}

#[test]
fn jumps_without_a_loop() {
    check("def f():\n    break\n    return 1\ncontinue\n", &["break", "continue"], &["f"]);
}

#[test]
fn names_bound_beside_an_error_are_known() {
    let module = lower("for a in b:\n    c = 1\n    d = = 2\nx = (\ndef f(): pass\n");
    assert_eq!(module.globals.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["a", "c", "d"]);
}
