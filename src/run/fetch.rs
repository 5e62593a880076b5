//! An object on its way back: digest checked, decompressed, in bounded memory.

use super::manifest::Entry;
use super::store::{ByteStream, Object, Store, StoreError};
use bytes::{Buf as _, Bytes};
use futures_util::stream::StreamExt as _;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
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
    /// It is encrypted.
    #[error("`{name}` is encrypted, which this program does not undo: decrypt it with age, then unpack it with tar")]
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

/// How an object is compressed, by its name, and its name without that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// Not at all.
    Plain,
    /// gzip, of one member or of several.
    Gzip,
    /// Zstandard, of one frame or of several.
    Zstd,
}

/// Tells how an object is compressed, and what its content is called.
///
/// # Errors
/// [`FetchError::Encrypted`].
pub fn coding(name: &str) -> Result<(Coding, &str), FetchError> {
    if name.strip_suffix(".age").is_some() {
        return Err(FetchError::Encrypted { name: name.into() });
    }
    Ok(match (name.strip_suffix(".gz"), name.strip_suffix(".zst")) {
        (Some(content), _) => (Coding::Gzip, content),
        (_, Some(content)) => (Coding::Zstd, content),
        (None, None) => (Coding::Plain, name),
    })
}

/// Reads an object through digest and decoder into `sink`, which runs in a thread of its own and reads to the end.
///
/// # Errors
/// See [`FetchError`]; where both the sink failed and the object is damaged, the damage is told.
pub async fn fetch<T: Send + 'static>(
    store: &dyn Store,
    object: &Object,
    expected: Option<&Entry>,
    sink: impl FnOnce(&mut dyn Read) -> io::Result<T> + Send + 'static,
) -> Result<T, FetchError> {
    let (coding, _) = coding(&object.name)?;
    let stream = store.open_read(&object.name).await?;
    let (chunks, received) = channel(CHUNKS_WAITING);
    let work = tokio::task::spawn_blocking(move || decode(coding, received, sink));
    let trouble = pump(stream, chunks).await;
    let joined = work.await.map_err(io::Error::other);
    if let Some(error) = trouble {
        return Err(error.into());
    }
    let unpack = |source| FetchError::Unpack { name: object.name.clone(), source };
    let decoded = joined.map_err(unpack)?;
    compare(object, expected, &decoded)?;
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
    received: Receiver<Bytes>,
    sink: impl FnOnce(&mut dyn Read) -> io::Result<T>,
) -> Decoded<T> {
    let mut source = Hashed { received, chunk: Bytes::new(), digest: Sha256::new(), size: 0 };
    let result = decoded_into(coding, &mut source, sink);
    // The digest is of the whole object, whatever the sink made of it.
    let rest = io::copy(&mut source, &mut io::sink());
    let mut sha256 = String::new();
    for byte in source.digest.finalize() {
        let _ = write!(sha256, "{byte:02x}");
    }
    Decoded { result: rest.and(result), size: source.size, sha256 }
}

fn decoded_into<T>(
    coding: Coding,
    source: &mut Hashed,
    sink: impl FnOnce(&mut dyn Read) -> io::Result<T>,
) -> io::Result<T> {
    match coding {
        Coding::Plain => sink(source),
        Coding::Gzip => sink(&mut flate2::read::MultiGzDecoder::new(source)),
        Coding::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::new(source)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
            sink(&mut decoder)
        }
    }
}

fn compare<T>(object: &Object, expected: Option<&Entry>, decoded: &Decoded<T>) -> Result<(), FetchError> {
    let damaged = |what: String| Err(FetchError::Damaged { name: object.name.clone(), what });
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
