//! The files that are looked at together.

use crate::diag::{FileId, Sources, Span};
use crate::target::{FLEET_SYSTEMD_DEFAULT, SYSTEMD_DEFAULT, Scheduler, Scope, Target};
use crate::unit::{Dialect, UnitFile};
use std::ops::Range;

use super::rule::is_fleet;
use super::unit::Unit;

/// What a unit file's name ends in, without the dot.
pub const SUFFIXES: [&str; 11] =
    ["service", "timer", "path", "socket", "mount", "automount", "target", "swap", "slice", "scope", "device"];

/// One file: a unit, or a drop-in of one.
#[derive(Debug)]
pub struct File {
    /// The unit that it is, or that it adds to.
    pub name: String,
    /// The folder that the unit is in, as it was given; for a drop-in that of its `.d` folder.
    pub folder: String,
    /// Whether it is a drop-in.
    pub drop_in: bool,
    /// What it is for.
    pub target: Target,
    /// As systemd reads it.
    pub text: UnitFile,
    /// As fleet reads it, where fleet is the target.
    pub fleet: Option<UnitFile>,
    id: FileId,
}

impl File {
    /// A stretch of it as a place of the report.
    #[must_use]
    pub fn span(&self, range: Range<usize>) -> Span {
        Span { file: self.id, start: range.start, end: range.end }
    }
}

/// Files, and what they are for.
#[derive(Debug, Default)]
pub struct Files {
    target: Option<Target>,
    pub(super) all: Vec<File>,
    pub(super) sources: Sources,
}

impl Files {
    /// None yet. Without a target, a file that has a section `[X-Fleet]` is taken for fleet's, and any other for
    /// systemd's.
    #[must_use]
    pub fn new(target: Option<Target>) -> Self {
        Self { target, all: Vec::new(), sources: Sources::default() }
    }

    /// Adds a file under the path by which the user knows it; its last part is the unit's name, and
    /// `NAME.d/X.conf` is a drop-in of `NAME`.
    pub fn add(&mut self, path: &str, text: impl Into<Vec<u8>>) {
        let text = text.into();
        let id = self.sources.add(path, displayable(&text));
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let (folder, name, drop_in) = match drop_in_of(folder, name) {
            Some((folder, unit)) => (folder, unit, true),
            None => (folder, name, false),
        };
        let text = UnitFile::parse(text, Dialect::Systemd);
        let target = self.target.unwrap_or_else(|| guess(&text));
        let fleet = is_fleet(target).then(|| UnitFile::parse(text.text(), Dialect::Fleet));
        self.all.push(File { name: name.to_owned(), folder: folder.to_owned(), drop_in, target, text, fleet, id });
    }

    /// The units that they make, each with its drop-ins.
    #[must_use]
    pub fn units(&self) -> Vec<Unit<'_>> {
        super::unit::gather(self)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}

/// The folder and name of the unit that a file adds to, if it is a drop-in.
fn drop_in_of<'a>(folder: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let (outer, last) = folder.rsplit_once('/').unwrap_or(("", folder));
    let unit = last.strip_suffix(".d")?;
    std::path::Path::new(name).extension().is_some_and(|it| it == "conf").then_some((outer, unit))
}

fn guess(text: &UnitFile) -> Target {
    if text.sections().iter().any(|section| section.name == "X-Fleet") {
        Target { scheduler: Scheduler::Fleet, systemd: FLEET_SYSTEMD_DEFAULT }
    } else {
        Target { scheduler: Scheduler::Systemd(Scope::System), systemd: SYSTEMD_DEFAULT }
    }
}

/// The text with a `?` for each byte that is no UTF-8, so that every offset stays what it is.
fn displayable(text: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(std::iter::repeat_n('?', chunk.invalid().len()));
    }
    out
}
