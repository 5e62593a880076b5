//! One run of a job's instance at a time on a host.

use crate::run::digest::hex;
use crate::run::os::{self, Environment, RunId, Stop};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The variable that names the state directory where no argument does.
pub const STATE_DIR_VARIABLE: &str = "EIGHTBELLS_STATE_DIR";
/// What a file name in the state directory may be long before its end becomes a digest: file systems take 255 bytes,
/// and suffixes follow.
const STEM_MAX_BYTES: usize = 200;
/// How often a lock that somebody else has is tried again.
const TRY_EVERY: Duration = Duration::from_millis(250);

/// Where the runner remembers what must outlive it: locks and journals.
#[derive(Debug, Clone)]
pub struct StateDir(PathBuf);

impl StateDir {
    /// The folder to use, made where it is missing: the given one, `$EIGHTBELLS_STATE_DIR`, systemd's
    /// `$STATE_DIRECTORY`, `/var/lib/eightbells` for root, else `eightbells` below `$XDG_STATE_HOME` or
    /// `~/.local/state`.
    ///
    /// # Errors
    /// None of these is known, or the folder cannot be made.
    pub fn find(given: Option<&Path>, environment: &Environment) -> Result<Self, LockError> {
        let path = given
            .map(Path::to_owned)
            .or_else(|| default_path(environment, os::is_root()))
            .ok_or(LockError::NoStateDir)?;
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&path);
        made.map_err(|source| LockError::StateDir { path: path.clone(), source })?;
        Ok(Self(path))
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The path of a job's own file.
    #[must_use]
    pub fn file(&self, job: &str, instance: Option<&str>, suffix: &str) -> PathBuf {
        self.0.join(format!("{}{suffix}", stem(job, instance)))
    }
}

fn default_path(environment: &Environment, root: bool) -> Option<PathBuf> {
    let of_systemd = || environment.get("STATE_DIRECTORY").and_then(|list| std::env::split_paths(list).next());
    let of_root = || root.then(|| PathBuf::from("/var/lib/eightbells"));
    let state_home =
        || environment.path("XDG_STATE_HOME").or_else(|| Some(environment.path("HOME")?.join(".local/state")));
    environment
        .path(STATE_DIR_VARIABLE)
        .or_else(of_systemd)
        .or_else(of_root)
        .or_else(|| Some(state_home()?.join("eightbells")))
}

/// A file name that no other job or instance has.
fn stem(job: &str, instance: Option<&str>) -> String {
    let mut stem = escape(job);
    if let Some(instance) = instance {
        stem.push('@');
        stem.push_str(&escape(instance));
    }
    if stem.len() > STEM_MAX_BYTES {
        let digest = Sha256::digest(&stem);
        stem.truncate(STEM_MAX_BYTES - 34);
        stem.push_str("%-");
        stem.push_str(&hex(digest.get(..16).unwrap_or_default()));
    }
    stem
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => escaped.push(char::from(byte)),
            b'.' if at > 0 => escaped.push('.'),
            other => {
                let _ = write!(escaped, "%{other:02x}");
            }
        }
    }
    escaped
}

