//! The sets at a destination: objects of one run together, and whether they are complete.

use super::manifest::{MANIFEST_MAX_BYTES, Manifest, ManifestError};
use super::mark::{MarkKind, Marks};
use super::store::{Object, Store, StoreError, StoreErrorKind};
use crate::archive::{MANIFEST_SOURCE, MANIFEST_SUFFIX, NamePattern};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};

/// How many manifests are read at once.
const READS_AT_ONCE: usize = 8;

/// Whose sets are meant, for what a destination shares with others.
#[derive(Debug, Clone)]
pub struct Names {
    /// How the job names.
    pub pattern: NamePattern,
    /// The job's sources with the extension of each.
    pub sources: Vec<(String, String)>,
}

/// Archives of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    /// The time in the names.
    pub time: Timestamp,
    /// Whether everything is there.
    pub state: SetState,
    /// The manifest's name, where there is one.
    pub manifest_name: Option<String>,
    /// The manifest, where it can be read.
    pub manifest: Option<Manifest>,
    /// Every object of it that is there, manifest and marks apart, by name.
    pub objects: Vec<Object>,
    /// What people said of it.
    pub marks: Marks,
}

/// Whether a set is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetState {
    /// The manifest and all that it lists are there, in the right sizes.
    Good,
    /// Something is missing; what.
    Incomplete(String),
    /// Made by a later version of this program: it is left alone.
    Unknown(String),
}

impl Set {
    /// Whether everything is there.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.state == SetState::Good
    }

    /// How much it takes, the manifest apart, in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.objects.iter().map(|object| object.size).fold(0, u64::saturating_add)
    }
}

impl Names {
    /// Whether the job gives that name.
    #[must_use]
    pub fn are_of(&self, name: &str) -> bool {
        self.time(name, None).is_some()
    }

    /// The time in a name, where it is one of this job's.
    fn time(&self, name: &str, manifest: Option<&Manifest>) -> Option<(Timestamp, String)> {
        let own = self.sources.iter().map(|(source, extension)| (source.as_str(), extension.as_str()));
        // A set may hold sources that the job has no more; its manifest, which is the job's, knows them.
        let former =
            manifest.into_iter().flat_map(|m| &m.objects).map(|entry| (entry.source.as_str(), entry.content.as_str()));
        self.pattern.parse(name, own.chain(former)).map(|parsed| (parsed.time, parsed.source))
    }
}

/// The job's sets at a destination, the oldest first.
///
/// # Errors
/// The listing or a manifest cannot be read for a reason other than its content.
pub async fn sets(store: &dyn Store, names: &Names) -> Result<Vec<Set>, StoreError> {
    let objects = store.list().await?;
    let is_manifest =
        |object: &&Object| names.time(&object.name, None).is_some_and(|(_, source)| source == MANIFEST_SOURCE);
    let manifests = read_manifests(store, objects.iter().filter(is_manifest)).await?;
    let sizes = sizes(&objects);
    let mut sets: BTreeMap<Timestamp, Set> = BTreeMap::new();
    for (name, manifest) in manifests {
        if let Some((time, _)) = names.time(&name, None) {
            sets.insert(
                time,
                set_of(time, name, manifest, &sizes, |object, manifest| {
                    names.time(object, Some(manifest)).is_some_and(|(t, _)| t == time)
                }),
            );
        }
    }
    add_unlisted(&mut sets, &objects, names);
    let mut sets: Vec<Set> = sets.into_values().collect();
    add_marks(store, &objects, &mut sets).await?;
    Ok(sets)
}

/// All sets of a destination of which nothing else is known, the oldest first: those with manifests.
///
/// # Errors
/// The listing or a manifest cannot be read for a reason other than its content.
pub async fn all_sets(store: &dyn Store) -> Result<Vec<Set>, StoreError> {
    let objects = store.list().await?;
    let manifests =
        read_manifests(store, objects.iter().filter(|object| object.name.ends_with(MANIFEST_SUFFIX))).await?;
    let sizes = sizes(&objects);
    let mut sets: Vec<Set> = manifests
        .into_iter()
        .filter(|(_, manifest)| !matches!(manifest, Err(ManifestError::Form(_))))
        .map(|(name, manifest)| {
            let time = manifest.as_ref().map_or(Timestamp::UNIX_EPOCH, |manifest| manifest.time);
            let own = name.clone();
            set_of(time, name, manifest, &sizes, move |object, manifest| is_of_set(object, &own, manifest))
        })
        .collect();
    sets.sort_by_key(|set| set.time);
    add_marks(store, &objects, &mut sets).await?;
    Ok(sets)
}

