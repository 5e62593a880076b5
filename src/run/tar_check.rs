//! What an archive may hold that is unpacked: looked at as it passes, and refused before tar sees it.

use super::tar_walk::{Member, Walk};
use std::fmt;
use std::io::{self, Read};

/// tar reads a header that extends another into memory; attributes of a file have some kilobytes.
const EXTENSION_MAX_BYTES: u64 = 8 << 20;
/// How much of a name is told in an error.
const NAME_TOLD_MAX: usize = 200;

/// How much may be unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of the archive, unpacked.
    pub bytes: u64,
    /// Files and folders.
    pub members: u64,
}

impl Bounds {
    /// More files than any file system takes kindly to.
    pub const MEMBERS_MAX: u64 = 100_000_000;

    /// No more bytes than that.
    #[must_use]
    pub fn bytes(bytes: u64) -> Self {
        Self { bytes, members: Self::MEMBERS_MAX }
    }
}

/// Why an archive is not unpacked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Hostile {
    /// A name that leads out of the folder.
    #[error("it holds `{0}`, which leads out of the folder")]
    Climbs(Name),
    /// A hard link to something outside.
    #[error("it holds `{0}`, a link to `{1}`, which lies outside of the folder")]
    LinksOut(Name, Name),
    /// A device, and this is not root.
    #[error("it holds `{0}`, a device, which only root can make")]
    Device(Name),
    /// More than there may be.
    #[error("it unpacks to more than the {0} bytes that it may have")]
    TooLarge(u64),
    /// More files than there may be.
    #[error("it holds more than {0} files and folders")]
    TooMany(u64),
    /// A header that nobody should read into memory.
    #[error("one of its headers has {0} bytes")]
    Header(u64),
}

/// A name of an archive, of which no character reaches a terminal as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(Vec<u8>);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.get(..NAME_TOLD_MAX).unwrap_or(&self.0);
        write!(f, "{}", shown.escape_ascii())?;
        if shown.len() < self.0.len() { f.write_str("…") } else { Ok(()) }
    }
}

/// An archive that is looked at while it is read.
pub struct Checked<'a> {
    archive: &'a mut dyn Read,
    walk: Walk,
    bounds: Bounds,
    root: bool,
    bytes: u64,
    members: u64,
}

impl<'a> Checked<'a> {
    /// Looks at an archive; `root` may make devices.
    pub fn new(archive: &'a mut dyn Read, bounds: Bounds, root: bool) -> Self {
        Self { archive, walk: Walk::default(), bounds, root, bytes: 0, members: 0 }
    }

    /// Looks at the next bytes: a header is refused before its last byte is passed on.
    fn look_at(&mut self, bytes: &[u8]) -> Result<(), Hostile> {
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        if self.bytes > self.bounds.bytes {
            return Err(Hostile::TooLarge(self.bounds.bytes));
        }
        let (mut found, root) = (None, self.root);
        let members = &mut self.members;
        self.walk.feed(bytes, |member| {
            *members += 1;
            if found.is_none() {
                found = fault(member, root);
            }
        });
        if self.walk.longest_extension() > EXTENSION_MAX_BYTES {
            return Err(Hostile::Header(self.walk.longest_extension()));
        }
        if self.members > self.bounds.members {
            return Err(Hostile::TooMany(self.bounds.members));
        }
        found.map_or(Ok(()), Err)
    }
}

impl Read for Checked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.archive.read(buffer)?;
        let fresh = buffer.get(..length).unwrap_or_default();
        self.look_at(fresh).map_err(|hostile| io::Error::new(io::ErrorKind::InvalidData, hostile))?;
        Ok(length)
    }
}

fn fault(member: &Member, root: bool) -> Option<Hostile> {
    let Member { offset: _, length: _, kind, path, target } = member;
    if leads_out(path) {
        return Some(Hostile::Climbs(Name(path.clone())));
    }
    if let Some(target) = target.as_ref().filter(|target| leads_out(target)) {
        return Some(Hostile::LinksOut(Name(path.clone()), Name(target.clone())));
    }
    (matches!(kind, b'3' | b'4') && !root).then(|| Hostile::Device(Name(path.clone())))
}

