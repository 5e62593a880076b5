//! From a stream to frames and back to a stream, in order, with several compressors at work.
//!
//! One thread reads and cuts, each compressor has its own, and one writes what they made, frame by frame in order. All
//! queues are short: what is held is one frame that fills, one that waits, one at each compressor, and as many that are
//! packed already.

use super::codec::Encoder;
use crate::archive::Compression;
use crate::run::digest::sha256;
use crate::run::index::{self, Frame};
use crate::run::os::Stop;
use crate::run::pack::PackError;
use crate::run::tar_walk::Walk;
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, ScopedJoinHandle};

/// How much of a dump is read at once.
const READ_BYTES: usize = 256 * 1024;

/// How a stream is cut and packed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    pub compression: Compression,
    /// The length of every frame but the last, unpacked, in bytes.
    pub frame_bytes: usize,
    /// Whether it is a tar archive, of whose members the index tells.
    pub tar: bool,
}

/// A frame that was read.
struct Raw {
    bytes: Vec<u8>,
    length: usize,
    members: Members,
    done: SyncSender<io::Result<PackedFrame>>,
}

/// Lines of an index.
#[derive(Debug, Default)]
pub(super) struct Members {
    pub lines: String,
    pub count: u64,
}

/// A frame that is packed.
pub(super) struct PackedFrame {
    pub bytes: Vec<u8>,
    pub frame: Frame,
    pub members: Members,
}

type Ready = Receiver<io::Result<PackedFrame>>;

/// Buffers that were used and can be again.
#[derive(Default)]
struct Pool(Mutex<Vec<Vec<u8>>>);

impl Pool {
    fn take(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    fn give(&self, buffer: Vec<u8>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
    }
}

/// Reads `dump` to its end and gives every frame, packed, to `take` in order; the dump's length in bytes.
///
/// # Errors
/// See [`PackError`].
pub(super) fn each_frame(
    dump: impl Read,
    cut: Cut,
    stop: &Stop,
    take: impl FnMut(&PackedFrame) -> io::Result<()> + Send,
) -> Result<u64, PackError> {
    let (raws, packeds) = (Pool::default(), Pool::default());
    let threads = cut.compression.threads();
    thread::scope(|scope| {
        let (work, jobs) = sync_channel::<Raw>(1);
        let jobs = Mutex::new(jobs);
        let (order, ready) = sync_channel::<Ready>(threads);
        // The receiver lives as long as the last of its compressors, so that nobody waits for one that is gone.
        let jobs = std::sync::Arc::new(jobs);
        let workers: Vec<ScopedJoinHandle<'_, io::Result<()>>> = (0..threads)
            .map(|_| {
                let (jobs, raws, packeds) = (jobs.clone(), &raws, &packeds);
                scope.spawn(move || compress(cut.compression, &jobs, raws, packeds))
            })
            .collect();
        drop(jobs);
        let packeds = &packeds;
        let writer = scope.spawn(move || write(&ready, packeds, take));
        let read = Reading { cut, stop, raws: &raws, work, order }.run(dump);
        let written = writer.join().unwrap_or_else(|_| Err(io::Error::other("the writing thread broke off")));
        for worker in workers {
            let worked = worker.join().unwrap_or_else(|_| Err(io::Error::other("a compressing thread broke off")));
            worked.map_err(PackError::Write)?;
        }
        // Why nobody takes frames any more explains more than that nobody does.
        match (read, written) {
            (Err(PackError::Stopped), _) => Err(PackError::Stopped),
            (_, Err(error)) => Err(PackError::Write(error)),
            (read, Ok(())) => read,
        }
    })
}

fn compress(compression: Compression, jobs: &Mutex<Receiver<Raw>>, raws: &Pool, packeds: &Pool) -> io::Result<()> {
    let mut encoder = Encoder::new(compression)?;
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Raw { bytes, length, members, done }) = job else { return Ok(()) };
        let raw = bytes.get(..length).unwrap_or_default();
        let packed = encoder.frame(raw, packeds.take()).map(|packed| {
            let frame = Frame { packed: packed.len() as u64, raw: length as u64, sha256: sha256(&packed) };
            PackedFrame { bytes: packed, frame, members }
        });
        raws.give(bytes);
        // Nobody waits for it where writing failed.
        let _ = done.send(packed);
    }
}

fn write(
    ready: &Receiver<Ready>,
    packeds: &Pool,
    mut take: impl FnMut(&PackedFrame) -> io::Result<()>,
) -> io::Result<()> {
    while let Ok(frame) = ready.recv() {
        let frame = frame.recv().map_err(|_| io::Error::other("a compressing thread broke off"))??;
        take(&frame)?;
        packeds.give(frame.bytes);
    }
    Ok(())
}

/// The thread that reads.
struct Reading<'a> {
    cut: Cut,
    stop: &'a Stop,
    raws: &'a Pool,
    work: SyncSender<Raw>,
    order: SyncSender<Ready>,
}

impl Reading<'_> {
    fn run(self, mut dump: impl Read) -> Result<u64, PackError> {
        let mut walk = self.cut.tar.then(Walk::default);
        let (mut total, mut frames) = (0u64, 0u64);
        loop {
            let mut bytes = self.raws.take();
            bytes.resize(self.cut.frame_bytes, 0);
            let length = self.fill(&mut dump, &mut bytes)?;
            // An empty dump is a frame, too, where no bytes at all would be no archive.
            if length > 0 || frames == 0 && self.cut.compression != Compression::None {
                total += length as u64;
                frames += 1;
                let members = walk.as_mut().map(|walk| members(walk, bytes.get(..length).unwrap_or_default()));
                self.hand(bytes, length, members.unwrap_or_default()).map_err(PackError::Write)?;
            }
            if length < self.cut.frame_bytes {
                return Ok(total);
            }
        }
    }

    /// Fills a frame as far as the dump goes.
    fn fill(&self, dump: &mut impl Read, bytes: &mut [u8]) -> Result<usize, PackError> {
        let mut length = 0;
        while length < bytes.len() {
            if self.stop.is_stopped() {
                return Err(PackError::Stopped);
            }
            let end = bytes.len().min(length + READ_BYTES);
            match dump.read(bytes.get_mut(length..end).unwrap_or_default()) {
                Ok(0) => break,
                Ok(read) => length += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(PackError::Read(error)),
            }
        }
        Ok(length)
    }

    fn hand(&self, bytes: Vec<u8>, length: usize, members: Members) -> io::Result<()> {
        let gone = || io::Error::new(io::ErrorKind::BrokenPipe, "no frame is taken any more");
        let (done, ready) = sync_channel(1);
        self.order.send(ready).map_err(|_| gone())?;
        self.work.send(Raw { bytes, length, members, done }).map_err(|_| gone())
    }
}

fn members(walk: &mut Walk, bytes: &[u8]) -> Members {
    let mut members = Members::default();
    walk.feed(bytes, |member| {
        index::add_member(&mut members.lines, member);
        members.count += 1;
    });
    members
}
