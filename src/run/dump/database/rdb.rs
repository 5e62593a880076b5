//! What `redis-cli --rdb -` prints, without what it appends.
//!
//! An RDB file begins with `REDIS`, four digits of a version, and ends, from version 5 on, with the byte 255 and a
//! checksum of eight bytes. A server that sends it without a file of its own (`repl-diskless-sync`, the default since
//! Redis 7) marks the end with 40 hexadecimal digits, and `redis-cli` prints those too; to a file it cuts them off.

use crate::run::dump::Verdict;
use std::io::{self, Read};
use std::sync::PoisonError;

const MARK: usize = 40;
/// The end byte and the checksum.
const END: usize = 9;
const END_BYTE: u8 = 0xff;

/// The bytes of an RDB file; its verdict is given once they were read.
pub(super) struct Whole<R> {
    inner: R,
    /// What may be the end: never more than [`MARK`] and [`END`] stay here while more may come.
    held: Vec<u8>,
    /// None until the first bytes were seen.
    begun: Option<bool>,
    at_end: bool,
    verdict: Verdict,
}

impl<R> Whole<R> {
    pub(super) fn new(inner: R, verdict: Verdict) -> Self {
        Self { inner, held: vec![], begun: None, at_end: false, verdict }
    }

    fn end(&mut self) {
        self.at_end = true;
        let ends_at = |held: &[u8], length: usize| {
            let end = held.len().checked_sub(length + END).and_then(|at| held.get(at));
            end == Some(&END_BYTE)
        };
        let marked = self.held.len().checked_sub(MARK).and_then(|at| self.held.get(at..));
        let is_marked = marked.is_some_and(|mark| mark.iter().all(u8::is_ascii_hexdigit));
        self.begun = self.begun.or_else(|| Some(self.held.starts_with(b"REDIS")));
        let fault = if self.begun != Some(true) {
            Some("what `redis-cli` printed does not begin as an RDB file does")
        } else if is_marked && ends_at(&self.held, MARK) {
            self.held.truncate(self.held.len().saturating_sub(MARK));
            None
        } else if ends_at(&self.held, 0) {
            None
        } else {
            Some("the RDB file is cut off: its end is missing")
        };
        *self.verdict.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }
}

impl<R: Read> Read for Whole<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.at_end && self.held.len() <= MARK + END {
            let mut piece = vec![0; buffer.len().max(64 * 1024)];
            match self.inner.read(&mut piece)? {
                0 => self.end(),
                read => self.held.extend(piece.get(..read).unwrap_or_default()),
            }
            let enough = self.at_end || self.held.len() > MARK + END;
            self.begun = self.begun.or_else(|| enough.then(|| self.held.starts_with(b"REDIS")));
        }
        let free = if self.at_end { self.held.len() } else { self.held.len().saturating_sub(MARK + END) };
        let given = free.min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(self.held.drain(..given)) {
            *to = from;
        }
        Ok(given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    /// Reads it in small pieces.
    fn read(bytes: &[u8]) -> (Vec<u8>, Option<&'static str>) {
        let verdict: Verdict = Arc::new(Mutex::new(Some("not read")));
        let mut whole = Whole::new(bytes.chain(io::empty()), Arc::clone(&verdict));
        let (mut out, mut buffer) = (vec![], [0; 7]);
        while let Ok(read @ 1..) = whole.read(&mut buffer) {
            out.extend(&buffer[..read]);
        }
        let fault = *verdict.lock().unwrap();
        (out, fault)
    }

    fn file(checksum: [u8; 8]) -> Vec<u8> {
        [b"REDIS0010".as_slice(), &[1; 500], &[END_BYTE], &checksum].concat()
    }

    #[test]
    fn the_mark_of_a_diskless_sync_is_no_part_of_the_file() {
        for checksum in [[0; 8], *b"abcdef01", [END_BYTE; 8]] {
            let file = file(checksum);
            assert_eq!(read(&file), (file.clone(), None), "without a mark");
            let marked = [file.as_slice(), b"0123456789abcdef0123456789abcdef01234567"].concat();
            assert_eq!(read(&marked), (file, None), "with one");
        }
    }

    #[test]
    fn what_is_no_file_or_half_of_one_is_told() {
        let file = file([0; 8]);
        assert!(read(&file[..300]).1.unwrap().contains("cut off"));
        assert!(read(b"").1.unwrap().contains("does not begin"));
        assert!(read(b"NOAUTH Authentication required.").1.unwrap().contains("does not begin"));
    }
}
