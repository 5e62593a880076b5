//! What passes by in a dump's stream: its length, and for a tar archive its members and whether its end was seen.

use crate::run::tar_walk::{Progress, Walk};
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

/// How much of a stream's beginning is kept.
const HEAD_BYTES: usize = 1024;

/// What was seen so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Length of the stream.
    pub bytes: u64,
    /// Files, folders and everything else.
    pub members: u64,
    /// Everything but folders.
    pub files: u64,
    /// The first member is a symbolic link.
    pub begins_with_symlink: bool,
    /// The archive's end mark was seen.
    pub ended: bool,
    /// A header is not one.
    pub broken: bool,
    /// How the stream begins: engines print their own errors there.
    pub head: Vec<u8>,
}

/// A reader that counts.
pub(super) struct Counted<R> {
    inner: R,
    tar: Option<Walk>,
    counts: Arc<Mutex<Counts>>,
}

impl<R> Counted<R> {
    pub(super) fn new(inner: R, tar: bool) -> (Self, Arc<Mutex<Counts>>) {
        let counts = Arc::default();
        (Self { inner, tar: tar.then(Walk::default), counts: Arc::clone(&counts) }, counts)
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = HEAD_BYTES.saturating_sub(counts.head.len()).min(read);
        counts.head.extend(buffer.get(..wanted).unwrap_or_default());
        counts.bytes = counts.bytes.saturating_add(read as u64);
        if let Some(tar) = &mut self.tar {
            tar.feed(buffer.get(..read).unwrap_or_default(), |member| {
                counts.begins_with_symlink |= counts.members == 0 && member.kind == b'2';
                counts.members += 1;
                counts.files += u64::from(member.kind != b'5');
            });
            counts.ended = tar.progress() == Progress::Ended;
            counts.broken = tar.progress() == Progress::Broken;
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// What GNU tar makes of a folder, read in pieces of `step` bytes.
    fn counts(archive: &[u8], step: usize) -> Counts {
        struct Steps<'a>(&'a [u8], usize);
        impl Read for Steps<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let step = self.1.min(buffer.len());
                self.0.read(&mut buffer[..step])
            }
        }
        let (mut counted, counts) = Counted::new(Steps(archive, step), true);
        io::copy(&mut counted, &mut io::sink()).unwrap();
        counts.lock().unwrap().clone()
    }

    fn tree() -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("top");
        std::fs::create_dir_all(root.join("a")).unwrap();
        std::fs::write(root.join("one"), vec![1; 1000]).unwrap();
        std::fs::hard_link(root.join("one"), root.join("link")).unwrap();
        std::os::unix::fs::symlink("one", root.join("soft")).unwrap();
        std::fs::write(root.join(format!("a/{}ü", "n".repeat(200))), b"").unwrap();
        let sparse = std::fs::File::create(root.join("sparse")).unwrap();
        sparse.set_len(9 << 30).unwrap();
        let tar = Command::new("tar")
            .args(["--create", "--format=posix", "--sparse", "-C"])
            .arg(folder.path())
            .arg("top")
            .output()
            .unwrap();
        assert!(tar.status.success());
        tar.stdout
    }

    #[test]
    fn members_of_a_real_archive_are_counted_however_it_is_cut() {
        let archive = tree();
        for step in [1, 7, 511, 512, 4096, 1 << 20] {
            let counts = counts(&archive, step);
            assert_eq!((counts.members, counts.files, counts.ended, counts.broken), (7, 5, true, false), "{step}");
            assert_eq!(counts.bytes, archive.len() as u64);
        }
    }

    #[test]
    fn a_cut_archive_has_no_end() {
        let archive = tree();
        let cut = counts(&archive[..archive.len() / 2], 4096);
        assert!(!cut.ended);
    }

    #[test]
    fn what_is_no_archive_is_told() {
        assert!(counts(&vec![b'x'; 5000], 4096).broken);
        assert!(!counts(&[], 1).ended);
    }
}