/// tar makes names relative when it packs, and takes no `..` but one that was asked for.
fn leads_out(path: &[u8]) -> bool {
    path.starts_with(b"/") || path.split(|byte| *byte == b'/').any(|part| part == b"..")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ustar header, byte by byte, with so much data after it.
    fn member(name: &[u8], kind: u8, target: &[u8], data: &[u8]) -> Vec<u8> {
        let mut block = vec![0; 512];
        block[..name.len()].copy_from_slice(name);
        block[100..108].copy_from_slice(b"0000644\0");
        block[124..136].copy_from_slice(format!("{:011o}\0", data.len()).as_bytes());
        block[136..148].copy_from_slice(b"00000000000\0");
        block[156] = kind;
        block[157..157 + target.len()].copy_from_slice(target);
        block[257..265].copy_from_slice(b"ustar\x0000");
        block[148..156].copy_from_slice(b"        ");
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        block.extend(data);
        block.resize(block.len().next_multiple_of(512), 0);
        block
    }

    fn read(archive: &[u8], bounds: Bounds, root: bool) -> Result<Vec<u8>, String> {
        let mut source = archive;
        let mut out = vec![];
        let mut checked = Checked::new(&mut source, bounds, root);
        let mut buffer = [0; 700];
        loop {
            match checked.read(&mut buffer) {
                Ok(0) => return Ok(out),
                Ok(length) => out.extend(&buffer[..length]),
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    #[test]
    fn what_leads_out_is_refused_and_the_rest_passes_unchanged() {
        let good = [member(b"a/b..c/..d", b'0', b"", b"hi"), member(b"l", b'2', b"/etc/passwd", b"")].concat();
        assert_eq!(read(&good, Bounds::bytes(1 << 20), false).unwrap(), good);
        for (bad, told) in [
            (member(b"../x", b'0', b"", b""), "`../x`, which leads out"),
            (member(b"a/../../x", b'0', b"", b""), "`a/../../x`, which leads out"),
            (member(b"a/..", b'5', b"", b""), "leads out"),
            (member(b"/etc/cron.d/x", b'0', b"", b"* * * * *"), "`/etc/cron.d/x`, which leads out"),
            (member(b"x", b'1', b"/etc/shadow", b""), "a link to `/etc/shadow`"),
            (member(b"x", b'1', b"a/../../b", b""), "a link to `a/../../b`"),
            (member(b"sda", b'4', b"", b""), "only root can make"),
            (member(b"../\x1b[2J", b'0', b"", b""), "`../\\x1b[2J`"),
        ] {
            let archive = [good.clone(), bad].concat();
            let error = read(&archive, Bounds::bytes(1 << 20), false).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
        let device = member(b"null", b'3', b"", b"");
        assert_eq!(read(&device, Bounds::bytes(1 << 20), true).unwrap(), device);
    }

    #[test]
    fn a_name_in_a_header_of_its_own_is_looked_at_too() {
        let record = b"21 path=../../escape\n";
        let pax = [member(b"x", b'x', b"", record), member(b"harmless", b'0', b"", b"")].concat();
        assert!(read(&pax, Bounds::bytes(1 << 20), true).unwrap_err().contains("leads out"));
        let long = [member(b"././@LongLink", b'L', b"", b"../climb\0"), member(b"harmless", b'0', b"", b"")].concat();
        assert!(read(&long, Bounds::bytes(1 << 20), true).unwrap_err().contains("leads out"));
        let target = [member(b"././@LongLink", b'K', b"", b"/etc/shadow\0"), member(b"l", b'1', b"x", b"")].concat();
        assert!(read(&target, Bounds::bytes(1 << 20), true).unwrap_err().contains("a link to `/etc/shadow`"));
    }

    #[test]
    fn bounds_hold() {
        let many: Vec<u8> = (0..20).flat_map(|i| member(format!("f{i}").as_bytes(), b'0', b"", b"x")).collect();
        assert!(read(&many, Bounds::bytes(many.len() as u64), false).is_ok());
        assert!(read(&many, Bounds::bytes(many.len() as u64 - 1), false).unwrap_err().contains("more than the"));
        let few = Bounds { bytes: 1 << 20, members: 19 };
        assert!(read(&many, few, false).unwrap_err().contains("more than 19 files"));
        let mut header = member(b"x", b'x', b"", b"");
        header[124..136].copy_from_slice(b"77777777777\0");
        header[148..156].copy_from_slice(b"        ");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        assert!(
            read(&header, Bounds::bytes(1 << 20), false).unwrap_err().contains("one of its headers has 8589934591")
        );
    }
}
