//! Sources as running dumps: a stream of bytes, and at its end the word whether it was whole.

pub mod back;
mod command;
mod container;
mod database;
mod error;
#[cfg(feature = "etcd")]
mod etcd;
mod gnu_tar;
mod listed;
mod log;
mod members;
mod owed;
mod paths;
mod processes;
mod spool;
mod start;
mod still;

pub use container::ContainerError;
pub use database::DatabaseError;
pub use error::DumpError;
pub use log::Tail;
pub use owed::{UndoError, undo};

use crate::run::journal::Journal;
use crate::run::os::{Ended, Environment, Process, RunId, Stop};
use crate::run::secret::Secrets;
use crate::source::{Server, Source, SourceKind};
use crate::value::Context;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

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

/// The sources that a source is stored as, each one object: itself, or where it is all databases of a server one for each
/// of them that is there now. Blocks.
///
/// # Errors
/// What there is cannot be asked, or there is nothing.
pub fn parts(source: &Source, with: &Surroundings) -> Result<Vec<Source>, DumpError> {
    match &source.kind {
        SourceKind::Database(database) => database::parts(source, database, with),
        SourceKind::Container(of) => container::parts(source, of, with),
        SourceKind::Paths(_) | SourceKind::Command(_) | SourceKind::Volume(_) | SourceKind::EtcdSnapshot(_) => {
            Ok(vec![source.clone()])
        }
    }
}

/// A dump under way. Where it is dropped without [`Dump::finish`], it is cancelled and cleaned up after.
pub struct Dump {
    /// The bytes: a tar archive, or what a program prints. Read it to its end; that says nothing yet of success. It may
    /// be moved into another thread. Dropping it earlier cancels the dump.
    pub stream: Box<dyn Read + Send>,
    /// The processes behind it.
    pub running: Running,
}

/// The processes behind a [`Dump`]'s stream, and what was made for them.
pub struct Running {
    work: Work,
    what: String,
    judge: Judge,
    log: log::Log,
    counts: Arc<Mutex<members::Counts>>,
    allow_empty: bool,
    warnings: Vec<String>,
    how: Option<String>,
    container: Option<container::Found>,
    /// What kind of database, so that its client's words can be explained.
    server: Option<Server>,
    /// What stands still until the stream was read.
    standing: Option<still::Standing>,
    owed: owed::Debts,
}

/// What a dump's bytes come from.
enum Work {
    /// A program.
    Process(Process),
    /// A thread of our own.
    #[cfg(feature = "etcd")]
    Thread(etcd::Download),
}

/// What is wrong with a content that was read to its end; none where it is whole.
type Verdict = Arc<Mutex<Option<&'static str>>>;

/// How a dump's success is told.
enum Judge {
    /// By tar's words and its status, and by what its archive holds.
    Tar {
        /// Its words.
        remarks: gnu_tar::Remarks,
        /// The one folder that the archive is to hold.
        tree: Option<String>,
    },
    /// By exit status 0 alone.
    Status,
    /// By exit status 0, and by the content itself.
    Checked(Verdict),
    /// By the thread that reads it.
    #[cfg(feature = "etcd")]
    Stream,
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
    /// How many files and folders the archive holds; none where the content is no archive.
    pub members: Option<u64>,
    /// How many of these are no folders.
    pub files: Option<u64>,
    /// The stream's length.
    pub bytes: u64,
}

impl Dump {
    /// Starts a source's dump; for a container's tree this runs the dump program to its end first. Blocks.
    ///
    /// # Errors
    /// What cannot be started, with what to do about it; for a container's tree also a dump program that failed.
    pub fn start(source: &Source, with: &Surroundings) -> Result<Self, DumpError> {
        let start = start::Start::new(source, with);
        let Some(still) = &source.still else { return Self::begin(source, start) };
        let held = still::hold(still, &start)?;
        let dump = Self::begin(source, start)?;
        held.during(dump, still, with.journal.folder(), &source.name)
    }

    fn begin(source: &Source, start: start::Start<'_>) -> Result<Self, DumpError> {
        match &source.kind {
            SourceKind::Paths(paths) => paths::start(paths, start),
            SourceKind::Command(command) => command::start(command, start),
            SourceKind::Container(container) => container::start(container, start),
            SourceKind::Volume(volume) => container::volume(volume, start),
            SourceKind::Database(database) => database::start(database, start),
            #[cfg(feature = "etcd")]
            SourceKind::EtcdSnapshot(snapshot) => etcd::start(snapshot, start),
            #[cfg(not(feature = "etcd"))]
            SourceKind::EtcdSnapshot(_) => Err(crate::run::etcd::EtcdError::NoV3.into()),
        }
    }

