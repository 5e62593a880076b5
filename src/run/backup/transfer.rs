//! From a source to every destination, staged.

use super::Run;
use super::pace::{Clocks, Watched};
use super::report::{Problem, RunReport, SourceReport, Stages};
use super::site::{Site, SiteState, Staged};
use crate::archive::{Cipher, INDEX_SUFFIX};
use crate::run::dump::{Dump, DumpError, Outcome, Running};
use crate::run::manifest::{Entry, Index, Stored};
use crate::run::os::Stop;
use crate::run::pack::{Fan, PackError, Packed, PackedIndex, Packing, pack};
use crate::run::store::{Store, StoreError, StoreErrorKind, Upload};
use crate::source::{Source, TAR_EXTENSION};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures_util::future::join_all;
use std::error::Error;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc::Receiver;
use tokio::task::spawn_blocking;

/// Why a source is not backed up.
#[derive(Debug, thiserror::Error)]
pub(super) enum SourceError {
    #[error("the source `{0}` could not be dumped")]
    Dump(String, #[source] DumpError),
    #[error("the source `{0}` could not be packed")]
    Pack(String, #[source] PackError),
    #[error("the source `{0}` is empty")]
    Empty(String),
    #[error("no destination takes the source `{0}`")]
    NoDestination(String),
    #[error("the run was told to stop")]
    Stopped,
    #[error("the work on the source `{0}` broke off")]
    Broken(String, #[source] tokio::task::JoinError),
}

impl SourceError {
    pub(super) fn problem(&self) -> Problem {
        let problem = Problem::of(self);
        match self {
            Self::Empty(_) => problem.help("is there anything to back up? if it may be empty, say `allow_empty: true`"),
            Self::NoDestination(_) | Self::Dump(..) | Self::Pack(..) | Self::Stopped | Self::Broken(..) => problem,
        }
    }
}

/// An upload under way at the destination of that index.
type Way = (usize, Box<dyn Upload>);
type Taken = Result<Box<dyn Upload>, StoreError>;

/// What a source's objects are called.
struct ObjectNames {
    archive: String,
    index: String,
}

fn index_of(packed: &Packed, name: String) -> Index {
    match &packed.index {
        PackedIndex::Inline(bytes) => Index::Inline(BASE64_STANDARD.encode(bytes)),
        PackedIndex::Object { size, sha256 } => Index::Object(Stored { name, size: *size, sha256: sha256.clone() }),
    }
}

impl Run<'_> {
    pub(super) async fn source(
        &self,
        source: &Source,
        sites: &mut [Site],
        report: &mut RunReport,
    ) -> Result<(Entry, SourceReport), SourceError> {
        let begun = Instant::now();
        let archive = &self.job.archive;
        let stem = format!("{}.{}", self.pattern.stem(&source.name, self.time), source.extension());
        let names = ObjectNames {
            archive: format!("{stem}{}", archive.suffix()),
            index: format!("{stem}{INDEX_SUFFIX}{}", archive.cipher_suffix()),
        };
        let ways = begin(sites, &names.archive).await;
        if ways.is_empty() {
            return Err(SourceError::NoDestination(source.name.clone()));
        }
        tracing::info!("dumping `{}`", source.name);
        let expected = sites.iter().find_map(|site| site.raw_size_before(&source.name));
        self.progress.enter(format!("dumping `{}`", source.name), expected);
        let (packed, outcome) = self.through(source, ways, &names, sites, &mut report.stages).await?;
        self.progress.enter(format!("sending the rest of `{}`", source.name), None);
        let staging = Instant::now();
        self.stage(sites).await;
        report.stages.upload += staging.elapsed();
        if sites.iter().all(|site| site.taking().is_none()) {
            return Err(SourceError::NoDestination(source.name.clone()));
        }
        let ObjectNames { archive: name, index: index_name } = names;
        let entry = Entry {
            source: source.name.clone(),
            name,
            content: source.extension().to_owned(),
            size: packed.packed,
            raw_size: packed.raw,
            sha256: packed.sha256.clone(),
            compression: archive.compression,
            members: outcome.members,
            encryption: archive.encrypt.as_ref().map(|_| Cipher::Age),
            frames: packed.frames,
            index: index_of(&packed, index_name),
        };
        let of_source = SourceReport::new(source, &entry, outcome, begun.elapsed());
        Ok((entry, of_source))
    }

    /// The dump through the packer into all ways. Uploads that took everything are staged at their sites, the others
    /// put back.
    async fn through(
        &self,
        source: &Source,
        ways: Vec<Way>,
        names: &ObjectNames,
        sites: &mut [Site],
        stages: &mut Stages,
    ) -> Result<(Packed, Outcome), SourceError> {
        let (fan, ends) = Fan::new(ways.len());
        let clocks = Clocks::default();
        let fan = fan.timed(clocks.upload.clone());
        let (index_fan, index_ends) = Fan::new(ways.len());
        let stop = &self.with.stop;
        let taking = ways.into_iter().zip(ends.into_iter().zip(index_ends)).map(|((at, upload), (end, index_end))| {
            let store = sites.get(at).and_then(Site::taking);
            let watched = self.watched(sites.get(at));
            let archive = tokio::spawn(take(upload, end, stop.clone(), watched.clone()));
            let index = tokio::spawn(take_index(store, names.index.clone(), index_end, stop.clone(), watched));
            async move { (at, archive.await, index.await) }
        });
        let taking: Vec<_> = taking.collect();
        let (dumped, taken) = tokio::join!(self.dump(source, fan, index_fan, clocks.clone()), join_all(taking));
        clocks.add_to(stages);
        for (at, archive, index) in taken {
            let archive = archive.unwrap_or_else(|error| Err(broken(error)));
            let index = index.unwrap_or_else(|error| Err(broken(error)));
            if let Some(site) = sites.get_mut(at) {
                settle(site, &names.archive, archive.map(Some), stop).await;
                settle(site, &names.index, index, stop).await;
            }
        }
        let nobody = sites.iter().all(|site| site.taking().is_none());
        match dumped {
            _ if stop.is_stopped() => Err(SourceError::Stopped),
            Err(SourceError::Pack(..)) if nobody => Err(SourceError::NoDestination(source.name.clone())),
            other => other,
        }
    }

    fn watched(&self, site: Option<&Site>) -> Watched {
        Watched {
            progress: self.progress.clone(),
            sending: site.map(|site| site.sending.clone()).unwrap_or_default(),
            stall: self.job.conduct.timeouts.stall,
            throttle: site.and_then(|site| site.store.as_ref()?.throttle().cloned()),
        }
    }

    /// Sends the rest of what was written last to each destination that takes part.
    async fn stage(&self, sites: &mut [Site]) {
        join_all(sites.iter_mut().map(|site| async move {
            let watched = self.watched(Some(site));
            if !matches!(site.state, SiteState::Taking) {
                return;
            }
            for staged in site.staged.iter_mut().filter(|staged| !staged.whole) {
                if let Err(error) = watched.unless_stalled(staged.upload.stage()).await {
                    site.fail(&error);
                    site.put_back().await;
                    return;
                }
                staged.whole = true;
            }
        }))
        .await;
    }

    /// The dump to its end: nothing of it counts before all of its processes have ended well.
    async fn dump(
        &self,
        source: &Source,
        fan: Fan,
        index: Fan,
        clocks: Clocks,
    ) -> Result<(Packed, Outcome), SourceError> {
        let (source, with, archive) = (source.clone(), self.with.clone(), &self.job.archive);
        let packing = Packing {
            compression: archive.compression,
            frame_bytes: archive.frame_bytes(),
            tar: source.extension() == TAR_EXTENSION,
            seal: self.seal.clone(),
        };
        let name = source.name.clone();
        let progress = self.progress.clone();
        let done = spawn_blocking(move || {
            let begun = Instant::now();
            let failed = |error| SourceError::Dump(source.name.clone(), error);
            let Dump { stream, running } = Dump::start(&source, &with).map_err(failed)?;
            let stream = progress.metered(stream, clocks.dump.clone());
            clocks.dump.add(begun.elapsed());
            let begun = Instant::now();
            let packed = pack(stream, &packing, fan, index, &with.stop);
            clocks.through.add(begun.elapsed());
            judge(&source, packed, running)
        });
        done.await.map_err(|error| SourceError::Broken(name, error))?
    }
}

fn judge(
    source: &Source,
    packed: Result<Packed, PackError>,
    running: Running,
) -> Result<(Packed, Outcome), SourceError> {
    let name = || source.name.clone();
    match packed {
        Ok(packed) => {
            let outcome = running.finish().map_err(|error| SourceError::Dump(name(), error))?;
            if packed.raw == 0 && !source.allow_empty {
                return Err(SourceError::Empty(name()));
            }
            Ok((packed, outcome))
        }
        // Its processes know better why the stream broke off.
        Err(error @ PackError::Read(_)) => match running.finish() {
            Err(dump) => Err(SourceError::Dump(name(), dump)),
            Ok(_) => Err(SourceError::Pack(name(), error)),
        },
        Err(PackError::Stopped) => {
            running.cancel();
            Err(SourceError::Stopped)
        }
        Err(error @ PackError::Write(_)) => {
            running.cancel();
            Err(SourceError::Pack(name(), error))
        }
    }
}

/// Begins an object at every destination that takes part; where that fails, the destination falls out.
async fn begin(sites: &mut [Site], name: &str) -> Vec<Way> {
    let begun = join_all(sites.iter().map(|site| {
        let store = site.taking();
        async move {
            match store {
                Some(store) => Some(store.begin(name).await),
                None => None,
            }
        }
    }))
    .await;
    let mut ways = vec![];
    for ((at, site), begun) in sites.iter_mut().enumerate().zip(begun) {
        match begun {
            Some(Ok(upload)) => ways.push((at, upload)),
            Some(Err(error)) => {
                site.fail(&error);
                site.put_back().await;
            }
            None => {}
        }
    }
    ways
}

/// Writes everything that comes; what does not end well is put back.
async fn take(mut upload: Box<dyn Upload>, mut chunks: Receiver<Bytes>, stop: Stop, watched: Watched) -> Taken {
    let writing = async {
        while let Some(chunk) = chunks.recv().await {
            watched.hand_over(upload.as_mut(), chunk).await?;
        }
        Ok(())
    };
    let written = tokio::select! {
        written = writing => written,
        () = stop.wait() => Err(StoreError::new(StoreErrorKind::Other, "the run was told to stop")),
    };
    // Whoever sends must not wait for this destination any longer, however long putting back takes.
    drop(chunks);
    match written {
        Ok(()) => Ok(upload),
        Err(error) => {
            put_back(upload).await;
            Err(error)
        }
    }
}

/// The index where it is long enough to become an object of its own, which is begun when its first bytes come.
async fn take_index(
    store: Option<Arc<dyn Store>>,
    name: String,
    mut chunks: Receiver<Bytes>,
    stop: Stop,
    watched: Watched,
) -> Result<Option<Box<dyn Upload>>, StoreError> {
    let (Some(first), Some(store)) = (chunks.recv().await, store) else { return Ok(None) };
    let mut upload = store.begin(&name).await?;
    match watched.hand_over(upload.as_mut(), first).await {
        Ok(()) => take(upload, chunks, stop, watched).await.map(Some),
        Err(error) => {
            drop(chunks);
            put_back(upload).await;
            Err(error)
        }
    }
}

async fn put_back(upload: Box<dyn Upload>) {
    if let Err(trouble) = upload.abort().await {
        tracing::warn!("{trouble}; the next run tries again");
    }
}

fn broken(error: impl Error + Send + Sync + 'static) -> StoreError {
    StoreError::new(StoreErrorKind::Other, "the work at the destination broke off").because(error)
}

/// An upload that took everything waits for its commit, unless its destination fell out meanwhile.
async fn settle(site: &mut Site, name: &str, taken: Result<Option<Box<dyn Upload>>, StoreError>, stop: &Stop) {
    match taken {
        Ok(None) => {}
        Ok(Some(upload)) if site.taking().is_none() => put_back(upload).await,
        Ok(Some(upload)) => site.staged.push(Staged { name: name.to_owned(), upload, whole: false }),
        // The destination has done nothing wrong.
        Err(_) if stop.is_stopped() => {}
        Err(error) => {
            site.fail(&error);
            site.put_back().await;
        }
    }
}
