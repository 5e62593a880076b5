//! A remote of the rclone program: what it knows to reach, seventy services and more.
//!
//! Objects are staged under a name of their own (`rcat`) and renamed (`moveto`). rclone renames what it is told, whatever
//! has the name already, so that the name is looked at before.

mod command;
mod upload;

pub use command::RcloneOptions;

use super::again::again;
use super::resume::resuming;
use super::staged::{is_staged, staged_objects};
use super::{ByteStream, Doing, Ledger, Object, Store, StoreError, StoreErrorKind, Upload, check_name, exactly};
use crate::run::journal::Obligation;
use crate::run::os::{Running, Streams};
use bytes::{Bytes, BytesMut};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use serde::Deserialize;
use std::ops::Range;
use std::sync::Arc;
use tokio::io::AsyncReadExt as _;
use tokio::process::ChildStdout;
use tokio::sync::OnceCell;
use upload::RcloneUpload;

/// How much is read at once.
const READ_BYTES: usize = 256 * 1024;

/// A folder at a remote.
#[derive(Debug, Clone)]
pub struct RcloneStore(Arc<Remote>);

/// What uploads share with their store.
#[derive(Debug)]
struct Remote {
    options: RcloneOptions,
    ledger: Ledger,
    features: OnceCell<()>,
}

/// What rclone tells of a file.
#[derive(Debug, Deserialize)]
struct Listed {
    #[serde(rename = "Name")]
    name: String,
    #[serde(rename = "Size")]
    size: i64,
    #[serde(rename = "IsDir", default)]
    is_dir: bool,
}

/// What a remote can do.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Features {
    copy: bool,
    r#move: bool,
    put_stream: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    features: Features,
}

#[derive(Debug, Deserialize)]
struct About {
    free: Option<u64>,
}

impl RcloneStore {
    /// The remote; nothing is asked of it yet.
    #[must_use]
    pub fn new(options: RcloneOptions, ledger: Ledger) -> Self {
        Self(Arc::new(Remote { options, ledger, features: OnceCell::new() }))
    }
}

impl Remote {
    async fn often(&self, doing: &str, words: &[&str]) -> Result<Vec<u8>, StoreError> {
        again(|_| self.options.ask(doing, words)).await
    }

    fn read_json<T: serde::de::DeserializeOwned>(&self, doing: &str, text: &[u8]) -> Result<T, StoreError> {
        serde_json::from_slice(text).map_err(|error| {
            let message = format!("{doing} at {}: rclone's answer cannot be read", self.options.place());
            StoreError::new(StoreErrorKind::Other, message).because(error)
        })
    }

    async fn list(&self) -> Result<Vec<Object>, StoreError> {
        let found = self.files().await?;
        Ok(found.into_iter().filter(|object| check_name(&object.name).is_ok()).collect())
    }

    /// Every file, with whatever name.
    async fn files(&self) -> Result<Vec<Object>, StoreError> {
        let doing = "cannot list the files";
        let words = ["lsjson", "--files-only", "--no-modtime", "--no-mimetype", "--", self.options.remote.as_str()];
        let text = match self.often(doing, &words).await {
            // It is made with the first file.
            Err(error) if error.kind() == StoreErrorKind::Missing && error.helps().is_empty() => return Ok(vec![]),
            other => other?,
        };
        let listed: Vec<Listed> = self.read_json(doing, &text)?;
        let object = |Listed { name, size, is_dir }| {
            let size = u64::try_from(size).ok().filter(|_| !is_dir)?;
            Some(Object { name, size })
        };
        Ok(listed.into_iter().filter_map(object).collect())
    }

    async fn size(&self, name: &str) -> Result<u64, StoreError> {
        let doing = format!("cannot look at `{name}`");
        let path = self.options.path(name);
        let text = self.often(&doing, &["lsjson", "--stat", "--no-modtime", "--no-mimetype", "--", &path]).await?;
        let missing = || StoreError::new(StoreErrorKind::Missing, format!("{doing} at {}", self.options.place()));
        let found: Option<Listed> = self.read_json(&doing, &text)?;
        let found = found.filter(|found| !found.is_dir).ok_or_else(missing)?;
        let unknown = |_| StoreError::new(StoreErrorKind::Other, format!("{doing}: the remote tells no sizes"));
        u64::try_from(found.size).map_err(unknown)
    }

