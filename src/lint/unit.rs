//! A unit: its file and its drop-ins, read as one.

use super::directives::{self, Directive};
use super::files::{File, Files};
use super::parallel;
use crate::diag::Span;
use crate::target::Target;
use crate::unit::environment::{self, EnvironmentValue};
use crate::unit::exec::{self, ExecValue};
use crate::unit::specifier::Values;
use crate::unit::{Entry, UnitName, UnitType};
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::OnceLock;

/// An assignment, and the file that it stands in.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// The file.
    pub file: &'a File,
    /// The assignment.
    pub entry: &'a Entry,
    directive: Option<&'static Directive>,
}

impl<'a> Line<'a> {
    fn new(file: &'a File, entry: &'a Entry) -> Self {
        Self { file, entry, directive: directives::lookup(file.text.section_of(entry), &entry.key) }
    }

    /// What systemd knows of the key in its section; nothing of one that it does not know there.
    #[must_use]
    pub fn directive(&self) -> Option<&'static Directive> {
        self.directive
    }

    /// The section, without brackets.
    #[must_use]
    pub fn section(&self) -> &'a str {
        self.file.text.section_of(self.entry)
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &'a str {
        &self.entry.key
    }

    fn address(&self) -> (&'a str, &'a str) {
        (self.key(), self.section())
    }

    /// The value with its lines joined.
    #[must_use]
    pub fn value(&self) -> Cow<'a, str> {
        self.entry.value()
    }

    /// The value in its file, or the whole assignment where it is empty.
    #[must_use]
    pub fn span(&self) -> Span {
        let value = self.entry.value_span();
        self.file.span(if value.is_empty() { self.entry.span.clone() } else { value })
    }

    /// The key in its file.
    #[must_use]
    pub fn key_span(&self) -> Span {
        self.file.span(self.entry.key_span.clone())
    }

    /// The whole assignment with the end of its last line: what to take out where it goes.
    #[must_use]
    pub fn whole(&self) -> Span {
        self.file.lines(self.entry.span.clone())
    }

    /// The place behind the assignment, and a line of the same file that is to stand there.
    #[must_use]
    pub fn line_after(&self, line: &str) -> (Span, String) {
        let end = self.entry.span.end;
        (self.file.span(end..end), format!("{}{line}", self.file.newline()))
    }

    /// A stretch of the value in its file.
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> Span {
        self.file.span(self.entry.source_span(range))
    }
}

