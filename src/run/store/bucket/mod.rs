//! A bucket in object storage: S3 and what speaks like it, Azure's Blob Storage, Google Cloud Storage.
//!
//! All three are spoken to by `object_store`, and have the same upload in parts that nobody sees before it is completed.
//! What differs is how to get in (a module each) and what their refusals mean (`refusal`).

mod access;
mod ask;
mod azure;
mod gcs;
mod paced;
mod refusal;
mod s3;
mod sign;
mod storing;
mod upload;
mod uploads;
mod wire;

pub use azure::{AzureOptions, AzurePass};
pub use gcs::GcsOptions;
pub use s3::{Credentials, S3Options};
pub use storing::{Encrypting, Locking, Storing};
pub use upload::{PART_COUNT_MAX, part_size};

use super::again::again;
use super::{
    ByteStream, Doing, Ledger, Object, Store, StoreError, StoreErrorKind, Throttle, Upload, check_name, exactly,
};
use crate::run::journal::Obligation;
use ask::Asking;
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt as _};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use upload::BucketUpload;

/// How long a download may stand still.
const STALLED_AFTER: Duration = Duration::from_secs(90);

/// What speaks to a service.
trait Client: ObjectStore + MultipartStore {}

impl<C: ObjectStore + MultipartStore> Client for C {}

/// Whose service it is, for the words in which its refusals are explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    S3,
    Azure,
    Gcs,
}

/// A bucket, or what lies below a prefix in it.
#[derive(Debug, Clone)]
pub struct BucketStore(Arc<Bucket>);

/// What uploads share with their store.
#[derive(Debug)]
struct Bucket {
    client: Arc<dyn Client>,
    service: Service,
    /// What deletes where the client cannot.
    eraser: Option<azure::Eraser>,
    /// For what of S3 the client has no call for; none for anonymous requests, and elsewhere.
    asking: Option<Asking>,
    /// What goes with each object to S3.
    storing: Storing,
    destination: String,
    /// For people: `s3://bucket/prefix at endpoint`.
    place: String,
    /// The prefix up to and with its last `/`.
    folder: String,
    /// The rest of the prefix, which names begin with.
    stem: String,
    ledger: Ledger,
    throttle: Option<Throttle>,
    /// Bytes of objects that wait in memory to be committed in one request.
    held: Arc<AtomicU64>,
}

/// What every service's options say.
struct Common {
    destination: String,
    place: String,
    prefix: String,
    throttle: Option<Throttle>,
}

impl BucketStore {
    /// A bucket of S3's; nothing is asked of the server yet.
    ///
    /// # Errors
    /// An address that is none, plain `http://` where it is not allowed, certificates that are none.
    pub fn s3(options: S3Options, ledger: Ledger) -> Result<Self, StoreError> {
        let ((client, asking), place) = (s3::connect(&options)?, options.place());
        let S3Options { destination, prefix, upload: throttle, storing, .. } = options;
        let bucket = Bucket::new(Service::S3, client, Common { destination, place, prefix, throttle }, ledger);
        Ok(Self(Arc::new(Bucket { asking, storing, ..bucket })))
    }

    /// A container of Azure's; nothing is asked of the server yet.
    ///
    /// # Errors
    /// Those of [`BucketStore::s3`], a key or a signature that is none.
    pub fn azure(options: AzureOptions, ledger: Ledger) -> Result<Self, StoreError> {
        let ((client, eraser), place) = (azure::connect(&options)?, options.place());
        let AzureOptions { destination, prefix, upload: throttle, .. } = options;
        let bucket = Bucket::new(Service::Azure, client, Common { destination, place, prefix, throttle }, ledger);
        Ok(Self(Arc::new(Bucket { eraser, ..bucket })))
    }

    /// A bucket of Google's; nothing is asked of the server yet.
    ///
    /// # Errors
    /// Those of [`BucketStore::s3`], a key of a service account that is none.
    pub fn gcs(options: GcsOptions, ledger: Ledger) -> Result<Self, StoreError> {
        let (client, place) = (gcs::connect(&options)?, options.place());
        let GcsOptions { destination, prefix, upload: throttle, .. } = options;
        let common = Common { destination, place, prefix, throttle };
        Ok(Self(Arc::new(Bucket::new(Service::Gcs, client, common, ledger))))
    }
}

