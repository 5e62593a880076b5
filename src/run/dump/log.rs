//! What a dump's programs say on standard error: into the log, redacted, and its last lines into errors.

use crate::run::secret::Secrets;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// How many last lines an error shows.
const TAIL_LINES: usize = 10;
/// How long each of them may be, in characters.
const TAIL_LINE_CHARS: usize = 400;

/// The lines of one dump.
#[derive(Debug, Clone)]
pub(super) struct Log {
    source: String,
    secrets: Arc<Secrets>,
    tail: Arc<Mutex<VecDeque<String>>>,
}

impl Log {
    pub(super) fn new(source: &str, secrets: Arc<Secrets>) -> Self {
        Self { source: source.to_owned(), secrets, tail: Arc::default() }
    }

    /// Logs a line and remembers it.
    pub(super) fn line(&self, program: &str, line: &str) {
        let line = self.clean(line);
        tracing::info!(source = %self.source, program, "{line}");
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.push_back(line);
        if tail.len() > TAIL_LINES {
            tail.pop_front();
        }
    }

    /// A function for [`crate::run::os::Process::spawn`].
    pub(super) fn sink(&self, program: &str) -> impl FnMut(String) + Send + 'static {
        let (log, program) = (self.clone(), program.to_owned());
        move |line| log.line(&program, &line)
    }

    /// The last lines, oldest first.
    pub(super) fn tail(&self) -> Tail {
        Tail(self.tail.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect())
    }

    /// Lines that were captured elsewhere, as a tail.
    pub(super) fn of_lines(&self, lines: &[String]) -> Tail {
        Tail::of(&lines.iter().map(|line| self.secrets.redact(line)).collect::<Vec<_>>())
    }

    /// Redacted, short, and without control characters: a terminal shows it as it is.
    pub(super) fn clean(&self, line: &str) -> String {
        printable(&self.secrets.redact(line))
    }
}

/// The last lines that a program said, redacted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tail(pub Vec<String>);

impl Tail {
    /// The last of these lines, which hold no secret.
    pub(super) fn of(lines: &[String]) -> Self {
        let skip = lines.len().saturating_sub(TAIL_LINES);
        Self(lines.iter().skip(skip).map(|line| printable(line)).collect())
    }
}

fn printable(line: &str) -> String {
    line.chars().filter(|c| !c.is_control()).take(TAIL_LINE_CHARS).collect()
}

impl std::fmt::Display for Tail {
    /// Nothing, or `; it said:` and the lines, each on one of its own.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.as_slice() {
            [] => Ok(()),
            [line] => write!(f, "; it said: {line}"),
            lines => {
                f.write_str("; it said:")?;
                lines.iter().try_for_each(|line| write!(f, "\n  | {line}"))
            }
        }
    }
}
