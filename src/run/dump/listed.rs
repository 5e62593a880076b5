//! Which files of the given paths are archived, where that is more than tar can decide: ignore files in the folders
//! themselves, and sizes. The names go to tar as they are found, so that a million of them take no memory.

use super::gnu_tar::Remarks;
use super::log::Log;
use crate::source::Paths;
use crate::value::Bytes;
use ignore::{DirEntry, WalkBuilder};
use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The tag of a folder that can be made anew (bford.info/cachedir), and how such a file begins.
const CACHE_TAG: &str = "CACHEDIR.TAG";
const CACHE_SIGNATURE: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55";

/// Whether tar alone cannot decide what is archived.
pub(super) fn is_needed(paths: &Paths) -> bool {
    paths.gitignore || !paths.exclude_from.is_empty() || paths.max_file_size.is_some()
}

/// A walk over the paths of a source.
pub(super) struct Walk {
    pub roots: Vec<String>,
    pub paths: Paths,
    pub remarks: Remarks,
    pub log: Log,
}

impl Walk {
    /// Writes every name that is to be archived, each with a NUL behind it, folders before what is in them.
    pub(super) fn write(self, to: &mut dyn Write) -> io::Result<()> {
        let mut left_out = 0u64;
        for root in &self.roots {
            for entry in self.walk(Path::new(root)) {
                match entry {
                    Ok(entry) if self.is_too_large(&entry) => left_out += 1,
                    Ok(entry) => {
                        self.remark_on(&entry);
                        to.write_all(entry.path().as_os_str().as_bytes())?;
                        to.write_all(&[0])?;
                    }
                    Err(error) => self.unreadable(&error),
                }
            }
        }
        if let (Some(limit), 1..) = (self.paths.max_file_size, left_out) {
            self.log.line("tar", &format!("{left_out} files over {} were left out", Bytes(limit)));
        }
        Ok(())
    }

    fn walk(&self, root: &Path) -> ignore::Walk {
        let Paths { paths: _, exclude: _, one_file_system, exclude_from, gitignore, .. } = &self.paths;
        let mut walk = WalkBuilder::new(root);
        walk.hidden(false).parents(false).ignore(false).git_global(false).git_exclude(false).require_git(false);
        walk.git_ignore(*gitignore).follow_links(false).same_file_system(*one_file_system);
        walk.sort_by_file_name(OsStr::cmp);
        for name in exclude_from {
            walk.add_custom_ignore_filename(name);
        }
        let tags = Tags {
            names: self.paths.exclude_if_present.clone(),
            caches: self.paths.exclude_caches,
            last: Mutex::default(),
        };
        walk.filter_entry(move |entry| tags.let_pass(entry));
        walk.build()
    }

    fn is_too_large(&self, entry: &DirEntry) -> bool {
        let Some(limit) = self.paths.max_file_size else { return false };
        let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
        is_file && entry.metadata().is_ok_and(|metadata| metadata.len() > limit)
    }

    /// An ignore file with a fault in it.
    fn remark_on(&self, entry: &DirEntry) {
        if let Some(error) = entry.error() {
            self.remarks.warn(&error.to_string(), &self.log);
        }
    }

    /// As tar would say it.
    fn unreadable(&self, error: &ignore::Error) {
        let path = path_of(error).map_or_else(String::new, |path| path.display().to_string());
        let line = match error.io_error() {
            Some(error) if error.kind() == io::ErrorKind::NotFound => {
                format!("tar: {path}: File removed before we read it")
            }
            Some(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                format!("tar: {path}: Cannot open: Permission denied")
            }
            Some(_) | None => format!("tar: {path}: Cannot open: {error}"),
        };
        self.remarks.note(&line, &self.log);
    }
}

fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, err: _ } => Some(path),
        ignore::Error::WithDepth { depth: _, err } | ignore::Error::WithLineNumber { line: _, err } => path_of(err),
        _ => None,
    }
}

/// Folders of which only the folder itself and its tag are archived.
struct Tags {
    names: Vec<String>,
    caches: bool,
    /// The folder that was looked at last, and the tag in it.
    last: Mutex<Option<(PathBuf, Option<String>)>>,
}

impl Tags {
    fn let_pass(&self, entry: &DirEntry) -> bool {
        let Some(folder) = entry.path().parent().filter(|_| entry.depth() > 0) else { return true };
        if self.names.is_empty() && !self.caches {
            return true;
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let tag = match &*last {
            Some((known, tag)) if known == folder => tag.clone(),
            Some(_) | None => {
                let tag = self.tag_in(folder);
                *last = Some((folder.to_owned(), tag.clone()));
                tag
            }
        };
        tag.is_none_or(|tag| entry.file_name() == OsStr::new(&tag))
    }

    fn tag_in(&self, folder: &Path) -> Option<String> {
        let is_cache = || self.caches && begins_with(&folder.join(CACHE_TAG), CACHE_SIGNATURE);
        let present = self.names.iter().find(|name| folder.join(name).symlink_metadata().is_ok());
        present.cloned().or_else(|| is_cache().then(|| CACHE_TAG.to_owned()))
    }
}

fn begins_with(path: &Path, words: &[u8]) -> bool {
    use std::io::Read as _;
    let mut begin = vec![];
    let file = std::fs::File::open(path).map(|file| file.take(words.len() as u64));
    file.and_then(|mut file| file.read_to_end(&mut begin)).is_ok() && begin == words
}
