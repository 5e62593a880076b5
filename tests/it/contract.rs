//! What every destination promises, as plain functions over any [`Store`]: a new kind of destination is a call of
//! [`keeps_its_promises`] and one of [`survives_broken_connections`].

use crate::support::chaos::{ChaosProxy, Fault, Faults};
use bytes::Bytes;
use eightbells::run::store::{Store, StoreError, StoreErrorKind, Upload};
use futures_util::TryStreamExt as _;
use std::path::Path;

pub const MIB: usize = 1 << 20;

/// Bytes that differ from place to place.
pub fn bytes(length: usize) -> Bytes {
    (0..length).map(|at| u8::try_from((at * 31 + at / 251) % 256).unwrap()).collect()
}

pub async fn begin(store: &dyn Store, name: &str, content: &Bytes) -> Result<Box<dyn Upload>, StoreError> {
    let mut upload = store.begin(name).await?;
    for piece in content.chunks(700_001) {
        upload.write(content.slice_ref(piece)).await?;
    }
    Ok(upload)
}

pub async fn put(store: &dyn Store, name: &str, content: &Bytes) -> Result<(), StoreError> {
    let mut upload = begin(store, name, content).await?;
    upload.stage().await?;
    upload.commit().await
}

pub async fn get(store: &dyn Store, name: &str) -> Result<Vec<u8>, StoreError> {
    let pieces: Vec<Bytes> = store.open_read(name).await?.try_collect().await?;
    Ok(pieces.concat())
}

pub async fn names(store: &dyn Store) -> Vec<String> {
    let mut names: Vec<String> = store.list().await.unwrap().into_iter().map(|object| object.name).collect();
    names.sort();
    names
}

pub fn kind<T>(result: Result<T, StoreError>) -> StoreErrorKind {
    result.err().unwrap().kind()
}

/// All promises, for objects of one piece and of many.
pub async fn keeps_its_promises(store: &dyn Store) {
    for size in [0, 5, 20 * MIB + 1] {
        nobody_sees_an_object_before_its_commit(store, size).await;
        an_abort_leaves_nothing(store, size).await;
        no_object_is_overwritten(store, size).await;
    }
    a_range_is_these_bytes_and_no_others(store).await;
    what_is_missing_is_said_to_be(store).await;
    names_that_lead_elsewhere_are_refused(store).await;
    hard_names_survive(store).await;
}

async fn nobody_sees_an_object_before_its_commit(store: &dyn Store, size: usize) {
    let content = bytes(size);
    let mut upload = begin(store, "seen.tar", &content).await.unwrap();
    assert!(names(store).await.is_empty());
    upload.stage().await.unwrap();
    assert!(names(store).await.is_empty());
    assert_eq!(kind(store.size("seen.tar").await), StoreErrorKind::Missing);
    upload.commit().await.unwrap();
    assert_eq!(names(store).await, ["seen.tar"]);
    assert_eq!(store.size("seen.tar").await.unwrap(), size as u64);
    assert!(get(store, "seen.tar").await.unwrap() == content);
    store.delete(&["seen.tar".into()]).await.unwrap();
}

async fn an_abort_leaves_nothing(store: &dyn Store, size: usize) {
    for stage in [false, true] {
        let mut upload = begin(store, "aborted.tar", &bytes(size)).await.unwrap();
        if stage {
            upload.stage().await.unwrap();
        }
        upload.abort().await.unwrap();
        assert!(names(store).await.is_empty());
        assert_eq!(kind(store.open_read("aborted.tar").await), StoreErrorKind::Missing);
    }
}

async fn no_object_is_overwritten(store: &dyn Store, size: usize) {
    let (first, second) = (bytes(size), bytes(size + 1));
    let mut late = begin(store, "one.tar", &second).await.unwrap();
    late.stage().await.unwrap();
    put(store, "one.tar", &first).await.unwrap();
    assert_eq!(kind(store.begin("one.tar").await), StoreErrorKind::Exists);
    assert_eq!(kind(late.commit().await), StoreErrorKind::Exists);
    assert!(get(store, "one.tar").await.unwrap() == first);
    store.delete(&["one.tar".into()]).await.unwrap();
}

async fn range(store: &dyn Store, name: &str, range: std::ops::Range<u64>) -> Result<Vec<u8>, StoreError> {
    let pieces: Vec<Bytes> = store.open_read_range(name, range).await?.try_collect().await?;
    Ok(pieces.concat())
}