impl Bucket {
    fn new(service: Service, client: Arc<dyn Client>, common: Common, ledger: Ledger) -> Self {
        let Common { destination, place, prefix, throttle } = common;
        let (folder, stem) = prefix.split_at(prefix.rfind('/').map_or(0, |at| at + 1));
        Self {
            client,
            service,
            eraser: None,
            asking: None,
            storing: Storing::default(),
            destination,
            place,
            folder: folder.trim_start_matches('/').to_owned(),
            stem: stem.to_owned(),
            ledger,
            throttle,
            held: Arc::default(),
        }
    }

    /// The key of a name.
    fn key(&self, name: &str) -> Result<Path, StoreError> {
        check_name(name)?;
        let key = format!("{}{}{name}", self.folder, self.stem);
        Path::parse(&key).map_err(|error| {
            StoreError::new(StoreErrorKind::Other, format!("`{key}` cannot be an object's key")).because(error)
        })
    }

    fn failed(&self, doing: &str, error: object_store::Error) -> StoreError {
        refusal::store_error(self.service, &format!("{doing} at {}", self.place), error)
    }

    /// What could not be stored; keys that the server may not know are named.
    fn not_stored(&self, doing: &str, error: object_store::Error) -> StoreError {
        let error = self.failed(doing, error);
        let keys = self.storing.keys();
        if error.kind() != StoreErrorKind::Other || !error.helps().is_empty() || keys.is_empty() {
            return error;
        }
        error.help(format!("where the server does not know {}: take it out", keys.join(" or ")))
    }

    async fn size(&self, key: &Path) -> Result<u64, StoreError> {
        let found = self.client.head(key).await;
        Ok(found.map_err(|error| self.failed(&format!("cannot look at `{key}`"), error))?.size)
    }

    async fn list(&self) -> Result<Vec<Object>, StoreError> {
        let folder = Path::parse(&self.folder)
            .map_err(|error| StoreError::new(StoreErrorKind::Other, "the prefix cannot be one").because(error))?;
        let listed = self.client.list_with_delimiter(Some(&folder)).await;
        let objects = listed.map_err(|error| self.failed("cannot list the objects", error))?.objects;
        let named = |object: object_store::ObjectMeta| {
            let name = object.location.filename()?.strip_prefix(&self.stem)?.to_owned();
            check_name(&name).is_ok().then_some(Object { name, size: object.size })
        };
        Ok(objects.into_iter().filter_map(named).collect())
    }

    async fn open_read(self: Arc<Self>, name: String, range: Option<Range<u64>>) -> Result<ByteStream, StoreError> {
        let key = self.key(&name)?;
        let wanted = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        let got = self.client.get_opts(&key, wanted).await;
        let got = got.map_err(|error| self.failed(&format!("cannot read `{key}`"), error))?;
        let doing = format!("cannot read `{key}` to its end");
        let stream = got.into_stream().map_err(move |error| self.failed(&doing, error)).boxed();
        Ok(patient(stream, format!("the server sent nothing more of `{key}` for {} s", STALLED_AFTER.as_secs())))
    }

    async fn erase(&self, key: &Path) -> Result<(), StoreError> {
        let doing = format!("cannot delete `{key}`");
        match &self.eraser {
            None => self.client.delete(key).await.map_err(|error| self.failed(&doing, error)),
            Some(eraser) => {
                again(|_| async { eraser.erase(key).await.map_err(|error| self.failed(&doing, error)) }).await
            }
        }
    }

