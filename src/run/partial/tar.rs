//! The picked parts of an archive as an archive of their own.

use super::pick::{Picked, Placed};
use super::ranges::{Fetched, RangeReader};
use crate::archive::FRAME_MAX_BYTES;
use crate::run::cipher::{Keys, Opened};
use crate::run::digest::sha256;
use crate::run::fetch::{Coding, PackedAs};
use crate::run::index::Frame;
use std::collections::VecDeque;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::ops::Range;

/// Two blocks of zeros end an archive.
const END_BYTES: usize = 1024;
/// age encrypts so many bytes at a time, each time with a tag of [`AGE_TAG_BYTES`] (age-encryption.org/v1, "Payload").
const AGE_CHUNK_BYTES: u64 = 64 * 1024;
const AGE_TAG_BYTES: u64 = 16;

/// The picked members as a tar stream; each frame's digest is compared before it is unpacked.
pub struct PartialTar {
    source: Opened<RangeReader>,
    fetched: Fetched,
    packed: PackedAs,
    /// Where the encrypted content begins in the object; none where it is not encrypted.
    payload_at: Option<u64>,
    frames: VecDeque<Placed>,
    ranges: VecDeque<Range<u64>>,
    /// The frame that is read, and where its content begins in the tar stream.
    content: Vec<u8>,
    content_at: u64,
    /// What is left to read of the stream: a range of it, or its end mark.
    end_left: usize,
}

impl PartialTar {
    /// Opens what was picked of an object.
    ///
    /// # Errors
    /// It cannot be read, or no key opens it.
    pub fn open(source: RangeReader, picked: Picked, coding: Coding, keys: &Keys) -> io::Result<Self> {
        let fetched = source.fetched();
        let source = keys.open(source, coding.sealed)?;
        Ok(Self {
            source,
            payload_at: coding.sealed.then(|| fetched.at()),
            fetched,
            packed: coding.packed,
            frames: picked.frames.into(),
            ranges: picked.ranges.into(),
            content: vec![],
            content_at: 0,
            end_left: END_BYTES,
        })
    }

    /// What of the current frame is next, up to the range's end or the frame's.
    fn piece(&self) -> Option<Range<usize>> {
        let range = self.ranges.front()?;
        let start = usize::try_from(range.start.checked_sub(self.content_at)?).ok()?;
        let end = usize::try_from(range.end - self.content_at).unwrap_or(usize::MAX).min(self.content.len());
        (start < end).then_some(start..end)
    }

    fn next_frame(&mut self) -> io::Result<()> {
        let cut = || io::Error::new(io::ErrorKind::InvalidData, "its index tells of members beyond its frames");
        let Placed { frame, packed_at, raw_at } = self.frames.pop_front().ok_or_else(cut)?;
        self.fetched.announce(self.end_of_run(packed_at + frame.packed));
        self.source.seek(SeekFrom::Start(packed_at))?;
        let mut packed = vec![];
        (&mut self.source).take(frame.packed).read_to_end(&mut packed)?;
        self.content = unpack(&packed, &frame, self.packed)?;
        self.content_at = raw_at;
        Ok(())
    }

    /// Where in the object the last of the frames that follow one another ends.
    fn end_of_run(&self, mut end: u64) -> u64 {
        for placed in &self.frames {
            if placed.packed_at != end {
                break;
            }
            end = end.saturating_add(placed.frame.packed);
        }
        self.payload_at.map_or(end, |at| {
            at.saturating_add(end.div_ceil(AGE_CHUNK_BYTES).saturating_mul(AGE_CHUNK_BYTES + AGE_TAG_BYTES))
        })
    }
}

fn unpack(packed: &[u8], frame: &Frame, how: PackedAs) -> io::Result<Vec<u8>> {
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "a frame of it is damaged");
    if sha256(packed) != frame.sha256 || frame.raw > FRAME_MAX_BYTES {
        return Err(damaged());
    }
    let mut content = vec![];
    // One byte more than it may have would show.
    let limit = frame.raw + 1;
    match how {
        PackedAs::Plain => packed.take(limit).read_to_end(&mut content)?,
        PackedAs::Gzip => flate2::read::GzDecoder::new(packed).take(limit).read_to_end(&mut content)?,
        PackedAs::Zstd => zstd::stream::read::Decoder::new(packed)?.take(limit).read_to_end(&mut content)?,
    };
    if content.len() as u64 == frame.raw { Ok(content) } else { Err(damaged()) }
}

impl Read for PartialTar {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ranges.is_empty() {
            let length = self.end_left.min(buffer.len());
            buffer.get_mut(..length).unwrap_or_default().fill(0);
            self.end_left -= length;
            return Ok(length);
        }
        let piece = loop {
            match self.piece() {
                Some(piece) => break piece,
                None => self.next_frame()?,
            }
        };
        let length = piece.len().min(buffer.len());
        let from = self.content.get(piece.start..piece.start + length).unwrap_or_default();
        buffer.get_mut(..length).unwrap_or_default().copy_from_slice(from);
        if let Some(range) = self.ranges.front_mut() {
            range.start += length as u64;
            if range.is_empty() {
                self.ranges.pop_front();
            }
        }
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(packed: &[u8], raw: u64) -> Frame {
        Frame { packed: packed.len() as u64, raw, sha256: sha256(packed) }
    }

    #[test]
    fn a_frame_that_lies_about_its_content_is_not_unpacked_beyond_it() {
        let bomb = zstd::bulk::compress(&vec![0; 64 << 20], 3).unwrap();
        assert!(unpack(&bomb, &frame(&bomb, 10), PackedAs::Zstd).is_err());
        assert!(unpack(&bomb, &frame(&bomb, 65 << 20), PackedAs::Zstd).is_err());
        assert_eq!(unpack(&bomb, &frame(&bomb, 64 << 20), PackedAs::Zstd).unwrap().len(), 64 << 20);
        assert!(unpack(&bomb, &frame(&bomb, u64::MAX - 1), PackedAs::Plain).is_err());
        assert!(unpack(b"other", &frame(&bomb, 64 << 20), PackedAs::Zstd).is_err());
        assert!(unpack(b"no gzip", &frame(b"no gzip", 3), PackedAs::Gzip).is_err());
    }
}
