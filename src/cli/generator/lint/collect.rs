//! The files to be linted.

use crate::cli::output::Failure;
use crate::contract::exit;
use crate::lint;
use std::ffi::OsStr;
use std::fs::DirEntry;
use std::path::{Path, PathBuf};

/// The files to be read, in a fixed order: those named whatever they are called, of folders those that are units.
pub(in crate::cli::generator) fn collect(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        match std::fs::metadata(path) {
            Ok(it) if it.is_dir() => search(path, &mut files)?,
            Ok(_) => files.push(path.clone()),
            Err(error) => return Err(Failure { code: exit::USAGE, ..Failure::io("read", path, &error) }),
        }
    }
    files.sort();
    files.dedup();
    Ok(files)
}

/// Links are not followed: an enabled unit would be met twice, and a loop never left.
fn search(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let failure = |error: &std::io::Error| Failure::io("read", folder, error);
    let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<DirEntry>>>);
    let mut entries = entries.map_err(|error| failure(&error))?;
    // Names are compared here, in one folder, so that the long paths come in order already.
    entries.sort_by_cached_key(DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type().map_err(|error| failure(&error))?;
        if kind.is_dir() && entry.file_name() != ".git" {
            search(&entry.path(), files)?;
        } else if kind.is_file() && is_unit(&entry.path()) {
            files.push(entry.path());
        }
    }
    Ok(())
}

fn is_unit(path: &Path) -> bool {
    let suffix = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    if lint::SUFFIXES.contains(&suffix) {
        return true;
    }
    let folder = path.parent().and_then(Path::file_name).and_then(OsStr::to_str).unwrap_or_default();
    let of_unit = folder.strip_suffix(".d").and_then(|unit| unit.rsplit_once('.'));
    suffix == "conf" && of_unit.is_some_and(|(_, suffix)| lint::SUFFIXES.contains(&suffix))
}