    /// One request for each: not every server knows how to delete many at once.
    async fn delete(self: Arc<Self>, names: Vec<String>) -> Result<(), StoreError> {
        if let Some(asking) = self.asking.as_ref().filter(|_| self.storing.lock.is_some()) {
            let keys = names.iter().map(|name| self.key(name)).collect::<Result<Vec<_>, _>>()?;
            return self.delete_locked(asking, &keys).await;
        }
        for name in names {
            let key = self.key(&name)?;
            match self.erase(&key).await {
                Err(error) if error.kind() != StoreErrorKind::Missing => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    async fn clean(self: Arc<Self>, key: String, upload: String) -> Result<bool, StoreError> {
        let failed = |error| StoreError::new(StoreErrorKind::Other, format!("`{key}` cannot be a key")).because(error);
        self.abort(&Path::parse(&key).map_err(failed)?, &upload).await?;
        Ok(true)
    }

    /// Aborts an upload in parts, unless it is gone already.
    async fn abort(&self, key: &Path, upload: &String) -> Result<(), StoreError> {
        let Err(error) = self.client.abort_multipart(key, upload).await else { return Ok(()) };
        let error = self.failed(&format!("cannot abort the upload of `{key}`"), error);
        if error.kind() == StoreErrorKind::Missing { Ok(()) } else { Err(error) }
    }
}

/// A stream that fails where nothing more comes of it.
fn patient(stream: ByteStream, message: String) -> ByteStream {
    let next = |(mut stream, message): (ByteStream, String)| async move {
        match tokio::time::timeout(STALLED_AFTER, stream.next()).await {
            Ok(item) => item.map(|item| (item, (stream, message))),
            Err(_) => {
                Some((Err(StoreError::new(StoreErrorKind::Busy, message)), (stream::empty().boxed(), String::new())))
            }
        }
    };
    stream::unfold((stream, message), next).boxed()
}

impl Store for BucketStore {
    fn describe(&self) -> String {
        self.0.place.clone()
    }

    fn list(&self) -> Doing<'_, Vec<Object>> {
        Box::pin(self.0.list())
    }

    fn size(&self, name: &str) -> Doing<'_, u64> {
        let key = self.0.key(name);
        Box::pin(async { self.0.size(&key?).await })
    }

    fn open_read(&self, name: &str) -> Doing<'_, ByteStream> {
        Box::pin(Arc::clone(&self.0).open_read(name.to_owned(), None))
    }

    fn open_read_range(&self, name: &str, range: Range<u64>) -> Doing<'_, ByteStream> {
        let (bucket, name) = (Arc::clone(&self.0), name.to_owned());
        Box::pin(async move {
            if range.is_empty() {
                bucket.size(&bucket.key(&name)?).await?;
                return Ok(stream::empty().boxed());
            }
            let length = range.end - range.start;
            let stream = bucket.open_read(name.clone(), Some(range)).await?;
            Ok(exactly(stream, length, &name))
        })
    }

    fn delete(&self, names: &[String]) -> Doing<'_, ()> {
        Box::pin(Arc::clone(&self.0).delete(names.to_vec()))
    }

    fn begin(&self, name: &str) -> Doing<'_, Box<dyn Upload>> {
        let (bucket, name) = (Arc::clone(&self.0), name.to_owned());
        Box::pin(async move { Ok(Box::new(BucketUpload::begin(bucket, &name).await?) as Box<dyn Upload>) })
    }

    fn clean(&self, left: &Obligation) -> Doing<'_, bool> {
        match left {
            Obligation::MultipartUpload { destination, key, upload_id } if *destination == self.0.destination => {
                let (bucket, key) = (Arc::clone(&self.0), key.clone());
                match upload_id.clone() {
                    Some(upload) => Box::pin(bucket.clean(key, upload)),
                    None => Box::pin(bucket.clean_all(key)),
                }
            }
            Obligation::MultipartUpload { .. }
            | Obligation::StagedFile { .. }
            | Obligation::StagedObject { .. }
            | Obligation::HalfSet { .. }
            | Obligation::ContainerScratch { .. }
            | Obligation::ContainerProcess { .. }
            | Obligation::ContainerHalted { .. }
            | Obligation::HostProcess { .. }
            | Obligation::HostScratch { .. } => Box::pin(async { Ok(false) }),
        }
    }

    fn stale<'a>(&'a self, ours: &'a (dyn Fn(&str) -> bool + Sync), before: Timestamp) -> Doing<'a, Vec<Obligation>> {
        Box::pin(self.0.stale(ours, before))
    }

    fn free_bytes(&self) -> Doing<'_, Option<u64>> {
        Box::pin(async { Ok(None) })
    }

    fn throttle(&self) -> Option<&Throttle> {
        self.0.throttle.as_ref()
    }
}

/// Bytes in the pieces in which they came.
type Pieces = Vec<Bytes>;
