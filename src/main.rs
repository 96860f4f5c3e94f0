//! The `lockset` command: arguments in, exit code out.

use std::process::ExitCode;

use libmimalloc_sys::{mi_calloc, mi_free, mi_malloc, mi_realloc};
use mimalloc::MiMalloc;

/// A run makes and frees small things by the million, on several threads.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let allocator = tree_sitter::Allocator { malloc: mi_malloc, calloc: mi_calloc, realloc: mi_realloc, free: mi_free };
    // SAFETY: the four are one allocator's, as good as libc's, and nothing of tree-sitter's was called before.
    unsafe { tree_sitter::set_allocator(Some(allocator)) };
    lockset::cli::main(std::env::args_os())
}
