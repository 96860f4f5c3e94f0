//! One language's syntax and scoping, lowered to the IR. A frontend knows its language, and nothing of concurrency, of
//! other files, or of what a library's names mean.

pub mod python;
pub mod rust;
