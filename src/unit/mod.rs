//! Unit-file text, read and written exactly as systemd and fleet take it.
//!
//! | to | use |
//! |---|---|
//! | write a command, a variable, a job's JSON, any other value | [`ExecLine`], [`assignment`], [`json_variable`], [`plain_value`] and [`list_word`] |
//! | keep `%i` live in what is written | [`UnitText`] |
//! | read a file as systemd or as fleet does, every byte with its place | [`UnitFile`] |
//! | read a value of it | [`exec::parse`], [`environment::parse`], [`specifier::scan`], [`words`], [`value`] |
//! | name units | [`UnitName`], [`name::escape`], [`fleet_name`] |
//!
//! Pure text: nothing here reads a file, a clock or the environment. The facts are those of systemd 252; where an
//! older one reads otherwise, what is *written* keeps to what all from 215 on read alike.
//!
//! ```
//! use eightbells::unit::exec::parse;
//! use eightbells::unit::specifier::Values;
//! use eightbells::unit::{Dialect, ExecLine, UnitFile, UnitName, UnitText};
//!
//! let line = ExecLine::new("/bin/echo").args(["100%", "it's $5", ""]).arg(UnitText::specifier('i'));
//! let text = format!("[Service]\n{}\n", line.lines("ExecStart")?.join("\n"));
//! assert_eq!(text, "[Service]\nExecStart=/bin/echo 100%% \"it's $$5\" \"\" %i\n");
//!
//! let file = UnitFile::parse(text, Dialect::Systemd);
//! let entry = file.entries_for("Service", "ExecStart").next().unwrap();
//! let unit = UnitName::parse("backup@80.service")?;
//! let value = parse(entry.bytes(), &Values::of_unit(&unit));
//! assert_eq!(value.commands[0].argv.last().unwrap(), b"80");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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
pub mod value;
pub mod words;

pub use environment::{AssignmentError, JsonVariableError, assignment, json_variable};
pub use exec::{ExecLine, ExecLineError};
pub use file::{Dialect, Effect, Entry, Item, ItemKind, Problem, ProblemKind, Section, UnitFile};
pub use layout::LINE_MAX_BYTES;
pub use name::{NameKind, UnitName, UnitNameError, UnitType};
pub use quote::{TextError, list_word, plain_value};
pub use text::{Piece, UnitText};
