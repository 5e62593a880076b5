//! Sources as running dumps: a stream of bytes, and at its end the word whether it was whole.

use crate::source::Source;
use std::io::Read;

/// A dump under way.
pub struct Dump {
    /// The bytes: a tar archive, or what a program prints. Reading it to its end says nothing yet of success.
    pub stream: Box<dyn Read + Send>,
}

/// How a dump ended that ended well.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What went slightly wrong: files that vanished or changed while read.
    pub warnings: Vec<String>,
    /// What could not be read; the run ends with exit code 3.
    pub unreadable: Vec<String>,
    /// How it was read, for people: `directly from the container's mount namespace`.
    pub how: Option<String>,
    /// How many files and folders the archive holds, where that is known.
    pub members: Option<u64>,
}

/// Why a dump is not a backup.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {}

impl Dump {
    /// Starts a source's dump; for a container's tree this runs the dump program to its end first.
    ///
    /// # Errors
    /// What cannot be started, with what to do about it.
    pub fn start(_source: &Source) -> Result<Self, DumpError> {
        Ok(Self { stream: Box::new(std::io::empty()) })
    }

    /// Waits for the end of everything that was started, and removes what was made for it.
    ///
    /// # Errors
    /// Any process that did not exit 0 (tar's exit 1, a file that changed, is a warning).
    pub fn finish(self) -> Result<Outcome, DumpError> {
        Ok(Outcome::default())
    }
}
