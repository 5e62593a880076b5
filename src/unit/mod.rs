//! Unit-file text, exact against systemd and fleet.

mod bytes;
pub mod cunescape;
pub mod environment;
pub mod exec;
pub mod file;
pub mod fleet_name;
mod layout;
pub mod name;
mod quote;
pub mod specifier;
mod text;
pub mod words;

pub use environment::{AssignmentError, JsonVariableError, assignment, json_variable};
pub use exec::{ExecLine, ExecLineError};
pub use file::{Dialect, Effect, Entry, Item, ItemKind, Problem, ProblemKind, Section, UnitFile};
pub use layout::LINE_MAX_BYTES;
pub use name::{NameKind, UnitName, UnitNameError, UnitType};
pub use quote::{TextError, list_word, plain_value};
pub use text::{Piece, UnitText};
