//! A scheduled proof that archives come back, apart from when.

use crate::value::{Template, optional_duration_serde};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a job's drill does: it restores an archive into a scratch folder, runs a check there, and removes the folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drill {
    /// The check and its arguments, run in the folder; no shell is involved. Where there is none, that the archive comes
    /// back whole is all that is proved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub check: Vec<Template>,
    /// The good archive that so many good ones are newer than: 0 is the newest.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub back: u32,
    /// One source; every one without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Files that open encrypted archives.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identity: Vec<Template>,
    /// The folder in which the scratch folder is made; it is there. None means the state directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scratch: Option<Template>,
    /// How long the check may take; none means [`Drill::TIMEOUT_DEFAULT`].
    #[serde(default, skip_serializing_if = "Option::is_none", with = "optional_duration_serde")]
    pub timeout: Option<Duration>,
}

impl Drill {
    /// How long a check may take where nothing is said.
    pub const TIMEOUT_DEFAULT: Duration = Duration::from_secs(3600);

    /// Which archive, as `--at` and `at:` write it.
    #[must_use]
    pub fn at(&self) -> String {
        if self.back == 0 { "latest".to_owned() } else { format!("latest~{}", self.back) }
    }

    /// How many archives are newer than the one that is written so; none where it is not `latest` or `latest~N`.
    #[must_use]
    pub fn parse_at(text: &str) -> Option<u32> {
        if text == "latest" {
            return Some(0);
        }
        text.strip_prefix("latest~").filter(|back| back.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_archive_reads_back_as_it_is_written() {
        for back in [0, 1, 77] {
            let drill = Drill { back, ..Drill::default() };
            assert_eq!(Drill::parse_at(&drill.at()), Some(back));
        }
        for bad in ["newest", "latest~", "latest~-1", "latest~+1", "2026-11-20", "latest~99999999999"] {
            assert_eq!(Drill::parse_at(bad), None, "{bad}");
        }
    }
}
