//! What passes by in a dump's stream: its length, and for a tar archive its members and whether its end was seen.
//!
//! Headers are read as POSIX ustar with pax records; only what is needed to step from one header to the next.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

const BLOCK: usize = 512;
/// A pax record list is a few hundred bytes; what is longer is an attribute, and only its beginning is looked at.
const PAX_MAX_BYTES: usize = 1 << 20;

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
    tar: Option<Members>,
    counts: Arc<Mutex<Counts>>,
}

impl<R> Counted<R> {
    pub(super) fn new(inner: R, tar: bool) -> (Self, Arc<Mutex<Counts>>) {
        let counts = Arc::default();
        (Self { inner, tar: tar.then(Members::default), counts: Arc::clone(&counts) }, counts)
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
            tar.feed(buffer.get(..read).unwrap_or_default(), &mut counts);
        }
        Ok(read)
    }
}

/// A walk from header to header.
#[derive(Debug, Default)]
struct Members {
    block: Vec<u8>,
    /// Bytes of data, padding included, before the next header.
    skip: u64,
    /// How many of those are pax records to keep.
    keep: usize,
    pax: Vec<u8>,
    zero_blocks: u8,
}

impl Members {
    fn feed(&mut self, mut bytes: &[u8], counts: &mut Counts) {
        while !bytes.is_empty() && !counts.ended && !counts.broken {
            bytes = if self.skip > 0 { self.data(bytes) } else { self.header(bytes, counts) };
        }
    }

    fn data<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let step = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len());
        let (data, rest) = bytes.split_at(step);
        let kept = self.keep.min(step);
        self.pax.extend(data.get(..kept).unwrap_or_default());
        self.keep -= kept;
        self.skip -= step as u64;
        rest
    }

    fn header<'a>(&mut self, bytes: &'a [u8], counts: &mut Counts) -> &'a [u8] {
        let (part, rest) = bytes.split_at((BLOCK - self.block.len()).min(bytes.len()));
        self.block.extend(part);
        if self.block.len() == BLOCK {
            let block = std::mem::take(&mut self.block);
            self.member(&block, counts);
            self.block = block;
            self.block.clear();
        }
        rest
    }

    fn member(&mut self, block: &[u8], counts: &mut Counts) {
        if block.iter().all(|byte| *byte == 0) {
            self.zero_blocks += 1;
            counts.ended = self.zero_blocks == 2;
            return;
        }
        self.zero_blocks = 0;
        let (Some(size), true) = (number(block.get(124..136)), checksum_fits(block)) else {
            counts.broken = true;
            return;
        };
        let kind = block.get(156).copied().unwrap_or_default();
        self.step_over(kind, size);
        if !matches!(kind, b'x' | b'g' | b'L' | b'K') {
            counts.begins_with_symlink |= counts.members == 0 && kind == b'2';
            counts.members += 1;
            counts.files += u64::from(kind != b'5');
        }
    }

    /// Sets how far it is to the next header. Folders, links and devices have no data, whatever their size field says.
    fn step_over(&mut self, kind: u8, size: u64) {
        let of_pax = size_record(&std::mem::take(&mut self.pax));
        let data = match kind {
            b'2'..=b'6' => 0,
            b'x' | b'g' | b'L' | b'K' => size,
            _ => of_pax.unwrap_or(size),
        };
        self.keep = if kind == b'x' { usize::try_from(data).unwrap_or(usize::MAX).min(PAX_MAX_BYTES) } else { 0 };
        self.skip = data.div_ceil(BLOCK as u64).saturating_mul(BLOCK as u64);
    }
}

/// A number field: octal text, or base 256 where its first bit is set.
fn number(field: Option<&[u8]>) -> Option<u64> {
    let (first, rest) = field?.split_first()?;
    if first & 0x80 != 0 {
        return rest
            .iter()
            .try_fold(u64::from(first & 0x7f), |sum, byte| sum.checked_mul(256)?.checked_add((*byte).into()));
    }
    let text = std::str::from_utf8(field?).ok()?;
    u64::from_str_radix(text.trim_matches(['\0', ' ']), 8).ok()
}

fn checksum_fits(block: &[u8]) -> bool {
    let sum = |at: usize, byte: u8| u64::from(if (148..156).contains(&at) { b' ' } else { byte });
    number(block.get(148..156)) == Some(block.iter().enumerate().map(|(at, byte)| sum(at, *byte)).sum())
}

/// The `size` among pax records, each `LENGTH KEY=VALUE\n`.
fn size_record(mut records: &[u8]) -> Option<u64> {
    let mut size = None;
    while let Some(space) = records.iter().position(|byte| *byte == b' ') {
        let length: usize = std::str::from_utf8(records.get(..space)?).ok()?.parse().ok()?;
        let record = records.get(space + 1..length.checked_sub(1)?)?;
        if let Some(value) = record.strip_prefix(b"size=") {
            size = std::str::from_utf8(value).ok()?.parse().ok();
        }
        records = records.get(length..)?;
    }
    size
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
