//! What a run made and must undo, written down before it is made: a run that is killed leaves its list to the next.

use crate::run::lock::StateDir;
use crate::run::os::RunId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Something that must not outlive the run that made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Obligation {
    /// A folder in a container.
    ContainerScratch {
        /// The engine's program: `docker` or `podman`.
        engine: String,
        /// The container's id.
        container: String,
        /// The folder.
        path: String,
    },
    /// Processes in a container whose environment holds a mark.
    ContainerProcess {
        /// The engine's program: `docker` or `podman`.
        engine: String,
        /// The container's id.
        container: String,
        /// The value of their variable [`MARK_VARIABLE`].
        mark: String,
    },
    /// A container that was stopped or paused, and is to move again.
    ContainerHalted {
        /// The engine's program: `docker` or `podman`.
        engine: String,
        /// The container's id.
        container: String,
        /// Its name, for people.
        name: String,
        /// What was done to it.
        halt: Halt,
    },
    /// Processes of the host whose environment holds a mark.
    HostProcess {
        /// The value of their variable [`MARK_VARIABLE`].
        mark: String,
    },
    /// A folder of the host, with everything in it.
    HostScratch {
        /// The folder.
        path: PathBuf,
    },
    /// A file of the host that has not got its final name yet.
    StagedFile {
        /// The file.
        path: PathBuf,
    },
    /// An object at a destination that has not got its final name yet.
    StagedObject {
        /// The destination's name in the spec.
        destination: String,
        /// The name that it has until then.
        name: String,
    },
    /// Objects that have their names while the manifest of their set has not, or has not any more: without it they go.
    HalfSet {
        /// The destination's name in the spec.
        destination: String,
        /// The manifest's name: where it is there, the set is whole, and stays.
        manifest: String,
        /// The names of everything else in the set.
        objects: Vec<String>,
    },
    /// An upload in parts that is neither complete nor aborted.
    MultipartUpload {
        /// The destination's name in the spec.
        destination: String,
        /// The object's key.
        key: String,
        /// The server's name for it; none where the promise was made before the server gave one: every upload of
        /// that key is meant then.
        upload_id: Option<String>,
    },
}

/// How a container was made to stand still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Halt {
    /// Stopped.
    Stopped,
    /// Paused.
    Paused,
}

impl Halt {
    /// `stopped` or `paused`.
    #[must_use]
    pub fn done(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Paused => "paused",
        }
    }
}

impl Obligation {
    /// The name of an object that is staged at that destination.
    #[must_use]
    pub fn staged_at(&self, at: &str) -> Option<&str> {
        match self {
            Self::StagedObject { destination, name } => (destination == at).then_some(name),
            Self::ContainerScratch { .. }
            | Self::ContainerProcess { .. }
            | Self::ContainerHalted { .. }
            | Self::HostProcess { .. }
            | Self::HostScratch { .. }
            | Self::StagedFile { .. }
            | Self::HalfSet { .. }
            | Self::MultipartUpload { .. } => None,
        }
    }
}

/// The variable that marks what a run starts: `RUN-SOURCE`.
pub const MARK_VARIABLE: &str = "EIGHTBELLS_RUN";

/// A line of the journal; valid for the [`Journal`] that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PromiseId(u64);

/// What an earlier run did not undo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// To strike it out with [`Journal::done`].
    pub id: PromiseId,
    /// The run that made it.
    pub run: RunId,
    /// What is left.
    pub obligation: Obligation,
}

/// A line that cannot be read; it is reported and forgotten. A run that was killed while it wrote leaves one, and then
/// had not made the thing yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenLine {
    /// Counted from one.
    pub line: usize,
    /// Its text, shortened.
    pub text: String,
}

/// The list of one job's instance on this host. Open it only while holding the job's lock.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    run: RunId,
    leftovers: Vec<Leftover>,
    broken: Vec<BrokenLine>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    next: u64,
    open: BTreeMap<PromiseId, Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    run: RunId,
    obligation: Obligation,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    Promise { id: PromiseId, entry: Entry },
    Done { id: PromiseId },
}

