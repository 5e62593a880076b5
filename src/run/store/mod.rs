//! Connections to destinations: objects are listed, read, removed, and stored in two steps, so that nothing has its
//! final name before it is whole.

mod again;
mod bucket;
mod error;
mod ledger;
mod limited;
mod local;
mod open;
mod rclone;
mod resume;
mod sent;
#[cfg(feature = "sftp")]
mod sftp;
mod staged;
mod throttle;
mod webdav;

pub use bucket::{
    AzureOptions, AzurePass, BucketStore, Credentials, Encrypting, GcsOptions, Locking, PART_COUNT_MAX, S3Options,
    Storing, part_size,
};
pub use error::{StoreError, StoreErrorKind};
pub use ledger::{Ledger, Promise};
pub use local::{LocalStore, remove_staged};
pub use open::{Means, open};
pub use rclone::{RcloneOptions, RcloneStore};
#[cfg(feature = "sftp")]
use sftp::window as sftp_window;
#[cfg(feature = "sftp")]
pub use sftp::{PROBE_AFTER_DEFAULT, SftpOptions, SftpStore};
pub use staged::Owner;
pub use throttle::Throttle;
pub use webdav::{WebDavOptions, WebDavStore};

use crate::run::journal::Obligation;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use jiff::Timestamp;
use std::fmt;
use std::ops::Range;

/// What is done at a store, some time.
pub type Doing<'a, T> = BoxFuture<'a, Result<T, StoreError>>;
/// An object's bytes as they arrive.
pub type ByteStream = BoxStream<'static, Result<Bytes, StoreError>>;

/// An object at a destination.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Object {
    /// Its name, without the destination's path or prefix.
    pub name: String,
    /// How long it is, in bytes.
    pub size: u64,
}

/// A destination that is connected to.
///
/// Names are single file names: without `/`, not beginning with `.`.
pub trait Store: Send + Sync + fmt::Debug {
    /// Where it is, for people, without any secret.
    fn describe(&self) -> String;

    /// Every object that is there, in no particular order; what has not got its final name is not among them.
    fn list(&self) -> Doing<'_, Vec<Object>>;

    /// An object's size in bytes.
    ///
    /// Fails with [`StoreErrorKind::Missing`] where there is no such object.
    fn size(&self, name: &str) -> Doing<'_, u64>;

    /// An object's bytes.
    fn open_read(&self, name: &str) -> Doing<'_, ByteStream>;

    /// The bytes of an object from `range.start` up to, not including, `range.end`; no more than these are fetched. An
    /// empty range gives an empty stream. [`exactly`] sees to what the contract asks of the stream.
    ///
    /// Fails with [`StoreErrorKind::Missing`] where there is no such object, and, now or in the stream, where the object
    /// ends before the range does.
    fn open_read_range(&self, name: &str, range: Range<u64>) -> Doing<'_, ByteStream>;

    /// Removes objects, in the order given; what is missing already is no error.
    ///
    /// Fails with [`StoreErrorKind::Locked`], and removes none, where the destination's own lock holds one of them.
    fn delete(&self, names: &[String]) -> Doing<'_, ()>;

    /// Begins an object that nobody sees before it is committed.
    ///
    /// Fails with [`StoreErrorKind::Exists`] where the name is taken.
    fn begin(&self, name: &str) -> Doing<'_, Box<dyn Upload>>;

    /// Undoes what a killed run left here; false where it is not this store's.
    fn clean(&self, left: &Obligation) -> Doing<'_, bool>;

    /// What lies here under names that objects have until they are whole, whoever began it, live uploads among it; each
    /// can be given to [`Store::clean`]. Nothing where uploads have no names.
    fn staged(&self) -> Doing<'_, Vec<Obligation>> {
        Box::pin(async { Ok(vec![]) })
    }

    /// Uploads in parts, of objects with names that are `ours`, which were begun before a time and took nothing since; each
    /// can be given to [`Store::clean`]. Nothing where there are no such uploads, or the server does not tell of them.
    fn stale<'a>(&'a self, ours: &'a (dyn Fn(&str) -> bool + Sync), before: Timestamp) -> Doing<'a, Vec<Obligation>> {
        let _ = (ours, before);
        Box::pin(async { Ok(vec![]) })
    }

    /// How many bytes there is room for, where that is known.
    fn free_bytes(&self) -> Doing<'_, Option<u64>>;

    /// What slows uploads, where something does: as long as it lets bytes pass, the store has not stalled.
    fn throttle(&self) -> Option<&Throttle> {
        None
    }
}

/// An object under way. Dropping it leaves nothing visible, but only [`Upload::abort`] puts everything back.
pub trait Upload: Send {
    /// Takes the next bytes; waits where the destination is slower.
    fn write(&mut self, bytes: Bytes) -> Doing<'_, ()>;

    /// Sends what is left, so that committing it is a matter of a moment. No bytes may follow.
    fn stage(&mut self) -> Doing<'_, ()>;

    /// Gives the object its name, and makes sure that it is there in its full length.
    ///
    /// Fails with [`StoreErrorKind::Exists`] where the name was taken meanwhile. What fails is put back.
    fn commit(self: Box<Self>) -> Doing<'static, ()>;

    /// Puts everything back.
    fn abort(self: Box<Self>) -> Doing<'static, ()>;
}

/// A stream of exactly so many bytes: more are cut off, fewer are an error. `name` is the object's, for people.
#[must_use]
pub fn exactly(bytes: ByteStream, length: u64, name: &str) -> ByteStream {
    let name = name.to_owned();
    let next = move |(mut bytes, left): (ByteStream, u64)| {
        let ended = StoreError::new(StoreErrorKind::Other, format!("`{name}` ends {left} bytes too early"));
        async move {
            if left == 0 {
                return None;
            }
            match bytes.next().await {
                None => Some((Err(ended), (stream::empty().boxed(), 0))),
                Some(Err(error)) => Some((Err(error), (stream::empty().boxed(), 0))),
                Some(Ok(mut piece)) => {
                    piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
                    let left = left - piece.len() as u64;
                    Some((Ok(piece), (bytes, left)))
                }
            }
        }
    };
    stream::unfold((bytes, length), next).boxed()
}

/// Refuses what is not a single visible file name: a manifest of a stranger's bucket may hold anything.
///
/// # Errors
/// [`StoreErrorKind::Other`].
pub fn check_name(name: &str) -> Result<(), StoreError> {
    let bad = name.is_empty() || name.starts_with('.') || name.contains('/') || name.chars().any(char::is_control);
    if bad {
        Err(StoreError::new(StoreErrorKind::Other, format!("`{}` cannot be an object's name", name.escape_debug())))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in ["", ".", "..", ".hidden", "../x", "a/b", "/etc/passwd", "a\nb", "a\0"] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        check_name("wiki_80_2014-11-02T01-02-03Z.tar.gz").unwrap();
    }
}
