//! The index of an archive as it is packed: small ones end up in the manifest, others become an object of their own.

use super::counted::{Count, Counted};
use super::fan::Fan;
use super::seal::{Seal, Sealed};
use crate::run::index::{self, Frame};
use std::io::{self, Write};
use zstd::zstd_safe::CParameter;

/// An index that is longer, packed, becomes an object of its own, in bytes. Manifests are read at every run, all of them,
/// and so must stay small.
pub const INLINE_MAX_BYTES: usize = 4096;
/// zstd's window for the index, as a power of two of bytes: what is near in a tree has similar names.
const WINDOW_LOG: u32 = 18;
/// zstd's level for the index.
const LEVEL: i32 = 3;

/// What became of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PackedIndex {
    /// It is short.
    Inline(Vec<u8>),
    /// It was handed out as an object.
    Object {
        /// Its length in bytes.
        size: u64,
        /// SHA-256 of it, in hexadecimal.
        sha256: String,
    },
}

/// Takes the lines of an index.
pub(super) struct IndexWriter {
    encoder: zstd::stream::write::Encoder<'static, Sealed<Counted<Spill>>>,
    text: String,
    members: u64,
    frames: u64,
}

impl IndexWriter {
    pub(super) fn new(fan: Fan, seal: &Seal) -> io::Result<Self> {
        let below = seal.around(Counted::new(Spill { head: vec![], fan, spilled: false }))?;
        let mut encoder = zstd::stream::write::Encoder::new(below, LEVEL)?;
        encoder.include_checksum(true)?;
        encoder.set_parameter(CParameter::WindowLog(WINDOW_LOG))?;
        encoder.write_all(index::title().as_bytes())?;
        Ok(Self { encoder, text: String::new(), members: 0, frames: 0 })
    }

    /// The lines of the members that begin in a frame, then the frame's own.
    pub(super) fn frame(&mut self, members: &str, count: u64, frame: &Frame) -> io::Result<()> {
        self.members += count;
        self.frames += 1;
        self.text.clear();
        index::add_frame(&mut self.text, frame);
        self.encoder.write_all(members.as_bytes())?;
        self.encoder.write_all(self.text.as_bytes())
    }

    pub(super) fn finish(mut self) -> io::Result<PackedIndex> {
        self.encoder.write_all(index::end(self.members, self.frames).as_bytes())?;
        let Count { below, bytes, sha256 } = self.encoder.finish()?.finish()?.finish()?;
        Ok(if below.spilled { PackedIndex::Object { size: bytes, sha256 } } else { PackedIndex::Inline(below.head) })
    }
}

/// Keeps a short beginning back, and hands out everything where more comes.
struct Spill {
    head: Vec<u8>,
    fan: Fan,
    spilled: bool,
}

impl Write for Spill {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.spilled && self.head.len() + bytes.len() <= INLINE_MAX_BYTES {
            self.head.extend_from_slice(bytes);
            return Ok(bytes.len());
        }
        self.spilled = true;
        let head = std::mem::take(&mut self.head);
        self.fan.write_all(&head)?;
        self.fan.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.spilled { self.fan.flush() } else { Ok(()) }
    }
}
