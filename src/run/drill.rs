//! What a drill has on its host: a lock of its own, a folder that goes away come what may, and the memory of how it went.

use super::backup::{undo_all, write_whole};
use super::dump;
use super::journal::{Journal, JournalError, Leftover, MARK_VARIABLE, Obligation};
use super::lock::{Lock, LockError, StateDir};
use super::os::{Environment, RunId};
use super::scratch;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// What the names of a drill's files end with. No job's name holds a bare `%` there (see [`StateDir::file`]).
const JOURNAL: &str = "%drill.journal";
const LOCK: &str = "%drill.lock";
const RECORD: &str = "%drill.json";
/// A record that is longer is not read, in bytes.
const RECORD_MAX_BYTES: u64 = 1024 * 1024;
const RECORD_MODE: u32 = 0o600;

/// Whose drill it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The job; at a bare destination the destination.
    pub job: String,
    /// The job's instance.
    pub instance: Option<String>,
}

/// Why a drill did not begin.
#[derive(Debug, thiserror::Error)]
pub enum DrillError {
    /// Another one is under way; exit code 75.
    #[error("another drill of this job is under way: {holder}")]
    Held {
        /// Process id and since when, as far as known.
        holder: String,
    },
    /// The lock cannot be had.
    #[error(transparent)]
    Lock(LockError),
    /// What a killed drill would leave cannot be written down.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// No random numbers.
    #[error("the drill cannot get a name")]
    Random(#[source] io::Error),
    /// The folder.
    #[error("the scratch folder `{}` cannot be made", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl From<LockError> for DrillError {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Held { holder } => Self::Held { holder },
            other @ (LockError::NoStateDir | LockError::StateDir { .. } | LockError::File { .. }) => Self::Lock(other),
        }
    }
}

/// The folder of a drill, and the right to have one. Dropping it removes the folder, and ends what the check left running.
#[derive(Debug)]
pub struct Room {
    folder: PathBuf,
    mark: String,
    owed: Vec<Leftover>,
    journal: Journal,
    environment: Environment,
    _lock: Lock,
}

impl Room {
    /// Clears up what killed drills of the same owner left here, and makes the folder, in `parent` or the state directory;
    /// and says what of the former could not be done. Blocks.
    ///
    /// # Errors
    /// See [`DrillError`].
    pub fn make(
        state: &StateDir,
        owner: &Owner,
        parent: Option<&Path>,
        environment: &Environment,
    ) -> Result<(Self, Vec<String>), DrillError> {
        let run = RunId::random().map_err(DrillError::Random)?;
        let (lock, journal) = taken(state, owner, &run)?;
        let troubles = undo_all(&journal, environment);
        let mark = format!("{run}-drill");
        let folder = match parent {
            Some(parent) => parent.join(format!("{}{mark}", scratch::PREFIX)),
            None => scratch::path(&journal, &mark),
        };
        let mut room = Self { folder, mark, owed: vec![], journal, environment: environment.clone(), _lock: lock };
        room.owe(&run, Obligation::HostScratch { path: room.folder.clone() })?;
        room.owe(&run, Obligation::HostProcess { mark: room.mark.clone() })?;
        scratch::make(&room.folder).map_err(|source| DrillError::Folder { path: room.folder.clone(), source })?;
        Ok((room, troubles))
    }

    fn owe(&mut self, run: &RunId, obligation: Obligation) -> Result<(), JournalError> {
        let id = self.journal.promise(obligation.clone())?;
        self.owed.push(Leftover { id, run: run.clone(), obligation });
        Ok(())
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The variable, and its value, by which what the check starts is found again.
    #[must_use]
    pub fn mark(&self) -> (&'static str, &str) {
        (MARK_VARIABLE, &self.mark)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        while let Some(owed) = self.owed.pop() {
            if let Err(error) = dump::undo(&owed, &self.journal, &self.environment) {
                tracing::warn!("{error}; the next run or drill will try again");
            }
        }
    }
}

fn taken(state: &StateDir, owner: &Owner, run: &RunId) -> Result<(Lock, Journal), DrillError> {
    let file = |suffix| state.file(&owner.job, owner.instance.as_deref(), suffix);
    let lock = Lock::take_at(&file(LOCK), run)?;
    Ok((lock, Journal::open_at(&file(JOURNAL), run.clone())?))
}

/// Clears up what a killed drill left on this host, unless one is under way; what could not be, in words. Blocks.
#[must_use]
pub fn sweep(state: &StateDir, owner: &Owner, run: &RunId, environment: &Environment) -> Vec<String> {
    if !state.file(&owner.job, owner.instance.as_deref(), JOURNAL).exists() {
        return vec![];
    }
    match taken(state, owner, run) {
        Ok((_lock, journal)) => undo_all(&journal, environment),
        Err(DrillError::Held { .. }) => vec![],
        Err(error) => vec![error.to_string()],
    }
}

/// What is remembered of the last drill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PastDrill {
    /// When it began.
    pub time: Timestamp,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Whether the archive came back, and was well.
    pub good: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// When the last good one began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_good: Option<Timestamp>,
}

impl PastDrill {
    /// The last drill on this host, where one is remembered.
    #[must_use]
    pub fn last(state: &StateDir, owner: &Owner) -> Option<Self> {
        let mut text = String::new();
        let file = File::open(state.file(&owner.job, owner.instance.as_deref(), RECORD)).ok()?;
        file.take(RECORD_MAX_BYTES).read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Remembers this one, and of the one before it when the last good one was.
    ///
    /// # Errors
    /// The file cannot be written; the one before it stays.
    pub fn keep(mut self, state: &StateDir, owner: &Owner) -> io::Result<()> {
        let before = Self::last(state, owner).and_then(|before| before.last_good);
        self.last_good = if self.good { Some(self.time) } else { before };
        let path = state.file(&owner.job, owner.instance.as_deref(), RECORD);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        write_whole(state.path(), &name, RECORD_MODE, &serde_json::to_vec(&self)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_good_drill_is_remembered_past_one_that_failed() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::find(Some(folder.path()), &Environment::default()).unwrap();
        let owner = Owner { job: "j".into(), instance: Some("80".into()) };
        assert_eq!(PastDrill::last(&state, &owner), None);
        let at = |second| Timestamp::from_second(second).unwrap();
        let drill = |second, good| PastDrill { time: at(second), seconds: 1.5, good, problem: None, last_good: None };
        drill(1, true).keep(&state, &owner).unwrap();
        drill(2, false).keep(&state, &owner).unwrap();
        let last = PastDrill::last(&state, &owner).unwrap();
        assert_eq!((last.time, last.good, last.last_good), (at(2), false, Some(at(1))));
    }

    #[test]
    fn two_drills_of_a_job_do_not_go_on_at_once_and_a_sweep_leaves_a_live_one_alone() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::find(Some(folder.path()), &Environment::default()).unwrap();
        let owner = Owner { job: "j".into(), instance: None };
        let (room, troubles) = Room::make(&state, &owner, None, &Environment::default()).unwrap();
        assert!(troubles.is_empty() && room.folder().is_dir());
        let again = Room::make(&state, &owner, None, &Environment::default());
        assert!(matches!(again, Err(DrillError::Held { .. })));
        assert!(sweep(&state, &owner, &RunId::random().unwrap(), &Environment::default()).is_empty());
        assert!(room.folder().is_dir());
        let path = room.folder().to_owned();
        drop(room);
        assert!(!path.exists());
    }
}