    async fn remove(&self, name: &str) -> Result<(), StoreError> {
        let doing = format!("cannot remove `{name}`");
        match self.often(&doing, &["deletefile", "--", &self.options.path(name)]).await {
            Err(error) if error.kind() != StoreErrorKind::Missing => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Says once what a remote cannot do, where that costs something.
    async fn tell_features(&self) -> Result<(), StoreError> {
        let tell = || async {
            let doing = "cannot tell what the remote can do";
            let text = self.often(doing, &["backend", "features", "--", &self.options.remote]).await?;
            let Described { features: Features { copy, r#move, put_stream } } = self.read_json(doing, &text)?;
            let place = self.options.place();
            if !copy && !r#move {
                tracing::warn!("{place} cannot rename: giving an archive its name sends it down and up again");
            }
            if !put_stream {
                tracing::warn!(
                    "{place} takes no streams: rclone keeps each archive in its temporary folder before it sends it"
                );
            }
            Ok::<(), StoreError>(())
        };
        self.features.get_or_try_init(tell).await.copied()
    }

    /// The bytes from an offset on, once the first of them, or the end, has come.
    async fn read_from(self: Arc<Self>, name: String, from: u64, end: Option<u64>) -> Result<ByteStream, StoreError> {
        let (offset, path) = (from.to_string(), self.options.path(&name));
        let count = end.map(|end| end.saturating_sub(from).to_string());
        let mut words = vec!["cat", "--offset", &offset];
        if let Some(count) = &count {
            words.extend(["--count", count]);
        }
        words.extend(["--", &path]);
        let Streams { input, output, running } = self.options.start(&words)?;
        drop(input);
        let mut reading = Reading { remote: self, name, output, running };
        let first = reading.next().await?;
        let Some(first) = first else { return Ok(stream::empty().boxed()) };
        let rest = stream::unfold(Some(reading), |reading| async move {
            let mut reading = reading?;
            match reading.next().await {
                Ok(piece) => piece.map(|piece| (Ok(piece), Some(reading))),
                Err(error) => Some((Err(error), None)),
            }
        });
        Ok(stream::iter([Ok(first)]).chain(rest).boxed())
    }

    async fn read(self: Arc<Self>, name: String, range: Option<Range<u64>>) -> Result<ByteStream, StoreError> {
        check_name(&name)?;
        let (start, end) = range.map_or((0, None), |range| (range.start, Some(range.end)));
        if end.is_some_and(|end| end <= start) {
            self.size(&name).await?;
            return Ok(stream::empty().boxed());
        }
        let of = name.clone();
        let open = move |from| Arc::clone(&self).read_from(of.clone(), from, end).boxed();
        let stream = resuming(Box::new(open), start).await?;
        Ok(match end {
            Some(end) => exactly(stream, end - start, &name),
            None => stream,
        })
    }

    async fn free_bytes(&self) -> Option<u64> {
        let text =
            self.options.ask("cannot tell the free space", &["about", "--json", "--", &self.options.remote]).await;
        serde_json::from_slice::<About>(&text.ok()?).ok()?.free
    }
}

/// A download under way.
struct Reading {
    remote: Arc<Remote>,
    name: String,
    output: ChildStdout,
    running: Running,
}

impl Reading {
    /// The next bytes; none at the end, where rclone must have ended well.
    async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        let doing = format!("cannot read `{}`", self.name);
        let options = &self.remote.options;
        let failed = |error| StoreError::io(format!("{doing} at {}", options.place()), error);
        let mut bytes = BytesMut::with_capacity(READ_BYTES);
        if self.output.read_buf(&mut bytes).await.map_err(failed)? > 0 {
            return Ok(Some(bytes.freeze()));
        }
        let status = self.running.wait().await.map_err(failed)?;
        if status.success() { Ok(None) } else { Err(options.refusal(&doing, status, &self.running.complaints())) }
    }
}

fn exists(remote: &Remote, name: &str) -> StoreError {
    let message = format!("`{name}` is at {} already, and is never overwritten", remote.options.place());
    StoreError::new(StoreErrorKind::Exists, message)
}

impl Store for RcloneStore {
    fn describe(&self) -> String {
        self.0.options.place()
    }

    fn list(&self) -> Doing<'_, Vec<Object>> {
        Box::pin(self.0.list())
    }

    fn size(&self, name: &str) -> Doing<'_, u64> {
        let name = name.to_owned();
        Box::pin(async move {
            check_name(&name)?;
            self.0.size(&name).await
        })
    }

    fn open_read(&self, name: &str) -> Doing<'_, ByteStream> {
        Box::pin(Arc::clone(&self.0).read(name.to_owned(), None))
    }

    fn open_read_range(&self, name: &str, range: Range<u64>) -> Doing<'_, ByteStream> {
        Box::pin(Arc::clone(&self.0).read(name.to_owned(), Some(range)))
    }

    fn delete(&self, names: &[String]) -> Doing<'_, ()> {
        let names = names.to_vec();
        Box::pin(async move {
            names.iter().try_for_each(|name| check_name(name))?;
            for name in names {
                self.0.remove(&name).await?;
            }
            Ok(())
        })
    }

    fn begin(&self, name: &str) -> Doing<'_, Box<dyn Upload>> {
        let (remote, name) = (Arc::clone(&self.0), name.to_owned());
        Box::pin(async move { Ok(Box::new(RcloneUpload::begin(remote, name).await?) as Box<dyn Upload>) })
    }

    fn clean(&self, left: &Obligation) -> Doing<'_, bool> {
        let ours = left.staged_at(&self.0.options.destination).filter(|name| is_staged(name)).map(ToOwned::to_owned);
        Box::pin(async move {
            let Some(name) = ours else { return Ok(false) };
            self.0.remove(&name).await.map(|()| true)
        })
    }

    fn staged(&self) -> Doing<'_, Vec<Obligation>> {
        Box::pin(async { Ok(staged_objects(&self.0.options.destination, self.0.files().await?)) })
    }

    fn free_bytes(&self) -> Doing<'_, Option<u64>> {
        Box::pin(async { Ok(self.0.free_bytes().await) })
    }
}
