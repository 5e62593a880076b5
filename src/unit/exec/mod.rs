//! `Exec…=`: commands read as systemd reads them, and written so that it reads what was meant.

mod line;
mod path;

pub use line::{ExecLine, ExecLineError};
pub use path::PathProblem;
