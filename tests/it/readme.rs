//! What the README shows is what the tool prints. After a change of the report, `UPDATE_README=1 cargo test --test it
//! readme` writes the first finding that is printed into it.

use std::process::Command;

#[test]
fn the_sample_is_real_output() {
    let root = env!("CARGO_MANIFEST_DIR");
    let path = format!("{root}/README.md");
    let readme = std::fs::read_to_string(&path).expect("there is a README");
    let (_, rest) = readme.split_once("<!-- sample: lockset ").expect("the README has a sample");
    let (arguments, rest) = rest.split_once(" -->\n```text\n").expect("the sample is a block of text");
    let (sample, _) = rest.split_once("\n```\n<!-- end of sample -->").expect("the sample ends");
    let mut lockset = Command::new(env!("CARGO_BIN_EXE_lockset"));
    for variable in ["NO_GRAPHICS", "CLICOLOR_FORCE"] {
        lockset.env_remove(variable);
    }
    let output = lockset.args(arguments.split(' ')).arg("--no-cache").current_dir(root).env("COLUMNS", "100").output().expect("lockset starts");
    let printed = String::from_utf8(output.stdout).expect("a report is text");
    if std::env::var_os("UPDATE_README").is_some() {
        let first = printed.find("error[").expect("there is a finding");
        let next = printed[first + 1..].find("\n\nerror[").expect("and another one");
        std::fs::write(path, readme.replace(sample, &printed[first..first + 1 + next])).expect("the README can be written");
        return;
    }
    assert!(printed.contains(&format!("{sample}\n")), "{arguments} prints\n\n{printed}");
}
