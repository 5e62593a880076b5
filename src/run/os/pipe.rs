//! The read end of a child's output, which somebody else may close: a grandchild that holds the other end open must
//! not hold us.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What a pipe holds where the kernel allows it: fewer switches between writer and reader.
const PIPE_BYTES: usize = 1 << 20;
/// How often a waiting reader looks whether it is still wanted.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A line of standard error that is longer is cut into several.
const LINE_MAX_BYTES: usize = 8 * 1024;

/// A child's output.
#[derive(Debug, Clone)]
pub(super) struct Pipe {
    fd: Arc<OwnedFd>,
    fate: Arc<Mutex<Fate>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Fate {
    /// After this, a pipe without bytes is at its end, whoever holds its other end.
    close_at: Option<Instant>,
    /// The end is an error: the writer was ended by us.
    fails: bool,
}

impl Pipe {
    pub(super) fn new(fd: Option<OwnedFd>) -> io::Result<Self> {
        let fd = fd.ok_or_else(|| io::Error::other("a child without a pipe"))?;
        // Refused where the user's pipes hold too much already; it works without.
        let _ = rustix::pipe::fcntl_setpipe_size(&fd, PIPE_BYTES);
        Ok(Self { fd: Arc::new(fd), fate: Arc::default() })
    }

    /// Takes what is in it still, but waits for no more than this time for more.
    pub(super) fn close_within(&self, time: Duration) {
        let mut fate = self.fate.lock().unwrap_or_else(PoisonError::into_inner);
        fate.close_at = Instant::now().checked_add(time);
    }

    pub(super) fn fail_at_end(&self, fails: bool) {
        self.fate.lock().unwrap_or_else(PoisonError::into_inner).fails = fails;
    }

    fn fate(&self) -> Fate {
        *self.fate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn at_end(&self) -> io::Result<usize> {
        if self.fate().fails { Err(io::Error::other("the program behind this stream was ended early")) } else { Ok(0) }
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let timeout = Timespec { tv_sec: 0, tv_nsec: LOOK_EVERY.subsec_nanos().into() };
        loop {
            let over = self.fate().close_at.is_some_and(|at| Instant::now() >= at);
            let wait = if over { Timespec { tv_sec: 0, tv_nsec: 0 } } else { timeout };
            match poll(&mut [PollFd::new(&*self.fd, PollFlags::IN)], Some(&wait)) {
                Ok(0) if over => return self.at_end(),
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => match rustix::io::read(&*self.fd, &mut *buffer) {
                    Ok(0) if !buffer.is_empty() => return self.at_end(),
                    Ok(read) => return Ok(read),
                    Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
                    Err(errno) => return Err(errno.into()),
                },
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

/// Gives each line to `line`, until the pipe ends.
pub(super) fn lines(mut pipe: Pipe, mut line: impl FnMut(String)) {
    let mut rest: Vec<u8> = vec![];
    let mut buffer = vec![0; LINE_MAX_BYTES];
    while let Ok(read @ 1..) = pipe.read(&mut buffer) {
        let mut new = buffer.get(..read).unwrap_or_default();
        while let Some(at) = new.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            rest.extend(new.get(..at).unwrap_or_default());
            emit(&mut rest, &mut line);
            new = new.get(at + 1..).unwrap_or_default();
        }
        rest.extend(new);
        if rest.len() > LINE_MAX_BYTES {
            emit(&mut rest, &mut line);
        }
    }
    emit(&mut rest, &mut line);
}

fn emit(bytes: &mut Vec<u8>, line: &mut impl FnMut(String)) {
    if !bytes.is_empty() {
        line(String::from_utf8_lossy(bytes).into_owned());
        bytes.clear();
    }
}
