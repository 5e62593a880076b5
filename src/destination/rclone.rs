//! Remotes of the rclone program.

use super::Parts;
use crate::value::{Template, Value};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A folder at a remote of rclone's: Dropbox, Google Drive and seventy more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rclone {
    /// `NAME:PATH`, as rclone is told.
    pub remote: Value,
    /// rclone's configuration; none means where rclone looks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Template>,
    /// Variables for rclone: `RCLONE_CONFIG_NAME_PASS` and the like.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, Value>,
    /// The program; none means `rclone` in `PATH`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
}

impl Rclone {
    pub(super) fn parts(&self) -> Parts<'_> {
        let Self { remote, config, env, program: _ } = self;
        let (secret, open): (Vec<&Value>, Vec<&Value>) = env.values().partition(|value| value.reference().is_some());
        Parts { open: open.into_iter().chain([remote]).collect(), secret, files: config.iter().collect() }
    }

    pub(super) fn place(&self, text: &dyn Fn(&Value) -> String) -> String {
        format!("rclone {}", text(&self.remote).trim_end_matches('/'))
    }
}
