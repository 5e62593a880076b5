//! Whole sets from one destination to another that lacks them.

use super::catalog::Set;
use super::digest::{Sha256, hex};
use super::manifest::{MANIFEST_MAX_BYTES, Manifest, Stored};
use super::os::Stop;
use super::prune::{Rules, judge};
use super::store::{ByteStream, Store, StoreError, StoreErrorKind, Upload, check_name};
use bytes::Bytes;
use futures_util::StreamExt as _;
use jiff::Timestamp;
use std::collections::HashSet;

/// Why a set is not copied; nothing of it is at the target then but what was there before.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The destination that has it.
    #[error("an archive cannot be read at the destination that has it")]
    From(#[source] StoreError),
    /// The destination that lacks it.
    #[error("an archive cannot be stored at the destination that lacks it")]
    To(#[source] StoreError),
    /// It is not what its manifest says: a copy would spread the damage.
    #[error("`{0}` is not what its manifest says: it is damaged, and is not copied")]
    Damaged(String),
    /// Something else has its name.
    #[error("`{0}` is at the target already with another content, and is never overwritten")]
    Occupied(String),
    /// SIGTERM or SIGINT.
    #[error("the run was told to stop")]
    Stopped,
}

impl SyncError {
    /// What to do, a line each.
    #[must_use]
    pub fn helps(&self) -> Vec<String> {
        match self {
            Self::From(error) | Self::To(error) => error.helps().to_vec(),
            Self::Damaged(_) => vec!["`eightbells-run verify` tells which destinations have it whole".into()],
            Self::Occupied(_) => vec!["look at it, and remove it where it is of no use".into()],
            Self::Stopped => vec![],
        }
    }
}

/// The good sets of one destination that another one lacks and would keep, the newest first.
#[must_use]
pub fn missing<'a>(from: &'a [Set], to: &[Set], rules: &Rules<'_>, now: Timestamp) -> Vec<&'a Set> {
    let there: HashSet<&str> =
        to.iter().filter(|set| set.is_good()).filter_map(|set| set.manifest_name.as_deref()).collect();
    let lacks = |set: &&Set| {
        let name = set.manifest_name.as_deref();
        set.is_good() && set.manifest.is_some() && name.is_some_and(|name| !there.contains(name))
    };
    let candidates: Vec<&Set> = from.iter().filter(lacks).collect();
    // As the target would be with all of them.
    let mut then: Vec<Set> = to.iter().chain(candidates.iter().copied()).cloned().collect();
    then.sort_by_key(|set| set.time);
    let kept: HashSet<Option<&str>> = judge(&then, rules, now)
        .sets
        .iter()
        .filter(|judged| judged.verdict.stays())
        .map(|judged| judged.set.manifest_name.as_deref())
        .collect();
    let mut wanted: Vec<&Set> =
        candidates.into_iter().filter(|set| kept.contains(&set.manifest_name.as_deref())).collect();
    wanted.sort_by_key(|set| std::cmp::Reverse(set.time));
    wanted
}

/// Copies a good set, its manifest last; every digest is checked on the way. The bytes that were sent.
///
/// # Errors
/// See [`SyncError`].
pub async fn copy(set: &Set, from: &dyn Store, to: &dyn Store, stop: &Stop) -> Result<u64, SyncError> {
    let (Some(manifest), Some(name)) = (&set.manifest, &set.manifest_name) else { return Ok(0) };
    let mut copying = Copying { from, to, stop, staged: vec![], named: vec![], sent: 0 };
    let done = copying.set(manifest, name).await;
    if done.is_err() {
        copying.put_back().await;
    }
    done.map(|()| copying.sent)
}

/// A set under way.
struct Copying<'a> {
    from: &'a dyn Store,
    to: &'a dyn Store,
    stop: &'a Stop,
    staged: Vec<(String, Box<dyn Upload>)>,
    /// Names that this copy has given.
    named: Vec<String>,
    sent: u64,
}

