//! A tree in a container as tar: directly from the host where the runner may, else with the container's own tar.

use super::ContainerError;
use super::engine::{Found, program_is_missing};
use crate::run::dump::start::Start;
use crate::run::dump::{Dump, DumpError, gnu_tar, processes};
use crate::run::journal::{MARK_VARIABLE, Obligation};
use crate::run::os::{Input, Program};
use crate::source::Access;
use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags, openat2, statat};
use rustix::io::Errno;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;

/// A folder of a container, and the name that it has in the archive.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tree {
    path: String,
    parent: String,
    name: String,
    exclude: Vec<String>,
}

impl Tree {
    pub(super) fn parse(path: &str, exclude: Vec<String>) -> Result<Self, ContainerError> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        let (parent, name) = match parts.split_last() {
            Some((&"..", _)) => return Err(ContainerError::TreeName { path: path.to_owned() }),
            _ if !path.starts_with('/') => return Err(ContainerError::TreeName { path: path.to_owned() }),
            Some((name, parents)) => (format!("/{}", parents.join("/")), (*name).to_owned()),
            None => ("/".to_owned(), ".".to_owned()),
        };
        Ok(Self { path: path.to_owned(), parent, name, exclude })
    }
}

impl Tree {
    /// A folder without its name: members begin at it.
    pub(super) fn inside(path: &str, exclude: Vec<String>) -> Self {
        Self { path: path.to_owned(), parent: path.to_owned(), name: ".".to_owned(), exclude }
    }
}

pub(super) fn read(tree: &Tree, access: Access, found: Found, start: Start<'_>) -> Result<Dump, DumpError> {
    let direct = match access {
        Access::Exec => Err(NotDirect::Unwanted),
        Access::Auto | Access::Direct => directly(tree, access, &found, &start),
    };
    match (direct, access) {
        (Ok(program), _) => {
            let dump = start.tar(program, Some(tree.path.clone()))?;
            Ok(finished(dump, found, "directly from the container's mount namespace".into()))
        }
        (Err(NotDirect::Missing), _) => Err(ContainerError::TreeMissing { path: tree.path.clone() }.into()),
        (Err(reason), Access::Direct) => Err(ContainerError::NotDirect { reason: reason.to_string() }.into()),
        (Err(reason), Access::Auto | Access::Exec) => through_exec(tree, found, start, &reason.to_string()),
    }
}

fn finished(mut dump: Dump, found: Found, how: String) -> Dump {
    dump.running.container = Some(found);
    dump.running.how = Some(how);
    dump
}

/// Why a tree is not read directly.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotDirect {
    #[error("`access: exec` was asked for")]
    Unwanted,
    #[error("its process is not seen from here: another host, or another process namespace")]
    Unseen,
    #[error("its users are mapped to others of the host, whose numbers the archive would hold")]
    MappedUsers,
    #[error("the host has no GNU tar")]
    NoTar,
    #[error("the kernel is older than 5.6")]
    OldKernel,
    #[error("the runner may not look into it: {0}")]
    Denied(io::Error),
    #[error("the engine is on another host, or gives files to other users than it says")]
    Elsewhere,
    #[error("there is no such folder")]
    Missing,
}

impl NotDirect {
    pub(super) fn into_io(self) -> io::Error {
        match self {
            Self::Denied(error) => error,
            Self::Missing => io::ErrorKind::NotFound.into(),
            Self::Unwanted | Self::Unseen | Self::Elsewhere | Self::MappedUsers | Self::NoTar | Self::OldKernel => {
                io::Error::other(self.to_string())
            }
        }
    }
}

/// The host's tar on a descriptor of the tree's parent, opened so that no link of the container's leads out of it.
fn directly(tree: &Tree, access: Access, found: &Found, start: &Start<'_>) -> Result<Program, NotDirect> {
    let environment = &start.with.environment;
    let parent = open_in(found, &tree.parent)?;
    statat(&parent, &tree.name, AtFlags::SYMLINK_NOFOLLOW).map_err(not_opened)?;
    if access == Access::Auto && users_are_mapped(found.pid) {
        return Err(NotDirect::MappedUsers);
    }
    let tar = gnu_tar::find(environment, &start.limits).map_err(|_| NotDirect::NoTar)?;
    let excludes = tree.exclude.iter().map(|pattern| gnu_tar::exclude(pattern));
    let program = tar.program(environment).args(excludes).arg("--directory=/proc/self/fd/0");
    Ok(program.arg("--").arg(&tree.name).stdin(Input::File(parent)))
}

