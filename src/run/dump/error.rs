//! Why a dump is not a backup.

use super::container::ContainerError;
use super::database::DatabaseError;
use super::log::Tail;
use crate::run::etcd::EtcdError;
use crate::run::journal::JournalError;
use crate::run::os::{Cut, SpawnError};
use crate::run::secret::SecretError;
use crate::value::ExpandError;
use std::io;
use std::path::PathBuf;

/// Why a dump is not a backup.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// A placeholder has no value.
    #[error("a value of the source cannot be filled in")]
    Expand(#[from] ExpandError),
    /// A reference has no value.
    #[error("a value of the source's environment is not known")]
    Secret(#[from] SecretError),
    /// What is made for the dump could not be written down first.
    #[error("the dump was not begun")]
    Journal(#[from] JournalError),
    /// A program cannot be started.
    #[error("a program cannot be started; is it installed, and in the runner's PATH?")]
    Spawn(#[from] SpawnError),
    /// The source names nothing.
    #[error("the source names no path")]
    NoPath,
    /// The source's program has no words.
    #[error("the source names no program")]
    NoProgram,
    /// A path of the source is not there.
    #[error("`{}` does not exist: correct the source's `paths`, or mount what belongs there", path.display())]
    PathMissing {
        /// Which.
        path: PathBuf,
    },
    /// A path of the source may not be looked at.
    #[error("`{}` cannot be looked at: does the runner's user have the right to?", path.display())]
    PathUnusable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no tar.
    #[error("GNU tar is needed and there is no `tar` in the runner's PATH: install it (Debian: apt-get install tar)")]
    NoTar,
    /// Busybox's, or another tar that would lose what GNU's keeps.
    #[error(
        "`tar` is not GNU tar: another one loses access lists, sparse files and names; install GNU tar before it in the runner's PATH"
    )]
    ForeignTar,
    /// A program ended badly.
    #[error("`{what}` failed: {how}{tail}")]
    Failed {
        /// Which program.
        what: String,
        /// How it ended.
        how: String,
        /// What it said last.
        tail: Tail,
    },
    /// A program was ended by us.
    #[error("`{what}` did not end by itself: {cut}")]
    Cut {
        /// Which program.
        what: String,
        /// Why.
        cut: Cut,
    },
    /// The program ended well and printed nothing.
    #[error("the dump is empty: if that may be, set `allow_empty: true` in the source")]
    Empty,
    /// The archive holds no file.
    #[error("the archive holds no file: if that may be, set `allow_empty: true` in the source")]
    NoFile,
    /// Not one of the source's files could be read.
    #[error("nothing of the source could be read{tail}")]
    NothingReadable {
        /// What tar said.
        tail: Tail,
    },
    /// An archive that tar says is complete has no end.
    #[error("the archive is cut off: its end mark is missing")]
    NoEnd,
    /// The stream of an archive is something else.
    #[error("what `tar` printed is not a tar archive")]
    NotTar,
    /// The program ended well, and what it printed is not what it should be.
    #[error("{fault}{tail}")]
    NotWhole {
        /// What is wrong with it.
        fault: &'static str,
        /// What the program said last.
        tail: Tail,
    },
    /// Something of a database's.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// Something of etcd's.
    #[error(transparent)]
    Etcd(#[from] EtcdError),
    /// Something of the container's.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// A scratch folder of the host cannot be made.
    #[error("the scratch folder `{}` cannot be made", path.display())]
    Scratch {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The operating system did not say how a process ended.
    #[error("it is not known how `{what}` ended")]
    Unknown {
        /// Which program.
        what: String,
        /// Why.
        source: io::Error,
    },
}
