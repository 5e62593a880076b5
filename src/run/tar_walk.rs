//! A walk through a tar archive as it passes by, from header to header: what it holds, and where each member begins.
//!
//! Headers are read as POSIX ustar with pax records and GNU's long names; only what is needed to step from one header
//! to the next and to call a member by its name.

const BLOCK: usize = 512;
/// A pax record list, or a long name, is a few hundred bytes; what is longer is an attribute, and only its beginning is
/// looked at.
const EXTENSION_MAX_BYTES: usize = 1 << 20;

/// A file, folder or anything else in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Where its first header begins, in bytes from the archive's start; headers that only extend it come first.
    pub offset: u64,
    /// How long it is with its headers and its padding, in bytes.
    pub length: u64,
    /// tar's letter for what it is: `0` a file, `1` a hard link, `2` a symbolic link, `5` a folder, …
    pub kind: u8,
    /// Its name as the archive has it; not always UTF-8.
    pub path: Vec<u8>,
    /// What a hard link is another name of.
    pub target: Option<Vec<u8>>,
}

/// How far a walk has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Progress {
    /// Between members, or within one.
    #[default]
    Going,
    /// The archive's end mark was seen; what follows is padding.
    Ended,
    /// Something stands where a header should, and is none.
    Broken,
}

/// A walk from header to header.
#[derive(Debug, Default)]
pub struct Walk {
    block: Vec<u8>,
    /// Where the next byte stands.
    at: u64,
    /// Where the first header of the member that comes begins.
    begins: Option<u64>,
    /// Bytes of data, padding included, before the next header.
    skip: u64,
    /// What of them is kept, and how many bytes of it are to come.
    keep: Option<(Extension, usize)>,
    extensions: Extensions,
    zero_blocks: u8,
    progress: Progress,
    longest_extension: u64,
}

/// Headers that tell more of the member that follows.
#[derive(Debug, Clone, Copy)]
enum Extension {
    Pax,
    LongName,
    LongTarget,
}

#[derive(Debug, Default)]
struct Extensions {
    pax: Vec<u8>,
    name: Vec<u8>,
    target: Vec<u8>,
}

impl Walk {
    /// Takes the next bytes, cut anywhere, and tells each member whose last header is complete.
    pub fn feed(&mut self, mut bytes: &[u8], mut each: impl FnMut(&Member)) {
        while !bytes.is_empty() && self.progress == Progress::Going {
            let before = bytes.len();
            bytes = if self.skip > 0 { self.data(bytes) } else { self.header(bytes, &mut each) };
            self.at += (before - bytes.len()) as u64;
        }
    }

    /// How far it has come.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// The length, in bytes, of the longest header so far that only extends another: who reads the archive holds it in
    /// memory.
    #[must_use]
    pub fn longest_extension(&self) -> u64 {
        self.longest_extension
    }

    fn data<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let step = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len());
        let (data, rest) = bytes.split_at(step);
        if let Some((extension, left)) = &mut self.keep {
            let kept = data.get(..step.min(*left)).unwrap_or_default();
            *left -= kept.len();
            match extension {
                Extension::Pax => self.extensions.pax.extend(kept),
                Extension::LongName => self.extensions.name.extend(kept),
                Extension::LongTarget => self.extensions.target.extend(kept),
            }
        }
        self.skip -= step as u64;
        rest
    }

    fn header<'a>(&mut self, bytes: &'a [u8], each: &mut impl FnMut(&Member)) -> &'a [u8] {
        let (part, rest) = bytes.split_at((BLOCK - self.block.len()).min(bytes.len()));
        self.block.extend(part);
        if self.block.len() == BLOCK {
            let block = std::mem::take(&mut self.block);
            self.read(&block, self.at + part.len() as u64, each);
            self.block = block;
            self.block.clear();
        }
        rest
    }

    /// A whole header, which ends at `end`.
    fn read(&mut self, block: &[u8], end: u64, each: &mut impl FnMut(&Member)) {
        if block.iter().all(|byte| *byte == 0) {
            self.zero_blocks += 1;
            if self.zero_blocks == 2 {
                self.progress = Progress::Ended;
            }
            return;
        }
        self.zero_blocks = 0;
        let (Some(size), true) = (number(block.get(124..136)), checksum_fits(block)) else {
            self.progress = Progress::Broken;
            return;
        };
        let begins = *self.begins.get_or_insert(end.saturating_sub(BLOCK as u64));
        let kind = block.get(156).copied().unwrap_or_default();
        if matches!(kind, b'x' | b'g' | b'L' | b'K') {
            let length = usize::try_from(size).unwrap_or(usize::MAX).min(EXTENSION_MAX_BYTES);
            self.keep = extension(kind).map(|extension| (extension, length));
            self.skip = padded(size);
            self.longest_extension = self.longest_extension.max(size);
            return;
        }
        self.begins = None;
        self.keep = None;
        let extensions = std::mem::take(&mut self.extensions);
        self.skip = padded(data_size(kind, size, &extensions.pax));
        let length = (end - begins).saturating_add(self.skip);
        let path = extensions.path(block);
        let target = (kind == b'1').then(|| extensions.target(block));
        each(&Member { offset: begins, length, kind, path, target });
    }
}

