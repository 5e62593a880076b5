//! A folder of the host.

use super::staged;
use super::{
    ByteStream, Doing, Ledger, Object, Promise, Store, StoreError, StoreErrorKind, Upload, check_name, exactly,
};
use crate::run::journal::Obligation;
use crate::run::os;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use rustix::fs::{AtFlags, RenameFlags, renameat_with};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// How much is read at once.
const READ_BYTES: usize = 256 * 1024;

/// A folder as a destination.
#[derive(Debug, Clone)]
pub struct LocalStore {
    root: PathBuf,
    create: bool,
    ledger: Ledger,
}

impl LocalStore {
    /// The folder at `root`; `create` makes it where it is missing, with mode 0700.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>, create: bool, ledger: Ledger) -> Self {
        Self { root: root.into(), create, ledger }
    }

    /// The folder, made where it may be.
    fn make_root(&self) -> Result<(), StoreError> {
        if self.root.is_dir() {
            return Ok(());
        }
        if !self.create {
            return Err(self.missing_root());
        }
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.root);
        made.map_err(|error| StoreError::io(format!("the folder `{}` cannot be made", self.root.display()), error))
    }

    fn missing_root(&self) -> StoreError {
        let message = format!("there is no folder `{}`", self.root.display());
        StoreError::new(StoreErrorKind::Missing, message).help("if it is on a disk of its own: is the disk mounted? else make the folder, or say `create: true` at the destination")
    }

    fn path(&self, name: &str) -> Result<PathBuf, StoreError> {
        check_name(name)?;
        Ok(self.root.join(name))
    }

    fn list_now(&self) -> Result<Vec<Object>, StoreError> {
        let failed = |error| StoreError::io(format!("the folder `{}` cannot be listed", self.root.display()), error);
        let entries = match fs::read_dir(&self.root) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.create => return Ok(vec![]),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(self.missing_root()),
            Err(error) => return Err(failed(error)),
        };
        let mut objects = vec![];
        for entry in entries {
            objects.extend(object(&entry.map_err(failed)?).map_err(failed)?);
        }
        Ok(objects)
    }

    fn staged_now(&self) -> Result<Vec<Obligation>, StoreError> {
        let failed = |error| StoreError::io(format!("the folder `{}` cannot be listed", self.root.display()), error);
        let entries = match fs::read_dir(&self.root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
            entries => entries.map_err(failed)?,
        };
        let mut found = vec![];
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let file = entry.file_type().is_ok_and(|kind| kind.is_file());
            if file && is_staged(&entry.path()) {
                found.push(Obligation::StagedFile { path: entry.path() });
            }
        }
        Ok(found)
    }

    fn begin_now(&self, name: &str) -> Result<Box<dyn Upload>, StoreError> {
        let path = self.path(name)?;
        self.make_root()?;
        match path.symlink_metadata() {
            Ok(_) => return Err(exists(&path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(StoreError::io(format!("`{}` cannot be made", path.display()), error)),
        }
        let staged = self.root.join(self.ledger.staged_name()?);
        let promise = self.ledger.promise(Obligation::StagedFile { path: staged.clone() })?;
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&staged);
        let file =
            file.map_err(|error| StoreError::io(format!("no file can be made in `{}`", self.root.display()), error))?;
        Ok(Box::new(LocalUpload {
            root: self.root.clone(),
            path,
            staged: Staged(Some(staged)),
            file: Some(file),
            written: 0,
            promise: Some(promise),
        }))
    }
}

/// A regular file with a name that we could have given.
fn object(entry: &fs::DirEntry) -> io::Result<Option<Object>> {
    let Ok(name) = entry.file_name().into_string() else { return Ok(None) };
    if check_name(&name).is_err() {
        return Ok(None);
    }
    match entry.metadata() {
        Ok(meta) if meta.is_file() => Ok(Some(Object { name, size: meta.len() })),
        Ok(_) => Ok(None),
        // Removed since the folder was read.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn exists(path: &Path) -> StoreError {
    StoreError::new(StoreErrorKind::Exists, format!("`{}` is there already, and is never overwritten", path.display()))
}

/// Runs what blocks beside the asynchronous rest.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| {
        Err(StoreError::new(StoreErrorKind::Other, "work at the folder broke off").because(error))
    })
}

