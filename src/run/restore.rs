//! Back into a folder, and verification, which is the same without a folder.

use super::catalog::Set;
use super::fetch::{FetchError, coding, fetch};
use super::manifest::Entry;
use super::os::{Environment, Stop};
use super::store::{Object, Store};
use super::untar;
use crate::archive::INDEX_SUFFIX;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// What the way back needs of the machine.
#[derive(Debug, Clone)]
pub struct Machine {
    /// The runner's environment.
    pub environment: Environment,
    /// Whether to end early.
    pub stop: Stop,
}

/// Why a set was not restored; the folder is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// Something is there already.
    #[error("`{}` is not empty: nothing is ever written over; name a folder that is not there yet", .0.display())]
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
    let chosen: Vec<&Entry> = manifest.objects.iter().filter(|o| source.is_none_or(|s| s == o.source)).collect();
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

/// Restores a set, or one source of it, into a folder that is not there yet or is empty. Archives are unpacked, other
/// content becomes a file. Everything goes into a folder beside it first, which then takes its name: a restore that
/// fails or is stopped leaves nothing behind.
///
/// # Errors
/// See [`RestoreError`].
pub async fn restore(
    store: &dyn Store,
    set: &Set,
    source: Option<&str>,
    to: &Path,
    machine: &Machine,
) -> Result<Vec<String>, RestoreError> {
    let failed = |source| RestoreError::Folder { path: to.to_owned(), source };
    let wanted = wanted(set, source)?;
    check_empty(to)?;
    let parent = match to.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    DirBuilder::new().recursive(true).create(&parent).map_err(failed)?;
    let staged = tempfile::Builder::new().prefix(".eightbells-restore-").tempdir_in(&parent).map_err(failed)?;
    let inner = staged.path().join("content");
    DirBuilder::new().mode(0o755).create(&inner).map_err(failed)?;
    let mut restored = vec![];
    for Wanted { object, expected } in wanted {
        let (folder, machine, name) = (inner.clone(), machine.clone(), content_name(&object.name)?);
        fetch(store, &object, expected.as_ref(), move |content| unpack(content, &folder, &name, &machine)).await?;
        restored.push(object.name);
    }
    publish(&inner, to).map_err(failed)?;
    Ok(restored)
}

fn content_name(name: &str) -> Result<String, FetchError> {
    Ok(coding(name)?.1.to_owned())
}

fn is_index(name: &str) -> bool {
    name.strip_suffix(".age").unwrap_or(name).ends_with(INDEX_SUFFIX)
}

fn is_tar(content: &str) -> bool {
    Path::new(content).extension().is_some_and(|extension| extension == "tar")
}

fn unpack(content: &mut dyn Read, folder: &Path, name: &str, machine: &Machine) -> io::Result<()> {
    if is_tar(name) {
        return untar::extract(content, folder, &machine.environment, &machine.stop);
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join(name))?;
    io::copy(&mut Stoppable { content, machine }, &mut file)?;
    file.sync_all()
}

struct Stoppable<'a> {
    content: &'a mut dyn Read,
    machine: &'a Machine,
}

impl Read for Stoppable<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.machine.stop.is_stopped() {
            return Err(io::Error::other("it was told to stop"));
        }
        self.content.read(buffer)
    }
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
    /// How many files and folders it holds, for a tar.
    pub members: Option<u64>,
    /// Whether there was a manifest to compare with.
    pub against_manifest: bool,
}

/// Reads every object of a set to its end: length and SHA-256 against the manifest, the compression's own checksums, and
/// every member of an archive.
///
/// # Errors
/// See [`RestoreError`].
pub async fn verify(store: &dyn Store, set: &Set, machine: &Machine) -> Result<Vec<Verified>, RestoreError> {
    let mut verified = vec![];
    for Wanted { object, expected } in wanted(set, None)? {
        let (machine, name) = (machine.clone(), content_name(&object.name)?);
        let members = fetch(store, &object, expected.as_ref(), move |content| walk(content, &name, &machine)).await?;
        verified.push(Verified { name: object.name, size: object.size, members, against_manifest: expected.is_some() });
    }
    Ok(verified)
}

fn walk(content: &mut dyn Read, name: &str, machine: &Machine) -> io::Result<Option<u64>> {
    if is_tar(name) {
        return untar::count(content, &machine.environment, &machine.stop).map(Some);
    }
    io::copy(&mut Stoppable { content, machine }, &mut io::sink()).map(|_| None)
}
