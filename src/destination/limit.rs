//! How fast a destination is spoken to at the most.

use crate::value::Rate;
use serde::{Deserialize, Serialize};

/// The slowest limit: at less, a part of 8 MiB would take so long that servers give it up.
pub const RATE_MIN: Rate = Rate::kibibytes(16);

/// How fast a destination's bytes go at the most, each way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// To it; none means as fast as it takes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<Rate>,
    /// From it; none means as fast as they come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download: Option<Rate>,
}

impl Limit {
    /// Whether there is none either way.
    #[must_use]
    pub fn is_none(&self) -> bool {
        let Self { upload, download } = self;
        upload.is_none() && download.is_none()
    }
}
