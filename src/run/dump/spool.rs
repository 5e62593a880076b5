//! A stream read as fast as it comes, whatever its reader does: what is not read yet waits in a file without a name.
//!
//! The file is a ring of bounded size. Where the reader keeps up, its first pages are used over and over; where it is
//! full, the stream waits for the reader, as it would without a spool.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

/// How much is moved at once, in bytes.
const STEP: usize = 256 * 1024;

/// The reading end. Dropping it ends the stream's reading.
pub(super) struct Spooled {
    ring: Arc<Ring>,
}

/// The thread that fills the spool.
pub(super) struct Filling<T> {
    ring: Arc<Ring>,
    thread: JoinHandle<T>,
}

/// How full a spool ever was, in bytes, and what was made of the stream's end.
#[derive(Debug)]
pub(super) struct Filled<T> {
    pub most: u64,
    pub end: T,
}

struct Ring {
    file: File,
    size: u64,
    state: Mutex<State>,
    changed: Condvar,
}

/// Positions only grow; their place in the file is their remainder.
#[derive(Default)]
struct State {
    written: u64,
    read: u64,
    most: u64,
    end: Option<io::Result<()>>,
    /// Nobody reads any more.
    closed: bool,
}

/// Begins to read a stream into a file of at most `size` bytes in `folder`; `at_end` runs as soon as the stream was read
/// to its end, or broke off, or nobody reads it any more.
pub(super) fn spool<T: Send + 'static>(
    stream: impl Read + Send + 'static,
    folder: &Path,
    size: u64,
    at_end: impl FnOnce() -> T + Send + 'static,
) -> io::Result<(Spooled, Filling<T>)> {
    let file = tempfile::tempfile_in(folder)?;
    let size = size.max(STEP as u64);
    let ring = Arc::new(Ring { file, size, state: Mutex::default(), changed: Condvar::new() });
    let filled = Arc::clone(&ring);
    let thread = Builder::new().name("spool".into()).spawn(move || {
        let end = filled.fill(stream);
        let made = at_end();
        filled.state().end = Some(end);
        filled.changed.notify_all();
        made
    })?;
    Ok((Spooled { ring: Arc::clone(&ring) }, Filling { ring, thread }))
}

impl<T> Filling<T> {
    /// Waits until the stream was read to its end; its reader must have read it to its end or be gone.
    pub(super) fn finish(self) -> Option<Filled<T>> {
        let end = self.thread.join().ok()?;
        let most = self.ring.state().most;
        Some(Filled { most, end })
    }

    /// As if the reader were gone.
    pub(super) fn close(&self) {
        self.ring.close();
    }
}

impl Ring {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }

    /// Waits until something holds of the state.
    fn wait(&self, mut holds: impl FnMut(&State) -> bool) -> MutexGuard<'_, State> {
        let state = self.state();
        self.changed.wait_while(state, |state| !holds(state)).unwrap_or_else(PoisonError::into_inner)
    }

    fn fill(&self, mut stream: impl Read) -> io::Result<()> {
        let mut buffer = vec![0; STEP];
        loop {
            let read = stream.read(&mut buffer)?;
            let piece = buffer.get(..read).unwrap_or_default();
            if piece.is_empty() || !self.put(piece)? {
                return Ok(());
            }
        }
    }

    /// False where nobody reads any more.
    fn put(&self, mut piece: &[u8]) -> io::Result<bool> {
        while !piece.is_empty() {
            let mut state = self.wait(|state| state.closed || state.written - state.read < self.size);
            if state.closed {
                return Ok(false);
            }
            if state.read == state.written {
                // Nothing waits: the file's first pages are used again, so that a reader who keeps up costs no room.
                (state.read, state.written) = (0, 0);
            }
            let (written, free) = (state.written, self.size - (state.written - state.read));
            drop(state);
            let place = written % self.size;
            let length = piece.len().min(fit(free)).min(fit(self.size - place));
            let (now, later) = piece.split_at(length);
            self.file.write_all_at(now, place)?;
            let mut state = self.state();
            state.written += length as u64;
            state.most = state.most.max(state.written - state.read);
            drop(state);
            self.changed.notify_all();
            piece = later;
        }
        Ok(true)
    }

    fn take(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.wait(|state| state.end.is_some() || state.written > state.read);
        let waiting = state.written - state.read;
        if waiting == 0 {
            return match state.end.replace(Ok(())) {
                Some(Err(error)) => Err(error),
                Some(Ok(())) | None => Ok(0),
            };
        }
        let read = state.read;
        drop(state);
        let place = read % self.size;
        let length = buffer.len().min(fit(waiting)).min(fit(self.size - place));
        let target = buffer.get_mut(..length).unwrap_or_default();
        self.file.read_exact_at(target, place)?;
        let mut state = self.state();
        state.read += length as u64;
        drop(state);
        self.changed.notify_all();
        Ok(length)
    }
}

fn fit(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

impl Read for Spooled {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() { Ok(0) } else { self.ring.take(buffer) }
    }
}

impl Drop for Spooled {
    fn drop(&mut self) {
        self.ring.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    fn bytes(length: usize) -> Vec<u8> {
        (0..length).map(|n| u8::try_from(n % 251).unwrap()).collect()
    }

    #[test]
    fn a_stream_is_read_to_its_end_although_nobody_reads_the_spool_yet() {
        let folder = tempfile::tempdir().unwrap();
        let (sender, ended) = channel();
        let content = bytes(3 << 20);
        let stream = io::Cursor::new(content.clone());
        let (mut spooled, filling) = spool(stream, folder.path(), 4 << 20, move || sender.send(()).unwrap()).unwrap();
        ended.recv_timeout(Duration::from_secs(20)).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the file has no name");
        let mut read = vec![];
        spooled.read_to_end(&mut read).unwrap();
        assert!(read == content);
        assert_eq!(filling.finish().unwrap().most, 3 << 20);
    }

    #[test]
    fn a_spool_never_holds_more_than_its_size_and_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let content = bytes(5 << 20);
        let (mut spooled, filling) = spool(io::Cursor::new(content.clone()), folder.path(), 300_000, || ()).unwrap();
        let (mut read, mut buffer): (Vec<u8>, _) = (vec![], vec![0; 100_003]);
        while let Ok(length @ 1..) = spooled.read(&mut buffer) {
            read.extend(&buffer[..length]);
        }
        assert!(read == content);
        assert!(filling.finish().unwrap().most <= 300_000);
    }

    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("broken off"))
        }
    }

    #[test]
    fn a_reader_that_is_gone_ends_the_stream_and_an_error_reaches_it() {
        let folder = tempfile::tempdir().unwrap();
        let (spooled, filling) = spool(io::repeat(7), folder.path(), 1 << 20, || "over").unwrap();
        drop(spooled);
        assert_eq!(filling.finish().unwrap().end, "over");
        let (mut spooled, filling) = spool(Broken, folder.path(), 1 << 20, || ()).unwrap();
        assert_eq!(spooled.read_to_end(&mut vec![]).unwrap_err().to_string(), "broken off");
        assert_eq!(spooled.read(&mut [0]).unwrap(), 0);
        filling.finish().unwrap();
    }
}
