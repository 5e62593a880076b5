//! The files that are looked at together.

use crate::diag::{FileId, Report, SourceFile, Sources, Span};
use crate::target::{FLEET_SYSTEMD_DEFAULT, SYSTEMD_DEFAULT, Scheduler, Scope, Target};
use crate::unit::{Dialect, UnitFile};
use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::exposure::Score;
use super::parallel;
use super::rule::is_fleet;
use super::settings::{self, FailOn, Settings};
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
    /// The exposure above which its settings have it told of.
    pub exposure_max: Option<Score>,
    /// Which settings are for it, and its path below their folder.
    settings: Option<(usize, String)>,
    id: FileId,
}

/// A file to be added.
#[derive(Debug, Clone)]
pub struct Given {
    /// The path by which the user knows it.
    pub path: PathBuf,
    /// Which settings are for it, as [`Files::configure`] gave them, and its path below their folder.
    pub settings: Option<(usize, String)>,
}

/// Settings in force.
#[derive(Debug)]
pub(super) struct Placed {
    pub settings: Settings,
    /// Whether every file that they are for is given, so that what they allow must be met.
    pub whole: bool,
    id: FileId,
}

impl File {
    /// Which of the report's texts it is.
    #[must_use]
    pub fn id(&self) -> FileId {
        self.id
    }

    /// A stretch of it as a place of the report.
    #[must_use]
    pub fn span(&self, range: Range<usize>) -> Span {
        Span { file: self.id, start: range.start, end: range.end }
    }

    /// How its lines end: as the first one does.
    #[must_use]
    pub fn newline(&self) -> &'static str {
        let text = self.text.text();
        let end = text.iter().position(|byte| *byte == b'\n');
        let before = end.and_then(|end| end.checked_sub(1)).and_then(|before| text.get(before));
        if before == Some(&b'\r') { "\r\n" } else { "\n" }
    }

    /// A stretch of whole lines with the end of the last one; where that has none, with the end of the line before.
    #[must_use]
    pub fn lines(&self, range: Range<usize>) -> Span {
        let text = self.text.text();
        let is_end = |byte: &u8| *byte == b'\n';
        let start = text.get(..range.start).and_then(|before| before.iter().rposition(is_end)).map_or(0, |at| at + 1);
        match text.get(range.end..).and_then(|after| after.iter().position(is_end)) {
            Some(end) => self.span(start..range.end + end + 1),
            None => self.span(start - self.newline().len().min(start)..text.len()),
        }
    }

    /// The place after a section's last assignment, or after its header; none where there is no such section.
    #[must_use]
    pub fn section_end(&self, section: &str) -> Option<Span> {
        let header = self.text.sections().iter().rfind(|it| it.name == section)?.span.end;
        let last = self.text.entries_of(section).last().map_or(header, |entry| entry.span.end.max(header));
        Some(self.span(last..last))
    }
}

/// Files, and what they are for.
#[derive(Debug, Default)]
pub struct Files {
    target: Option<Target>,
    pub(super) all: Vec<File>,
    pub(super) placed: Vec<Placed>,
    pub(super) sources: Sources,
}

impl Files {
    /// None yet. Without a target, a file that has a section `[X-Fleet]` is taken for fleet's, and any other for
    /// systemd's.
    #[must_use]
    pub fn new(target: Option<Target>) -> Self {
        Self { target, ..Self::default() }
    }

    /// Adds a file under the path by which the user knows it; its last part is the unit's name, and
    /// `NAME.d/X.conf` is a drop-in of `NAME`.
    pub fn add(&mut self, path: &str, text: impl Into<Vec<u8>>) {
        let read = read(self.target, path, text.into());
        self.put(read, None);
    }

    /// Adds settings, an `eightbells.toml`, for files that are added later; `whole` says that all of them are. The number
    /// is for [`Given::settings`].
    ///
    /// # Errors
    /// What is wrong with them.
    #[expect(clippy::result_large_err, reason = "it is made once for a file of settings")]
    pub fn configure(&mut self, name: &str, text: &str, whole: bool) -> Result<usize, Report> {
        let id = self.sources.add(name, text);
        let mut report = Report::default();
        report.sources = self.sources.clone();
        let settings = settings::read(text, id, &mut report);
        if report.has_errors() {
            return Err(report);
        }
        self.placed.push(Placed { settings, whole, id });
        Ok(self.placed.len() - 1)
    }

    /// Settings by their number.
    #[must_use]
    pub fn settings(&self, number: usize) -> Option<&Settings> {
        self.placed.get(number).map(|placed| &placed.settings)
    }

    /// The settings for a file, or of the file that they are in.
    pub(super) fn settings_for(&self, id: FileId) -> Option<&Settings> {
        let of_file = self.number_for(id).map(|(number, _)| number);
        let number = of_file.or_else(|| self.placed.iter().position(|placed| placed.id == id))?;
        self.settings(number)
    }

    /// Which settings are for a file, and its path below their folder.
    pub(super) fn number_for(&self, id: FileId) -> Option<(usize, &str)> {
        let file = self.place(id).and_then(|place| self.all.get(place))?;
        file.settings.as_ref().map(|(number, path)| (*number, path.as_str()))
    }