/// Why the journal cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the journal `{}` cannot be kept: without it a killed run could not be cleaned up after", path.display())]
pub struct JournalError {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

impl Journal {
    /// Opens the list of a job's instance, and reads what earlier runs left.
    ///
    /// # Errors
    /// The file cannot be read or written. Broken lines are no error.
    pub fn open(state: &StateDir, job: &str, instance: Option<&str>, run: RunId) -> Result<Self, JournalError> {
        Self::open_at(&state.file(job, instance, ".journal"), run)
    }

    /// Opens the list that this file is.
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub(super) fn open_at(path: &Path, run: RunId) -> Result<Self, JournalError> {
        Self::open_file(path, run).map_err(|source| JournalError { path: path.to_owned(), source })
    }

    fn open_file(path: &Path, run: RunId) -> io::Result<Self> {
        let (open, next, broken) = read(path)?;
        rewrite(path, &open)?;
        let file = OpenOptions::new().append(true).open(path)?;
        let leftover = |(id, entry): (&PromiseId, &Entry)| Leftover {
            id: *id,
            run: entry.run.clone(),
            obligation: entry.obligation.clone(),
        };
        let leftovers = open.iter().map(leftover).collect();
        Ok(Self { path: path.to_owned(), run, leftovers, broken, state: Mutex::new(State { file, next, open }) })
    }

    /// Writes an obligation down, on the disk before this returns: call it before making the thing.
    ///
    /// # Errors
    /// It cannot be written; then do not make the thing.
    pub fn promise(&self, obligation: Obligation) -> Result<PromiseId, JournalError> {
        let mut state = self.state();
        let id = PromiseId(state.next);
        let entry = Entry { run: self.run.clone(), obligation };
        self.append(&mut state, &Line::Promise { id, entry: entry.clone() })?;
        state.next = state.next.saturating_add(1);
        state.open.insert(id, entry);
        Ok(id)
    }

    /// Strikes an obligation out: the thing was undone, or published and is to stay.
    ///
    /// # Errors
    /// It cannot be written; the next run will then try to undo what is not there.
    pub fn done(&self, id: PromiseId) -> Result<(), JournalError> {
        let mut state = self.state();
        if state.open.remove(&id).is_none() {
            return Ok(());
        }
        self.append(&mut state, &Line::Done { id })
    }

    /// What earlier runs left, in the order in which it was made. Undo it in the opposite one.
    #[must_use]
    pub fn leftovers(&self) -> &[Leftover] {
        &self.leftovers
    }

    /// Lines that could not be read.
    #[must_use]
    pub fn broken(&self) -> &[BrokenLine] {
        &self.broken
    }

