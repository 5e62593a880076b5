//! Compression of one frame: a whole zstd frame, a whole gzip member, or the bytes as they are.

use crate::archive::Compression;
use flate2::write::GzEncoder;
use std::io::{self, Write as _};
use zstd::zstd_safe::{self, CParameter};

/// What a zstd stream's table of its frames begins with: a skippable frame (zstd's `zstd_seekable_compression_format.md`).
const SEEK_TABLE_MAGIC: u32 = 0x184D_2A5E;
/// What the table ends with (same page).
const SEEK_TABLE_FOOTER: u32 = 0x8F92_EAB1;

/// Compresses frames, one after the other, each alone.
pub(super) enum Encoder {
    /// Not at all.
    None,
    /// gzip members.
    Gzip(flate2::Compression),
    /// zstd frames, each with its length and its checksum.
    Zstd(Box<zstd::bulk::Compressor<'static>>),
}

impl Encoder {
    /// # Errors
    /// A level that the compressor refuses.
    pub(super) fn new(compression: Compression) -> io::Result<Self> {
        Ok(match compression {
            Compression::None => Self::None,
            Compression::Gzip { level, threads: _ } => Self::Gzip(flate2::Compression::new(level.clamp(1, 9))),
            Compression::Zstd { level, threads: _ } => {
                let mut compressor = zstd::bulk::Compressor::new(level)?;
                compressor.set_parameter(CParameter::ChecksumFlag(true))?;
                Self::Zstd(Box::new(compressor))
            }
        })
    }

    /// One frame; `packed` is a buffer to use.
    ///
    /// # Errors
    /// Those of the compressor.
    pub(super) fn frame(&mut self, raw: &[u8], mut packed: Vec<u8>) -> io::Result<Vec<u8>> {
        packed.clear();
        match self {
            Self::None => packed.extend_from_slice(raw),
            Self::Gzip(level) => {
                let mut encoder = GzEncoder::new(packed, *level);
                encoder.write_all(raw)?;
                packed = encoder.finish()?;
            }
            Self::Zstd(compressor) => {
                packed.reserve(zstd_safe::compress_bound(raw.len()));
                compressor.compress_to_buffer(raw, &mut packed)?;
            }
        }
        Ok(packed)
    }
}

/// The table of frames at the end of a zstd stream, which every decoder steps over, and by which some find a place
/// without reading what comes before: lengths packed and unpacked.
pub(super) fn seek_table(frames: &[(u32, u32)]) -> Vec<u8> {
    let count = u32::try_from(frames.len()).unwrap_or(u32::MAX);
    let length = count.saturating_mul(8).saturating_add(9);
    let mut table = Vec::with_capacity(frames.len() * 8 + 17);
    table.extend(SEEK_TABLE_MAGIC.to_le_bytes());
    table.extend(length.to_le_bytes());
    for (packed, raw) in frames {
        table.extend(packed.to_le_bytes());
        table.extend(raw.to_le_bytes());
    }
    table.extend(count.to_le_bytes());
    // No checksums: each frame has its own.
    table.push(0);
    table.extend(SEEK_TABLE_FOOTER.to_le_bytes());
    table
}