/// Why a run may not begin.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another run has it; exit code 75.
    #[error("another run of this job is under way: {holder}")]
    Held {
        /// Process id and since when, as far as known.
        holder: String,
    },
    /// No folder is known.
    #[error("no state directory is known: give --state-dir, or set {STATE_DIR_VARIABLE} or HOME")]
    NoStateDir,
    /// The folder cannot be made.
    #[error("the state directory `{}` cannot be made: give another one with --state-dir or {STATE_DIR_VARIABLE}", path.display())]
    StateDir {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be opened, locked or written.
    #[error("the lock `{}` cannot be taken", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The right to run; given back when it is dropped, or when the process ends in whatever way.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a job's instance, without waiting.
    ///
    /// # Errors
    /// [`LockError::Held`] where another run has it; anything of the file system.
    pub fn take(state: &StateDir, job: &str, instance: Option<&str>, run: &RunId) -> Result<Self, LockError> {
        Self::take_at(&state.file(job, instance, ".lock"), run)
    }

    /// Takes the lock that this file is.
    ///
    /// # Errors
    /// As [`Lock::take`].
    pub(super) fn take_at(path: &Path, run: &RunId) -> Result<Self, LockError> {
        let failed = |source| LockError::File { path: path.to_owned(), source };
        let mut file = open(path).map_err(failed)?;
        match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(LockError::Held { holder: holder(&mut file) }),
            Err(errno) => return Err(failed(errno.into())),
        }
        sign(&mut file, run).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

impl Lock {
    /// Takes the lock of a job's instance, and waits for at most so long while another run has it. Where the run is
    /// told to stop meanwhile, it waits no longer.
    ///
    /// # Errors
    /// As [`Lock::take`].
    pub async fn wait(
        state: &StateDir,
        job: &str,
        instance: Option<&str>,
        run: &RunId,
        wait: Duration,
        stop: &Stop,
    ) -> Result<Self, LockError> {
        let begun = Instant::now();
        loop {
            let taken = Self::take(state, job, instance, run);
            let Err(LockError::Held { holder }) = &taken else { return taken };
            let left = wait.saturating_sub(begun.elapsed());
            if left.is_zero() || stop.is_stopped() {
                return taken;
            }
            tracing::debug!("waiting for another run of this job: {holder}");
            tokio::select! {
                () = tokio::time::sleep(left.min(TRY_EVERY)) => {}
                () = stop.wait() => {}
            }
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

fn sign(file: &mut File, run: &RunId) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "process {} since {} (run {run})", os::process_id(), os::now())
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.take(1024).read_to_string(&mut text);
    match read {
        Ok(_) if !text.trim().is_empty() => text.trim().to_owned(),
        Ok(_) | Err(_) => "it has not said which process it is".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> (tempfile::TempDir, StateDir) {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::find(Some(&folder.path().join("a/b")), &Environment::default()).unwrap();
        (folder, state)
    }

    #[test]
    fn a_second_run_is_refused_and_told_who_has_the_lock() {
        let (_folder, state) = state();
        let run = RunId::random().unwrap();
        let lock = Lock::take(&state, "j", Some("80"), &run).unwrap();
        let error = Lock::take(&state, "j", Some("80"), &run).unwrap_err();
        let LockError::Held { holder } = &error else { panic!("{error}") };
        assert!(holder.contains(&format!("process {} since 2", os::process_id())), "{holder}");
        drop(lock);
        Lock::take(&state, "j", Some("80"), &run).unwrap();
    }

    #[test]
    fn other_instances_have_locks_of_their_own() {
        let (_folder, state) = state();
        let run = RunId::random().unwrap();
        let names =
            [("j", None), ("j", Some("")), ("j", Some("80")), ("j@80", None), ("j", Some("../x")), ("j", Some("%2e"))];
        let locks: Vec<_> = names.iter().map(|(job, instance)| Lock::take(&state, job, *instance, &run)).collect();
        assert!(locks.iter().all(Result::is_ok));
        let long = "ü".repeat(300);
        let _one = Lock::take(&state, "j", Some(&format!("{long}a")), &run).unwrap();
        let _two = Lock::take(&state, "j", Some(&format!("{long}b")), &run).unwrap();
        assert_eq!(std::fs::read_dir(state.path()).unwrap().count(), names.len() + 2);
    }

    #[test]
    fn the_state_directory_is_where_systemd_says_else_where_the_user_s_is() {
        let path = |variables: &[(&str, &str)], root| default_path(&variables.iter().copied().collect(), root);
        let home = [("HOME", "/h")];
        assert_eq!(path(&[("STATE_DIRECTORY", "/s:/t"), ("HOME", "/h")], true), Some("/s".into()));
        assert_eq!(path(&[("EIGHTBELLS_STATE_DIR", "/e"), ("STATE_DIRECTORY", "/s")], true), Some("/e".into()));
        assert_eq!(path(&home, true), Some("/var/lib/eightbells".into()));
        assert_eq!(path(&home, false), Some("/h/.local/state/eightbells".into()));
        assert_eq!(path(&[("XDG_STATE_HOME", "/x"), ("HOME", "/h")], false), Some("/x/eightbells".into()));
        assert_eq!(path(&[], false), None);
    }
}