impl Copying<'_> {
    async fn set(&mut self, manifest: &Manifest, name: &str) -> Result<(), SyncError> {
        for object in manifest.stored() {
            self.object(&object).await?;
        }
        let text = self.manifest_text(manifest, name).await?;
        for (name, upload) in std::mem::take(&mut self.staged) {
            self.go_on()?;
            upload.commit().await.map_err(SyncError::To)?;
            self.named.push(name);
        }
        self.go_on()?;
        let mut upload = self.to.begin(name).await.map_err(SyncError::To)?;
        let written = async {
            upload.write(text).await?;
            upload.stage().await
        };
        if let Err(error) = written.await {
            let _ = upload.abort().await;
            return Err(SyncError::To(error));
        }
        upload.commit().await.map_err(SyncError::To)
    }

    /// One object, staged; or nothing, where it is at the target already.
    async fn object(&mut self, object: &Stored) -> Result<(), SyncError> {
        let Stored { name, size: _, sha256: _ } = object;
        check_name(name).map_err(SyncError::From)?;
        let mut upload = match self.to.begin(name).await {
            Ok(upload) => upload,
            Err(error) if error.kind() == StoreErrorKind::Exists => return self.is_there(object).await,
            Err(error) => return Err(SyncError::To(error)),
        };
        match self.carry(object, upload.as_mut()).await {
            Ok(()) => {
                self.staged.push((name.clone(), upload));
                Ok(())
            }
            Err(error) => {
                let _ = upload.abort().await;
                Err(error)
            }
        }
    }

    async fn carry(&mut self, object: &Stored, upload: &mut dyn Upload) -> Result<(), SyncError> {
        let mut stream = self.from.open_read(&object.name).await.map_err(SyncError::From)?;
        let mut seen = Seen::default();
        while let Some(piece) = stream.next().await {
            self.go_on()?;
            let piece = piece.map_err(SyncError::From)?;
            seen.add(&piece);
            self.sent += piece.len() as u64;
            upload.write(piece).await.map_err(SyncError::To)?;
        }
        if !seen.is(object) {
            return Err(SyncError::Damaged(object.name.clone()));
        }
        upload.stage().await.map_err(SyncError::To)
    }

    /// A copy that was cut off, or another way, may have brought it before.
    async fn is_there(&self, object: &Stored) -> Result<(), SyncError> {
        let occupied = || SyncError::Occupied(object.name.clone());
        if self.to.size(&object.name).await.map_err(SyncError::To)? != object.size {
            return Err(occupied());
        }
        let mut stream: ByteStream = self.to.open_read(&object.name).await.map_err(SyncError::To)?;
        let mut seen = Seen::default();
        while let Some(piece) = stream.next().await {
            self.go_on()?;
            seen.add(&piece.map_err(SyncError::To)?);
        }
        if seen.is(object) { Ok(()) } else { Err(occupied()) }
    }

    /// The manifest's very bytes.
    async fn manifest_text(&self, manifest: &Manifest, name: &str) -> Result<Bytes, SyncError> {
        let mut stream = self.from.open_read(name).await.map_err(SyncError::From)?;
        let mut text = vec![];
        while let Some(piece) = stream.next().await {
            text.extend_from_slice(&piece.map_err(SyncError::From)?);
            if text.len() as u64 > MANIFEST_MAX_BYTES {
                break;
            }
        }
        match Manifest::from_json(&text) {
            Ok(read) if read == *manifest => Ok(text.into()),
            Ok(_) | Err(_) => Err(SyncError::Damaged(name.to_owned())),
        }
    }

    fn go_on(&self) -> Result<(), SyncError> {
        if self.stop.is_stopped() { Err(SyncError::Stopped) } else { Ok(()) }
    }

    async fn put_back(&mut self) {
        for (_, upload) in self.staged.drain(..) {
            if let Err(error) = upload.abort().await {
                tracing::warn!("{error}; the next run tries again");
            }
        }
        if let Err(error) = self.to.delete(&self.named).await {
            tracing::warn!("what was copied already could not be removed again: {error}");
        }
    }
}

/// Bytes, counted and hashed.
#[derive(Default)]
struct Seen {
    size: u64,
    digest: Sha256,
}

impl Seen {
    fn add(&mut self, piece: &[u8]) {
        self.size += piece.len() as u64;
        self.digest.update(piece);
    }

    fn is(self, object: &Stored) -> bool {
        self.size == object.size && hex(&self.digest.finish()).eq_ignore_ascii_case(&object.sha256)
    }
}
