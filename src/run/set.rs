//! What lies at a destination, grouped into the sets that runs stored.

use super::manifest::{MANIFEST_MAX_BYTES, Manifest};
use super::store::{Object, Store, StoreError, StoreErrorKind};
use crate::archive::{MANIFEST_SOURCE, MANIFEST_SUFFIX, NamePattern, ParsedName};
use crate::contract;
use bytes::Bytes;
use futures_util::stream::{StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// How many manifests are read at once.
const READ_AT_ONCE: usize = 8;

/// What one run stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    /// The run's instant.
    pub time: Timestamp,
    /// The objects that are there, the manifest apart.
    pub objects: Vec<Object>,
    /// The manifest's own object.
    pub manifest_object: Option<Object>,
    /// What it says, where it could be read.
    pub manifest: Option<Manifest>,
    /// Whether it counts.
    pub state: State,
}

/// Whether a set counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// The manifest is there, and every object of it in its full length.
    Good,
    /// It has no manifest: an older archive, or the run's last write was lost.
    NoManifest,
    /// The manifest cannot be read, and why.
    BadManifest(String),
    /// An object of the manifest is not there.
    Missing(String),
    /// An object has another length than the manifest says.
    WrongSize(String),
}

impl State {
    /// What people read in a list.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Good => "good".into(),
            Self::NoManifest => "no manifest".into(),
            Self::BadManifest(why) => format!("bad manifest: {why}"),
            Self::Missing(name) => format!("`{name}` is missing"),
            Self::WrongSize(name) => format!("`{name}` has the wrong size"),
        }
    }
}

impl Set {
    /// Whether it counts as a backup.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.state == State::Good
    }

    /// All of its bytes, the manifest apart.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.objects.iter().map(|object| object.size).sum()
    }

    fn new(time: Timestamp) -> Self {
        Self { time, objects: vec![], manifest_object: None, manifest: None, state: State::NoManifest }
    }

    fn judge(&mut self) {
        if let State::BadManifest(_) = self.state {
            return;
        }
        let Some(manifest) = &self.manifest else { return };
        let there: BTreeMap<&str, u64> = self.objects.iter().map(|o| (o.name.as_str(), o.size)).collect();
        let wrong = manifest.objects.iter().find_map(|object| match there.get(object.name.as_str()) {
            None => Some(State::Missing(object.name.clone())),
            Some(size) if *size != object.size => Some(State::WrongSize(object.name.clone())),
            Some(_) => None,
        });
        self.state = wrong.unwrap_or(State::Good);
    }
}

/// The sets of one job at a destination, oldest first. Names that are not the job's are passed over.
///
/// # Errors
/// The destination cannot be listed. A manifest that cannot be read makes its set bad, and is no error.
pub async fn of_job(store: &dyn Store, job: &contract::Job, pattern: &NamePattern) -> Result<Vec<Set>, StoreError> {
    let mut sets: BTreeMap<Timestamp, Set> = BTreeMap::new();
    for object in store.list().await? {
        let sources = job.sources.iter().map(|source| (source.name.as_str(), source.extension()));
        let Some(ParsedName { source, time, extension: _ }) = pattern.parse(&object.name, sources) else { continue };
        let set = sets.entry(time).or_insert_with(|| Set::new(time));
        if source == MANIFEST_SOURCE {
            set.manifest_object = Some(object);
        } else {
            set.objects.push(object);
        }
    }
    read_manifests(store, sets.into_values().collect()).await
}

/// The sets of whatever jobs stored something at a destination, oldest first, told by their manifests alone.
///
/// # Errors
/// As [`of_job`].
pub async fn of_anybody(store: &dyn Store) -> Result<Vec<Set>, StoreError> {
    let objects = store.list().await?;
    let is_manifest =
        |object: &&Object| object.name.strip_suffix(MANIFEST_SUFFIX).is_some_and(|stem| stem.contains(MANIFEST_SOURCE));
    let sets = objects.iter().filter(is_manifest).map(|object| {
        let mut set = Set::new(Timestamp::UNIX_EPOCH);
        set.manifest_object = Some(object.clone());
        set
    });
    let mut sets = read_manifests(store, sets.collect()).await?;
    // What is no manifest of ours is a stranger's file.
    sets.retain(|set| set.manifest.is_some());
    let there: BTreeMap<&str, &Object> = objects.iter().map(|o| (o.name.as_str(), o)).collect();
    for set in &mut sets {
        let Some(manifest) = &set.manifest else { continue };
        set.time = manifest.time;
        let named = manifest.objects.iter().filter_map(|object| there.get(object.name.as_str()));
        set.objects = named.map(|object| (*object).clone()).collect();
        set.judge();
    }
    sets.sort_by_key(|set| set.time);
    Ok(sets)
}

async fn read_manifests(store: &dyn Store, sets: Vec<Set>) -> Result<Vec<Set>, StoreError> {
    let read = |mut set: Set| async move {
        if let Some(object) = &set.manifest_object {
            match read_manifest(store, object).await? {
                Ok(manifest) => set.manifest = Some(manifest),
                Err(why) => set.state = State::BadManifest(why),
            }
        }
        set.judge();
        Ok::<_, StoreError>(set)
    };
    futures_util::stream::iter(sets.into_iter().map(read)).buffered(READ_AT_ONCE).try_collect().await
}

/// A manifest, or why it is none. That the destination cannot be reached is an error of its own.
async fn read_manifest(store: &dyn Store, object: &Object) -> Result<Result<Manifest, String>, StoreError> {
    if object.size > MANIFEST_MAX_BYTES {
        return Ok(Err(format!("it has {} bytes", object.size)));
    }
    let mut stream = match store.open_read(&object.name).await {
        Ok(stream) => stream,
        Err(error) if error.kind() == StoreErrorKind::Missing => return Ok(Err("it is gone".into())),
        Err(error) => return Err(error),
    };
    let mut text: Vec<u8> = vec![];
    while let Some(chunk) = stream.next().await {
        let chunk: Bytes = chunk?;
        text.extend_from_slice(&chunk);
        if u64::try_from(text.len()).unwrap_or(u64::MAX) > MANIFEST_MAX_BYTES {
            return Ok(Err("it is longer than was said".into()));
        }
    }
    Ok(Manifest::from_json(&text).map_err(|error| error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::super::manifest::tests::manifest;
    use super::*;

    fn set(objects: &[(&str, u64)], with_manifest: bool) -> Set {
        let mut set = Set::new(Timestamp::UNIX_EPOCH);
        set.objects = objects.iter().map(|(name, size)| Object { name: (*name).into(), size: *size }).collect();
        set.manifest = with_manifest.then(manifest);
        set.judge();
        set
    }

    #[test]
    fn a_set_is_good_only_with_its_manifest_and_every_object_whole() {
        assert!(set(&[("wiki_pages_2014.tar.gz", 10)], true).is_good());
        assert_eq!(set(&[("wiki_pages_2014.tar.gz", 10)], false).state, State::NoManifest);
        assert_eq!(
            set(&[("wiki_pages_2014.tar.gz", 9)], true).state,
            State::WrongSize("wiki_pages_2014.tar.gz".into())
        );
        assert_eq!(set(&[], true).state, State::Missing("wiki_pages_2014.tar.gz".into()));
    }
}
