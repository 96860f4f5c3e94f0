//! The `lockset` command: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    lockset::cli::main(std::env::args_os())
}
