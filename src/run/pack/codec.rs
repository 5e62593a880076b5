//! Compression and its way back.

use crate::archive::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use std::io::{self, BufReader, Read, Write};

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

/// Decompresses what is read from it.
pub enum Decoder<R: Read> {
    /// Not at all.
    None(R),
    /// gzip, several members included.
    Gzip(Box<MultiGzDecoder<R>>),
    /// Zstandard, several frames included.
    Zstd(zstd::stream::read::Decoder<'static, BufReader<R>>),
}

impl<R: Read> Decoder<R> {
    /// Decompresses what `below` gives; the level says nothing here.
    ///
    /// # Errors
    /// No memory for the decompressor.
    pub fn new(compression: Compression, below: R) -> io::Result<Self> {
        Ok(match compression {
            Compression::None => Self::None(below),
            Compression::Gzip { .. } => Self::Gzip(Box::new(MultiGzDecoder::new(below))),
            Compression::Zstd { .. } => Self::Zstd(zstd::stream::read::Decoder::new(below)?),
        })
    }
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::None(below) => below.read(buffer),
            Self::Gzip(decoder) => decoder.read(buffer),
            Self::Zstd(decoder) => decoder.read(buffer),
        }
    }
}