impl Store for LocalStore {
    fn describe(&self) -> String {
        self.root.display().to_string()
    }

    fn list(&self) -> Doing<'_, Vec<Object>> {
        let this = self.clone();
        Box::pin(blocking(move || this.list_now()))
    }

    fn size(&self, name: &str) -> Doing<'_, u64> {
        let path = self.path(name);
        Box::pin(blocking(move || {
            let path = path?;
            let meta = path.symlink_metadata();
            meta.map(|meta| meta.len())
                .map_err(|error| StoreError::io(format!("`{}` cannot be looked at", path.display()), error))
        }))
    }

    fn open_read(&self, name: &str) -> Doing<'_, ByteStream> {
        let path = self.path(name);
        Box::pin(blocking(move || {
            let path = path?;
            let file = File::open(&path)
                .map_err(|error| StoreError::io(format!("`{}` cannot be read", path.display()), error))?;
            Ok(read_stream(file, path))
        }))
    }

    fn open_read_range(&self, name: &str, range: Range<u64>) -> Doing<'_, ByteStream> {
        let path = self.path(name);
        let name = name.to_owned();
        Box::pin(blocking(move || {
            let path = path?;
            let failed = |error| StoreError::io(format!("`{}` cannot be read", path.display()), error);
            let mut file = File::open(&path).map_err(failed)?;
            file.seek(SeekFrom::Start(range.start)).map_err(failed)?;
            let length = range.end.saturating_sub(range.start);
            Ok(exactly(read_stream(file, path), length, &name))
        }))
    }

    fn delete(&self, names: &[String]) -> Doing<'_, ()> {
        let paths: Result<Vec<PathBuf>, StoreError> = names.iter().map(|name| self.path(name)).collect();
        let root = self.root.clone();
        Box::pin(blocking(move || {
            for path in paths? {
                remove(&path)?;
            }
            sync_folder(&root)
        }))
    }

    fn begin(&self, name: &str) -> Doing<'_, Box<dyn Upload>> {
        let (this, name) = (self.clone(), name.to_owned());
        Box::pin(blocking(move || this.begin_now(&name)))
    }

    fn clean(&self, left: &Obligation) -> Doing<'_, bool> {
        let staged = match left {
            Obligation::StagedFile { path } => is_staged(path).then(|| path.clone()),
            Obligation::ContainerScratch { .. }
            | Obligation::ContainerProcess { .. }
            | Obligation::ContainerHalted { .. }
            | Obligation::HostProcess { .. }
            | Obligation::HostScratch { .. }
            | Obligation::StagedObject { .. }
            | Obligation::HalfSet { .. }
            | Obligation::MultipartUpload { .. } => None,
        };
        let staged = staged.filter(|path| path.parent() == Some(&self.root));
        Box::pin(blocking(move || staged.map_or(Ok(false), |path| remove(&path).map(|()| true))))
    }

    fn staged(&self) -> Doing<'_, Vec<Obligation>> {
        let this = self.clone();
        Box::pin(blocking(move || this.staged_now()))
    }

    fn free_bytes(&self) -> Doing<'_, Option<u64>> {
        let root = self.root.clone();
        Box::pin(blocking(move || Ok(root.ancestors().find_map(|path| os::free_bytes(path).ok()))))
    }
}

/// Removes a file that never got its name, whichever folder it is in; any other file is left alone.
///
/// # Errors
/// It is still there.
pub fn remove_staged(path: &Path) -> Result<(), StoreError> {
    if is_staged(path) { remove(path) } else { Ok(()) }
}

