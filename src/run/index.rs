//! An archive's index: its frames with their digests, and where each member begins, as lines of text.
//!
//! It is a stream on both sides, so that an archive of millions of members needs no more memory than a small one:
//!
//! ```text
//! eightbells-index 1
//! m OFFSET LENGTH KIND PATH [TARGET]     a member in the tar stream; TARGET of a hard link
//! f PACKED RAW SHA256                    a frame, of so many bytes packed and unpacked
//! end MEMBERS FRAMES
//! ```
//!
//! Fields are separated by tabs. In a path, a backslash, a control character and what is not UTF-8 stand as `\xNN`.
//! Frames follow one another without gaps in the archive as it is before encryption; a member's line stands before that
//! of the frame in which its last header ends.

use super::tar_walk::Member;
use std::fmt::Write as _;
use std::io::{self, BufRead};

/// The version of the form that this program writes and reads.
pub const INDEX_VERSION: u32 = 1;
/// How its first line begins.
const TITLE: &str = "eightbells-index ";
/// A line that is longer is not read, in bytes: a name has a megabyte at most, and four bytes for each of it.
const LINE_MAX_BYTES: u64 = 10 << 20;

/// A piece of an archive that can be unpacked without any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// Its length in the archive, before encryption, in bytes.
    pub packed: u64,
    /// Its length unpacked, in bytes.
    pub raw: u64,
    /// SHA-256 of the packed frame, before encryption.
    pub sha256: [u8; 32],
}

/// One line between the first and the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A member.
    Member(Member),
    /// A frame.
    Frame(Frame),
}

/// Why an index cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// Its stream broke off.
    #[error("it cannot be read to its end")]
    Read(#[source] io::Error),
    /// It is not one.
    #[error("line {0} is not one of an index")]
    Line(u64),
    /// Of a form that this program does not know.
    #[error("it has version {0}, this program reads version {INDEX_VERSION}")]
    Version(String),
    /// The last line is missing, or counts otherwise.
    #[error("it is not whole")]
    Cut,
}

impl From<IndexError> for io::Error {
    fn from(error: IndexError) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, error)
    }
}

/// The first line.
#[must_use]
pub fn title() -> String {
    format!("{TITLE}{INDEX_VERSION}\n")
}

/// The last line.
#[must_use]
pub fn end(members: u64, frames: u64) -> String {
    format!("end\t{members}\t{frames}\n")
}

/// Adds a member's line.
pub fn add_member(text: &mut String, member: &Member) {
    let Member { offset, length, kind, path, target } = member;
    let kind = if kind.is_ascii_graphic() { char::from(*kind) } else { '0' };
    let _ = write!(text, "m\t{offset}\t{length}\t{kind}\t");
    escape(text, path);
    if let Some(target) = target {
        text.push('\t');
        escape(text, target);
    }
    text.push('\n');
}

/// Adds a frame's line.
pub fn add_frame(text: &mut String, frame: &Frame) {
    let Frame { packed, raw, sha256 } = frame;
    let _ = writeln!(text, "f\t{packed}\t{raw}\t{}", super::digest::hex(sha256));
}

