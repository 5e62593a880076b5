//! How what is there differs from what is wanted.

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub kind: Kind,
    /// The file or unit.
    pub subject: String,
    /// The lines that differ, for a file.
    pub difference: String,
}

/// What sort of difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A file or unit is not there.
    Missing,
    /// It is there and differs.
    Changed,
    /// A file of that name is there, and we did not make it.
    Foreign,
    /// We made it once, and the spec no longer has it.
    Orphan,
    /// An instance was loaded from an earlier form of its template.
    Stale,
    /// A timer is not enabled.
    NotEnabled,
    /// A timer does not run.
    NotStarted,
    /// What is loaded is not what is in the files.
    NotReloaded,
    /// The runner is not where the units look for it.
    NoRunner,
}

impl Kind {
    /// In a word or two.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Changed => "changed",
            Self::Foreign => "not ours",
            Self::Orphan => "orphan",
            Self::Stale => "stale",
            Self::NotEnabled => "not enabled",
            Self::NotStarted => "not started",
            Self::NotReloaded => "not reloaded",
            Self::NoRunner => "no runner",
        }
    }
}

impl Finding {
    pub(super) fn new(kind: Kind, subject: impl Into<String>) -> Self {
        Self { kind, subject: subject.into(), difference: String::new() }
    }

    /// The same with the lines that differ.
    pub(super) fn with(self, difference: String) -> Self {
        Self { difference, ..self }
    }

    /// A line for people, and the lines that differ.
    pub(super) fn text(&self) -> String {
        format!("{:13}{}\n{}", self.kind.word(), self.subject, self.difference)
    }
}
