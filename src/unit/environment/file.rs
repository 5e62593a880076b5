//! Reading the contents of an `EnvironmentFile=` (`parse_env_file_internal`, src/basic/env-file.c).

use std::collections::HashMap;

use super::super::bytes::is_blank;

/// A variable of an environment file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileVariable {
    /// What stands before the `=`. systemd passes over a variable whose name it does not take, see
    /// [`name_is_valid`](super::name_is_valid).
    pub name: Vec<u8>,
    /// Quotes and backslashes taken off.
    pub value: Vec<u8>,
}

/// Which systemd reads the file: a comment that ends in a backslash swallows the next line up to 253.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommentContinuation {
    /// Up to systemd 253: the next line belongs to the comment.
    Swallows,
    /// From systemd 254 on: the comment ends with its line.
    Ends,
}

/// Reads an environment file. Unlike a shell, systemd substitutes nothing, and knows no `export`. Of several lines
/// with one name the last gives the value, in the place of the first.
#[must_use]
pub fn parse_file(text: &[u8], comments: CommentContinuation) -> Vec<FileVariable> {
    let mut reader =
        Reader { comments, name: Text::default(), value: Text::default(), done: Vec::new(), places: HashMap::new() };
    let mut state = State::BeforeName;
    // NUL ends the text, as it does for a C program.
    for &byte in text.iter().take_while(|byte| **byte != 0) {
        state = reader.step(state, byte);
    }
    reader.finish(state);
    reader.done
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    BeforeName,
    Name,
    BeforeValue,
    Value,
    ValueEscape,
    SingleQuoted,
    DoubleQuoted,
    DoubleQuotedEscape,
    Comment,
    CommentEscape,
}

/// A text, and where the blanks at its end begin.
#[derive(Default)]
struct Text {
    bytes: Vec<u8>,
    blanks_from: Option<usize>,
}

impl Text {
    fn push(&mut self, byte: u8) {
        self.blanks_from = if is_blank(byte) { self.blanks_from.or(Some(self.bytes.len())) } else { None };
        self.bytes.push(byte);
    }

    /// What was quoted or escaped is no blank to be dropped, if only nothing bare follows.
    fn push_quoted(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    fn take(&mut self) -> Vec<u8> {
        self.blanks_from = None;
        std::mem::take(&mut self.bytes)
    }

    fn take_trimmed(&mut self) -> Vec<u8> {
        if let Some(blanks) = self.blanks_from {
            self.bytes.truncate(blanks);
        }
        self.take()
    }
}

struct Reader {
    comments: CommentContinuation,
    name: Text,
    value: Text,
    done: Vec<FileVariable>,
    places: HashMap<Vec<u8>, usize>,
}

impl Reader {
    fn step(&mut self, state: State, byte: u8) -> State {
        match state {
            State::BeforeName => self.before_name(byte),
            State::Name => self.in_name(byte),
            State::BeforeValue => self.before_value(byte),
            State::Value => self.in_value(byte),
            State::ValueEscape => {
                if !is_newline(byte) {
                    self.value.push_quoted(byte);
                }
                State::Value
            }
            State::SingleQuoted | State::DoubleQuoted => self.quoted(state, byte),
            State::DoubleQuotedEscape => self.double_quoted_escape(byte),
            State::Comment if byte == b'\\' => State::CommentEscape,
            State::Comment if is_newline(byte) => State::BeforeName,
            State::CommentEscape if is_newline(byte) && self.comments == CommentContinuation::Ends => State::BeforeName,
            State::Comment | State::CommentEscape => State::Comment,
        }
    }

    fn before_name(&mut self, byte: u8) -> State {
        if matches!(byte, b'#' | b';') {
            return State::Comment;
        }
        if is_blank(byte) {
            return State::BeforeName;
        }
        self.name.push(byte);
        State::Name
    }

    fn in_name(&mut self, byte: u8) -> State {
        if is_newline(byte) {
            self.name.take();
            return State::BeforeName;
        }
        if byte == b'=' {
            self.value.blanks_from = None;
            return State::BeforeValue;
        }
        self.name.push(byte);
        State::Name
    }

    fn before_value(&mut self, byte: u8) -> State {
        match byte {
            byte if is_newline(byte) => {
                let value = self.value.take();
                self.finish_line(value)
            }
            b'\'' => State::SingleQuoted,
            b'"' => State::DoubleQuoted,
            b'\\' => State::ValueEscape,
            byte if is_blank(byte) => State::BeforeValue,
            byte => {
                self.value.push_quoted(byte);
                State::Value
            }
        }
    }

    fn in_value(&mut self, byte: u8) -> State {
        if is_newline(byte) {
            let value = self.value.take_trimmed();
            return self.finish_line(value);
        }
        if byte == b'\\' {
            self.value.blanks_from = None;
            return State::ValueEscape;
        }
        self.value.push(byte);
        State::Value
    }

    fn quoted(&mut self, state: State, byte: u8) -> State {
        match (state, byte) {
            (State::SingleQuoted, b'\'') | (State::DoubleQuoted, b'"') => State::BeforeValue,
            (State::DoubleQuoted, b'\\') => State::DoubleQuotedEscape,
            (state, byte) => {
                self.value.push_quoted(byte);
                state
            }
        }
    }

    /// A backslash in double quotes escapes what a shell's would, and joins lines; else it stands for itself.
    fn double_quoted_escape(&mut self, byte: u8) -> State {
        match byte {
            b'"' | b'\\' | b'`' | b'$' => self.value.push_quoted(byte),
            b'\n' => {}
            byte => {
                self.value.push_quoted(b'\\');
                self.value.push_quoted(byte);
            }
        }
        State::DoubleQuoted
    }

    fn finish_line(&mut self, value: Vec<u8>) -> State {
        let name = self.name.take_trimmed();
        let place = *self.places.entry(name.clone()).or_insert(self.done.len());
        match self.done.get_mut(place) {
            Some(earlier) => earlier.value = value,
            None => self.done.push(FileVariable { name, value }),
        }
        State::BeforeName
    }

    /// A file may end anywhere but within a name or a comment.
    fn finish(&mut self, state: State) {
        let value = match state {
            State::BeforeName | State::Name | State::Comment | State::CommentEscape => return,
            State::Value => self.value.take_trimmed(),
            State::BeforeValue
            | State::ValueEscape
            | State::SingleQuoted
            | State::DoubleQuoted
            | State::DoubleQuotedEscape => self.value.take(),
        };
        self.finish_line(value);
    }
}

fn is_newline(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}
