//! Scratch folders of the host: made for a dump that asks for one, removed after it, come what may.

use crate::run::journal::Journal;
use std::fs::{DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// What every scratch folder's name begins with; nothing else is ever removed as one.
pub const PREFIX: &str = "eightbells-";

/// Where the scratch folder with this mark is, beside the journal.
#[must_use]
pub fn path(journal: &Journal, mark: &str) -> PathBuf {
    journal.folder().join(format!("{PREFIX}{mark}"))
}

/// Makes it, for its owner only.
///
/// # Errors
/// It is there already, or cannot be made.
pub fn make(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

/// Removes it with everything in it, following no link. One that is gone is fine.
///
/// # Errors
/// It is not a scratch folder by its name, or something in it cannot be removed.
pub fn remove(path: &Path) -> io::Result<()> {
    let ours = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(PREFIX.as_bytes()));
    if !ours {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a scratch folder's name"));
    }
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // What was unpacked may hold folders that even their owner may not write to.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_up(path)?;
            std::fs::remove_dir_all(path)
        }
        other => other,
    }
}

/// Lets the owner of every folder there read and write it.
fn open_up(path: &Path) -> io::Result<()> {
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        std::fs::set_permissions(&folder, Permissions::from_mode(0o700))?;
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_scratch_folders_are_removed_and_no_link_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let kept = folder.path().join("kept");
        std::fs::create_dir(&kept).unwrap();
        std::fs::write(kept.join("file"), "x").unwrap();
        assert!(remove(&kept).is_err());
        let scratch = folder.path().join("eightbells-1-a");
        make(&scratch).unwrap();
        std::os::unix::fs::symlink(&kept, scratch.join("link")).unwrap();
        remove(&scratch).unwrap();
        remove(&scratch).unwrap();
        assert!(kept.join("file").exists() && !scratch.exists());
    }
}
