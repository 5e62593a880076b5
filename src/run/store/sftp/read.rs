//! A file on its way back: several pieces asked for at once, since each takes a round trip.

use super::Folder;
use super::session::Session;
use crate::run::store::{ByteStream, StoreError, StoreErrorKind};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, stream};
use openssh_sftp_client::Error;
use openssh_sftp_client::file::File;
use std::io::SeekFrom;
use std::ops::Range;
use std::sync::Arc;
use tokio::io::AsyncSeekExt as _;
use tokio::sync::Mutex;

/// How much is asked for at once; servers answer with up to 255 KiB.
const PIECE_BYTES: u64 = 256 * 1024;
/// How many pieces are on their way.
const PIECES_AT_ONCE: usize = 8;

/// An open file, and the connection that it is open on.
type Opened = (Arc<Session>, File);

/// A file that is opened again where the connection broke.
struct Reader {
    folder: Arc<Folder>,
    path: String,
    opened: Mutex<Option<Opened>>,
}

/// The bytes of a range, as far as the file has them, or all.
pub(super) async fn open(
    folder: Arc<Folder>,
    path: String,
    range: Option<Range<u64>>,
) -> Result<ByteStream, StoreError> {
    let size = folder.size(&path).await?;
    let Range { start: from, end } = range.unwrap_or(0..size);
    let end = end.min(size);
    let reader = Arc::new(Reader { folder, path, opened: Mutex::new(None) });
    let starts = (0..).map(move |number: u64| from + number * PIECE_BYTES).take_while(move |start| *start < end);
    let pieces = stream::iter(starts).map(move |start| {
        let reader = Arc::clone(&reader);
        async move { reader.piece(start, PIECE_BYTES.min(end - start)).await }
    });
    Ok(pieces.buffered(PIECES_AT_ONCE).boxed())
}

impl Reader {
    async fn piece(&self, start: u64, length: u64) -> Result<Bytes, StoreError> {
        let doing = format!("cannot read `{}` to its end", self.path);
        let read = self.folder.link.often(&doing, |session| self.read(session, start, length)).await?;
        if read.len() as u64 == length {
            return Ok(read.freeze());
        }
        let message = format!("`{}` at {} became shorter while it was read", self.path, self.folder.link.place());
        Err(StoreError::new(StoreErrorKind::Other, message))
    }

    async fn read(&self, session: Arc<Session>, start: u64, length: u64) -> Result<BytesMut, Error> {
        let mut file = self.file(session).await?;
        file.seek(SeekFrom::Start(start)).await?;
        let mut all = BytesMut::new();
        while (all.len() as u64) < length {
            let left = u32::try_from(length - all.len() as u64).unwrap_or(u32::MAX);
            match file.read(left, BytesMut::with_capacity(left as usize)).await? {
                Some(more) => all.unsplit(more),
                None => break,
            }
        }
        Ok(all)
    }

    async fn file(&self, session: Arc<Session>) -> Result<File, Error> {
        let mut opened = self.opened.lock().await;
        if let Some((on, file)) = opened.as_ref()
            && Arc::ptr_eq(on, &session)
        {
            return Ok(file.clone());
        }
        let file = session.sftp.open(&self.path).await?;
        *opened = Some((session, file.clone()));
        Ok(file)
    }
}
