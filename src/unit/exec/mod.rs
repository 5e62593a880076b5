//! `Exec…=`: commands read as systemd reads them, and written so that it reads what was meant.

mod display;
mod line;
mod parse;
mod path;
mod variables;

pub use display::quote_command_line;
pub use line::{ExecLine, ExecLineError};
pub use parse::{ExecCommand, ExecEffect, ExecProblem, ExecProblemKind, ExecValue, Prefix, Prefixes, parse};
pub use path::PathProblem;
pub use variables::expand_variables;