/// Whether an object's name is one that the template which named the manifest gives to one of its sources: a manifest
/// of a stranger's bucket may claim anything, and what it lists may be removed.
fn is_of_set(object: &str, manifest_name: &str, manifest: &Manifest) -> bool {
    let Some(stem) = manifest_name.strip_suffix(MANIFEST_SUFFIX) else { return false };
    let without = stem.strip_suffix(MANIFEST_SOURCE).and_then(|stem| stem.strip_suffix('_'));
    let continues = |rest: &str, content: &str| {
        rest.strip_prefix('.')
            .and_then(|rest| rest.strip_prefix(content))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    manifest.objects.iter().any(|entry| {
        let source: String = crate::archive::safe(&entry.source);
        let named = stem.match_indices(MANIFEST_SOURCE).any(|(at, word)| {
            let (before, after) = stem.split_at(at);
            let rest = object.strip_prefix(before).and_then(|rest| rest.strip_prefix(source.as_str()));
            let rest = rest.and_then(|rest| rest.strip_prefix(after.strip_prefix(word)?));
            rest.is_some_and(|rest| continues(rest, &entry.content))
        });
        let bare = without.and_then(|stem| object.strip_prefix(stem));
        named || bare.is_some_and(|rest| continues(rest, &entry.content))
    })
}

/// Reads what people said of each set.
async fn add_marks(store: &dyn Store, objects: &[Object], sets: &mut [Set]) -> Result<(), StoreError> {
    let mut by_manifest: HashMap<String, &mut Set> =
        sets.iter_mut().filter_map(|set| Some((set.manifest_name.clone()?, set))).collect();
    for object in objects {
        let Some((manifest, kind)) = MarkKind::of(&object.name) else { continue };
        let Some(set) = by_manifest.get_mut(manifest) else { continue };
        match read_small(store, &object.name).await {
            Ok(text) => set.marks.add(object.name.clone(), kind, &text),
            // Taken away meanwhile.
            Err(error) if error.kind() == StoreErrorKind::Missing => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn sizes(objects: &[Object]) -> HashMap<&str, u64> {
    objects.iter().map(|object| (object.name.as_str(), object.size)).collect()
}

type Read = (String, Result<Manifest, ManifestError>);

async fn read_manifests(store: &dyn Store, objects: impl Iterator<Item = &Object>) -> Result<Vec<Read>, StoreError> {
    // Collected first: a stream that borrows from a closure is too much for the compiler's inference.
    let wanted: Vec<Object> = objects.filter(|object| object.size <= MANIFEST_MAX_BYTES).cloned().collect();
    let reads = wanted.into_iter().map(|object| async move {
        match read_small(store, &object.name).await {
            Ok(text) => Ok(Some((object.name, Manifest::from_json(&text)))),
            // Pruned by another run meanwhile.
            Err(error) if error.kind() == StoreErrorKind::Missing => Ok(None),
            Err(error) => Err(error),
        }
    });
    let read: Vec<Option<Read>> = stream::iter(reads).buffered(READS_AT_ONCE).try_collect().await?;
    Ok(read.into_iter().flatten().collect())
}

async fn read_small(store: &dyn Store, name: &str) -> Result<Vec<u8>, StoreError> {
    let mut stream = store.open_read(name).await?;
    let mut text = vec![];
    while let Some(piece) = stream.next().await {
        text.extend_from_slice(&piece?);
        if text.len() as u64 > MANIFEST_MAX_BYTES {
            return Err(StoreError::new(StoreErrorKind::Other, format!("`{name}` is longer than a manifest may be")));
        }
    }
    Ok(text)
}

/// A set as its manifest tells it, compared with what is there. `belongs` says whether a listed name may be the set's.
fn set_of(
    time: Timestamp,
    name: String,
    manifest: Result<Manifest, ManifestError>,
    sizes: &HashMap<&str, u64>,
    belongs: impl Fn(&str, &Manifest) -> bool,
) -> Set {
    let manifest = match manifest {
        Ok(manifest) => manifest,
        Err(error) => {
            let state = match &error {
                ManifestError::Version(_) => SetState::Unknown(format!("{error}")),
                ManifestError::Form(_) => SetState::Incomplete("its manifest cannot be read".into()),
            };
            let marks = Marks::default();
            return Set { time, state, manifest_name: Some(name), manifest: None, objects: vec![], marks };
        }
    };
    let mut objects = vec![];
    let mut fault = manifest.objects.is_empty().then(|| "its manifest lists nothing".to_owned());
    for entry in manifest.stored() {
        match sizes.get(entry.name.as_str()) {
            _ if !belongs(&entry.name, &manifest) => {
                fault = Some(format!("`{}` is not a name of this set", entry.name));
            }
            None => fault = Some(format!("`{}` is missing", entry.name)),
            Some(size) => {
                objects.push(Object { name: entry.name.clone(), size: *size });
                if *size != entry.size {
                    fault = Some(format!("`{}` has {size} bytes instead of {}", entry.name, entry.size));
                }
            }
        }
    }
    let state = fault.map_or(SetState::Good, SetState::Incomplete);
    Set { time, state, manifest_name: Some(name), manifest: Some(manifest), objects, marks: Marks::default() }
}

/// Objects that no manifest lists: what a killed run left, or one that is not done yet.
fn add_unlisted(sets: &mut BTreeMap<Timestamp, Set>, objects: &[Object], names: &Names) {
    for object in objects {
        let Some((time, source)) = names.time(&object.name, None) else { continue };
        if source == MANIFEST_SOURCE {
            continue;
        }
        let state = SetState::Incomplete("it has no manifest".into());
        let marks = Marks::default();
        let fresh = Set { time, state, manifest_name: None, manifest: None, objects: vec![], marks };
        let set = sets.entry(time).or_insert(fresh);
        if !set.objects.iter().any(|known| known.name == object.name) {
            set.objects.push(object.clone());
        }
    }
}

#[cfg(test)]
mod tests;
