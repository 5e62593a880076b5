//! A set's manifest: JSON beside the objects, written last. A set counts only with it.

use crate::archive::Compression;
use serde::{Deserialize, Serialize};

/// The version of the form that this program writes and reads.
pub const MANIFEST_VERSION: u32 = 1;
/// A longer manifest is not read, in bytes: it holds a few hundred bytes an object.
pub const MANIFEST_MAX_BYTES: u64 = 4 * 1024 * 1024;

/// What one run stored at a destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`MANIFEST_VERSION`].
    pub version: u32,
    /// The job.
    pub job: String,
    /// Its instance, unescaped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The host that ran it.
    pub host: String,
    /// The run's own random name.
    pub run: String,
    /// The run's instant, which the names hold too.
    pub time: jiff::Timestamp,
    /// What wrote it: name and version.
    pub tool: String,
    /// The objects, in the order of the job's sources.
    pub objects: Vec<ManifestObject>,
}

/// One object of a set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestObject {
    /// The source.
    pub source: String,
    /// The object's name, a single file name.
    pub name: String,
    /// What it holds before compression: `tar`, or the extension of what a program printed.
    pub content: String,
    /// Its length, in bytes.
    pub size: u64,
    /// The content's length before compression, in bytes.
    pub raw_size: u64,
    /// SHA-256 of the object as stored, in hexadecimal.
    pub sha256: String,
    /// How it is compressed.
    pub compression: Compression,
    /// How many files and folders a tar holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<u64>,
    /// What went slightly wrong: files that vanished or changed while they were read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<String>,
}

/// Why a text is not a manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not JSON of the form.
    #[error("it is no manifest")]
    Form(#[source] serde_json::Error),
    /// A newer one.
    #[error("it has version {0}, this program reads version {MANIFEST_VERSION}")]
    Version(u32),
    /// Names that would lead out of the folder.
    #[error("it names an object `{0}`, which is no file name")]
    Name(String),
}

impl Manifest {
    /// The manifest as it is stored.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Reads what [`Manifest::to_json`] wrote, or what somebody else put in its place.
    ///
    /// # Errors
    /// See [`ManifestError`].
    pub fn from_json(text: &[u8]) -> Result<Self, ManifestError> {
        let manifest: Self = serde_json::from_slice(text).map_err(ManifestError::Form)?;
        if manifest.version != MANIFEST_VERSION {
            return Err(ManifestError::Version(manifest.version));
        }
        match manifest.objects.iter().find(|object| super::store::check_name(&object.name).is_err()) {
            Some(object) => Err(ManifestError::Name(object.name.escape_debug().to_string())),
            None => Ok(manifest),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn manifest() -> Manifest {
        let object = ManifestObject {
            source: "pages".into(),
            name: "wiki_pages_2014.tar.gz".into(),
            content: "tar".into(),
            size: 10,
            raw_size: 20,
            sha256: "00".into(),
            compression: Compression::Gzip { level: 6 },
            members: Some(3),
            warnings: vec![],
            unreadable: vec![],
        };
        Manifest {
            version: MANIFEST_VERSION,
            job: "wiki".into(),
            instance: Some("80".into()),
            host: "h".into(),
            run: "r".into(),
            time: "2014-11-02T01:02:03Z".parse().unwrap(),
            tool: "eightbells 0".into(),
            objects: vec![object],
        }
    }

    #[test]
    fn a_manifest_round_trips() {
        assert_eq!(Manifest::from_json(manifest().to_json().as_bytes()).unwrap(), manifest());
    }

    #[test]
    fn names_that_climb_and_other_versions_are_refused() {
        let mut climbing = manifest();
        climbing.objects[0].name = "../../etc/passwd".into();
        assert!(matches!(Manifest::from_json(climbing.to_json().as_bytes()), Err(ManifestError::Name(_))));
        let newer = manifest().to_json().replace("\"version\": 1", "\"version\": 2");
        assert!(matches!(Manifest::from_json(newer.as_bytes()), Err(ManifestError::Version(2))));
        for text in ["", "{", "[]", "{\"version\":1}"] {
            assert!(matches!(Manifest::from_json(text.as_bytes()), Err(ManifestError::Form(_))), "{text}");
        }
    }
}
