//! What goes to a terminal, a pipe or a file.

use crate::contract::exit;
use crate::diag::{Colour, Report, render_human};
use std::io::{IsTerminal, Write};

/// Why a command ends without success: a message for people, and the exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The exit code, of [`exit`].
    pub code: u8,
    /// What to print after `error: `; nothing where all has been said.
    pub message: Option<String>,
    /// What to do, a line each.
    pub help: Vec<String>,
}

impl Failure {
    /// A failure with its words.
    #[must_use]
    pub fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: Some(message.into()), help: vec![] }
    }

    /// A failure of which all has been said.
    #[must_use]
    pub fn said(code: u8) -> Self {
        Self { code, message: None, help: vec![] }
    }

    /// The same with a line of help.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// A failure of reading or writing a path.
    #[must_use]
    pub fn io(doing: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::new(exit::FAILED, format!("cannot {doing} `{}`: {error}", path.display()))
    }

    /// Prints it to standard error.
    pub fn print(&self) {
        if let Some(message) = &self.message {
            say(&format!("error: {message}"));
        }
        for help in &self.help {
            say(&format!("  help: {help}"));
        }
    }
}

/// A line to standard error; that nobody reads it is no error.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Text to standard output.
///
/// # Errors
/// A closed pipe ends the command quietly with success, as `head` expects; anything else is a failure.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    print_bytes(text.as_bytes())
}

/// Bytes to standard output, as [`print`] does with text.
///
/// # Errors
/// As there.
pub(crate) fn print_bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Err(Failure::said(exit::OK)),
        Err(error) => Err(Failure::new(exit::FAILED, format!("cannot write to standard output: {error}"))),
        Ok(()) => Ok(()),
    }
}

/// Whether a stream is a terminal that wants colour: `NO_COLOR` (no-color.org) and `TERM=dumb` say no.
#[must_use]
pub fn colour_of(stream: &impl IsTerminal) -> Colour {
    let no = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|v| v == "dumb");
    if stream.is_terminal() && !no && !dumb { Colour::Always } else { Colour::Never }
}

/// All findings to standard error.
pub(crate) fn show(report: &Report) {
    let stderr = std::io::stderr();
    let text = render_human(report, colour_of(&stderr));
    let _ = stderr.lock().write_all(text.as_bytes());
}
