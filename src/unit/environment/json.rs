//! A long JSON text as one environment variable, over continuation lines that people can read.
//!
//! ```text
//! Environment='EIGHTBELLS_JOB={ \
//!   "job": "moinmoin-backup", \
//!   "sources": [{"name": "pages"}] \
//! }'
//! ```
//!
//! systemd turns each `\` and line end into one blank, so that the variable holds the same JSON with other white
//! space. Lines are broken between JSON tokens only. None begins with `#` or `;`, which systemd would drop in the
//! middle of a value: a JSON token begins with neither.

use std::fmt::Write as _;

use serde_json::Value;

use super::super::layout::{LINE_MAX_BYTES, LINE_WIDTH};
use super::super::quote;
use super::name_is_valid;

/// The lines of one variable together, line ends included. systemd fails at exec for a variable of 128 KiB
/// (`MAX_ARG_STRLEN` of Linux); half of it keeps units small, which fleet re-reads all the time.
pub const JSON_VARIABLE_MAX_BYTES: usize = 64 * 1024;
/// The deepest nesting of maps and lists that is written, which is also what `serde_json` reads back.
pub const JSON_MAX_DEPTH: usize = 127;

/// What every line but the last ends with.
const CONTINUES: &str = " \\";
/// How far one level is set off, and the level from which it goes no further.
const INDENT: usize = 2;
const INDENTED_LEVELS: usize = 20;

/// Why a JSON text cannot be a variable of a unit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonVariableError {
    /// Not a name that systemd takes for a variable.
    #[error("`{0}` is not a name of an environment variable")]
    Name(String),
    /// A string or number that does not fit on a line, which is the only place where it could stand.
    #[error("the value at `{pointer}` takes {bytes} bytes, more than the {LINE_MAX_BYTES} of a line")]
    TooLongForALine {
        /// Where it is: a JSON pointer (RFC 6901).
        pointer: String,
        /// What the line would take.
        bytes: usize,
    },
    /// The whole is larger than [`JSON_VARIABLE_MAX_BYTES`].
    #[error("the variable takes more than {JSON_VARIABLE_MAX_BYTES} bytes")]
    TooLarge,
    /// Nested deeper than [`JSON_MAX_DEPTH`].
    #[error("the value is nested more than {JSON_MAX_DEPTH} levels deep")]
    TooDeep,
}

/// `Environment='NAME=…'` in physical lines, without their line ends.
///
/// # Errors
/// A name that systemd refuses; a string too long for a line of [`LINE_MAX_BYTES`]; more than
/// [`JSON_VARIABLE_MAX_BYTES`] in all; nesting beyond [`JSON_MAX_DEPTH`].
pub fn json_variable(name: &str, json: &Value) -> Result<Vec<String>, JsonVariableError> {
    if !name_is_valid(name.as_bytes()) {
        return Err(JsonVariableError::Name(name.to_owned()));
    }
    let mut writer = Writer { lines: Vec::new(), bytes: 0, path: Vec::new() };
    writer.value(json, &format!("Environment='{name}="), "'")?;
    Ok(writer.lines)
}

/// One step from a value to a value in it.
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

struct Writer<'a> {
    lines: Vec<String>,
    bytes: usize,
    path: Vec<Step<'a>>,
}

impl<'a> Writer<'a> {
    /// Writes a value, on one line if it fits: `before` and `after` stand on its first and last line.
    fn value(&mut self, value: &'a Value, before: &str, after: &str) -> Result<(), JsonVariableError> {
        if self.path.len() > JSON_MAX_DEPTH {
            return Err(JsonVariableError::TooDeep);
        }
        let room = LINE_WIDTH.saturating_sub(self.indent() + before.len() + after.len() + CONTINUES.len());
        if let Some(flat) = flat(value, room) {
            return self.line(&format!("{before}{flat}{after}"), after == "'");
        }
        match value {
            Value::Object(map) => self.map(map, before, after),
            Value::Array(list) => self.list(list, before, after),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => self.scalar(value, before, after),
        }
    }

    fn map(
        &mut self,
        map: &'a serde_json::Map<String, Value>,
        before: &str,
        after: &str,
    ) -> Result<(), JsonVariableError> {
        self.line(&format!("{before}{{"), false)?;
        for (place, (key, value)) in map.iter().enumerate() {
            self.path.push(Step::Key(key));
            self.value(value, &format!("{}: ", string(key)), comma(place, map.len()))?;
            self.path.pop();
        }
        self.line(&format!("}}{after}"), after == "'")
    }

