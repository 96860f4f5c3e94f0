//! Inputs that are deep, long, or multiply: no overflow, and a loss that says why.

use super::{function, lower};

/// Lowers `source` and gives the reasons of what is lost.
fn losses(source: &str) -> Vec<String> {
    lower(source).lost.into_iter().map(|it| it.reason).collect()
}

fn repeat(open: &str, inner: &str, close: &str, times: usize) -> String {
    format!("x = {}{inner}{}\n", open.repeat(times), close.repeat(times))
}

#[test]
fn long_chains_are_lowered() {
    for source in [
        repeat("(", "1", ")", 100_000),
        repeat("not ", "a", "", 100_000),
        repeat("-", "a", "", 100_000),
        repeat("", "a", " + a", 100_000),
        repeat("", "a", " and b", 100_000),
        repeat("", "a", " < b", 100_000),
        repeat("", "a", ".b()", 50_000),
        repeat("", "a", ".b", 100_000),
        repeat("", "a", "[0]", 100_000),
        repeat("a if b else ", "c", "", 100_000),
        repeat("a = ", "1", "", 100_000),
        repeat("[", "1", "", 1).replace('1', &"1, ".repeat(100_000)).replace('\n', "]\n"),
        format!("x = {{{}}}\n", (0..50_000).map(|it| format!("'k{it}': {it}, ")).collect::<String>()),
        format!("if a: pass\n{}", "elif b: pass\n".repeat(10_000)),
        format!("match x:\n{}", "    case 1: pass\n".repeat(10_000)),
        format!("match x:\n    case {}2: pass\n", "1 | ".repeat(10_000)),
        format!("{}def f(): pass\n", "@a\n".repeat(10_000)),
        "x = 1\n".repeat(50_000),
    ] {
        assert_eq!(losses(&source), Vec::<String>::new(), "{}", &source[..40]);
    }
}

#[test]
fn deep_nesting_is_lost() {
    for source in [
        repeat("[", "1", "]", 100_000),
        repeat("f(", "1", ")", 100_000),
        repeat("{1: ", "1", "}", 50_000),
        repeat("(a := ", "1", ")", 50_000),
        repeat("a ** ", "1", "", 100_000),
        repeat("lambda: ", "1", "", 50_000),
        repeat("(a for a in ", "b", ")", 2_000),
        repeat("[a for a in ", "b", "]", 5_000),
        repeat("[", "a for a in b", " for a in b]", 5_000).replace("a for a in b for", "a for"),
        format!("match x:\n    case {}a{}: pass\n", "[".repeat(20_000), "]".repeat(20_000)),
        format!("{}a{} = x\n", "[".repeat(20_000), "]".repeat(20_000)),
        format!("async def f():\n    return {}a\n", "await ".repeat(50_000)),
        (0..1_000).map(|it| format!("{}def f():\n", " ".repeat(it))).collect::<String>() + &" ".repeat(1_000) + "pass\n",
        (0..300).map(|it| format!("{}class C:\n", " ".repeat(it))).collect::<String>() + &" ".repeat(300) + "pass\n",
        (0..5_000).map(|it| format!("{}if a:\n", " ".repeat(it))).collect::<String>() + &" ".repeat(5_000) + "pass\n",
    ] {
        let losses = losses(&source);
        assert!(!losses.is_empty(), "{}", &source[..40]);
        assert!(losses.len() <= 4, "{} loses {}", &source[..40], losses.len());
    }
}

#[test]
fn nested_finally_blocks_do_not_multiply() {
    let depth = 60;
    let mut source = String::from("def f(xs):\n  for x in xs:\n");
    for level in 0..depth {
        let indent = " ".repeat(level + 4);
        source += &format!(
            "{indent}try:\n{indent} if a{level}: return {level}\n{indent} if b{level}: break\n{indent} if c{level}: continue\n{indent}finally:\n"
        );
    }
    source += &format!("{}done(lambda: x)\n", " ".repeat(depth + 4));
    let module = lower(&source);
    assert!(module.lost.is_empty());
    assert_eq!(module.functions.iter().filter(|it| it.name == "<lambda>").count(), 1);
    let ops: usize = module.functions.iter().map(|it| it.ops.len()).sum();
    assert!(ops < 100_000, "{ops}");
}

#[test]
fn broken_files_do_not_take_long() {
    losses(&"def f(:\n  x = (\n".repeat(2_000));
    losses(&"class C:\n  def f(self): return (\n".repeat(2_000));
    losses(&"'''\n".repeat(2_001));
    losses(&"x = (\n".repeat(20_000));
    losses(&(0..400).map(|it| format!("{}class C(:\n", " ".repeat(it))).collect::<String>());
    losses(&repeat("f'{", "a", "}'", 3_000));
    losses(&format!("x = f'{{a{}{}}}'\n", ":{a".repeat(3_000), "}".repeat(3_000)));
    losses(&"x = 1\0\n".repeat(1_000));
    losses(&(0..50_000u32).filter_map(|it| char::from_u32(33 + it * 7919 % 90)).collect::<String>());
}

#[test]
fn many_jumps_out_of_many_scopes_are_shared() {
    let managers = "a, ".repeat(1_000);
    let jumps = "        if b: return 1\n        if c: break\n".repeat(1_000);
    let module = lower(&format!("def f():\n  while d:\n      with ({managers}):\n{}", jumps.replace("        ", "         ")));
    assert!(module.lost.is_empty());
    let ops: usize = module.functions.iter().map(|it| it.ops.len()).sum();
    assert!(ops < 20_000, "{ops}");
}

#[test]
fn long_runs_of_comments_leave_everything_in_its_place() {
    let run = "    # one more line of many\n".repeat(5_000);
    let source = format!("class A:\n{run}    # guarded-by: _lock\n    x = 1\n    text = '''\n{run}    '''\n\ndef f():\n    return A.x\n");
    let module = lower(&source);
    assert!(module.lost.is_empty(), "{:?}", module.lost);
    let [directive] = &module.directives[..] else { panic!("{:?}", module.directives) };
    assert_eq!(&source[directive.range.as_usize()], "# guarded-by: _lock");
    assert_eq!(source[directive.line.as_usize()].trim(), "x = 1");
    assert_eq!(&source[function(&module, "f").range.as_usize()], "def f():\n    return A.x");
}
