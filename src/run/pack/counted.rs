//! Counting and hashing of what passes.

use crate::run::digest::{Sha256, hex};
use std::io::{self, Write};

/// Counts and hashes what is written through it.
#[derive(Debug)]
pub(super) struct Counted<W> {
    below: W,
    bytes: u64,
    digest: Sha256,
}

/// What went through.
pub(super) struct Count<W> {
    pub below: W,
    pub bytes: u64,
    /// In hexadecimal.
    pub sha256: String,
}

impl<W: Write> Counted<W> {
    pub(super) fn new(below: W) -> Self {
        Self { below, bytes: 0, digest: Sha256::new() }
    }

    pub(super) fn finish(mut self) -> io::Result<Count<W>> {
        self.below.flush()?;
        Ok(Count { below: self.below, bytes: self.bytes, sha256: hex(&self.digest.finish()) })
    }
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.below.write(bytes)?;
        self.bytes = self.bytes.saturating_add(written as u64);
        self.digest.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.below.flush()
    }
}
