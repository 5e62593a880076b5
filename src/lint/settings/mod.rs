//! `eightbells.toml`: how findings are told in a tree of folders.

mod pattern;
mod read;

use super::engine::Level;
use super::exposure::Score;
use crate::diag::{Severity, Span};
use crate::target::Target;
use std::collections::BTreeMap;

pub use pattern::{BadPathPattern, PathPattern};
pub(super) use read::read;

/// The name of the file, looked for in the folder of each linted file and those above.
pub const SETTINGS_FILE: &str = "eightbells.toml";

/// The findings that make `lint` fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailOn {
    /// Those of a severity, and worse ones.
    From(Severity),
    /// None.
    Never,
}

impl FailOn {
    /// The words by which they are set, and what each means.
    pub const WORDS: [(&str, Self); 4] = [
        ("error", Self::From(Severity::Error)),
        ("warning", Self::From(Severity::Warning)),
        ("note", Self::From(Severity::Note)),
        ("never", Self::Never),
    ];

    /// Whether a finding of that severity is one.
    #[must_use]
    pub fn holds(self, severity: Severity) -> bool {
        match self {
            // The worst comes first.
            Self::From(least) => severity <= least,
            Self::Never => false,
        }
    }

    /// Reads one of the words.
    ///
    /// # Errors
    /// Any other, with those that there are.
    pub fn parse(text: &str) -> Result<Self, String> {
        let known = Self::WORDS.iter().find(|(word, _)| *word == text).map(|(_, it)| *it);
        known.ok_or_else(|| format!("`{text}` is none of {}", Self::WORDS.map(|(word, _)| word).join(", ")))
    }
}

/// What the file says; see `docs/linter.md` for every key.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// What the units are for, where no other setting says it.
    pub target: Option<Target>,
    /// The findings that make `lint` fail.
    pub fail_on: Option<FailOn>,
    /// Exposure above this is told.
    pub exposure_max: Option<Score>,
    /// Files that are not linted.
    pub exclude: Vec<PathPattern>,
    /// Rules that are told otherwise than they would be.
    pub levels: BTreeMap<&'static str, Level>,
    /// Settings for some files; of several that match, the last counts.
    pub paths: Vec<PathSettings>,
    /// Findings that somebody decided to live with.
    pub allow: Vec<AllowedPaths>,
}

/// Settings for some files.
#[derive(Debug, Clone)]
pub struct PathSettings {
    /// The files.
    pub matches: Vec<PathPattern>,
    /// What they are for.
    pub target: Option<Target>,
    /// Exposure above this is told.
    pub exposure_max: Option<Score>,
}

/// Findings of a rule in some files, which are taken back.
#[derive(Debug, Clone)]
pub struct AllowedPaths {
    /// The rule.
    pub rule: &'static str,
    /// The files.
    pub paths: Vec<PathPattern>,
    /// Why.
    pub reason: String,
    /// The rule's name in the file.
    pub span: Span,
}

impl Settings {
    /// What a file is for; its path is counted from the folder that these settings are in.
    #[must_use]
    pub fn target_of(&self, path: &str) -> Option<Target> {
        self.of_path(path, |it| it.target).or(self.target)
    }

    /// The exposure above which a file's unit is told of.
    #[must_use]
    pub fn exposure_max_of(&self, path: &str) -> Option<Score> {
        self.of_path(path, |it| it.exposure_max).or(self.exposure_max)
    }

    /// Whether a file is not linted.
    #[must_use]
    pub fn excludes(&self, path: &str) -> bool {
        any_matches(&self.exclude, path)
    }

    fn of_path<T>(&self, path: &str, get: impl Fn(&PathSettings) -> Option<T>) -> Option<T> {
        self.paths.iter().rev().filter(|it| any_matches(&it.matches, path)).find_map(get)
    }
}

impl AllowedPaths {
    /// Whether it is about findings of that rule in that file.
    #[must_use]
    pub fn covers(&self, rule: &str, path: &str) -> bool {
        self.rule == rule && any_matches(&self.paths, path)
    }
}

fn any_matches(patterns: &[PathPattern], path: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(path))
}
