//! Back into a folder, and verification, which is the same without a folder.

use super::catalog::Set;
use super::cipher::Keys;
use super::fetch::{Coding, FetchError, coding, fetch};
use super::manifest::{Entry, Index};
use super::merge::merge;
use super::os::{self, Environment, Stop};
use super::partial::{PartialTar, Patterns, Picked, RangeReader, index_counts, pick};
use super::store::{Object, Store};
use super::tar_check::{Bounds, Checked};
use super::untar;
use crate::archive::{AGE_SUFFIX, INDEX_SUFFIX, source_of};
use crate::value::Bytes;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the way back needs of the machine.
#[derive(Debug, Clone)]
pub struct Machine {
    /// The runner's environment.
    pub environment: Environment,
    /// Whether to end early.
    pub stop: Stop,
    /// What opens encrypted archives.
    pub keys: Keys,
}

/// Why a set was not restored; the folder is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// Something is there already.
    #[error("`{}` is not empty: name a folder that is not there yet, or say --overwrite", .0.display())]
    NotEmpty(PathBuf),
    /// The folder.
    #[error("cannot write to `{}`", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No object of that source.
    #[error("the archive has no source `{0}`")]
    NoSource(String),
    /// An object that the manifest names is not there.
    #[error("`{0}` is not at the destination")]
    Missing(String),
    /// An object.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A pattern that is none.
    #[error("`{0}` is no pattern of paths")]
    Pattern(String, #[source] globset::Error),
    /// Paths were asked for, and nobody knows where they are.
    #[error("this archive has no manifest, which tells where its files are: restore it whole")]
    NoIndex,
    /// Paths were asked for, of something that has none.
    #[error("`{0}` is no tar archive, and has no paths")]
    NoPaths(String),
    /// Nothing has such a path.
    #[error("nothing in the archive fits {0}")]
    NoMatch(String),
    /// It is larger than it may be.
    #[error("the archive unpacks to {}, and {} {why}", Bytes(*.needs), Bytes(*.may))]
    TooLarge {
        /// How much it unpacks to, in bytes.
        needs: u64,
        /// How much it may, in bytes.
        may: u64,
        /// What says so.
        why: &'static str,
    },
    /// Several objects, and one output.
    #[error("the archive has several sources, and standard output is one: say which with --source; there are {0}")]
    Several(String),
}

impl RestoreError {
    /// Whether a copy of the same set at another destination may be better.
    #[must_use]
    pub fn may_be_better_elsewhere(&self) -> bool {
        match self {
            Self::Missing(_)
            | Self::Fetch(FetchError::Store(_) | FetchError::Damaged { .. } | FetchError::Unpack { .. }) => true,
            Self::Fetch(FetchError::Encrypted { .. })
            | Self::NotEmpty(_)
            | Self::Folder { .. }
            | Self::NoSource(_)
            | Self::Pattern(..)
            | Self::NoIndex
            | Self::NoPaths(_)
            | Self::NoMatch(_)
            | Self::TooLarge { .. }
            | Self::Several(_) => false,
        }
    }
}

/// What was restored of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The object.
    pub name: String,
    /// How many bytes of it, and of its index, were fetched; none where it was read whole.
    pub fetched: Option<u64>,
    /// How many files and folders came of it, where that is known.
    pub members: Option<u64>,
}

/// An object, and what its manifest says of it.
struct Wanted {
    object: Object,
    expected: Option<Entry>,
}

fn wanted(set: &Set, source: Option<&str>) -> Result<Vec<Wanted>, RestoreError> {
    let Some(manifest) = &set.manifest else {
        let archives = set.objects.iter().filter(|object| !is_index(&object.name));
        return Ok(archives.map(|object| Wanted { object: object.clone(), expected: None }).collect());
    };
    // A source that is stored as several objects means all of them.
    let is_meant = |entry: &&Entry| source.is_none_or(|s| s == entry.source || s == source_of(&entry.source));
    let chosen: Vec<&Entry> = manifest.objects.iter().filter(is_meant).collect();
    if chosen.is_empty() {
        return Err(RestoreError::NoSource(source.unwrap_or("").to_owned()));
    }
    let find = |expected: &Entry| {
        let object = set.objects.iter().find(|object| object.name == expected.name).cloned();
        let object = object.ok_or_else(|| RestoreError::Missing(expected.name.clone()))?;
        Ok(Wanted { object, expected: Some(expected.clone()) })
    };
    chosen.into_iter().map(find).collect()
}

/// What of a set is restored.
#[derive(Debug, Clone, Copy, Default)]
pub struct Part<'a> {
    /// One source; every one without it.
    pub source: Option<&'a str>,
    /// What fits one of these patterns, with all that is below; everything where there are none.
    pub paths: &'a [String],
}

