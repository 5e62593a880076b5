//! `--fix`: a diff of what would be mended, or the files mended.

use super::{Format, LintArgs, tell};
use crate::cli::output::{Failure, print_bytes, say};
use crate::contract::exit;
use crate::diag::Severity;
use crate::lint::{Fixed, Mended, unified_diff};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Prints what was mended as a diff, or writes it and tells what is left.
pub(super) fn run(args: &LintArgs, paths: &[PathBuf], fixed: &Fixed) -> Result<(), Failure> {
    if args.write { write(args, paths, fixed) } else { preview(args, fixed) }
}

fn preview(args: &LintArgs, fixed: &Fixed) -> Result<(), Failure> {
    if args.format != Format::Human {
        let message = "`--fix` prints a diff, and takes no `--format` unless it writes";
        return Err(Failure::new(exit::USAGE, message).help("add `--write`"));
    }
    for Mended { place: _, path, before, after } in &fixed.files {
        print_bytes(&unified_diff(path, before, after))?;
    }
    let left: usize = [Severity::Error, Severity::Warning, Severity::Note].iter().map(|it| fixed.left.count(*it)).sum();
    say(&format!("{} would be mended{}; {left} left", made(fixed), files(fixed)));
    if !fixed.files.is_empty() {
        say("  help: `--write` writes the files");
    }
    let faults = fixed.left.count(Severity::Error) + fixed.left.count(Severity::Warning);
    if fixed.files.is_empty() && faults == 0 { Ok(()) } else { Err(Failure::said(exit::FAILED)) }
}

fn write(args: &LintArgs, paths: &[PathBuf], fixed: &Fixed) -> Result<(), Failure> {
    for Mended { place, path: _, before, after } in &fixed.files {
        if let Some(path) = paths.get(*place) {
            overwrite(path, before, after)?;
        }
    }
    say(&format!("{} mended{}", made(fixed), files(fixed)));
    tell(args, &fixed.left)
}

fn made(fixed: &Fixed) -> String {
    let count: usize = fixed.made.values().sum();
    if count == 1 { "1 finding".to_owned() } else { format!("{count} findings") }
}

fn files(fixed: &Fixed) -> String {
    match fixed.files.len() {
        0 => String::new(),
        1 => " in 1 file".to_owned(),
        count => format!(" in {count} files"),
    }
}

/// Puts a text in the place of a file's, whole or not at all; the file keeps its mode, and a link stays one.
fn overwrite(path: &Path, before: &[u8], after: &[u8]) -> Result<(), Failure> {
    let failure = |error: &std::io::Error| Failure::io("write", path, error);
    let place = std::fs::canonicalize(path).map_err(|error| failure(&error))?;
    let now = std::fs::read(&place).map_err(|error| Failure::io("read", path, &error))?;
    if now != before {
        let message = format!("`{}` was changed by somebody else meanwhile", path.display());
        return Err(Failure::new(exit::FAILED, message).help("it is left as it is; run this again"));
    }
    staged(&place, after).map_err(|error| failure(&error))
}

fn staged(place: &PathBuf, text: &[u8]) -> std::io::Result<()> {
    let folder = place.parent().unwrap_or(Path::new("/"));
    let permissions = std::fs::metadata(place)?.permissions();
    let mut staged = tempfile::Builder::new().prefix(".eightbells-").tempfile_in(folder)?;
    staged.write_all(text)?;
    staged.as_file().set_permissions(permissions)?;
    staged.as_file().sync_all()?;
    staged.persist(place)?;
    std::fs::File::open(folder)?.sync_all()
}