fn escape(text: &mut String, path: &[u8]) {
    for chunk in path.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c == '\\' || c.is_ascii_control() {
                let _ = write!(text, "\\x{:02x}", u32::from(c));
            } else {
                text.push(c);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = vec![];
    let mut parts = text.split("\\x");
    bytes.extend(parts.next()?.bytes());
    for part in parts {
        bytes.push(byte(part.get(..2)?)?);
        bytes.extend(part.get(2..)?.bytes());
    }
    (!text.replace("\\x", "").contains('\\')).then_some(bytes)
}

/// Two hexadecimal digits.
fn byte(digits: &str) -> Option<u8> {
    let are_digits = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    u8::from_str_radix(digits, 16).ok().filter(|_| are_digits)
}

/// Reads an index line by line.
#[derive(Debug)]
pub struct Reader<R> {
    below: R,
    line: u64,
    text: Vec<u8>,
    members: u64,
    frames: u64,
}

impl<R: BufRead> Reader<R> {
    /// Reads the first line.
    ///
    /// # Errors
    /// It is no index, or one of another version.
    pub fn new(below: R) -> Result<Self, IndexError> {
        let mut reader = Self { below, line: 0, text: vec![], members: 0, frames: 0 };
        let title = reader.read_line()?.ok_or(IndexError::Cut)?;
        match title.strip_prefix(TITLE) {
            None => Err(IndexError::Line(1)),
            Some(version) if version != INDEX_VERSION.to_string() => Err(IndexError::Version(version.to_owned())),
            Some(_) => Ok(reader),
        }
    }

    /// The next member or frame; none after the last line, which is checked.
    ///
    /// # Errors
    /// See [`IndexError`].
    #[expect(clippy::should_implement_trait, reason = "an error ends it, which an iterator would hide")]
    pub fn next(&mut self) -> Result<Option<Line>, IndexError> {
        let text = self.read_line()?.ok_or(IndexError::Cut)?;
        let fields: Vec<&str> = text.split('\t').collect();
        if let ["end", members, frames] = fields.as_slice() {
            let told = (members.parse().ok(), frames.parse().ok());
            return if told == (Some(self.members), Some(self.frames)) { Ok(None) } else { Err(IndexError::Cut) };
        }
        let line = read(&fields).ok_or(IndexError::Line(self.line))?;
        match line {
            Line::Member(_) => self.members += 1,
            Line::Frame(_) => self.frames += 1,
        }
        Ok(Some(line))
    }

    fn read_line(&mut self) -> Result<Option<String>, IndexError> {
        self.text.clear();
        self.line += 1;
        let read = io::Read::take(&mut self.below, LINE_MAX_BYTES).read_until(b'\n', &mut self.text);
        if read.map_err(IndexError::Read)? == 0 {
            return Ok(None);
        }
        let line = self.text.strip_suffix(b"\n").ok_or(IndexError::Cut)?;
        std::str::from_utf8(line).map(|text| Some(text.to_owned())).map_err(|_| IndexError::Line(self.line))
    }
}

fn read(fields: &[&str]) -> Option<Line> {
    match fields {
        ["m", offset, length, kind, path, target @ ..] if target.len() <= 1 => Some(Line::Member(Member {
            offset: offset.parse().ok()?,
            length: length.parse().ok()?,
            kind: kind.bytes().next().filter(|_| kind.len() == 1)?,
            path: unescape(path)?,
            target: target.first().map(|target| unescape(target)).map_or(Some(None), |target| target.map(Some))?,
        })),
        ["f", packed, raw, sha256] => {
            let mut digest = [0; 32];
            let digits = (sha256.len() == 64).then_some(sha256)?;
            for (at, byte_of_it) in digest.iter_mut().enumerate() {
                *byte_of_it = byte(digits.get(2 * at..2 * at + 2)?)?;
            }
            Some(Line::Frame(Frame { packed: packed.parse().ok()?, raw: raw.parse().ok()?, sha256: digest }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(path: &[u8], target: Option<&[u8]>) -> Member {
        Member { offset: 512, length: 1024, kind: b'0', path: path.to_vec(), target: target.map(<[u8]>::to_vec) }
    }

    fn all(text: &str) -> Result<Vec<Line>, IndexError> {
        let mut reader = Reader::new(text.as_bytes())?;
        let mut lines = vec![];
        while let Some(line) = reader.next()? {
            lines.push(line);
        }
        Ok(lines)
    }

    #[test]
    fn names_of_every_kind_come_back() {
        let members = [
            member(b"etc/hosts", None),
            member("ä b\\x41\t\n\u{7f}".as_bytes(), Some(b"etc/\xff\xfe")),
            member(b"\\", Some(b"")),
        ];
        let frame = Frame { packed: 7, raw: 9, sha256: [0xab; 32] };
        let mut text = title();
        for member in &members {
            add_member(&mut text, member);
        }
        add_frame(&mut text, &frame);
        text.push_str(&end(3, 1));
        let expected: Vec<Line> = members.into_iter().map(Line::Member).chain([Line::Frame(frame)]).collect();
        assert_eq!(all(&text).unwrap(), expected);
    }

    #[test]
    fn a_cut_a_foreign_and_a_later_index_are_told_apart() {
        assert!(matches!(all("eightbells-index 1\n"), Err(IndexError::Cut)));
        assert!(matches!(all("eightbells-index 1\nend\t1\t0\n"), Err(IndexError::Cut)));
        assert!(matches!(all("eightbells-index 1\nend\t0\t0"), Err(IndexError::Cut)));
        assert!(matches!(all("eightbells-index 2\nend\t0\t0\n"), Err(IndexError::Version(v)) if v == "2"));
        assert!(matches!(all("hello\n"), Err(IndexError::Line(1))));
        assert!(matches!(all(""), Err(IndexError::Cut)));
    }

    #[test]
    fn lines_that_lie_are_refused() {
        for line in [
            "m\t-1\t0\t0\tx",
            "m\t1\t1\t00\tx",
            "m\t1\t1\t0\t\\q",
            "m\t1\t1\t0\t\\x4",
            "m\t1\t1\t0\t\\xä",
            "m\t1\t1\t0\tx\ty\tz",
            "f\t1\t1\tab",
            "f\t99999999999999999999\t1\tab",
            "",
            "x",
        ] {
            assert!(matches!(all(&format!("eightbells-index 1\n{line}\n")), Err(IndexError::Line(2))), "{line}");
        }
    }
}