    /// The folder that it lies in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    fn append(&self, state: &mut State, line: &Line) -> Result<(), JournalError> {
        let failed = |source| JournalError { path: self.path.clone(), source };
        let text = line_text(line).map_err(failed)?;
        state.file.write_all(text.as_bytes()).and_then(|()| state.file.sync_data()).map_err(failed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn line_text(line: &Line) -> io::Result<String> {
    let mut text = serde_json::to_string(line)?;
    text.push('\n');
    Ok(text)
}

type Read = (BTreeMap<PromiseId, Entry>, u64, Vec<BrokenLine>);

fn read(path: &Path) -> io::Result<Read> {
    let (mut open, mut next, mut broken) = (BTreeMap::new(), 0u64, vec![]);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((open, next, broken)),
        Err(error) => return Err(error),
    };
    for (at, line) in BufReader::new(file).split(b'\n').enumerate() {
        let line = line?;
        match serde_json::from_slice(&line) {
            Ok(Line::Promise { id, entry }) => {
                next = next.max(id.0.saturating_add(1));
                open.insert(id, entry);
            }
            Ok(Line::Done { id }) => {
                open.remove(&id);
            }
            Err(_) => broken
                .push(BrokenLine { line: at + 1, text: String::from_utf8_lossy(&line).chars().take(200).collect() }),
        }
    }
    Ok((open, next, broken))
}

/// Replaces the file by what is still open, whole or not at all.
fn rewrite(path: &Path, open: &BTreeMap<PromiseId, Entry>) -> io::Result<()> {
    let fresh = path.with_extension("journal.new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    for (id, entry) in open {
        file.write_all(line_text(&Line::Promise { id: *id, entry: entry.clone() })?.as_bytes())?;
    }
    file.sync_all()?;
    std::fs::rename(&fresh, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::os::Environment;

    struct Bench {
        _folder: tempfile::TempDir,
        state: StateDir,
    }

    impl Bench {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let state = StateDir::find(Some(folder.path()), &Environment::default()).unwrap();
            Self { _folder: folder, state }
        }

        fn open(&self) -> Journal {
            Journal::open(&self.state, "job", Some("80"), RunId::random().unwrap()).unwrap()
        }

        fn path(&self) -> PathBuf {
            self.state.file("job", Some("80"), ".journal")
        }
    }

    fn staged(name: &str) -> Obligation {
        Obligation::StagedFile { path: name.into() }
    }

    #[test]
    fn what_was_promised_and_not_done_is_left_to_the_next_run() {
        let bench = Bench::new();
        let killed = bench.open();
        let kept = killed.promise(staged("/a")).unwrap();
        let undone = killed.promise(staged("/b")).unwrap();
        killed
            .promise(Obligation::MultipartUpload { destination: "d".into(), key: "k".into(), upload_id: None })
            .unwrap();
        killed.done(undone).unwrap();
        drop(killed);

        let next = bench.open();
        let obligations: Vec<_> = next.leftovers().iter().map(|left| left.obligation.clone()).collect();
        assert_eq!(next.leftovers()[0].id, kept);
        assert_eq!(obligations.len(), 2);
        assert_eq!(obligations[0], staged("/a"));
        for left in next.leftovers() {
            next.done(left.id).unwrap();
        }
        assert!(bench.open().leftovers().is_empty());
    }

    #[test]
    fn a_leftover_that_is_not_undone_stays_with_its_run_and_ids_do_not_collide() {
        let bench = Bench::new();
        let first = bench.open();
        first.promise(staged("/a")).unwrap();
        let second = bench.open();
        second.promise(staged("/b")).unwrap();
        let third = bench.open();
        assert_eq!(third.leftovers().len(), 2);
        assert_eq!(third.leftovers()[0].run, first.run);
        assert_eq!(third.leftovers()[1].run, second.run);
    }

    #[test]
    fn broken_lines_are_reported_and_the_others_still_count() {
        let bench = Bench::new();
        bench.open().promise(staged("/a")).unwrap();
        let mut bytes = std::fs::read(bench.path()).unwrap();
        bytes.splice(0..0, *b"\xff\xfe not json\n{\"promise\":{}}\n");
        bytes.extend(b"{\"promise\":{\"id\":7,\"entry\":{\"run\":\"x\",\"obli");
        std::fs::write(bench.path(), bytes).unwrap();
        let journal = bench.open();
        assert_eq!(journal.leftovers().len(), 1);
        assert_eq!(journal.broken().iter().map(|broken| broken.line).collect::<Vec<_>>(), [1, 2, 4]);
        assert!(bench.open().broken().is_empty());
    }

    #[test]
    fn a_promise_is_on_the_disk_before_it_returns() {
        let bench = Bench::new();
        let journal = bench.open();
        journal.promise(staged("/a")).unwrap();
        assert!(std::fs::read_to_string(bench.path()).unwrap().contains("staged_file"));
    }

    #[test]
    fn a_megabyte_of_rubbish_is_read_in_no_time() {
        let bench = Bench::new();
        std::fs::write(bench.path(), vec![b'['; 1 << 20]).unwrap();
        let begin = std::time::Instant::now();
        assert_eq!(bench.open().broken().len(), 1);
        assert!(begin.elapsed() < std::time::Duration::from_secs(1));
    }
}
