//! The command lines: arguments in, calls of the library, text and exit codes out.

pub mod generator;
mod output;
#[cfg(feature = "run")]
pub mod runner;

pub use output::{Failure, colour_of};
