//! Units as lines.

use crate::target::Target;
use std::fmt;

/// All units of a spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What they are for.
    pub target: Target,
    /// The units.
    pub units: Vec<Unit>,
}

/// One unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The file's name: `wiki@.service`.
    pub name: String,
    /// Service or timer.
    pub kind: UnitKind,
    /// The job it belongs to.
    pub job: String,
    /// Lines of `[Unit]`.
    pub unit: Vec<Line>,
    /// Lines of `[Service]` or `[Timer]`.
    pub body: Vec<Line>,
    /// Lines of `[X-Fleet]` or `[Install]`.
    pub scheduler: Vec<Line>,
    /// Lines of `[X-Eightbells]`.
    pub provenance: Vec<Line>,
}

/// What sort of unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitKind {
    /// Runs the backup.
    Service,
    /// Starts the service.
    Timer,
}

impl UnitKind {
    /// What a unit's name ends with, after the dot.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Timer => "timer",
        }
    }
}

/// One directive, its value quoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The directive.
    pub key: String,
    /// Its value as it stands in the file; continuation lines hold their own line breaks.
    pub value: String,
    /// What in the spec made it so.
    pub because: Because,
}

/// Why a line is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Because {
    /// The route of the value of the spec (see [`crate::spec::Places`]).
    pub route: String,
    /// A reason for the unit's reader, printed as a comment before the line.
    pub comment: Option<String>,
}

impl Line {
    /// A line caused by a value of the spec.
    #[must_use]
    pub(crate) fn new(key: &str, value: impl Into<String>, route: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.into(), because: Because { route: route.into(), comment: None } }
    }

    /// The same line with a reason for the unit's reader.
    #[must_use]
    pub(crate) fn comment(mut self, text: impl Into<String>) -> Self {
        self.because.comment = Some(text.into());
        self
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(comment) = &self.because.comment {
            writeln!(f, "# {comment}")?;
        }
        write!(f, "{}={}", self.key, self.value)
    }
}
