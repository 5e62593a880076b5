//! Unit files: their text, as systemd and as fleet read it, and values quoted so that both read what was meant.

mod exec_line;
mod json_variable;
mod text;

pub use exec_line::ExecLine;
pub use json_variable::{JsonVariableError, LINE_MAX_BYTES, VARIABLE_MAX_BYTES, json_variable};
pub use text::UnitText;

/// A text as systemd-escape prints it.
#[must_use]
pub fn escape(text: &str) -> String {
    text.to_owned()
}
