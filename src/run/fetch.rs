//! An object on its way back: digest checked, decompressed, in bounded memory.

use super::cipher::Keys;
use super::digest::{Sha256, hex};
use super::manifest::Stored;
use super::store::{ByteStream, Store, StoreError};
use crate::archive::AGE_SUFFIX;
use bytes::{Buf as _, Bytes};
use futures_util::stream::StreamExt as _;
use std::io::{self, Read};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// How many chunks may wait between the connection and the decoder.
const CHUNKS_WAITING: usize = 8;
/// The largest window that is decoded, as a power of two of bytes: what `zstd -d` takes without being told to.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// Why an object could not be brought back.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The destination.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It differs from what was stored.
    #[error("`{name}` is damaged: it {what}; do not rely on it, and look at another destination or an older archive")]
    Damaged {
        /// The object.
        name: String,
        /// How it differs.
        what: String,
    },
    /// It is encrypted, and there is nothing to open it with.
    #[error("`{name}` is encrypted: name what opens it, with --identity FILE or --passphrase-file FILE")]
    Encrypted {
        /// The object.
        name: String,
    },
    /// What was to become of it failed.
    #[error("`{name}` could not be unpacked")]
    Unpack {
        /// The object.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// How an object is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coding {
    /// Whether it is encrypted, around everything else.
    pub sealed: bool,
    /// How it is compressed.
    pub packed: PackedAs,
}

/// How an object is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackedAs {
    /// Not at all.
    Plain,
    /// gzip, of one member or of several.
    Gzip,
    /// Zstandard, of one frame or of several.
    Zstd,
}

impl Coding {
    /// An object's bytes as they are.
    pub const STORED: Self = Self { sealed: false, packed: PackedAs::Plain };
}

/// Tells from an object's name how it is packed, and what its content is called.
#[must_use]
pub fn coding(name: &str) -> (Coding, &str) {
    let (sealed, name) = name.strip_suffix(AGE_SUFFIX).map_or((false, name), |name| (true, name));
    let (packed, content) = match (name.strip_suffix(".gz"), name.strip_suffix(".zst")) {
        (Some(content), _) => (PackedAs::Gzip, content),
        (_, Some(content)) => (PackedAs::Zstd, content),
        (None, None) => (PackedAs::Plain, name),
    };
    (Coding { sealed, packed }, content)
}

/// Reads an object through digest and decoder into `sink`, which runs in a thread of its own and reads to the end.
///
/// # Errors
/// See [`FetchError`]; where both the sink failed and the object is damaged, the damage is told.
pub async fn fetch<T: Send + 'static>(
    store: &dyn Store,
    name: &str,
    expected: Option<&Stored>,
    (coding, keys): (Coding, &Keys),
    sink: impl FnOnce(&mut dyn Read) -> io::Result<T> + Send + 'static,
) -> Result<T, FetchError> {
    if coding.sealed && keys.is_none() {
        return Err(FetchError::Encrypted { name: name.into() });
    }
    let stream = store.open_read(name).await?;
    let (chunks, received) = channel(CHUNKS_WAITING);
    let keys = keys.clone();
    let work = tokio::task::spawn_blocking(move || decode(coding, &keys, received, sink));
    let trouble = pump(stream, chunks).await;
    let joined = work.await.map_err(io::Error::other);
    if let Some(error) = trouble {
        return Err(error.into());
    }
    let unpack = |source| FetchError::Unpack { name: name.to_owned(), source };
    let decoded = joined.map_err(unpack)?;
    compare(name, expected, &decoded)?;
    decoded.result.map_err(unpack)
}

async fn pump(mut stream: ByteStream, chunks: Sender<Bytes>) -> Option<StoreError> {
    while let Some(chunk) = stream.next().await {
        match chunk {
            // The sink gave up, and says why itself.
            Ok(chunk) => {
                if chunks.send(chunk).await.is_err() {
                    return None;
                }
            }
            Err(error) => return Some(error),
        }
    }
    None
}

struct Decoded<T> {
    result: io::Result<T>,
    size: u64,
    sha256: String,
}

fn decode<T>(
    coding: Coding,
    keys: &Keys,
    received: Receiver<Bytes>,
    sink: impl FnOnce(&mut dyn Read) -> io::Result<T>,
) -> Decoded<T> {
    let mut source = Hashed { received, chunk: Bytes::new(), digest: Sha256::new(), size: 0 };
    let result = unpacked(coding, keys, &mut source, sink);
    // The digest is of the whole object, whatever the sink made of it.
    let rest = io::copy(&mut source, &mut io::sink());
    Decoded { result: rest.and(result), size: source.size, sha256: hex(&source.digest.finish()) }
}

/// What is in a packed stream, for `sink` to read.
pub(super) fn unpacked<T>(
    coding: Coding,
    keys: &Keys,
    source: &mut dyn Read,
    sink: impl FnOnce(&mut dyn Read) -> io::Result<T>,
) -> io::Result<T> {
    let mut opened = keys.open(source, coding.sealed)?;
    match coding.packed {
        PackedAs::Plain => sink(&mut opened),
        PackedAs::Gzip => sink(&mut flate2::read::MultiGzDecoder::new(opened)),
        PackedAs::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::new(opened)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
            sink(&mut decoder)
        }
    }
}

fn compare<T>(name: &str, expected: Option<&Stored>, decoded: &Decoded<T>) -> Result<(), FetchError> {
    let damaged = |what: String| Err(FetchError::Damaged { name: name.to_owned(), what });
    match expected {
        Some(expected) if expected.size != decoded.size => {
            damaged(format!("has {} bytes, its manifest says {}", decoded.size, expected.size))
        }
        Some(expected) if !expected.sha256.eq_ignore_ascii_case(&decoded.sha256) => {
            damaged("has another SHA-256 than its manifest says".into())
        }
        Some(_) | None => Ok(()),
    }
}

/// Chunks as a reader, counted and hashed.
struct Hashed {
    received: Receiver<Bytes>,
    chunk: Bytes,
    digest: Sha256,
    size: u64,
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.received.blocking_recv() {
                None => return Ok(0),
                Some(chunk) => {
                    self.digest.update(&chunk);
                    self.size += chunk.len() as u64;
                    self.chunk = chunk;
                }
            }
        }
        let length = self.chunk.len().min(buffer.len());
        self.chunk.copy_to_slice(buffer.get_mut(..length).unwrap_or_default());
        Ok(length)
    }
}
