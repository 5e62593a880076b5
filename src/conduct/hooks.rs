//! Programs that run around a run, or around one source's dump.

use crate::value::{Template, Value, optional_duration_serde};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a hook may take where the spec says nothing.
pub const HOOK_TIMEOUT_DEFAULT: Duration = Duration::from_secs(600);

/// Programs by the moment at which they run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hooks {
    /// Before anything is connected to or dumped; the first that fails ends the run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Hook>,
    /// Once the archive is there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Hook>,
    /// Where the run is not wholly good, a hook that failed included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<Hook>,
    /// At the end of every run whose first hook was begun, whatever became of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub finally: Vec<Hook>,
}

/// One program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hook {
    /// Program and arguments; no shell is involved.
    pub run: Vec<Template>,
    /// Variables added to its environment; it gets no other secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, Value>,
    /// How long it may take; none means [`HOOK_TIMEOUT_DEFAULT`].
    #[serde(default, skip_serializing_if = "Option::is_none", with = "optional_duration_serde")]
    pub timeout: Option<Duration>,
    /// What its failure means.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_error: OnError,
}

/// What a hook's failure means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// It counts: before the dump the run fails, later it is partly done.
    #[default]
    Fail,
    /// It is told, and nothing else.
    Warn,
    /// Before the dump only: there is nothing to do now, and that is no failure.
    Skip,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_default(on_error: &OnError) -> bool {
    *on_error == OnError::default()
}

impl Hooks {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Hook> {
        let Self { before, after, failed, finally } = self;
        before.iter().chain(after).chain(failed).chain(finally)
    }

    /// Every value that may be a reference.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.all().flat_map(|hook| hook.env.values())
    }
}
