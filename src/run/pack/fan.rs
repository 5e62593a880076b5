//! One stream to several destinations at once: the slowest one that still takes bytes sets the pace.

use crate::run::progress::Clock;
use bytes::{Bytes, BytesMut};
use std::io::{self, Write};
use std::time::Instant;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// How much is handed out at once, in bytes.
pub const CHUNK_BYTES: usize = 512 * 1024;
/// How many chunks may wait for a destination: 4 MiB, which all destinations share.
pub const CHUNKS_WAITING: usize = 8;

/// Hands chunks to every destination. Whoever drops its end is left out; the others go on.
#[derive(Debug)]
pub struct Fan {
    buffer: BytesMut,
    ways: Vec<Sender<Bytes>>,
    waited: Clock,
}

impl Fan {
    /// A fan with so many ways.
    #[must_use]
    pub fn new(ways: usize) -> (Self, Vec<Receiver<Bytes>>) {
        let (ways, ends) = (0..ways).map(|_| channel(CHUNKS_WAITING)).unzip();
        (Self { buffer: BytesMut::with_capacity(CHUNK_BYTES), ways, waited: Clock::default() }, ends)
    }

    /// The same, which adds up how long it waits for its ways.
    #[must_use]
    pub fn timed(self, waited: Clock) -> Self {
        Self { waited, ..self }
    }

    /// Waits until every way has taken the chunk.
    fn hand_out(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::replace(&mut self.buffer, BytesMut::with_capacity(CHUNK_BYTES)).freeze();
        let begun = Instant::now();
        self.ways.retain(|way| way.blocking_send(chunk.clone()).is_ok());
        self.waited.add(begun.elapsed());
        if self.ways.is_empty() {
            Err(io::Error::new(io::ErrorKind::BrokenPipe, "no destination takes any more"))
        } else {
            Ok(())
        }
    }
}

impl Write for Fan {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = CHUNK_BYTES.saturating_sub(self.buffer.len());
        let taken = bytes.get(..room.min(bytes.len())).unwrap_or_default();
        self.buffer.extend_from_slice(taken);
        if self.buffer.len() >= CHUNK_BYTES {
            self.hand_out()?;
        }
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.hand_out()
    }
}