async fn a_range_is_these_bytes_and_no_others(store: &dyn Store) {
    let content = bytes(3 * MIB + 7);
    put(store, "ranges.tar", &content).await.unwrap();
    let whole = content.len() as u64;
    for (start, end) in [(0, 1), (0, whole), (1_000_000, 2_500_001), (whole - 7, whole), (5, 5)] {
        let expected = &content[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()];
        assert!(range(store, "ranges.tar", start..end).await.unwrap() == expected, "{start}..{end}");
    }
    for beyond in [whole - 7..whole + 1, whole..whole + 1, whole + 9..whole + 10] {
        assert!(range(store, "ranges.tar", beyond.clone()).await.is_err(), "{beyond:?}");
    }
    assert_eq!(kind(range(store, "missing", 0..1).await), StoreErrorKind::Missing);
    assert_eq!(kind(range(store, "missing", 3..3).await), StoreErrorKind::Missing);
    store.delete(&["ranges.tar".into()]).await.unwrap();
}

async fn what_is_missing_is_said_to_be(store: &dyn Store) {
    assert_eq!(kind(store.size("missing").await), StoreErrorKind::Missing);
    assert_eq!(kind(store.open_read("missing").await), StoreErrorKind::Missing);
    store.delete(&["missing".into()]).await.unwrap();
}

async fn names_that_lead_elsewhere_are_refused(store: &dyn Store) {
    for name in ["../x", "a/b", "", ".hidden"] {
        assert_eq!(kind(store.begin(name).await), StoreErrorKind::Other);
        assert_eq!(kind(store.open_read(name).await), StoreErrorKind::Other);
        assert_eq!(kind(store.delete(&[name.into()]).await), StoreErrorKind::Other);
    }
}

async fn hard_names_survive(store: &dyn Store) {
    let hard = ["%41 +&=?#é.tar", "{a}[b]~'\"<>|*.tar", "a:b@c,d;e$f!(g).tar"];
    for name in hard {
        put(store, name, &bytes(3)).await.unwrap();
        assert_eq!(names(store).await, [name]);
        assert_eq!(get(store, name).await.unwrap(), bytes(3));
        store.delete(&[name.into()]).await.unwrap();
        assert!(names(store).await.is_empty());
    }
}

/// Files as they lie in a server's folder.
pub fn fill(folder: &Path, prefix: &str, count: usize) {
    for number in 0..count {
        std::fs::write(folder.join(format!("{prefix}{number:05}")), "x").unwrap();
    }
}

/// Everything that lies in a folder, sorted.
pub fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Whether an upload whose connection breaks in the middle goes on over another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uploads {
    /// It does.
    GoOn,
    /// It fails, is told to be worth another try, and leaves nothing visible.
    StartAgain,
}

/// As a run does it: an upload that fails is put back.
async fn put_or_put_back(store: &dyn Store, name: &str, content: &Bytes) -> Result<(), StoreError> {
    let mut upload = store.begin(name).await?;
    let written = async {
        for piece in content.chunks(700_001) {
            upload.write(content.slice_ref(piece)).await?;
        }
        upload.stage().await
    };
    if let Err(error) = written.await {
        upload.abort().await.unwrap();
        return Err(error);
    }
    upload.commit().await
}

/// Uploads and downloads arrive whole over connections of which the first ones break, early or late, either way.
pub async fn survives_broken_connections(server: u16, uploads: Uploads, open: impl Fn(u16) -> Box<dyn Store>) {
    let content = bytes(20 * MIB);
    let late = 9 * MIB as u64;
    let early = [Faults::down(Fault::CutAfter(0)), Faults::down(Fault::ResetAfter(100))];
    let late_ones = [Faults::up(Fault::CutAfter(late)), Faults::up(Fault::ResetAfter(late))];
    for (number, fault) in early.into_iter().chain(late_ones).enumerate() {
        let proxy = ChaosProxy::spoil_first(server, 2, fault);
        let store = open(proxy.port());
        let name = format!("up{number}");
        let mut tried = 0;
        while let Err(error) = put_or_put_back(&*store, &name, &content).await {
            assert!(uploads == Uploads::StartAgain && number >= 2, "{fault:?}: {error:?}");
            assert!(error.is_transient(), "{fault:?}: {error:?}");
            assert!(!names(&*store).await.contains(&name), "{fault:?}: half an object is visible");
            tried += 1;
            assert!(tried < 5, "{fault:?}: {error:?}");
        }
        assert!(proxy.connections() > 2, "{fault:?}: {} connections", proxy.connections());
    }
    for fault in [Fault::CutAfter(0), Fault::CutAfter(late), Fault::ResetAfter(late)] {
        let proxy = ChaosProxy::spoil_first(server, 2, Faults::down(fault));
        let store = open(proxy.port());
        assert!(get(&*store, "up0").await.unwrap_or_else(|error| panic!("{fault:?}: {error:?}")) == content);
        assert!(proxy.connections() > 2, "{fault:?}: {} connections", proxy.connections());
    }
    let store = open(server);
    let all = names(&*store).await;
    assert_eq!(all, ["up0", "up1", "up2", "up3"]);
    for name in &all {
        assert!(get(&*store, name).await.unwrap() == content, "{name}");
    }
    store.delete(&all).await.unwrap();
}
