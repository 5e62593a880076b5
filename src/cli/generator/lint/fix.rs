//! `--fix`: a diff of what would be mended, or the files mended.

use super::{Format, Run, plural, stdin};
use crate::cli::output::{Failure, print_bytes, say};
use crate::contract::exit;
use crate::diag::Severity;
use crate::lint::{Fixed, Mended, unified_diff};
use std::io::Write as _;
use std::path::Path;

/// Whether what is asked for can be done: standard output has room for one thing.
pub(super) fn check(run: &Run<'_>) -> Result<(), Failure> {
    let args = run.args;
    let usage = |message: &str| Failure::new(exit::USAGE, message);
    if args.format != Format::Human && !args.write {
        return Err(usage("`--fix` prints a diff, and takes no `--format` unless it writes").help("add `--write`"));
    }
    if args.write && stdin::is_given(&args.paths) && (args.paths.len() > 1 || args.format != Format::Human) {
        return Err(usage(
            "`--write` prints what was read from standard input: it takes no other path and no `--format`",
        ));
    }
    Ok(())
}

/// Prints what was mended as a diff, or writes it and tells what is left.
pub(super) fn run(run: &Run<'_>, fixed: &Fixed) -> Result<(), Failure> {
    if run.args.write { write(run, fixed) } else { preview(run, fixed) }
}

fn preview(run: &Run<'_>, fixed: &Fixed) -> Result<(), Failure> {
    for Mended { place: _, path, before, after } in &fixed.files {
        print_bytes(&unified_diff(path, before, after))?;
    }
    let left: usize = [Severity::Error, Severity::Warning, Severity::Note].iter().map(|it| fixed.left.count(*it)).sum();
    say(&format!("{} would be mended{}; {left} left", made(fixed), files(fixed)));
    if !fixed.files.is_empty() {
        say("  help: `--write` writes the files");
    }
    if fixed.files.is_empty() && !run.fails(&fixed.left) { Ok(()) } else { Err(Failure::said(exit::FAILED)) }
}

fn write(run: &Run<'_>, fixed: &Fixed) -> Result<(), Failure> {
    if let Some(buffer) = &run.buffer {
        print_bytes(fixed.files.first().map_or(&buffer.text, |file| &file.after))?;
    } else {
        for Mended { place, path: _, before, after } in &fixed.files {
            if let Some(path) = run.paths.get(*place) {
                overwrite(path, before, after)?;
            }
        }
    }
    say(&format!("{} mended{}", made(fixed), files(fixed)));
    run.tell(&fixed.left)
}

fn made(fixed: &Fixed) -> String {
    plural(fixed.made.values().sum(), "finding")
}

fn files(fixed: &Fixed) -> String {
    match fixed.files.len() {
        0 => String::new(),
        count => format!(" in {}", plural(count, "file")),
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

fn staged(place: &Path, text: &[u8]) -> std::io::Result<()> {
    let folder = place.parent().unwrap_or(Path::new("/"));
    let permissions = std::fs::metadata(place)?.permissions();
    let mut staged = tempfile::Builder::new().prefix(".eightbells-").tempfile_in(folder)?;
    staged.write_all(text)?;
    staged.as_file().set_permissions(permissions)?;
    staged.as_file().sync_all()?;
    staged.persist(place)?;
    std::fs::File::open(folder)?.sync_all()
}
