//! A folder of a WebDAV server (RFC 4918).

mod client;
mod multistatus;
mod refusal;
mod upload;

pub use client::WebDavOptions;

use super::resume::resuming;
use super::staged::{is_staged, staged_objects};
use super::{ByteStream, Doing, Ledger, Object, Store, StoreError, StoreErrorKind, Upload, check_name, exactly};
use crate::run::journal::Obligation;
use client::Server;
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use multistatus::Resource;
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderValue, RANGE};
use std::ops::Range;
use std::sync::Arc;
use upload::WebDavUpload;

/// How many names of a path are made at the most.
const DEPTH_MAX: usize = 64;

/// A folder of a WebDAV server.
#[derive(Debug, Clone)]
pub struct WebDavStore(Arc<Folder>);

/// What uploads share with their store.
#[derive(Debug)]
struct Folder {
    server: Server,
    ledger: Ledger,
}

impl WebDavStore {
    /// The folder; nothing is asked of the server yet.
    ///
    /// # Errors
    /// An address that is none, plain `http://` where it is not allowed, certificates that are none.
    pub fn open(options: WebDavOptions, ledger: Ledger) -> Result<Self, StoreError> {
        Ok(Self(Arc::new(Folder { server: Server::open(options)?, ledger })))
    }
}

impl Folder {
    fn url(&self, name: &str) -> Result<Url, StoreError> {
        check_name(name)?;
        Ok(self.server.url(name))
    }

    async fn look_at(&self, url: &Url) -> Result<Resource, StoreError> {
        let doing = format!("cannot look at `{}`", name_of(url.path()));
        let found = self.server.find(&doing, url, "0").await?;
        let nothing = || StoreError::new(StoreErrorKind::Other, format!("{doing}: the server tells nothing of it"));
        found.into_iter().next().ok_or_else(nothing)
    }

    async fn size(&self, url: &Url) -> Result<u64, StoreError> {
        let Resource { href: _, collection, length, available: _ } = self.look_at(url).await?;
        let nothing = || StoreError::new(StoreErrorKind::Other, format!("`{}` is no file", name_of(url.path())));
        length.filter(|_| !collection).ok_or_else(nothing)
    }

    async fn list(&self) -> Result<Vec<Object>, StoreError> {
        let found = self.files().await?;
        Ok(found.into_iter().filter(|object| check_name(&object.name).is_ok()).collect())
    }

    /// Every file, with whatever name.
    async fn files(&self) -> Result<Vec<Object>, StoreError> {
        match self.server.find("cannot list the files", &self.server.root, "1").await {
            Ok(found) => Ok(found.iter().filter_map(object).collect()),
            Err(error) if error.kind() == StoreErrorKind::Missing && self.server.options.create => Ok(vec![]),
            Err(error) if error.kind() == StoreErrorKind::Missing => Err(self.missing_root()),
            Err(error) => Err(error),
        }
    }

    fn missing_root(&self) -> StoreError {
        let message = format!("there is no folder {}", self.server.place());
        StoreError::new(StoreErrorKind::Missing, message)
            .help("make it on the server, correct `url:`, or say `create: true` at the destination")
    }

    /// The folder, made where it may be, with those above it.
    async fn make_root(&self) -> Result<(), StoreError> {
        match self.look_at(&self.server.root).await {
            Err(error) if error.kind() == StoreErrorKind::Missing && self.server.options.create => {}
            Err(error) if error.kind() == StoreErrorKind::Missing => return Err(self.missing_root()),
            other => return other.map(drop),
        }
        // From the folder upwards to one that is there, and down again.
        let mut missing = vec![self.server.root.clone()];
        while let Some(url) = missing.last().cloned() {
            if missing.len() > DEPTH_MAX {
                break;
            }
            match self.server.ask("cannot make a folder", "MKCOL", &url, &HeaderMap::new()).await {
                Ok(_) => drop(missing.pop()),
                Err(error) => {
                    if self.look_at(&url).await.is_ok() {
                        missing.pop();
                    } else if let Some(above) = above(&url) {
                        missing.push(above);
                    } else {
                        return Err(error);
                    }
                }
            }
        }
        Ok(())
    }

