//! What the README shows is what the tool prints.

use std::process::Command;

#[test]
fn the_sample_is_real_output() {
    let root = env!("CARGO_MANIFEST_DIR");
    let readme = std::fs::read_to_string(format!("{root}/README.md")).expect("there is a README");
    let (_, rest) = readme.split_once("<!-- sample: lockset ").expect("the README has a sample");
    let (arguments, rest) = rest.split_once(" -->\n```text\n").expect("the sample is a block of text");
    let (sample, _) = rest.split_once("\n```\n<!-- end of sample -->").expect("the sample ends");
    let output = Command::new(env!("CARGO_BIN_EXE_lockset"))
        .args(arguments.split(' '))
        .current_dir(root)
        .env("COLUMNS", "100")
        .output()
        .expect("lockset starts");
    let printed = String::from_utf8(output.stdout).expect("a report is text");
    assert!(printed.contains(&format!("{sample}\n")), "{arguments} prints\n\n{printed}");
}
