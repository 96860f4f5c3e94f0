//! The `lockset` command: arguments in, exit code out.

use std::process::ExitCode;

use libmimalloc_sys as mi;

/// Lowering makes and frees many small objects, which this does a third faster.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// mimalloc's `mi_option_purge_delay`, which the bindings do not name.
const PURGE_DELAY: mi::mi_option_t = 15;

fn main() -> ExitCode {
    let allocator = tree_sitter::Allocator { malloc: mi::mi_malloc, calloc: mi::mi_calloc, realloc: mi::mi_realloc, free: mi::mi_free };
    // SAFETY: the four are one allocator's, as good as libc's, and nothing of tree-sitter's was called before. The option
    // is a number: memory that is free is kept, as the next stage wants it again.
    unsafe {
        tree_sitter::set_allocator(Some(allocator));
        mi::mi_option_set(PURGE_DELAY, -1);
    }
    lockset::cli::main(std::env::args_os())
}