/// A folder of the container, by way of its first process; that this is the container's is checked before and after.
pub(super) fn open_in(found: &Found, path: &str) -> Result<OwnedFd, NotDirect> {
    let before = processes::stat(found.pid).filter(|_| is_of(found.pid, &found.id)).ok_or(NotDirect::Unseen)?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::open(format!("/proc/{}/root", found.pid), flags, Mode::empty())
        .map_err(|errno| NotDirect::Denied(errno.into()))?;
    let after = processes::stat(found.pid).ok_or(NotDirect::Unseen)?;
    if before.start != after.start || !is_of(found.pid, &found.id) {
        return Err(NotDirect::Unseen);
    }
    openat2(&root, path, flags, Mode::empty(), ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS).map_err(not_opened)
}

pub(super) fn not_opened(errno: Errno) -> NotDirect {
    match errno {
        Errno::NOENT | Errno::NOTDIR => NotDirect::Missing,
        Errno::NOSYS => NotDirect::OldKernel,
        other => NotDirect::Denied(other.into()),
    }
}

/// Whether a process belongs to a container: its control group, or one of its mounts (engines mount `/etc/hostname` and
/// the like from the container's own folder), bears the container's id.
pub(super) fn is_of(pid: i32, id: &str) -> bool {
    let bears = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).is_ok_and(|text| text.contains(id));
    pid > 1 && !id.is_empty() && (bears("cgroup") || bears("mountinfo"))
}

fn users_are_mapped(pid: i32) -> bool {
    fs::read_link(format!("/proc/{pid}/ns/user")).ok() != fs::read_link("/proc/self/ns/user").ok()
}

/// The container's own tar, as its root. It may be busybox's, so only the oldest options are used.
pub(super) fn through_exec(tree: &Tree, found: Found, mut start: Start<'_>, reason: &str) -> Result<Dump, DumpError> {
    require_inside(tree, &found, &start, reason)?;
    let mark = format!("{MARK_VARIABLE}={}", start.mark());
    let options = ["--user", "0", "--env", "LC_ALL=C", "--env", &mark].map(Into::into);
    let mut words = vec!["tar".to_owned(), "-c".into(), "-f".into(), "-".into(), "-C".into(), tree.parent.clone()];
    words.extend(tree.exclude.iter().map(|pattern| format!("--exclude={pattern}")));
    words.extend(["--".into(), tree.name.clone()]);
    let program = found.exec(&options, &words);
    let (engine, container) = (found.engine.name.clone(), found.id.clone());
    start.owe(Obligation::ContainerProcess { engine, container, mark: start.mark() })?;
    let how = format!("through `{} exec` and the container's tar ({reason})", found.engine.name);
    Ok(finished(start.tar(program, Some(tree.path.clone()))?, found, how))
}

/// Makes sure that there is a tar, and one that can leave things out where that is asked of it.
fn require_inside(tree: &Tree, found: &Found, start: &Start<'_>, reason: &str) -> Result<(), ContainerError> {
    let words: &[&str] =
        if tree.exclude.is_empty() { &["tar", "--version"] } else { &["tar", "--exclude=x", "--version"] };
    let version = found.call(words, &start.limits)?;
    if program_is_missing(&version) {
        return Err(ContainerError::NoTarInside { reason: reason.to_owned() });
    }
    let refused = |line: &String| line.contains("option") && line.contains("exclude");
    if version.stderr.iter().any(refused) {
        Err(ContainerError::NoExcludeInside { reason: reason.to_owned() })
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_has_its_last_name_in_the_archive() {
        let parts = |path| Tree::parse(path, vec![]).map(|tree| (tree.parent, tree.name)).ok();
        let pair = |parent: &str, name: &str| Some((parent.to_owned(), name.to_owned()));
        assert_eq!(parts("/tmp/x/pages"), pair("/tmp/x", "pages"));
        assert_eq!(parts("/tmp//x/./pages/."), pair("/tmp/x", "pages"));
        assert_eq!(parts("/data/"), pair("/", "data"));
        assert_eq!(parts("/"), pair("/", "."));
        assert_eq!(parts("/a/../b"), pair("/a/..", "b"));
        assert_eq!((parts("/a/.."), parts("pages"), parts("")), (None, None, None));
    }
}
