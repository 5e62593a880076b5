//! What is kept of every run.

use crate::value::Template;
use serde::{Deserialize, Serialize};

/// What is kept of every run on its host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportKept {
    /// The folder for reports; none means the state directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Template>,
    /// How many reports are kept.
    pub keep: u32,
    /// The folder of `node_exporter`'s textfile collector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Template>,
}

impl ReportKept {
    /// How many reports are kept where the spec says nothing.
    pub const KEEP_DEFAULT: u32 = 60;

    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for ReportKept {
    fn default() -> Self {
        Self { path: None, keep: Self::KEEP_DEFAULT, metrics: None }
    }
}