/// A unit with its drop-ins.
#[derive(Clone, Debug)]
pub struct Unit<'a> {
    name: &'a str,
    parsed: Option<UnitName>,
    main: Option<&'a File>,
    files: Vec<&'a File>,
    lines: Vec<Line<'a>>,
    /// Places in `lines`, by key and section: a file may have very many lines, and is asked for very many keys.
    by_key: Vec<usize>,
    target: Target,
    specifiers: OnceLock<Values>,
    commands: OnceLock<Vec<(Line<'a>, ExecValue)>>,
    environments: OnceLock<Vec<(Line<'a>, EnvironmentValue)>>,
}

impl<'a> Unit<'a> {
    /// The name, valid or not.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The name taken apart, where it is one.
    #[must_use]
    pub fn parsed(&self) -> Option<&UnitName> {
        self.parsed.as_ref()
    }

    /// The unit's own file; none where only drop-ins are among the files.
    #[must_use]
    pub fn main(&self) -> Option<&'a File> {
        self.main
    }

    /// All its files.
    #[must_use]
    pub fn files(&self) -> &[&'a File] {
        &self.files
    }

    /// Where it is.
    #[must_use]
    pub fn folder(&self) -> &'a str {
        self.files.first().map_or("", |file| &file.folder)
    }

    /// All assignments, the unit's own first, then those of its drop-ins.
    #[must_use]
    pub fn lines(&self) -> &[Line<'a>] {
        &self.lines
    }

    /// What it is for.
    #[must_use]
    pub fn target(&self) -> Target {
        self.target
    }

    /// Whether the unit is of a type, and its own file is known: what is missing then is missing.
    #[must_use]
    pub fn is_whole(&self, unit_type: UnitType) -> bool {
        self.main.is_some() && self.is(unit_type)
    }

    /// Whether the unit is of a type.
    #[must_use]
    pub fn is(&self, unit_type: UnitType) -> bool {
        self.name.rsplit_once('.').is_some_and(|(_, suffix)| suffix == unit_type.as_str())
    }

    /// The section of the unit's own type, such as `Service`; empty for a name without a known suffix.
    #[must_use]
    pub fn own_section(&self) -> &'static str {
        let suffix = self.name.rsplit_once('.').map_or("", |(_, suffix)| suffix);
        let sections = directives::SECTIONS.iter().chain(&directives::OTHER_SECTIONS);
        sections.into_iter().find(|section| section.eq_ignore_ascii_case(suffix)).copied().unwrap_or_default()
    }

    /// The assignments to a key, in order.
    pub fn all<'s>(&'s self, section: &'s str, key: &'s str) -> impl DoubleEndedIterator<Item = &'s Line<'a>> + 's {
        let at = |place: &usize| self.lines.get(*place).map(Line::address);
        let first = self.by_key.partition_point(|place| at(place) < Some((key, section)));
        let end = self.by_key.partition_point(|place| at(place) <= Some((key, section)));
        let places = self.by_key.get(first..end).unwrap_or_default();
        places.iter().filter_map(|place| self.lines.get(*place))
    }

    /// The assignments to a list that count: those after the last empty one.
    #[must_use]
    pub fn list(&self, section: &str, key: &str) -> Vec<Line<'a>> {
        let mut kept = Vec::new();
        for line in self.all(section, key) {
            if line.entry.bytes().is_empty() { kept.clear() } else { kept.push(*line) }
        }
        kept
    }

    /// The same for keys that make one list together: an empty assignment to any of them empties all.
    #[must_use]
    pub fn family(&self, section: &str, is_key: impl Fn(&str) -> bool) -> Vec<Line<'a>> {
        let mut kept = Vec::new();
        for line in self.lines.iter().filter(|line| is_key(line.key()) && line.section() == section) {
            if line.entry.bytes().is_empty() { kept.clear() } else { kept.push(*line) }
        }
        kept
    }

    /// The assignment to a single value that counts.
    #[must_use]
    pub fn last(&self, section: &str, key: &str) -> Option<Line<'a>> {
        self.all(section, key).next_back().copied()
    }

    /// The value that counts, empty where none is set.
    #[must_use]
    pub fn value(&self, section: &str, key: &str) -> Cow<'a, str> {
        self.last(section, key).map_or(Cow::Borrowed(""), |line| line.value())
    }

    /// Whether a key is set to something.
    #[must_use]
    pub fn has(&self, section: &str, key: &str) -> bool {
        !self.list(section, key).is_empty()
    }

    /// Every `Exec…=` with what systemd makes of it.
    #[must_use]
    pub fn commands(&self) -> &[(Line<'a>, ExecValue)] {
        self.commands.get_or_init(|| {
            let lines = self.lines.iter().filter(|line| is_command(line));
            lines.map(|line| (*line, exec::parse(line.entry.bytes(), &Values::none()))).collect()
        })
    }

    /// Every `Environment=` with what systemd makes of it.
    #[must_use]
    pub fn environments(&self) -> &[(Line<'a>, EnvironmentValue)] {
        self.environments.get_or_init(|| {
            let lines = self.lines.iter().filter(|line| line.key() == "Environment" && is_run(line));
            lines.map(|line| (*line, environment::parse(line.entry.bytes(), &Values::none()))).collect()
        })
    }

    /// The header of a section, or the first line of the first file.
    #[must_use]
    pub fn section_span(&self, section: &str) -> Option<Span> {
        let headers = self.files.iter().flat_map(|file| file.text.sections().iter().map(move |s| (file, s)));
        let header = headers.into_iter().find(|(_, s)| s.name == section).map(|(file, s)| file.span(s.span.clone()));
        header.or_else(|| {
            let file = self.files.first()?;
            let end = file.text.text().iter().position(|byte| *byte == b'\n').unwrap_or(file.text.text().len());
            Some(file.span(0..end))
        })
    }

    /// What specifiers become, as far as the name says it; a template's instance stays as it is written.
    #[must_use]
    pub fn specifiers(&self) -> &Values {
        self.specifiers.get_or_init(|| match &self.parsed {
            Some(name) if !name.is_template() => Values::of_unit(name),
            Some(name) => Values::none().with('p', name.prefix()),
            None => Values::none(),
        })
    }

    /// A text with its specifiers expanded as far as they are known; as written where one of them is none.
    #[must_use]
    pub fn expand(&self, text: &str) -> String {
        if !text.contains('%') {
            return text.to_owned();
        }
        let expanded = self.specifiers().expand(text.as_bytes()).unwrap_or_else(|_| text.as_bytes().to_vec());
        String::from_utf8_lossy(&expanded).into_owned()
    }
}

/// The units that files make.
pub(super) fn gather(files: &Files) -> Vec<Unit<'_>> {
    let mut order: Vec<(&str, &str)> = Vec::new();
    let mut parts: HashMap<(&str, &str), Vec<&File>> = HashMap::new();
    for file in &files.all {
        let place = (file.folder.as_str(), file.name.as_str());
        let part = parts.entry(place).or_default();
        if part.is_empty() {
            order.push(place);
        }
        part.push(file);
    }
    let units = parallel::map(&order, |place| unit(place.1, parts.get(place).cloned()?));
    units.into_iter().flatten().collect()
}

fn unit<'a>(name: &'a str, mut files: Vec<&'a File>) -> Option<Unit<'a>> {
    files.sort_by_key(|file| file.drop_in);
    let first = files.first().copied()?;
    let main = (!first.drop_in).then_some(first);
    let lines: Vec<Line<'_>> =
        files.iter().flat_map(|file| file.text.entries().iter().map(|entry| Line::new(file, entry))).collect();
    let mut by_key: Vec<usize> = (0..lines.len()).collect();
    by_key.sort_by_key(|place| lines.get(*place).map(Line::address));
    Some(Unit {
        name,
        parsed: UnitName::parse(name).ok(),
        main,
        files,
        lines,
        by_key,
        target: first.target,
        specifiers: OnceLock::new(),
        commands: OnceLock::new(),
        environments: OnceLock::new(),
    })
}

/// Sections whose units run something.
fn is_run(line: &Line<'_>) -> bool {
    matches!(line.section(), "Service" | "Socket" | "Mount" | "Swap")
}

fn is_command(line: &Line<'_>) -> bool {
    const KEYS: [&str; 9] = [
        "ExecCondition",
        "ExecStartPre",
        "ExecStart",
        "ExecStartPost",
        "ExecReload",
        "ExecReloadPost",
        "ExecStop",
        "ExecStopPre",
        "ExecStopPost",
    ];
    is_run(line) && KEYS.contains(&line.key())
}
