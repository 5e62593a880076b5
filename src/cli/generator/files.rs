//! Files in a folder: written whole or not at all, and only where they differ.

use crate::cli::output::Failure;
use crate::contract::exit;
use crate::render::File;
use std::io::Write as _;
use std::path::Path;

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    New,
    Changed,
    Same,
}

/// Compares a file with what is in the folder.
pub(super) fn compare(folder: &Path, file: &File) -> Result<Change, Failure> {
    let path = folder.join(&file.name);
    match std::fs::read(&path) {
        Ok(text) if text == file.text.as_bytes() => Ok(Change::Same),
        Ok(_) => Ok(Change::Changed),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Change::New),
        Err(error) => Err(Failure::io("read", &path, &error)),
    }
}

/// Writes what differs. Each file is written under another name first, synced, and then renamed.
pub(super) fn write_changed(folder: &Path, files: &[File]) -> Result<Vec<Change>, Failure> {
    std::fs::create_dir_all(folder).map_err(|e| Failure::io("make the folder", folder, &e))?;
    let mut changes = vec![];
    for file in files {
        let change = compare(folder, file)?;
        if change != Change::Same {
            write_atomically(&folder.join(&file.name), &file.text)?;
        }
        changes.push(change);
    }
    Ok(changes)
}

/// Writes a file that everybody may read; it is there whole, or as it was before.
pub(super) fn write_atomically(path: &Path, text: &str) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || {
        let mut staged = tempfile::Builder::new().prefix(".eightbells-").tempfile_in(folder)?;
        staged.write_all(text.as_bytes())?;
        set_readable(staged.as_file())?;
        staged.as_file().sync_all()?;
        staged.persist(path)?;
        std::fs::File::open(folder)?.sync_all()
    };
    write().map_err(|error: std::io::Error| Failure::io("write", path, &error))
}

/// Temporary files are read by their owner alone.
#[cfg(unix)]
fn set_readable(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn set_readable(_: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}

/// Lines that differ, as `diff -u` marks them, without context beyond the common beginning and end.
pub(super) fn difference(folder: &Path, file: &File) -> Result<String, Failure> {
    let path = folder.join(&file.name);
    let old = match std::fs::read(&path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(Failure::io("read", &path, &error)),
    };
    Ok(text_difference(&path.display().to_string(), &old, &file.name, &file.text))
}

/// The same for two texts with their names.
pub(super) fn text_difference(old_name: &str, old: &str, name: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let before = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let rest = |lines: &[&str]| lines.len().saturating_sub(before);
    let after =
        old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count().min(rest(&old)).min(rest(&new));
    let changed = |lines: &[&str], mark: &'static str| {
        let end = lines.len().saturating_sub(after);
        lines.get(before..end).unwrap_or(&[]).iter().flat_map(|line| [mark, line, "\n"]).collect::<String>()
    };
    let header = format!("--- {old_name}\n+++ {name} (generated)\n@@ line {} @@\n", before + 1);
    format!("{header}{}{}", changed(&old, "-"), changed(&new, "+"))
}

/// Fails with the code for findings.
pub(super) fn differs(count: usize) -> Failure {
    let files = if count == 1 { "1 file differs".to_owned() } else { format!("{count} files differ") };
    Failure::new(exit::FAILED, format!("{files} from what the spec gives"))
}
