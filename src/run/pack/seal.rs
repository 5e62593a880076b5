//! Encryption of a stream, or none.

use std::io::{self, Write};

/// How streams are encrypted.
#[derive(Debug, Clone, Default)]
pub enum Seal {
    /// Not at all.
    #[default]
    Open,
}

/// A stream that is encrypted as it is written, or is not.
pub(super) enum Sealed<W: Write> {
    Open(W),
}

impl Seal {
    /// Encrypts into `below`.
    ///
    /// # Errors
    /// Those of what is below.
    #[expect(clippy::unnecessary_wraps, reason = "encryption fails")]
    pub(super) fn around<W: Write>(&self, below: W) -> io::Result<Sealed<W>> {
        match self {
            Self::Open => Ok(Sealed::Open(below)),
        }
    }
}

impl<W: Write> Sealed<W> {
    /// Writes the end.
    ///
    /// # Errors
    /// Those of what is below.
    #[expect(clippy::unnecessary_wraps, reason = "encryption fails")]
    pub(super) fn finish(self) -> io::Result<W> {
        match self {
            Self::Open(below) => Ok(below),
        }
    }
}

impl<W: Write> Write for Sealed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Open(below) => below.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Open(below) => below.flush(),
        }
    }
}
