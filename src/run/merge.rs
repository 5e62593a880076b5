//! What was unpacked, into a folder that holds something already.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

/// Moves everything in `from` into `to`, which lies in the same file system: folders become one, everything else takes
/// its name from whatever had it, each at once. Links in `to` are never followed, and nothing else in it is touched.
///
/// # Errors
/// A folder stands where something else should; then nothing was moved. Anything of the file system.
pub fn merge(from: &Path, to: &Path) -> io::Result<()> {
    for_each(from, to, &mut |new, old, there| match there {
        Some(there) if there.is_dir() && !new.symlink_metadata()?.is_dir() => {
            let message = format!("`{}` is a folder there, and none in the archive", old.display());
            Err(io::Error::new(io::ErrorKind::IsADirectory, message))
        }
        Some(_) | None => Ok(()),
    })?;
    for_each(from, to, &mut |new, old, there| {
        let is_folder = new.symlink_metadata()?.is_dir();
        match there {
            Some(there) if is_folder && there.is_dir() => {
                return fs::set_permissions(old, new.metadata()?.permissions());
            }
            // A folder takes no other's name by itself.
            Some(_) if is_folder => fs::remove_file(old)?,
            Some(_) | None => {}
        }
        fs::rename(new, old)
    })
}

type Step<'a> = dyn FnMut(&Path, &Path, Option<&Metadata>) -> io::Result<()> + 'a;

/// Calls `step` for everything in `from` with its place in `to` and what is there; what is in folders of both comes
/// first, so that their own step is their last.
fn for_each(from: &Path, to: &Path, step: &mut Step<'_>) -> io::Result<()> {
    let mut entries: Vec<PathBuf> = fs::read_dir(from)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    entries.sort();
    for new in entries {
        let old = to.join(new.file_name().unwrap_or_default());
        let there = match old.symlink_metadata() {
            Ok(there) => Some(there),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if there.as_ref().is_some_and(Metadata::is_dir) && new.symlink_metadata()?.is_dir() {
            for_each(&new, &old, step)?;
        }
        step(&new, &old, there.as_ref())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn folders_become_one_files_are_replaced_and_links_are_not_followed() {
        let room = tempfile::tempdir().unwrap();
        let (from, to, outside) = (room.path().join("from"), room.path().join("to"), room.path().join("outside"));
        write(&from.join("a/one"), "new");
        write(&from.join("link/x"), "new");
        write(&from.join("file"), "new");
        write(&to.join("a/one"), "old");
        write(&to.join("a/two"), "mine");
        write(&outside.join("x"), "outside");
        symlink(&outside, to.join("link")).unwrap();
        symlink(outside.join("x"), to.join("file")).unwrap();
        merge(&from, &to).unwrap();
        let read = |path: &str| fs::read_to_string(room.path().join(path)).unwrap();
        assert_eq!((read("to/a/one"), read("to/a/two"), read("to/file")), ("new".into(), "mine".into(), "new".into()));
        assert_eq!((read("outside/x"), read("to/link/x")), ("outside".into(), "new".into()));
        assert!(!to.join("link").is_symlink() && !to.join("file").is_symlink());
    }

    #[test]
    fn where_a_folder_is_in_the_way_nothing_is_moved() {
        let room = tempfile::tempdir().unwrap();
        let (from, to) = (room.path().join("from"), room.path().join("to"));
        write(&from.join("a"), "new");
        write(&from.join("b"), "new");
        write(&to.join("b/kept"), "mine");
        assert!(merge(&from, &to).unwrap_err().to_string().contains("is a folder there"));
        assert!(!to.join("a").exists() && to.join("b/kept").exists());
    }
}