    async fn remove(&self, url: &Url) -> Result<(), StoreError> {
        let doing = format!("cannot remove `{}`", name_of(url.path()));
        match self.server.ask(&doing, "DELETE", url, &HeaderMap::new()).await {
            Err(error) if error.kind() != StoreErrorKind::Missing => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// The bytes from an offset on.
    async fn read_from(self: Arc<Self>, url: Url, name: String, from: u64) -> Result<ByteStream, StoreError> {
        let doing = format!("cannot read `{name}`");
        let mut request = self.server.request("GET", url);
        if from > 0
            && let Ok(range) = HeaderValue::from_str(&format!("bytes={from}-"))
        {
            request = request.header(RANGE, range);
        }
        let answer = match self.server.send(&doing, request).await {
            // Nothing is left, where all bytes but no end had come.
            Err(error) if from > 0 && self.size(&self.server.url(&name)).await.is_ok_and(|size| size <= from) => {
                tracing::debug!("{error}");
                return Ok(futures_util::stream::empty().boxed());
            }
            other => other?,
        };
        let partial = answer.status().as_u16() == 206;
        let doing = format!("{doing} to its end at {}", self.server.place());
        let stream = answer.bytes_stream().map_err(move |error| refusal::of_transport(&doing, error));
        Ok(if partial { stream.boxed() } else { after(stream.boxed(), from) })
    }

    async fn read(self: Arc<Self>, name: String, range: Option<Range<u64>>) -> Result<ByteStream, StoreError> {
        let url = self.url(&name)?;
        let size = self.size(&url).await?;
        let Range { start, end } = range.unwrap_or(0..size);
        if start >= size {
            return Ok(exactly(futures_util::stream::empty().boxed(), end.saturating_sub(start), &name));
        }
        let (folder, of) = (self, name.clone());
        let open = move |from| Arc::clone(&folder).read_from(url.clone(), of.clone(), from).boxed();
        Ok(exactly(resuming(Box::new(open), start).await?, end.saturating_sub(start), &name))
    }

    async fn free_bytes(&self) -> Option<u64> {
        self.look_at(&self.server.root).await.ok()?.available
    }
}

/// The bytes after the first so many: of a server that sends all where a range was asked for.
fn after(stream: ByteStream, mut left: u64) -> ByteStream {
    let skip = move |piece: Result<bytes::Bytes, StoreError>| {
        let piece = piece.map(|mut piece| {
            let cut = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
            left -= cut as u64;
            piece.split_off(cut)
        });
        futures_util::future::ready(Some(piece))
    };
    stream.filter_map(skip).try_filter(|piece| futures_util::future::ready(!piece.is_empty())).boxed()
}

/// The folder around; none of the topmost one.
fn above(url: &Url) -> Option<Url> {
    let path = url.path().trim_end_matches('/');
    let (above, _) = path.rsplit_once('/')?;
    let mut url = url.clone();
    url.set_path(&format!("{above}/"));
    (!above.is_empty()).then_some(url)
}

/// The last name of a path, without escapes.
fn name_of(path: &str) -> String {
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let mut bytes = vec![];
    let mut rest = name.bytes();
    while let Some(byte) = rest.next() {
        let digits =
            [rest.clone().next(), rest.clone().nth(1)].map(|digit| digit.and_then(|d| char::from(d).to_digit(16)));
        match (byte, digits) {
            (b'%', [Some(high), Some(low)]) => {
                bytes.extend(u8::try_from(high * 16 + low));
                rest.nth(1);
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A file.
fn object(resource: &Resource) -> Option<Object> {
    let Resource { href, collection, length, available: _ } = resource;
    let name = name_of(href);
    (!collection).then_some(Object { name, size: (*length)? })
}

fn exists(folder: &Folder, name: &str) -> StoreError {
    let message = format!("`{name}` is at {} already, and is never overwritten", folder.server.place());
    StoreError::new(StoreErrorKind::Exists, message)
}

impl Store for WebDavStore {
    fn describe(&self) -> String {
        self.0.server.place()
    }

    fn list(&self) -> Doing<'_, Vec<Object>> {
        Box::pin(self.0.list())
    }

    fn size(&self, name: &str) -> Doing<'_, u64> {
        let url = self.0.url(name);
        Box::pin(async move { self.0.size(&url?).await })
    }

    fn open_read(&self, name: &str) -> Doing<'_, ByteStream> {
        Box::pin(Arc::clone(&self.0).read(name.to_owned(), None))
    }

    fn open_read_range(&self, name: &str, range: Range<u64>) -> Doing<'_, ByteStream> {
        Box::pin(Arc::clone(&self.0).read(name.to_owned(), Some(range)))
    }

    fn delete(&self, names: &[String]) -> Doing<'_, ()> {
        let urls: Result<Vec<_>, _> = names.iter().map(|name| self.0.url(name)).collect();
        Box::pin(async move {
            for url in urls? {
                self.0.remove(&url).await?;
            }
            Ok(())
        })
    }

    fn begin(&self, name: &str) -> Doing<'_, Box<dyn Upload>> {
        let (folder, name) = (Arc::clone(&self.0), name.to_owned());
        Box::pin(async move { Ok(Box::new(WebDavUpload::begin(folder, name).await?) as Box<dyn Upload>) })
    }

    fn clean(&self, left: &Obligation) -> Doing<'_, bool> {
        let ours = left.staged_at(&self.0.server.options.destination).filter(|name| is_staged(name));
        let url = ours.map(|name| self.0.server.url(name));
        Box::pin(async move {
            let Some(url) = url else { return Ok(false) };
            self.0.remove(&url).await.map(|()| true)
        })
    }

    fn staged(&self) -> Doing<'_, Vec<Obligation>> {
        Box::pin(async { Ok(staged_objects(&self.0.server.options.destination, self.0.files().await?)) })
    }

    fn free_bytes(&self) -> Doing<'_, Option<u64>> {
        Box::pin(async { Ok(self.0.free_bytes().await) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_from_paths_and_addresses() {
        assert_eq!(name_of("/a/b%20c%C3%A9"), "b cé");
        assert_eq!(name_of("https://h/a/b/"), "b");
        assert_eq!(name_of("/a/100%"), "100%");
        assert_eq!(name_of("/a/%2541"), "%41");
    }

    #[test]
    fn the_folder_around_ends_at_the_top() {
        let up = |text: &str| above(&Url::parse(text).unwrap()).map(|url| url.to_string());
        assert_eq!(up("http://h/a/b/").as_deref(), Some("http://h/a/"));
        assert_eq!(up("http://h/a/"), None);
        assert_eq!(up("http://h/"), None);
    }
}