    /// The findings that make `lint` fail, by the file that they are in, where its settings say it.
    #[must_use]
    pub fn fail_on(&self) -> HashMap<FileId, FailOn> {
        let ids = self.all.iter().map(|file| file.id).chain(self.placed.iter().map(|placed| placed.id));
        ids.filter_map(|id| Some((id, self.settings_for(id)?.fail_on?))).collect()
    }

    /// Adds files in the order given, read and taken apart on all cores.
    ///
    /// # Errors
    /// What `text_of` says of the first file that it cannot read; none is added then.
    pub fn add_all<E: Send>(
        &mut self,
        paths: &[PathBuf],
        text_of: impl Fn(&Path) -> Result<Vec<u8>, E> + Sync,
    ) -> Result<(), E> {
        let given: Vec<Given> = paths.iter().map(|path| Given { path: path.clone(), settings: None }).collect();
        self.add_given(&given, text_of)
    }

    /// The same for files that settings are for. A target that was given for all beats theirs.
    ///
    /// # Errors
    /// As there.
    pub fn add_given<E: Send>(
        &mut self,
        given: &[Given],
        text_of: impl Fn(&Path) -> Result<Vec<u8>, E> + Sync,
    ) -> Result<(), E> {
        let target = |it: &Given| {
            let (number, path) = it.settings.as_ref()?;
            self.settings(*number)?.target_of(path)
        };
        let read = |it: &Given| {
            let target = self.target.or_else(|| target(it));
            Ok(read(target, &it.path.to_string_lossy(), text_of(&it.path)?))
        };
        let files = parallel::map(given, read).into_iter().collect::<Result<Vec<Read>, E>>()?;
        for (file, Given { path: _, settings }) in files.into_iter().zip(given) {
            self.put(file, settings.clone());
        }
        Ok(())
    }

    fn put(&mut self, file: Read, settings: Option<(usize, String)>) {
        let Read { name, folder, drop_in, target, text, fleet, source } = file;
        let id = self.sources.push(source);
        let exposure_max = settings.as_ref().and_then(|(number, path)| self.settings(*number)?.exposure_max_of(path));
        self.all.push(File { name, folder, drop_in, target, text, fleet, exposure_max, settings, id });
    }

    /// Puts another text in the place of the one that was added under a path, if one was.
    pub fn rewrite(&mut self, path: &str, text: impl Into<Vec<u8>>) {
        let named = |file: &&File| self.sources.get(file.id).is_some_and(|source| source.name == path);
        if let Some(id) = self.all.iter().find(named).map(|file| file.id) {
            self.replace_if_other(id, text.into());
        }
    }

    /// The text of the file with that id.
    pub(super) fn text(&self, id: FileId) -> Option<&[u8]> {
        self.place(id).and_then(|place| self.all.get(place)).map(|file| file.text.text())
    }

    /// Ids rise in the order in which files are added.
    fn place(&self, id: FileId) -> Option<usize> {
        self.all.binary_search_by_key(&id, |file| file.id).ok()
    }

    /// Puts another text in the place of the one with that id, if it is another.
    pub(super) fn replace_if_other(&mut self, id: FileId, text: Vec<u8>) {
        let Some(file) = self.place(id).and_then(|place| self.all.get_mut(place)) else { return };
        if file.text.text() == text {
            return;
        }
        let (shown, bytes) = shared(text);
        self.sources.replace(id, shown);
        file.fleet = file.fleet.is_some().then(|| UnitFile::parse_shared(bytes.clone(), Dialect::Fleet));
        file.text = UnitFile::parse_shared(bytes, Dialect::Systemd);
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

/// A file that has no place among the others yet; see [`File`].
struct Read {
    name: String,
    folder: String,
    drop_in: bool,
    target: Target,
    text: UnitFile,
    fleet: Option<UnitFile>,
    source: SourceFile,
}

fn read(target: Option<Target>, path: &str, text: Vec<u8>) -> Read {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let (folder, name, drop_in) = match drop_in_of(folder, name) {
        Some((folder, unit)) => (folder, unit, true),
        None => (folder, name, false),
    };
    let (shown, bytes) = shared(text);
    let text = UnitFile::parse_shared(bytes.clone(), Dialect::Systemd);
    let target = target.unwrap_or_else(|| guess(&text));
    let fleet = is_fleet(target).then(|| UnitFile::parse_shared(bytes, Dialect::Fleet));
    let source = SourceFile::new(path, shown);
    Read { name: name.to_owned(), folder: folder.to_owned(), drop_in, target, text, fleet, source }
}

/// A text to be shown, and to be read; both are one where it is UTF-8.
fn shared(text: Vec<u8>) -> (Arc<str>, Arc<[u8]>) {
    match String::from_utf8(text) {
        Ok(text) => {
            let text: Arc<str> = text.into();
            (text.clone(), text.into())
        }
        Err(error) => (displayable(error.as_bytes()).into(), error.as_bytes().into()),
    }
}

/// The folder and name of the unit that a file adds to, if it is a drop-in.
fn drop_in_of<'a>(folder: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let (outer, last) = folder.rsplit_once('/').unwrap_or(("", folder));
    let unit = last.strip_suffix(".d")?;
    Path::new(name).extension().is_some_and(|it| it == "conf").then_some((outer, unit))
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
