//! Sources as running dumps: a stream of bytes, and at its end the word whether it was whole.

use crate::run::journal::{Journal, Leftover};
use crate::run::os::{Environment, RunId, Stop};
use crate::run::secret::Secrets;
use crate::source::Source;
use crate::value::Context;
use std::io::Read;
use std::sync::Arc;

/// What all dumps of one run share.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// What placeholders stand for; `source` and `scratch` are filled in here.
    pub context: Context,
    /// The job's references.
    pub secrets: Arc<Secrets>,
    /// The runner's own environment, of which children get a few harmless variables.
    pub environment: Environment,
    /// The run's name.
    pub run: RunId,
    /// Where obligations are written down.
    pub journal: Arc<Journal>,
    /// Ends every dump early.
    pub stop: Stop,
}

/// A dump under way. Where it is dropped without [`Dump::finish`], it is cancelled and cleaned up after.
pub struct Dump {
    /// The bytes: a tar archive, or what a program prints. Reading it to its end says nothing yet of success. May be
    /// moved into another thread.
    pub stream: Box<dyn Read + Send>,
    /// The processes behind it.
    pub running: Running,
}

/// The processes behind a [`Dump`]'s stream, and what was made for them.
pub struct Running {}

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
    /// Starts a source's dump; for a container's tree this runs the dump program to its end first. Blocks.
    ///
    /// # Errors
    /// What cannot be started, with what to do about it.
    pub fn start(_source: &Source, _with: &Surroundings) -> Result<Self, DumpError> {
        Ok(Self { stream: Box::new(std::io::empty()), running: Running {} })
    }

    /// [`Running::finish`], where the stream was not moved away; it should have been read to its end.
    ///
    /// # Errors
    /// As [`Running::finish`].
    pub fn finish(self) -> Result<Outcome, DumpError> {
        let Self { stream, running } = self;
        drop(stream);
        running.finish()
    }
}

impl Running {
    /// Waits for the end of everything that was started, and removes what was made for it. Blocks. Call it once the
    /// stream was read to its end (or dropped, which makes the dump fail).
    ///
    /// # Errors
    /// Any process that did not exit 0 (tar's exit 1, a file that changed, is a warning).
    pub fn finish(self) -> Result<Outcome, DumpError> {
        Ok(Outcome::default())
    }

    /// Ends everything at once and removes what was made: for a store that failed. Blocks for at most some seconds.
    pub fn cancel(self) {}
}

/// Undoes what an earlier run left, where it is of this module's kinds (containers' and hosts' scratch folders and
/// processes), and strikes it out. True where it was of these kinds; staged files and uploads are the stores'.
///
/// # Errors
/// It is still there.
pub fn undo(_left: &Leftover, _journal: &Journal) -> Result<bool, DumpError> {
    Ok(true)
}
