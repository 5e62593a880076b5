//! An object as a reader that can be put anywhere: what is read is fetched, and no more than was announced.

use crate::run::manifest::Stored;
use crate::run::store::{ByteStream, Store};
use bytes::{Buf as _, Bytes};
use futures_util::StreamExt as _;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::runtime::Handle;

/// How much is fetched where nobody announced more, in bytes.
const UNANNOUNCED_BYTES: u64 = 4096;

/// An object as a reader. Its thread may block, and is not one of the runtime's own.
pub struct RangeReader {
    store: Arc<dyn Store>,
    runtime: Handle,
    name: String,
    size: u64,
    stream: Option<ByteStream>,
    chunk: Bytes,
    shared: Fetched,
}

/// How far a [`RangeReader`] has come and may go, for whoever has it no longer.
#[derive(Debug, Clone, Default)]
pub struct Fetched(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    bytes: AtomicU64,
    at: AtomicU64,
    until: AtomicU64,
}

impl Fetched {
    /// How many bytes were fetched.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// Where the next byte is read.
    pub(super) fn at(&self) -> u64 {
        self.0.at.load(Ordering::Relaxed)
    }

    /// Announces that everything up to there will be read.
    pub(super) fn announce(&self, until: u64) {
        self.0.until.store(until, Ordering::Relaxed);
    }
}

impl RangeReader {
    /// The object from its beginning; call it within a runtime.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, object: &Stored) -> Self {
        let (name, size) = (object.name.clone(), object.size);
        let runtime = Handle::current();
        Self { store, runtime, name, size, stream: None, chunk: Bytes::new(), shared: Fetched::default() }
    }

    /// How far it has come.
    #[must_use]
    pub fn fetched(&self) -> Fetched {
        self.shared.clone()
    }

    fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        let at = self.shared.at();
        if at >= self.size {
            return Ok(None);
        }
        let mut stream = if let Some(stream) = self.stream.take() {
            stream
        } else {
            let announced = self.shared.0.until.load(Ordering::Relaxed);
            let until = announced.max(at.saturating_add(UNANNOUNCED_BYTES)).min(self.size);
            let opening = self.store.open_read_range(&self.name, at..until);
            self.runtime.block_on(opening).map_err(io::Error::other)?
        };
        let chunk = self.runtime.block_on(stream.next()).transpose().map_err(io::Error::other)?;
        self.stream = Some(stream);
        Ok(chunk)
    }
}

impl Read for RangeReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() && !buffer.is_empty() {
            match self.next_chunk()? {
                Some(chunk) => {
                    self.shared.0.bytes.fetch_add(chunk.len() as u64, Ordering::Relaxed);
                    self.chunk = chunk;
                }
                // The end of a range is not that of the object.
                None if self.stream.take().is_some() => {}
                None => return Ok(0),
            }
        }
        let length = self.chunk.len().min(buffer.len());
        self.chunk.copy_to_slice(buffer.get_mut(..length).unwrap_or_default());
        self.shared.0.at.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

impl Seek for RangeReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = self.shared.at();
        let wanted = match to {
            SeekFrom::Start(wanted) => Some(wanted),
            SeekFrom::Current(by) => at.checked_add_signed(by),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
        };
        let wanted = wanted.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a place before the object"))?;
        if wanted != at {
            self.stream = None;
            self.chunk.clear();
            self.shared.0.at.store(wanted, Ordering::Relaxed);
        }
        Ok(wanted)
    }
}
