//! The builder: a program and its arguments, as an `Exec…=` value that systemd turns back into exactly those.

use super::super::layout;
use super::super::quote::{self, Dollar, TextError};
use super::super::text::UnitText;
use super::path::{self, PathProblem};

/// A command to be written as the value of `ExecStart=` and its like.
///
/// ```
/// use eightbells::unit::{ExecLine, UnitText};
///
/// let line = ExecLine::new("/opt/bin/eightbells-run")
///     .args(["backup", "50% of $HOME", ";"])
///     .arg(UnitText::literal("--container=moinmoin").and_specifier('i'));
/// assert_eq!(
///     line.value().unwrap(),
///     r#"/opt/bin/eightbells-run backup "50%% of $$HOME" \; --container=moinmoin%i"#
/// );
/// ```
///
/// What is written is read alike by every systemd from 215 on, with two exceptions that no escape can help:
/// before 228 an argument that *begins* with `$` vanishes, and before 239 the program must be an absolute path
/// without `%`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecLine {
    executable: UnitText,
    arguments: Vec<UnitText>,
    ignore_failure: bool,
    privileged: bool,
}

/// Why a command cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExecLineError {
    /// systemd would refuse the program, quoted or not.
    #[error("the program cannot be named in a unit")]
    Executable(#[source] PathProblem),
    /// The program holds what no unit can carry.
    #[error("the program cannot be written")]
    ExecutableText(#[source] TextError),
    /// An argument holds what no unit can carry; arguments count from 0.
    #[error("argument {index} cannot be written")]
    Argument {
        /// Which of the arguments.
        index: usize,
        /// What it holds.
        #[source]
        source: TextError,
    },
}

impl ExecLine {
    /// A program without arguments. It is an absolute path, or from systemd 239 on a name looked up in `PATH`.
    pub fn new(executable: impl Into<UnitText>) -> Self {
        Self { executable: executable.into(), arguments: Vec::new(), ignore_failure: false, privileged: false }
    }

    /// The same command with one argument more.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<UnitText>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// The same command with these arguments more.
    #[must_use]
    pub fn args<I>(mut self, arguments: I) -> Self
    where
        I: IntoIterator<Item: Into<UnitText>>,
    {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Prefix `-`: a failure of this command does not fail the unit.
    #[must_use]
    pub fn ignore_failure(mut self) -> Self {
        self.ignore_failure = true;
        self
    }

    /// Prefix `+`: run with full privileges, outside the unit's sandbox (systemd 231).
    #[must_use]
    pub fn privileged(mut self) -> Self {
        self.privileged = true;
        self
    }

    /// The value on one line.
    ///
    /// # Errors
    /// The program is none that systemd accepts, or a NUL stands in some text.
    pub fn value(&self) -> Result<String, ExecLineError> {
        Ok(self.words()?.join(" "))
    }

    /// The whole assignment in physical lines without their line ends: broken between words only, every line under
    /// [`LINE_MAX_BYTES`](layout::LINE_MAX_BYTES) unless a single word is longer.
    ///
    /// # Errors
    /// As [`value`](Self::value).
    pub fn lines(&self, key: &str) -> Result<Vec<String>, ExecLineError> {
        Ok(layout::words(key, &self.words()?))
    }

    fn words(&self) -> Result<Vec<String>, ExecLineError> {
        let mut words = self.executable_words()?;
        for (index, argument) in self.arguments.iter().enumerate() {
            let word =
                quote::word(argument, Dollar::Doubled).map_err(|source| ExecLineError::Argument { index, source })?;
            words.push(word);
        }
        Ok(words)
    }

    /// The program, and a zeroth argument of its own where systemd would find a variable in the path: the path
    /// itself knows none, so that `$$` would stay two dollars there.
    fn executable_words(&self) -> Result<Vec<String>, ExecLineError> {
        path::check_written(&self.executable).map_err(ExecLineError::Executable)?;
        let separate = self.executable_names_a_variable();
        let prefix = self.prefix(separate);
        let word = quote::word_after(&prefix, &self.executable).map_err(ExecLineError::ExecutableText)?;
        let mut words = vec![word];
        if separate {
            words.push(quote::word(&self.executable, Dollar::Doubled).map_err(ExecLineError::ExecutableText)?);
        }
        Ok(words)
    }

    fn executable_names_a_variable(&self) -> bool {
        let text = quote::escaped(&self.executable, Dollar::Kept);
        text.starts_with('$') || text.contains("${") || text.contains("$$")
    }

    fn prefix(&self, separate_argv0: bool) -> String {
        let marks = [(self.ignore_failure, '-'), (separate_argv0, '@'), (self.privileged, '+')];
        marks.iter().filter(|(wanted, _)| *wanted).map(|(_, mark)| *mark).collect()
    }
}
