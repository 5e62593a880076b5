//! The command lines: arguments in, calls of the library, text and exit codes out.

mod completion;
pub mod generator;
mod manual;
mod output;
#[cfg(feature = "run")]
pub mod runner;

pub use output::{Failure, colour_of};
