//! A part of an archive: found by its index, and read by itself.

mod pick;
mod ranges;
mod tar;

pub use pick::{Patterns, Picked, pick};
pub use ranges::{Fetched, RangeReader};
pub use tar::PartialTar;

use super::cipher::Keys;
use super::fetch::{Coding, FetchError, PackedAs, fetch, unpacked};
use super::index::{Line, Reader};
use super::manifest::{Entry, Index};
use super::store::Store;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use std::io::{self, BufReader, Read};

/// How many lines an index has, and of how many bytes it tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IndexCounts {
    /// Files and folders.
    pub members: u64,
    /// Frames.
    pub frames: u64,
    /// Bytes of the archive, unpacked.
    pub raw: u64,
}

/// Reads an index to its end.
///
/// # Errors
/// It cannot be read, or is damaged.
pub async fn index_counts(store: &dyn Store, entry: &Entry, keys: &Keys) -> Result<IndexCounts, FetchError> {
    let mut counts = IndexCounts::default();
    read_index(store, entry, keys, move |reader| {
        while let Some(line) = reader.next()? {
            match line {
                Line::Member(_) => counts.members += 1,
                Line::Frame(frame) => {
                    counts.frames += 1;
                    counts.raw = counts.raw.saturating_add(frame.raw);
                }
            }
        }
        Ok(counts)
    })
    .await
}

type IndexLines<'a> = Reader<BufReader<&'a mut dyn Read>>;

/// Gives an archive's index to `sink`, line by line, wherever it is.
async fn read_index<T: Send + 'static>(
    store: &dyn Store,
    entry: &Entry,
    keys: &Keys,
    sink: impl FnOnce(&mut IndexLines<'_>) -> io::Result<T> + Send + 'static,
) -> Result<T, FetchError> {
    let coding = Coding { sealed: entry.encryption.is_some(), packed: PackedAs::Zstd };
    let lines = move |stream: &mut dyn Read| sink(&mut Reader::new(BufReader::new(stream))?);
    match &entry.index {
        Index::Object(stored) => fetch(store, &stored.name, Some(stored), (coding, keys), lines).await,
        Index::Inline(_) if coding.sealed && keys.is_none() => Err(FetchError::Encrypted { name: entry.name.clone() }),
        Index::Inline(text) => {
            let (text, keys) = (text.clone(), keys.clone());
            let work = tokio::task::spawn_blocking(move || {
                let bytes = BASE64_STANDARD.decode(text).map_err(io::Error::other)?;
                unpacked(coding, &keys, &mut bytes.as_slice(), lines)
            });
            let read = work.await.map_err(io::Error::other).and_then(|read| read);
            read.map_err(|error| FetchError::Damaged {
                name: entry.name.clone(),
                what: format!("has an index that cannot be read ({error})"),
            })
        }
    }
}
