//! What of an archive is wanted, and where that is.

use super::read_index;
use crate::run::cipher::Keys;
use crate::run::fetch::FetchError;
use crate::run::index::{Frame, Line};
use crate::run::manifest::{Entry, Index};
use crate::run::store::Store;
use crate::run::tar_walk::Member;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fmt;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;

/// Patterns of paths: `*` and `?` stop at a `/`, `**` does not; a folder stands for all that is below it.
#[derive(Debug, Clone)]
pub struct Patterns {
    set: Arc<GlobSet>,
    texts: Arc<[String]>,
}

impl Patterns {
    /// Reads them; a leading `/` says nothing, since archives have none.
    ///
    /// # Errors
    /// The pattern that is none, and why.
    pub fn new(texts: &[String]) -> Result<Self, (String, globset::Error)> {
        let mut set = GlobSetBuilder::new();
        for text in texts {
            let plain = text.trim_start_matches("./").trim_matches('/');
            let glob = GlobBuilder::new(plain).literal_separator(true).backslash_escape(true).build();
            set.add(glob.map_err(|error| (text.clone(), error))?);
        }
        let first = texts.first().cloned().unwrap_or_default();
        Ok(Self { set: Arc::new(set.build().map_err(|error| (first, error))?), texts: texts.into() })
    }

    /// Whether a path, as [`plain`] makes it, or a folder around it, is meant.
    fn mean(&self, path: &[u8]) -> bool {
        let path = Path::new(OsStr::from_bytes(path));
        path.ancestors().filter(|part| !part.as_os_str().is_empty()).any(|part| self.set.is_match(part))
            || self.set.is_match("")
    }
}

impl fmt::Display for Patterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted: Vec<String> = self.texts.iter().map(|text| format!("`{text}`")).collect();
        f.write_str(&quoted.join(" or "))
    }
}

/// A path without what says nothing: `./` and `/` before it, `/` after it.
fn plain(path: &[u8]) -> &[u8] {
    let mut path = path;
    while let Some(rest) = path.strip_prefix(b"./").or_else(|| path.strip_prefix(b"/")) {
        path = rest;
    }
    while let Some(rest) = path.strip_suffix(b"/") {
        path = rest;
    }
    if path == b"." { b"" } else { path }
}

/// A frame and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placed {
    pub frame: Frame,
    /// Where it begins in the archive, before encryption.
    pub packed_at: u64,
    /// Where its content begins in the tar stream.
    pub raw_at: u64,
}

/// What of an archive is wanted.
#[derive(Debug, Clone, Default)]
pub struct Picked {
    /// How many files and folders.
    pub members: u64,
    /// How many bytes were fetched to find that out.
    pub index_bytes: u64,
    /// Ranges of the tar stream, in order, none touching another.
    pub(super) ranges: Vec<Range<u64>>,
    /// The frames that hold them, in order.
    pub(super) frames: Vec<Placed>,
}

/// Finds what fits the patterns, with the folders around it, and with what a hard link among it is another name of.
///
/// # Errors
/// The index cannot be read.
pub async fn pick(store: &dyn Store, entry: &Entry, patterns: &Patterns, keys: &Keys) -> Result<Picked, FetchError> {
    let (first, targets) = pass(store, entry, patterns, HashSet::new(), keys).await?;
    if targets.is_empty() {
        return Ok(first);
    }
    // A target stands before its links, so that it is known too late.
    let (second, _) = pass(store, entry, patterns, targets, keys).await?;
    Ok(Picked { index_bytes: first.index_bytes + second.index_bytes, ..second })
}

async fn pass(
    store: &dyn Store,
    entry: &Entry,
    patterns: &Patterns,
    targets: HashSet<Vec<u8>>,
    keys: &Keys,
) -> Result<(Picked, HashSet<Vec<u8>>), FetchError> {
    let mut picking = Picking { patterns: patterns.clone(), targets, ..Picking::default() };
    let (mut picked, missing) = read_index(store, entry, keys, move |lines| {
        while let Some(line) = lines.next()? {
            match line {
                Line::Member(member) => picking.member(&member),
                Line::Frame(frame) => picking.frame(frame),
            }
        }
        Ok(picking.finish())
    })
    .await?;
    picked.index_bytes = match &entry.index {
        Index::Inline(_) => 0,
        Index::Object(stored) => stored.size,
    };
    Ok((picked, missing))
}

#[derive(Default)]
struct Picking {
    patterns: Patterns,
    /// Paths that are wanted besides.
    targets: HashSet<Vec<u8>>,
    /// Folders around the member that was seen last, and whether each is picked.
    around: Vec<(Vec<u8>, Range<u64>, bool)>,
    /// Targets of picked links that are not picked.
    missing: HashSet<Vec<u8>>,
    picked: Picked,
    all_frames: Vec<Placed>,
    next: (u64, u64),
}

impl Default for Patterns {
    fn default() -> Self {
        Self { set: Arc::new(GlobSet::empty()), texts: Arc::new([]) }
    }
}