fn is_staged(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(staged::is_staged)
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::io(format!("`{}` cannot be removed", path.display()), error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    let failed = |error| {
        StoreError::io(format!("the folder `{}` cannot be written through to the disk", folder.display()), error)
    };
    match File::open(folder).and_then(|file| file.sync_all()) {
        // Some network file systems cannot sync a folder.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        other => other.map_err(failed),
    }
}

fn read_stream(file: File, path: PathBuf) -> ByteStream {
    stream::unfold(Some((file, path)), |state| async {
        let (file, path) = state?;
        match blocking(move || read_piece(file, path)).await {
            Ok((bytes, _)) if bytes.is_empty() => None,
            Ok((bytes, state)) => Some((Ok(bytes), Some(state))),
            Err(error) => Some((Err(error), None)),
        }
    })
    .boxed()
}

fn read_piece(file: File, path: PathBuf) -> Result<(Bytes, (File, PathBuf)), StoreError> {
    let mut bytes = Vec::with_capacity(READ_BYTES);
    let mut limited = file.take(READ_BYTES as u64);
    let read = limited.read_to_end(&mut bytes);
    read.map_err(|error| StoreError::io(format!("`{}` cannot be read to its end", path.display()), error))?;
    Ok((bytes.into(), (limited.into_inner(), path)))
}

/// A file without its final name; removed when dropped.
struct Staged(Option<PathBuf>);

impl Drop for Staged {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}

struct LocalUpload {
    root: PathBuf,
    path: PathBuf,
    staged: Staged,
    /// None once staged.
    file: Option<File>,
    written: u64,
    promise: Option<Promise>,
}

impl LocalUpload {
    fn failed(&self, error: io::Error) -> StoreError {
        StoreError::io(format!("`{}` cannot be written", self.path.display()), error)
    }

    fn take_file(&mut self) -> Result<File, StoreError> {
        let failed = || StoreError::new(StoreErrorKind::Other, format!("`{}` failed before", self.path.display()));
        self.file.take().ok_or_else(failed)
    }

    fn commit_now(mut self) -> Result<(), StoreError> {
        let staged = self.staged.0.clone().unwrap_or_default();
        let size = staged.metadata().map_err(|error| self.failed(error))?.len();
        if size != self.written {
            let message = format!("`{}` has {size} bytes where {} were written", staged.display(), self.written);
            return Err(StoreError::new(StoreErrorKind::Other, message));
        }
        publish(&staged, &self.path)?;
        self.staged.0 = None;
        let synced = sync_folder(&self.root);
        self.fulfil();
        synced
    }

    fn abort_now(mut self) -> Result<(), StoreError> {
        self.file = None;
        if let Some(staged) = self.staged.0.take() {
            remove(&staged)?;
        }
        self.fulfil();
        Ok(())
    }

    fn fulfil(&mut self) {
        if let Some(promise) = self.promise.take() {
            promise.fulfilled();
        }
    }
}

/// Gives a file its name, which nobody may have.
fn publish(staged: &Path, path: &Path) -> Result<(), StoreError> {
    use rustix::io::Errno;
    let cwd = rustix::fs::CWD;
    let failed = |errno: Errno| StoreError::io(format!("`{}` cannot get its name", path.display()), errno.into());
    match renameat_with(cwd, staged, cwd, path, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        Err(Errno::EXIST) => Err(exists(path)),
        // Kernels before 3.15, and file systems that cannot rename without replacing: a link cannot replace either.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            match rustix::fs::linkat(cwd, staged, cwd, path, AtFlags::empty()) {
                Ok(()) => remove(staged),
                Err(Errno::EXIST) => Err(exists(path)),
                Err(errno) => Err(failed(errno)),
            }
        }
        Err(errno) => Err(failed(errno)),
    }
}

impl Upload for LocalUpload {
    fn write(&mut self, bytes: Bytes) -> Doing<'_, ()> {
        Box::pin(async move {
            let mut file = self.take_file()?;
            let length = bytes.len() as u64;
            let path = self.path.display().to_string();
            let written = blocking(move || {
                let written = file.write_all(&bytes).map(|()| file);
                written.map_err(|error| StoreError::io(format!("`{path}` cannot be written"), error))
            });
            self.file = Some(written.await?);
            self.written = self.written.saturating_add(length);
            Ok(())
        })
    }

    fn stage(&mut self) -> Doing<'_, ()> {
        Box::pin(async move {
            let file = self.take_file()?;
            let path = self.path.display().to_string();
            blocking(move || {
                file.sync_all()
                    .map_err(|error| StoreError::io(format!("`{path}` cannot be written through to the disk"), error))
            })
            .await
        })
    }

    fn commit(self: Box<Self>) -> Doing<'static, ()> {
        Box::pin(blocking(move || self.commit_now()))
    }

    fn abort(self: Box<Self>) -> Doing<'static, ()> {
        Box::pin(blocking(move || self.abort_now()))
    }
}
