//! One pass from a dump to every destination: read, look at, compress, count and hash, hand out.

mod codec;
mod fan;

pub use codec::Encoder;
pub use fan::{CHUNK_BYTES, CHUNKS_WAITING, Fan};

use crate::archive::Compression;
use crate::run::os::Stop;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::io::{self, Read, Write};

/// How much of a dump is read at once.
const READ_BYTES: usize = 256 * 1024;

/// What went through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// Bytes of the dump.
    pub raw: u64,
    /// Bytes of the object.
    pub packed: u64,
    /// SHA-256 of the object, in hexadecimal.
    pub sha256: String,
}

/// Why a dump did not get through.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The dump's stream broke off.
    #[error("the dump cannot be read to its end")]
    Read(#[source] io::Error),
    /// The compressor failed, or no destination takes any more.
    #[error("the archive cannot be written any further")]
    Write(#[source] io::Error),
    /// The run was told to stop.
    #[error("the run was told to stop")]
    Stopped,
}

/// Reads a dump to its end, and hands it out compressed. Blocks.
///
/// # Errors
/// See [`PackError`].
pub fn pack(mut dump: impl Read, compression: Compression, fan: Fan, stop: &Stop) -> Result<Packed, PackError> {
    let mut encoder = Encoder::new(compression, Counted::new(fan)).map_err(PackError::Write)?;
    let mut buffer = vec![0; READ_BYTES];
    let mut raw = 0u64;
    loop {
        if stop.is_stopped() {
            return Err(PackError::Stopped);
        }
        let piece = match dump.read(&mut buffer) {
            Ok(read) => buffer.get(..read).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(PackError::Read(error)),
        };
        if piece.is_empty() {
            break;
        }
        raw = raw.saturating_add(piece.len() as u64);
        encoder.write_all(piece).map_err(PackError::Write)?;
    }
    let counted = encoder.finish().map_err(PackError::Write)?;
    let (packed, sha256) = counted.finish().map_err(PackError::Write)?;
    Ok(Packed { raw, packed, sha256 })
}

/// Counts and hashes what passes.
struct Counted<W> {
    below: W,
    bytes: u64,
    digest: Sha256,
}

impl<W: Write> Counted<W> {
    fn new(below: W) -> Self {
        Self { below, bytes: 0, digest: Sha256::new() }
    }

    fn finish(mut self) -> io::Result<(u64, String)> {
        self.below.flush()?;
        Ok((self.bytes, hex(&self.digest.finalize())))
    }
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.below.write(bytes)?;
        self.bytes = self.bytes.saturating_add(written as u64);
        self.digest.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.below.flush()
    }
}

/// Bytes in lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests;