    /// [`Running::finish`], where the stream was not moved away; it must have been read to its end.
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
    /// stream was read to its end; where it was dropped earlier, the dump fails.
    ///
    /// # Errors
    /// Any process that did not exit 0 (tar's exit 1, a file that changed, is a warning), a container that stopped
    /// midway, an archive without end, an empty dump unless the source allows it.
    pub fn finish(self) -> Result<Outcome, DumpError> {
        let Self { work, what, judge, log, counts, allow_empty, warnings, how, container, server, standing, owed } =
            self;
        let ended = match work {
            Work::Process(process) => {
                let ended = process.wait().map_err(|source| DumpError::Unknown { what: what.clone(), source })?;
                if let Some(cut) = ended.cut {
                    return Err(DumpError::Cut { what, cut });
                }
                Some(ended)
            }
            #[cfg(feature = "etcd")]
            Work::Thread(download) => {
                download.finish()?;
                None
            }
        };
        let (stood, troubles) = standing.map(still::Standing::finish).unwrap_or_default();
        if let (Some(found), Some(ended)) = (container, ended) {
            found.still_runs_after(ended)?;
        }
        let counts = counts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let judged = judge.judge(ended, &what, &log, &counts, allow_empty);
        let mut outcome = judged.map_err(|error| match &server {
            Some(server) => database::advised(server, error),
            None => error,
        })?;
        outcome.how = how.into_iter().chain(stood).reduce(|how, stood| format!("{how}; {stood}"));
        // Not read wrongly, and no less a reason to look: the exit code tells.
        outcome.unreadable.extend(troubles);
        outcome.warnings.splice(0..0, warnings);
        outcome.warnings.extend(owed.settle());
        Ok(outcome)
    }

    /// Ends everything at once and removes what was made: for a store that failed. Blocks for at most some seconds.
    pub fn cancel(self) {
        let Self { work, what, standing, .. } = self;
        if let Some(standing) = &standing {
            standing.close();
        }
        match work {
            Work::Process(process) => {
                if let Err(error) = process.cancel() {
                    tracing::warn!("`{what}` could not be ended: {error}");
                }
            }
            #[cfg(feature = "etcd")]
            Work::Thread(download) => download.cancel(),
        }
    }
}

impl Judge {
    /// `ended` is how the program ended, where there is one.
    fn judge(
        &self,
        ended: Option<Ended>,
        what: &str,
        log: &log::Log,
        counts: &members::Counts,
        allow_empty: bool,
    ) -> Result<Outcome, DumpError> {
        let plain = || match ended {
            Some(ended) if !ended.status.success() => Err(failed(what, ended, log, counts)),
            Some(_) | None if counts.bytes == 0 && !allow_empty => Err(DumpError::Empty),
            Some(_) | None => Ok(Outcome { bytes: counts.bytes, ..Outcome::default() }),
        };
        match self {
            Self::Status => plain(),
            #[cfg(feature = "etcd")]
            Self::Stream => plain(),
            Self::Checked(verdict) => {
                let outcome = plain()?;
                match *verdict.lock().unwrap_or_else(PoisonError::into_inner) {
                    Some(fault) => Err(DumpError::NotWhole { fault, tail: log.tail() }),
                    None => Ok(outcome),
                }
            }
            Self::Tar { remarks, tree } => {
                let gnu_tar::Verdict { warnings, unreadable } =
                    ended.map_or_else(|| Ok(gnu_tar::Verdict::default()), |ended| remarks.judge(ended, log))?;
                if let Some(path) = tree.as_ref().filter(|_| counts.begins_with_symlink) {
                    return Err(ContainerError::TreeSymlink { path: path.clone() }.into());
                }
                let all_missing =
                    warnings.iter().chain(&unreadable).all(|remark| remark.ends_with("No such file or directory"));
                if let Some(path) = tree.as_ref().filter(|_| counts.members == 0 && all_missing) {
                    return Err(ContainerError::TreeMissing { path: path.clone() }.into());
                }
                archive_judged(counts, allow_empty, &unreadable)?;
                let (members, files) = (Some(counts.members), Some(counts.files));
                Ok(Outcome { warnings, unreadable, how: None, members, files, bytes: counts.bytes })
            }
        }
    }
}

/// Where a program could not even begin in a container, docker says why on standard output.
fn failed(what: &str, ended: Ended, log: &log::Log, counts: &members::Counts) -> DumpError {
    let tail = match ended.status.code() {
        Some(125..=127) if log.tail().0.is_empty() => {
            let head = String::from_utf8_lossy(&counts.head);
            log.of_lines(&head.lines().map(str::to_owned).collect::<Vec<_>>())
        }
        _ => log.tail(),
    };
    DumpError::Failed { what: what.to_owned(), how: ended.describe(), tail }
}

fn archive_judged(counts: &members::Counts, allow_empty: bool, unreadable: &[String]) -> Result<(), DumpError> {
    if counts.broken {
        return Err(DumpError::NotTar);
    }
    if !counts.ended {
        return Err(DumpError::NoEnd);
    }
    if counts.members == 0 && !unreadable.is_empty() {
        return Err(DumpError::NothingReadable { tail: Tail(unreadable.to_vec()) });
    }
    if counts.members == 0 || counts.files == 0 && !allow_empty { Err(DumpError::NoFile) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