/// Where to, and how much.
#[derive(Debug, Clone, Copy)]
pub struct Into<'a> {
    /// The folder.
    pub folder: &'a Path,
    /// Whether it may hold something already: folders become one then, and files are replaced, each at once.
    pub overwrite: bool,
    /// How many bytes may be unpacked; what the file system has room for without it.
    pub max_size: Option<u64>,
}

/// Restores a set, or a part of it, into a folder that is not there yet or is empty. Archives are unpacked, other
/// content becomes a file. Everything goes into a folder beside it first, which then takes its name: a restore that
/// fails or is stopped leaves nothing behind.
///
/// # Errors
/// See [`RestoreError`].
pub async fn restore(
    store: &Arc<dyn Store>,
    set: &Set,
    part: Part<'_>,
    into: Into<'_>,
    machine: &Machine,
) -> Result<Vec<Restored>, RestoreError> {
    let Into { folder: to, overwrite, max_size } = into;
    let failed = |source| RestoreError::Folder { path: to.to_owned(), source };
    let wanted = wanted(set, part.source)?;
    if !overwrite {
        check_empty(to)?;
    }
    let parent = match to.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    DirBuilder::new().recursive(true).create(&parent).map_err(failed)?;
    let staged = tempfile::Builder::new().prefix(".eightbells-restore-").tempdir_in(&parent).map_err(failed)?;
    let inner = staged.path().join("content");
    DirBuilder::new().mode(0o755).create(&inner).map_err(failed)?;
    let room = os::free_bytes(&parent).map_err(failed)?;
    let restored = if part.paths.is_empty() {
        may_unpack(&wanted, room, max_size)?;
        whole(store.as_ref(), wanted, (&inner, max_size.unwrap_or(room)), machine).await?
    } else {
        parts(store, wanted, part.paths, (&inner, max_size.unwrap_or(room)), machine).await?
    };
    if overwrite && to.is_dir() {
        merge(&inner, to).map_err(failed)?;
    } else {
        publish(&inner, to).map_err(failed)?;
    }
    Ok(restored)
}

/// Whether what the manifest tells of fits; how much really comes is looked at as it comes.
fn may_unpack(wanted: &[Wanted], room: u64, max_size: Option<u64>) -> Result<(), RestoreError> {
    let sizes = wanted.iter().filter_map(|wanted| wanted.expected.as_ref()).map(|entry| entry.raw_size);
    let needs = sizes.fold(0, u64::saturating_add);
    match max_size {
        Some(may) if needs > may => Err(RestoreError::TooLarge { needs, may, why: "is what --max-size allows" }),
        None if needs > room => Err(RestoreError::TooLarge { needs, may: room, why: "are free there" }),
        Some(_) | None => Ok(()),
    }
}

/// How much an object may unpack to: what its manifest says, to the byte.
fn bounds(expected: Option<&Entry>, limit: u64) -> Bounds {
    Bounds::bytes(expected.map_or(limit, |entry| entry.raw_size.min(limit)))
}

async fn whole(
    store: &dyn Store,
    wanted: Vec<Wanted>,
    (folder, limit): (&Path, u64),
    machine: &Machine,
) -> Result<Vec<Restored>, RestoreError> {
    let mut restored = vec![];
    for Wanted { object, expected } in wanted {
        let (coding, content) = coding(&object.name);
        let (folder, on, content) = (folder.to_owned(), machine.clone(), content.to_owned());
        let stored = expected.as_ref().map(Entry::stored);
        let bounds = bounds(expected.as_ref(), limit);
        let sink = move |stream: &mut dyn Read| unpack(stream, (&folder, &content), bounds, &on);
        fetch(store, &object.name, stored.as_ref(), (coding, &machine.keys), sink).await?;
        restored.push(Restored { name: object.name, fetched: None, members: None });
    }
    Ok(restored)
}

/// Only what fits the patterns, of every archive that has something that does.
async fn parts(
    store: &Arc<dyn Store>,
    wanted: Vec<Wanted>,
    patterns: &[String],
    (folder, limit): (&Path, u64),
    machine: &Machine,
) -> Result<Vec<Restored>, RestoreError> {
    let patterns = Patterns::new(patterns).map_err(|(pattern, error)| RestoreError::Pattern(pattern, error))?;
    let mut restored = vec![];
    let mut without_paths = None;
    for Wanted { object, expected } in wanted {
        let entry = expected.ok_or(RestoreError::NoIndex)?;
        if !is_tar(coding(&object.name).1) {
            without_paths = Some(object.name);
            continue;
        }
        let picked = pick(store.as_ref(), &entry, &patterns, &machine.keys).await?;
        if picked.members > 0 {
            let members = Some(picked.members);
            let fetched = Some(extract_picked(store, &entry, picked, (folder, limit), machine).await?);
            restored.push(Restored { name: object.name, fetched, members });
        }
    }
    match (restored.is_empty(), without_paths) {
        (false, _) => Ok(restored),
        (true, Some(name)) => Err(RestoreError::NoPaths(name)),
        (true, None) => Err(RestoreError::NoMatch(patterns.to_string())),
    }
}