impl Picking {
    fn member(&mut self, member: &Member) {
        let path = plain(&member.path);
        let range = member.offset..member.offset.saturating_add(member.length);
        while self.around.last().is_some_and(|(folder, _, _)| !lies_below(path, folder)) {
            self.around.pop();
        }
        let wanted = self.patterns.mean(path) || self.targets.contains(path);
        if wanted {
            self.add_around();
            self.add(range.clone());
            let target = member.target.as_deref().map(plain);
            if let Some(target) = target.filter(|target| !self.patterns.mean(target)) {
                self.missing.insert(target.to_vec());
            }
        }
        if member.kind == b'5' {
            self.around.push((path.to_vec(), range, wanted));
        }
    }

    fn add_around(&mut self) {
        let missing: Vec<Range<u64>> = self
            .around
            .iter_mut()
            .filter(|(_, _, picked)| !*picked)
            .map(|(_, range, picked)| {
                *picked = true;
                range.clone()
            })
            .collect();
        for range in missing {
            self.add(range);
        }
    }

    fn add(&mut self, range: Range<u64>) {
        self.picked.members += 1;
        match self.picked.ranges.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            Some(_) | None => self.picked.ranges.push(range),
        }
    }

    fn frame(&mut self, frame: Frame) {
        let (packed_at, raw_at) = self.next;
        self.all_frames.push(Placed { frame, packed_at, raw_at });
        self.next = (packed_at.saturating_add(frame.packed), raw_at.saturating_add(frame.raw));
    }

    fn finish(mut self) -> (Picked, HashSet<Vec<u8>>) {
        let ranges = &mut self.picked.ranges;
        ranges.sort_by_key(|range| range.start);
        ranges.dedup_by(|later, earlier| {
            let touches = later.start <= earlier.end;
            if touches {
                earlier.end = earlier.end.max(later.end);
            }
            touches
        });
        let needed = |placed: &Placed| {
            let end = placed.raw_at.saturating_add(placed.frame.raw);
            let at = ranges.partition_point(|range| range.end <= placed.raw_at);
            ranges.get(at).is_some_and(|range| range.start < end)
        };
        self.picked.frames = self.all_frames.into_iter().filter(needed).collect();
        (self.picked, self.missing)
    }
}

fn lies_below(path: &[u8], folder: &[u8]) -> bool {
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.first() == Some(&b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(texts: &[&str]) -> Patterns {
        Patterns::new(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    fn member(at: u64, kind: u8, path: &str, target: Option<&str>) -> Member {
        let target = target.map(|target| target.as_bytes().to_vec());
        Member { offset: at * 1024, length: 1024, kind, path: path.as_bytes().to_vec(), target }
    }

    /// First and last KiB of each range, how many frames, what is missing.
    fn picked(wanted: &[&str], targets: &[&str]) -> (Vec<(u64, u64)>, usize, HashSet<Vec<u8>>) {
        let targets = targets.iter().map(|target| target.as_bytes().to_vec()).collect();
        let mut picking = Picking { patterns: patterns(wanted), targets, ..Picking::default() };
        let members = [
            member(0, b'5', "./", None),
            member(1, b'5', "./a/", None),
            member(2, b'0', "./a/one", None),
            member(3, b'5', "./a/b/", None),
            member(4, b'0', "./a/b/two", None),
            member(5, b'5', "./c/", None),
            member(6, b'1', "./c/link", Some("./a/one")),
        ];
        for member in &members {
            picking.member(member);
            picking.frame(Frame { packed: 100, raw: 1024, sha256: [0; 32] });
        }
        let (picked, missing) = picking.finish();
        let kib = picked.ranges.into_iter().map(|range| (range.start / 1024, range.end / 1024)).collect();
        (kib, picked.frames.len(), missing)
    }

    #[test]
    fn what_is_meant_comes_with_the_folders_around_it_and_in_whole() {
        assert_eq!(picked(&["a/b/two"], &[]).0, [(0, 2), (3, 5)]);
        assert_eq!(picked(&["/a/b/"], &[]).0, [(0, 2), (3, 5)]);
        assert_eq!(picked(&["a/*"], &[]).0, [(0, 5)]);
        assert_eq!(picked(&["**/two", "c"], &[]).0, [(0, 2), (3, 7)]);
        assert_eq!(picked(&["*"], &[]).0, [(0, 7)]);
        assert_eq!(picked(&["two"], &[]), (vec![], 0, HashSet::new()));
    }

    #[test]
    fn only_frames_that_hold_something_of_it_are_fetched() {
        assert_eq!(picked(&["a/b/two"], &[]).1, 4);
    }

    #[test]
    fn a_hard_link_brings_what_it_is_another_name_of() {
        let (_, _, missing) = picked(&["c"], &[]);
        assert_eq!(missing, HashSet::from([b"a/one".to_vec()]));
        assert_eq!(picked(&["c"], &["a/one"]).0, [(0, 3), (5, 7)]);
    }

    #[test]
    fn what_is_no_pattern_is_told() {
        assert_eq!(Patterns::new(&["ok".into(), "[".into()]).unwrap_err().0, "[");
    }
}
