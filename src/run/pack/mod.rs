//! One pass from a dump to every destination: read, cut into frames, compress, encrypt, count and hash, hand out.

mod codec;
mod counted;
mod fan;
mod frames;
mod index;

pub use fan::{CHUNK_BYTES, CHUNKS_WAITING, Fan};
pub use index::{INLINE_MAX_BYTES, PackedIndex};

use crate::archive::Compression;
use crate::run::cipher::Seal;
use crate::run::os::Stop;
use counted::{Count, Counted};
use frames::{Cut, PackedFrame, each_frame};
use index::IndexWriter;
use std::io::{self, Read, Write as _};

/// How a dump is packed.
#[derive(Debug, Clone)]
pub struct Packing {
    /// How it is compressed.
    pub compression: Compression,
    /// The length of a frame, unpacked, in bytes.
    pub frame_bytes: u64,
    /// Whether it is a tar archive, of whose members the index tells.
    pub tar: bool,
    /// How it is encrypted.
    pub seal: Seal,
}

/// What went through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// Bytes of the dump.
    pub raw: u64,
    /// Bytes of the object.
    pub packed: u64,
    /// SHA-256 of the object, in hexadecimal.
    pub sha256: String,
    /// Of how many frames it is.
    pub frames: u64,
    /// Where its frames and members are.
    pub index: PackedIndex,
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

/// Reads a dump to its end, and hands it out packed through `fan`; its index, where that is long, through
/// `index_fan`. Blocks.
///
/// # Errors
/// See [`PackError`].
pub fn pack(dump: impl Read, packing: &Packing, fan: Fan, index_fan: Fan, stop: &Stop) -> Result<Packed, PackError> {
    let Packing { compression, frame_bytes, tar, seal } = packing;
    let frame_bytes = usize::try_from(*frame_bytes).unwrap_or(usize::MAX).max(1);
    let cut = Cut { compression: *compression, frame_bytes, tar: *tar };
    let mut out = seal.around(Counted::new(fan)).map_err(PackError::Write)?;
    let mut index = IndexWriter::new(index_fan, seal).map_err(PackError::Write)?;
    let mut lengths = vec![];
    let raw = each_frame(dump, cut, stop, |PackedFrame { bytes, frame, members }| {
        lengths.push((short(frame.packed)?, short(frame.raw)?));
        index.frame(&members.lines, members.count, frame)?;
        out.write_all(bytes)
    })?;
    let end = || {
        if matches!(compression, Compression::Zstd { .. }) {
            out.write_all(&codec::seek_table(&lengths))?;
        }
        let Count { below: _, bytes, sha256 } = out.finish()?.finish()?;
        Ok(Packed { raw, packed: bytes, sha256, frames: lengths.len() as u64, index: index.finish()? })
    };
    end().map_err(PackError::Write)
}

fn short(length: u64) -> io::Result<u32> {
    u32::try_from(length).map_err(|_| io::Error::other("a frame of more than 4 GiB"))
}

#[cfg(test)]
mod tests;
