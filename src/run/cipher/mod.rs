//! Encryption with age: streams are sealed for recipients, or with a passphrase, and opened with identities.
//!
//! Without the cargo feature `age`, nothing can be sealed or opened, and both say so.

#[cfg(feature = "age")]
mod identities;
#[cfg(feature = "age")]
mod recipients;
#[cfg(feature = "age")]
mod ssh;

use crate::archive::Encrypt;
use crate::run::secret::{SecretError, Secrets};
use crate::value::{Context, ExpandError};
use secrecy::SecretString;
use std::fmt;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
#[cfg(feature = "age")]
use std::sync::Arc;

/// Why nothing can be sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Built without the feature.
    #[error("the job encrypts its archives, and this program was built without encryption (cargo feature `age`)")]
    NotBuilt,
    /// `recipients_file:`
    #[error("the file of recipients `{path}` cannot be read")]
    File {
        /// Which.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A path with a placeholder that means nothing.
    #[error("the path of the file of recipients cannot be filled in")]
    Path(#[source] ExpandError),
    /// A line of the file, or of the job.
    #[error("{place} is {source}")]
    Recipient {
        /// Where.
        place: String,
        /// Why.
        source: crate::archive::RecipientError,
    },
    /// A file without any.
    #[error("there is no recipient")]
    Nobody,
    /// The passphrase.
    #[error("the passphrase cannot be had")]
    Passphrase(#[source] SecretError),
}

/// How streams are encrypted.
#[derive(Clone, Default)]
pub enum Seal {
    /// Not at all.
    #[default]
    Open,
    /// For these.
    #[cfg(feature = "age")]
    Age(Arc<recipients::Recipients>),
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_open() { "Open" } else { "Age" })
    }
}

/// A stream that is encrypted as it is written, or is not.
pub enum Sealed<W: Write> {
    /// It is not.
    Open(W),
    /// It is.
    #[cfg(feature = "age")]
    Age(age::stream::StreamWriter<W>),
}

impl Seal {
    /// As an archive is to be encrypted.
    ///
    /// # Errors
    /// See [`SealError`].
    pub fn new(encrypt: Option<&Encrypt>, secrets: &Secrets, context: &Context) -> Result<Self, SealError> {
        let Some(encrypt) = encrypt else { return Ok(Self::Open) };
        #[cfg(feature = "age")]
        return recipients::Recipients::new(encrypt, secrets, context).map(|found| Self::Age(Arc::new(found)));
        #[cfg(not(feature = "age"))]
        {
            let _ = (encrypt, secrets, context);
            Err(SealError::NotBuilt)
        }
    }

    /// Whether nothing is encrypted.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self {
            Self::Open => true,
            #[cfg(feature = "age")]
            Self::Age(_) => false,
        }
    }

    /// Encrypts into `below`.
    ///
    /// # Errors
    /// Those of what is below, and of encryption.
    pub fn around<W: Write>(&self, below: W) -> io::Result<Sealed<W>> {
        match self {
            Self::Open => Ok(Sealed::Open(below)),
            #[cfg(feature = "age")]
            Self::Age(recipients) => recipients.around(below).map(Sealed::Age),
        }
    }
}

impl<W: Write> Sealed<W> {
    /// Writes the end.
    ///
    /// # Errors
    /// Those of what is below.
    pub fn finish(self) -> io::Result<W> {
        match self {
            Self::Open(below) => Ok(below),
            #[cfg(feature = "age")]
            Self::Age(writer) => writer.finish(),
        }
    }
}

impl<W: Write> Write for Sealed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Open(below) => below.write(bytes),
            #[cfg(feature = "age")]
            Self::Age(writer) => writer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Open(below) => below.flush(),
            #[cfg(feature = "age")]
            Self::Age(writer) => writer.flush(),
        }
    }
}

/// Why keys cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Built without the feature.
    #[error("this program was built without encryption (cargo feature `age`)")]
    NotBuilt,
    /// The file.
    #[error("the identity file `{}` cannot be read", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It holds something else.
    #[error("`{}` {what}", path.display())]
    NoIdentity {
        /// Which.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        what: &'static str,
    },
}

/// What opens sealed archives.
#[derive(Clone, Default)]
pub struct Keys {
    #[cfg(feature = "age")]
    identities: Arc<Vec<identities::Identity>>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_none() { "Keys(none)" } else { "Keys(***)" })
    }
}

impl Keys {
    /// Reads files of identities: age's own, also those that a passphrase protects, and private keys of OpenSSH. The
    /// passphrase also opens archives that were sealed with it.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn read(files: &[PathBuf], passphrase: Option<&SecretString>) -> Result<Self, KeyError> {
        if files.is_empty() && passphrase.is_none() {
            return Ok(Self::default());
        }
        #[cfg(feature = "age")]
        return identities::read(files, passphrase).map(|found| Self { identities: Arc::new(found) });
        #[cfg(not(feature = "age"))]
        Err(KeyError::NotBuilt)
    }

    /// Whether there are none, so that nothing sealed can be opened.
    #[must_use]
    pub fn is_none(&self) -> bool {
        #[cfg(feature = "age")]
        return self.identities.is_empty();
        #[cfg(not(feature = "age"))]
        true
    }

    /// Opens a stream that is `sealed`, or takes it as it is.
    ///
    /// # Errors
    /// No key fits, or it is not encrypted.
    pub fn open<R: Read>(&self, below: R, sealed: bool) -> io::Result<Opened<R>> {
        if !sealed {
            return Ok(Opened::Plain(below));
        }
        #[cfg(feature = "age")]
        return identities::open(&self.identities, below).map(|reader| Opened::Age(Box::new(reader)));
        #[cfg(not(feature = "age"))]
        Err(io::Error::other(KeyError::NotBuilt))
    }
}

/// A stream that is decrypted as it is read, or that needs not be.
pub enum Opened<R> {
    /// It needs not be.
    Plain(R),
    /// It is.
    #[cfg(feature = "age")]
    Age(Box<age::stream::StreamReader<R>>),
}

impl<R: Read> Read for Opened<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(below) => below.read(buffer),
            #[cfg(feature = "age")]
            Self::Age(reader) => reader.read(buffer),
        }
    }
}

impl<R: Read + Seek> Seek for Opened<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::Plain(below) => below.seek(to),
            #[cfg(feature = "age")]
            Self::Age(reader) => reader.seek(to),
        }
    }
}

#[cfg(test)]
#[cfg(feature = "age")]
mod tests;