async fn extract_picked(
    store: &Arc<dyn Store>,
    entry: &Entry,
    picked: Picked,
    (folder, limit): (&Path, u64),
    machine: &Machine,
) -> Result<u64, FetchError> {
    let (folder, on, of_index) = (folder.to_owned(), machine.clone(), picked.index_bytes);
    let unpack = |source| FetchError::Unpack { name: entry.name.clone(), source };
    let source = RangeReader::new(Arc::clone(store), &entry.stored());
    let fetched = source.fetched();
    let (coding, _) = coding(&entry.name);
    let work = tokio::task::spawn_blocking(move || {
        let mut archive = PartialTar::open(source, picked, coding, &on.keys)?;
        untar::extract(&mut archive, &folder, Bounds::bytes(limit), &on.environment, &on.stop)
    });
    work.await.map_err(io::Error::other).and_then(|done| done).map_err(unpack)?;
    Ok(fetched.bytes() + of_index)
}

fn is_index(name: &str) -> bool {
    name.strip_suffix(AGE_SUFFIX).unwrap_or(name).ends_with(INDEX_SUFFIX)
}

fn is_tar(content: &str) -> bool {
    Path::new(content).extension().is_some_and(|extension| extension == "tar")
}

fn unpack(content: &mut dyn Read, (folder, name): (&Path, &str), bounds: Bounds, machine: &Machine) -> io::Result<()> {
    if is_tar(name) {
        return untar::extract(content, folder, bounds, &machine.environment, &machine.stop);
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join(name))?;
    io::copy(&mut Bounded { content, machine, left: bounds.bytes }, &mut file)?;
    file.sync_all()
}

/// Content of which no more than so many bytes may come.
struct Bounded<'a> {
    content: &'a mut dyn Read,
    machine: &'a Machine,
    left: u64,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.machine.stop.is_stopped() {
            return Err(io::Error::other("it was told to stop"));
        }
        let length = self.content.read(buffer)?;
        let left = self.left.checked_sub(length as u64);
        self.left = left.ok_or_else(|| io::Error::other("it unpacks to more than it may"))?;
        Ok(length)
    }
}

/// The objects that a set's manifest has of a source, or all of them, in its order.
///
/// # Errors
/// There is no manifest, or no such source.
pub fn entries(set: &Set, source: Option<&str>) -> Result<Vec<Entry>, RestoreError> {
    if set.manifest.is_none() {
        return Err(RestoreError::NoIndex);
    }
    Ok(wanted(set, source)?.into_iter().filter_map(|wanted| wanted.expected).collect())
}

/// Hands the content of one object, unpacked, to `sink`, which runs in a thread of its own. What it makes of it counts only
/// where this ends well: then the digest was right.
///
/// # Errors
/// See [`RestoreError`].
pub async fn hand_over<T: Send + 'static>(
    store: &dyn Store,
    entry: &Entry,
    machine: &Machine,
    sink: impl FnOnce(&mut dyn Read, Bounds) -> io::Result<T> + Send + 'static,
) -> Result<T, RestoreError> {
    let (coding, _) = coding(&entry.name);
    let (on, bounds) = (machine.clone(), bounds(Some(entry), u64::MAX));
    let sink = move |content: &mut dyn Read| sink(&mut Bounded { content, machine: &on, left: bounds.bytes }, bounds);
    Ok(fetch(store, &entry.name, Some(&entry.stored()), (coding, &machine.keys), sink).await?)
}