/// What is kept of a header that only extends the member after it.
fn extension(kind: u8) -> Option<Extension> {
    match kind {
        b'x' => Some(Extension::Pax),
        b'L' => Some(Extension::LongName),
        b'K' => Some(Extension::LongTarget),
        _ => None,
    }
}

/// Folders, links and devices have no data, whatever their size field says.
fn data_size(kind: u8, size: u64, pax: &[u8]) -> u64 {
    let of_pax = || std::str::from_utf8(record(pax, b"size")?).ok()?.parse().ok();
    match kind {
        b'2'..=b'6' => 0,
        _ => of_pax().unwrap_or(size),
    }
}

fn padded(size: u64) -> u64 {
    size.div_ceil(BLOCK as u64).saturating_mul(BLOCK as u64)
}

impl Extensions {
    fn path(&self, block: &[u8]) -> Vec<u8> {
        // A sparse file's own name is in a record of GNU's; its header's is made up.
        let told = record(&self.pax, b"GNU.sparse.name").or_else(|| record(&self.pax, b"path"));
        if let Some(told) = told {
            return told.to_vec();
        }
        if !self.name.is_empty() {
            return text(&self.name).to_vec();
        }
        let name = text(block.get(..100).unwrap_or_default());
        // GNU's own older format has times where ustar has the prefix.
        let is_ustar = block.get(257..263) == Some(b"ustar\0");
        match text(block.get(345..500).unwrap_or_default()) {
            prefix if is_ustar && !prefix.is_empty() => [prefix, b"/", name].concat(),
            _ => name.to_vec(),
        }
    }

    fn target(&self, block: &[u8]) -> Vec<u8> {
        let told = record(&self.pax, b"linkpath").or_else(|| (!self.target.is_empty()).then(|| text(&self.target)));
        told.unwrap_or_else(|| text(block.get(157..257).unwrap_or_default())).to_vec()
    }
}

/// A field's bytes up to its first NUL.
fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
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

/// The last value of a key among pax records, each `LENGTH KEY=VALUE\n`.
fn record<'a>(mut records: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let mut found = None;
    while let Some(space) = records.iter().position(|byte| *byte == b' ') {
        let Some((record, rest)) = cut_record(records, space) else { break };
        if let Some(value) = record.strip_prefix(key).and_then(|rest| rest.strip_prefix(b"=")) {
            found = Some(value);
        }
        records = rest;
    }
    found
}

fn cut_record(records: &[u8], space: usize) -> Option<(&[u8], &[u8])> {
    let length: usize = std::str::from_utf8(records.get(..space)?).ok()?.parse().ok()?;
    Some((records.get(space + 1..length.checked_sub(1)?)?, records.get(length..)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn walked(archive: &[u8], step: usize) -> (Vec<Member>, Progress) {
        let (mut walk, mut members) = (Walk::default(), vec![]);
        for piece in archive.chunks(step) {
            walk.feed(piece, |member| members.push(member.clone()));
        }
        (members, walk.progress())
    }

    /// What GNU tar makes of a folder that holds what is hard to name.
    fn archive(format: &str) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("top");
        std::fs::create_dir_all(root.join("a")).unwrap();
        std::fs::write(root.join("one"), vec![1; 1000]).unwrap();
        std::fs::write(root.join(format!("a/{}ü", "n".repeat(200))), b"x").unwrap();
        std::fs::hard_link(root.join("one"), root.join("zlink")).unwrap();
        std::fs::File::create(root.join("sparse")).unwrap().set_len(9 << 30).unwrap();
        let mut tar = Command::new("tar");
        tar.args(["--create", "--sort=name", format, "--sparse", "-C"]).arg(folder.path()).arg("top");
        let made = tar.output().unwrap();
        assert!(made.status.success());
        made.stdout
    }

    #[test]
    fn members_have_their_names_and_places_in_every_format_however_the_archive_is_cut() {
        for format in ["--format=posix", "--format=gnu"] {
            let archive = archive(format);
            for step in [1, 511, 4096, 1 << 20] {
                let (members, progress) = walked(&archive, step);
                assert_eq!(progress, Progress::Ended);
                let long = format!("top/a/{}ü", "n".repeat(200));
                let names: Vec<_> = members.iter().map(|m| String::from_utf8_lossy(&m.path).into_owned()).collect();
                assert_eq!(names, ["top/", "top/a/", &long, "top/one", "top/sparse", "top/zlink"], "{format} {step}");
                assert_eq!(members[5].target.as_deref(), Some(&b"top/one"[..]));
                let mut at = 0;
                for member in &members {
                    assert_eq!(member.offset, at, "{format}: each begins where the one before ends");
                    at += member.length;
                }
            }
        }
    }

    #[test]
    fn what_is_no_archive_breaks_the_walk() {
        assert_eq!(walked(&[b'x'; 5000], 4096), (vec![], Progress::Broken));
        assert_eq!(walked(&[], 1), (vec![], Progress::Going));
    }

    #[test]
    fn records_that_lie_about_their_length_are_left_alone() {
        for bad in ["99 path=x\n", "0 path=x\n", " path=x\n", "x path=y\n", "18446744073709551615 path=x\n"] {
            assert_eq!(record(bad.as_bytes(), b"path"), None, "{bad}");
        }
        assert_eq!(record(b"10 path=a\n10 path=b\n", b"path"), Some(&b"b"[..]));
    }
}