    fn list(&mut self, list: &'a [Value], before: &str, after: &str) -> Result<(), JsonVariableError> {
        self.line(&format!("{before}["), false)?;
        for (place, value) in list.iter().enumerate() {
            self.path.push(Step::Index(place));
            self.value(value, "", comma(place, list.len()))?;
            self.path.pop();
        }
        self.line(&format!("]{after}"), after == "'")
    }

    /// A long string: after its key where a line holds both, else on the next.
    fn scalar(&mut self, value: &Value, before: &str, after: &str) -> Result<(), JsonVariableError> {
        let text = scalar(value);
        let together = self.indent() + before.len() + text.len() + after.len() + CONTINUES.len();
        if together <= LINE_MAX_BYTES || before.is_empty() || self.path.is_empty() {
            return self.line(&format!("{before}{text}{after}"), after == "'");
        }
        self.line(before.trim_end(), false)?;
        self.line(&format!("{text}{after}"), false)
    }

    fn line(&mut self, text: &str, last: bool) -> Result<(), JsonVariableError> {
        let continues = if last { "" } else { CONTINUES };
        let line = format!("{:indent$}{text}{continues}", "", indent = self.indent());
        if line.len() > LINE_MAX_BYTES {
            return Err(JsonVariableError::TooLongForALine { pointer: self.pointer(), bytes: line.len() });
        }
        self.bytes += line.len() + 1;
        if self.bytes > JSON_VARIABLE_MAX_BYTES {
            return Err(JsonVariableError::TooLarge);
        }
        self.lines.push(line);
        Ok(())
    }

    fn indent(&self) -> usize {
        INDENT * self.path.len().min(INDENTED_LEVELS)
    }

    fn pointer(&self) -> String {
        let mut out = String::new();
        for step in &self.path {
            // Writing to a String cannot fail.
            let _ = match step {
                Step::Key(key) => write!(out, "/{}", key.replace('~', "~0").replace('/', "~1")),
                Step::Index(place) => write!(out, "/{place}"),
            };
        }
        out
    }
}

fn comma(place: usize, of: usize) -> &'static str {
    if place + 1 == of { "" } else { "," }
}

/// The value on one line, if it takes no more than `room` bytes; work ends where the room does.
fn flat(value: &Value, room: usize) -> Option<String> {
    let mut out = String::new();
    push_flat(&mut out, value, room)?;
    Some(out)
}

fn push_flat(out: &mut String, value: &Value, room: usize) -> Option<()> {
    match value {
        Value::Object(map) => {
            push_within(out, "{", room)?;
            for (place, (key, value)) in map.iter().enumerate() {
                out.push_str(if place == 0 { "" } else { ", " });
                push_within(out, &string_within(key, room)?, room)?;
                out.push_str(": ");
                push_flat(out, value, room)?;
            }
            out.push('}');
        }
        Value::Array(list) => {
            push_within(out, "[", room)?;
            for (place, value) in list.iter().enumerate() {
                out.push_str(if place == 0 { "" } else { ", " });
                push_flat(out, value, room)?;
            }
            out.push(']');
        }
        Value::String(text) => push_within(out, &string_within(text, room)?, room)?,
        Value::Null | Value::Bool(_) | Value::Number(_) => out.push_str(&scalar(value)),
    }
    (out.len() <= room).then_some(())
}

fn push_within(out: &mut String, text: &str, room: usize) -> Option<()> {
    out.push_str(text);
    (out.len() <= room).then_some(())
}

fn string_within(text: &str, room: usize) -> Option<String> {
    (text.len() <= room).then(|| string(text))
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => string(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// A JSON string as it stands between single quotes in a unit: first JSON's escapes, then systemd's.
fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    text.chars().for_each(|c| push_char(&mut out, c));
    out.push('"');
    out
}

fn push_char(out: &mut String, c: char) {
    match c {
        '"' => out.push_str(r#"\\""#),
        '\\' => out.push_str(r"\\\\"),
        '\n' => out.push_str(r"\\n"),
        '\r' => out.push_str(r"\\r"),
        '\t' => out.push_str(r"\\t"),
        '\'' => out.push_str(r"\'"),
        '%' => out.push_str("%%"),
        c if quote::is_hidden(c) => push_unicode_escape(out, c),
        c => out.push(c),
    }
}

fn push_unicode_escape(out: &mut String, c: char) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        // Writing to a String cannot fail.
        let _ = write!(out, r"\\u{unit:04x}");
    }
}
