//! Compression.

use crate::archive::Compression;
use flate2::write::GzEncoder;
use std::io::{self, Write};
use zstd::zstd_safe::CParameter;

/// What one thread of zstd is given at a time, in bytes. Left to itself, zstd takes four windows, 8 MiB at level 3, and
/// holds several of them: half of that halves its memory and costs next to no compression.
const ZSTD_JOB_BYTES: u32 = 4 << 20;

/// Compresses what is written to it.
pub enum Encoder<W: Write> {
    /// Not at all.
    None(W),
    /// gzip.
    Gzip(GzEncoder<W>),
    /// Zstandard.
    Zstd(zstd::stream::write::Encoder<'static, W>),
}

impl<W: Write> Encoder<W> {
    /// Compresses into `below`.
    ///
    /// # Errors
    /// A level or a number of threads that the compressor refuses.
    pub fn new(compression: Compression, below: W) -> io::Result<Self> {
        Ok(match compression {
            Compression::None => Self::None(below),
            Compression::Gzip { level } => {
                Self::Gzip(GzEncoder::new(below, flate2::Compression::new(level.clamp(1, 9))))
            }
            Compression::Zstd { level, threads } => {
                let mut encoder = zstd::stream::write::Encoder::new(below, level)?;
                encoder.include_checksum(true)?;
                if threads > 1 {
                    encoder.multithread(threads)?;
                    encoder.set_parameter(CParameter::JobSize(ZSTD_JOB_BYTES))?;
                }
                Self::Zstd(encoder)
            }
        })
    }

    /// Writes the end.
    ///
    /// # Errors
    /// Those of what is below.
    pub fn finish(self) -> io::Result<W> {
        match self {
            Self::None(below) => Ok(below),
            Self::Gzip(encoder) => encoder.finish(),
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::None(below) => below.write(bytes),
            Self::Gzip(encoder) => encoder.write(bytes),
            Self::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::None(below) => below.flush(),
            Self::Gzip(encoder) => encoder.flush(),
            Self::Zstd(encoder) => encoder.flush(),
        }
    }
}