/// Writes the content of one object, unpacked, to `out`: a tar stays a tar. Bytes go out before the digest is known, so
/// that they count only where this ends well.
///
/// # Errors
/// See [`RestoreError`].
pub async fn pour<W: io::Write + Send + 'static>(
    store: &dyn Store,
    set: &Set,
    source: Option<&str>,
    mut out: W,
    machine: &Machine,
) -> Result<Restored, RestoreError> {
    let mut wanted = wanted(set, source)?;
    let (Some(Wanted { object, expected }), true) = (wanted.pop(), wanted.is_empty()) else {
        let sources = set.manifest.iter().flat_map(|manifest| &manifest.objects).map(|entry| entry.source.as_str());
        return Err(RestoreError::Several(sources.collect::<Vec<_>>().join(", ")));
    };
    let (coding, _) = coding(&object.name);
    let stored = expected.as_ref().map(Entry::stored);
    let (on, left) = (machine.clone(), bounds(expected.as_ref(), u64::MAX).bytes);
    let sink = move |content: &mut dyn Read| {
        io::copy(&mut Bounded { content, machine: &on, left }, &mut out)?;
        out.flush()
    };
    fetch(store, &object.name, stored.as_ref(), (coding, &machine.keys), sink).await?;
    Ok(Restored { name: object.name, fetched: None, members: None })
}

fn check_empty(to: &Path) -> Result<(), RestoreError> {
    match std::fs::read_dir(to) {
        Ok(mut entries) => entries.next().map_or(Ok(()), |_| Err(RestoreError::NotEmpty(to.to_owned()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(RestoreError::Folder { path: to.to_owned(), source }),
    }
}

fn publish(staged: &Path, to: &Path) -> io::Result<()> {
    // An empty folder of that name gives way; one that was filled meanwhile does not.
    match std::fs::remove_dir(to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    std::fs::rename(staged, to)
}

/// What verifying one object brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The object.
    pub name: String,
    /// Its length as stored, in bytes.
    pub size: u64,
    /// How many files and folders it holds, for a tar that was looked into.
    pub members: Option<u64>,
    /// Whether there was a manifest to compare with.
    pub against_manifest: bool,
    /// Whether it was looked into; of an encrypted one without its key, only length and SHA-256 are compared.
    pub deep: bool,
}

/// Reads every object of a set to its end: length and SHA-256 against the manifest, the compression's own checksums,
/// every member of an archive, and its index. Without `inside`, only lengths and SHA-256.
///
/// # Errors
/// See [`RestoreError`].
pub async fn verify(
    store: &dyn Store,
    set: &Set,
    inside: bool,
    machine: &Machine,
) -> Result<Vec<Verified>, RestoreError> {
    let mut verified = vec![];
    for Wanted { object, expected } in wanted(set, None)? {
        let (coding, content) = coding(&object.name);
        let deep = inside && (!coding.sealed || !machine.keys.is_none());
        let stored = expected.as_ref().map(Entry::stored);
        let (on, content) = (machine.clone(), content.to_owned());
        let how = if deep { (coding, &machine.keys) } else { (Coding::STORED, &machine.keys) };
        let bounds = if deep { bounds(expected.as_ref(), u64::MAX) } else { Bounds::bytes(u64::MAX) };
        let sink = move |stream: &mut dyn Read| walk(stream, if deep { &content } else { "" }, bounds, &on);
        let members = fetch(store, &object.name, stored.as_ref(), how, sink).await?;
        if let Some(entry) = &expected {
            verify_index(store, entry, deep, machine).await?;
        }
        let against_manifest = expected.is_some();
        verified.push(Verified { name: object.name, size: object.size, members, against_manifest, deep });
    }
    Ok(verified)
}

/// The index tells of as many members and bytes as the manifest does.
async fn verify_index(store: &dyn Store, entry: &Entry, deep: bool, machine: &Machine) -> Result<(), FetchError> {
    match (&entry.index, deep) {
        (Index::Inline(_), false) => Ok(()),
        (Index::Object(stored), false) => {
            let on = machine.clone();
            let sink = move |stream: &mut dyn Read| walk(stream, "", Bounds::bytes(u64::MAX), &on).map(drop);
            fetch(store, &stored.name, Some(stored), (Coding::STORED, &machine.keys), sink).await
        }
        (Index::Inline(_) | Index::Object(_), true) => {
            let counts = index_counts(store, entry, &machine.keys).await?;
            let fits = entry.members.is_none_or(|members| members == counts.members)
                && (counts.frames, counts.raw) == (entry.frames, entry.raw_size);
            let what = "has an index that tells of other content".to_owned();
            if fits { Ok(()) } else { Err(FetchError::Damaged { name: entry.name.clone(), what }) }
        }
    }
}

fn walk(content: &mut dyn Read, name: &str, bounds: Bounds, machine: &Machine) -> io::Result<Option<u64>> {
    if is_tar(name) {
        let mut checked = Checked::new(content, bounds, true);
        return untar::count(&mut checked, &machine.environment, &machine.stop).map(Some);
    }
    io::copy(&mut Bounded { content, machine, left: bounds.bytes }, &mut io::sink()).map(|_| None)
}
