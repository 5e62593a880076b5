//! Names of archives: printed from a template, and parsed back exactly, so that pruning touches nothing else.

use super::part::{ANY_PART, PART_MARK, candidates};
use super::{INDEX_SUFFIX, MANIFEST_SOURCE, MANIFEST_SUFFIX, default_template};
use crate::value::{Piece, Placeholder, Template, TimeField, TimePart};
use jiff::{Timestamp, civil, tz::TimeZone};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// The template of an archive's name, without its extension. Serialised as its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ArchiveName(Template);

/// Why a template cannot name archives.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Without the time, the second archive would be the first one's name.
    #[error("the name has no `{{time:…}}`, so that two archives would be called the same")]
    NoTime,
    /// A date that cannot be told from the name.
    #[error("the time in the name does not tell year, month and day, so that its age could not be told")]
    NoDate,
    /// More than one `{time:…}`.
    #[error("the name holds `{{time:…}}` more than once")]
    TwoTimes,
    /// A placeholder that names cannot hold.
    #[error("`{{scratch}}` has no meaning in a name")]
    Scratch,
    /// A folder in the name, or a name that hides or climbs.
    #[error("{0}")]
    Path(&'static str),
}

/// Whose names are meant: what the placeholders other than source and time stand for.
#[derive(Debug, Clone, Copy)]
pub struct Identity<'a> {
    /// The job.
    pub job: &'a str,
    /// The instance, unescaped, where the job has instances.
    pub instance: Option<&'a str>,
    /// The host; none where any host is meant.
    pub host: Option<&'a str>,
}

/// One part of a [`NamePattern`].
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Source,
    Field(TimeField),
    /// A host's name that is not known yet.
    AnyHost,
}

/// An [`ArchiveName`] for one job, instance and host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamePattern {
    parts: Vec<Part>,
    zone: TimeZone,
    names_source: bool,
}

/// A name's extension may end so, in this order, after what its source gives it.
const COMPRESSION_SUFFIXES: [&str; 4] = [".gz", ".zst", "", INDEX_SUFFIX];
const ENCRYPTION_SUFFIXES: [&str; 2] = [".age", ""];

/// What a name says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedName {
    /// The source whose archive it is, or [`MANIFEST_SOURCE`].
    pub source: String,
    /// The run's instant.
    pub time: Timestamp,
    /// What follows the stem, with its dot.
    pub extension: String,
}

impl ArchiveName {
    /// Checks that a template can name archives.
    ///
    /// # Errors
    /// See [`NameError`].
    pub fn new(template: Template) -> Result<Self, NameError> {
        let times: Vec<_> = template.placeholders().filter(|p| matches!(p, Placeholder::Time(_))).collect();
        match times.as_slice() {
            [] => return Err(NameError::NoTime),
            [Placeholder::Time(format)] if !tells_date(format.parts()) => return Err(NameError::NoDate),
            [_] => {}
            _ => return Err(NameError::TwoTimes),
        }
        if template.placeholders().any(|p| *p == Placeholder::Scratch) {
            return Err(NameError::Scratch);
        }
        check_text(&template)?;
        Ok(Self(template))
    }

    /// The name that a job's archives have where the spec gives none.
    #[must_use]
    pub fn for_job(instances: bool, hosts: bool) -> Self {
        Self(default_template(instances, hosts))
    }

    /// The template.
    #[must_use]
    pub fn template(&self) -> &Template {
        &self.0
    }

    /// Whether the name tells sources apart.
    #[must_use]
    pub fn uses_source(&self) -> bool {
        self.0.placeholders().any(|p| *p == Placeholder::Source)
    }

    /// Whether the name tells hosts apart.
    #[must_use]
    pub fn uses_host(&self) -> bool {
        self.0.placeholders().any(|p| *p == Placeholder::Host)
    }

    /// Whether the name's time is exact to the second.
    #[must_use]
    pub fn tells_seconds(&self) -> bool {
        let mut fields = self.0.placeholders().filter_map(|p| match p {
            Placeholder::Time(format) => Some(format.parts()),
            _ => None,
        });
        let has = |parts: &[TimePart], field| parts.contains(&TimePart::Field(field));
        fields.any(|parts| {
            has(parts, TimeField::Epoch)
                || [TimeField::Hour, TimeField::Minute, TimeField::Second].into_iter().all(|f| has(parts, f))
        })
    }

    /// The pattern of one job's names. Characters that would make a folder or hide a file are replaced by `-` in what
    /// placeholders stand for.
    #[must_use]
    pub fn pattern(&self, identity: Identity<'_>, zone: TimeZone) -> NamePattern {
        let mut parts = vec![];
        for piece in self.0.pieces() {
            match piece {
                Piece::Text(text) => parts.push(Part::Text(text.clone())),
                Piece::Placeholder(Placeholder::Job) => parts.push(Part::Text(safe(identity.job))),
                Piece::Placeholder(Placeholder::Instance) => {
                    parts.push(Part::Text(safe(identity.instance.unwrap_or(""))));
                }
                Piece::Placeholder(Placeholder::Host) => {
                    parts.push(identity.host.map_or(Part::AnyHost, |host| Part::Text(safe(host))));
                }
                Piece::Placeholder(Placeholder::Source) => parts.push(Part::Source),
                Piece::Placeholder(Placeholder::Time(format)) => parts.extend(format.parts().iter().map(time_part)),
                Piece::Placeholder(Placeholder::Scratch) => {}
            }
        }
        NamePattern { parts, zone, names_source: self.uses_source() }
    }
}

fn time_part(part: &TimePart) -> Part {
    match part {
        TimePart::Text(text) => Part::Text(text.clone()),
        TimePart::Field(field) => Part::Field(*field),
    }
}

fn tells_date(parts: &[TimePart]) -> bool {
    let has = |field| parts.contains(&TimePart::Field(field));
    let day = has(TimeField::DayOfYear) || (has(TimeField::Month) && has(TimeField::Day));
    has(TimeField::Epoch) || (has(TimeField::Year) && day)
}

fn check_text(template: &Template) -> Result<(), NameError> {
    let text = template.to_string();
    if text.contains('/') {
        return Err(NameError::Path(
            "a name is one file name without `/`; folders belong in the destination's path or prefix",
        ));
    }
    if text.starts_with('.') {
        return Err(NameError::Path("a name that begins with `.` would be hidden"));
    }
    if text.chars().any(char::is_control) {
        return Err(NameError::Path("a name holds no control characters"));
    }
    Ok(())
}

/// What a placeholder stands for, as part of one file name.
#[must_use]
pub fn safe(text: &str) -> String {
    text.chars().map(|c| if c == '/' || c.is_control() { '-' } else { c }).collect()
}

impl NamePattern {
    /// The time zone whose clocks the names tell.
    #[must_use]
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The name, without extension, of a source's archive, or of the manifest ([`MANIFEST_SOURCE`]).
    #[must_use]
    pub fn stem(&self, source: &str, time: Timestamp) -> String {
        let time = time.to_zoned(self.zone.clone());
        let mut stem = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => stem.push_str(text),
                Part::Source => stem.push_str(&safe(source)),
                Part::Field(field) => {
                    let _ = write!(stem, "{:0width$}", field.of(&time), width = field.width());
                }
                Part::AnyHost => stem.push('*'),
            }
        }
        if !self.names_source && source == MANIFEST_SOURCE {
            stem.push('_');
            stem.push_str(MANIFEST_SOURCE);
        }
        stem
    }

    /// The manifest's whole name.
    #[must_use]
    pub fn manifest(&self, time: Timestamp) -> String {
        format!("{}{MANIFEST_SUFFIX}", self.stem(MANIFEST_SOURCE, time))
    }

    /// Reads a name; none where it is not one that this job gives.
    ///
    /// `sources` are the job's objects with the extension of each ([`crate::source::Source::objects`]); one that ends in
    /// [`ANY_PART`] stands for every part of its source.
    #[must_use]
    pub fn parse<'a>(&self, name: &str, sources: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<ParsedName> {
        let manifest = std::iter::once((MANIFEST_SOURCE, ""));
        sources.into_iter().chain(manifest).find_map(|(source, extension)| match source.strip_suffix(ANY_PART) {
            None => self.parse_as(name, source, extension),
            Some(source) => self.parse_part(name, source, extension),
        })
    }

    /// A part's name ends where the whole name parses: what follows has a fixed width, and no extension ends in another
    /// one's whole.
    fn parse_part(&self, name: &str, source: &str, extension: &str) -> Option<ParsedName> {
        let mut before = 0;
        for part in &self.parts {
            match part {
                Part::Text(text) => before += text.len(),
                Part::Field(field) => before += field.width(),
                Part::Source => break,
                Part::AnyHost => return None,
            }
        }
        candidates(name.get(before..)?, source).find_map(|part| self.parse_as(name, part, extension))
    }

    fn parse_as(&self, name: &str, source: &str, content: &str) -> Option<ParsedName> {
        let mut fields = vec![];
        let mut rest = name;
        for part in &self.parts {
            rest = match part {
                Part::Text(text) => rest.strip_prefix(text.as_str())?,
                Part::Source => rest.strip_prefix(safe(source).as_str())?,
                Part::Field(field) => {
                    let (digits, after) = rest.split_at_checked(field.width())?;
                    let number = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())??;
                    fields.push((*field, number));
                    after
                }
                Part::AnyHost => return None,
            };
        }
        if !self.names_source && source == MANIFEST_SOURCE {
            rest = rest.strip_prefix('_')?.strip_prefix(MANIFEST_SOURCE)?;
        }
        let time = time_of(&fields, &self.zone)?;
        let known = if source == MANIFEST_SOURCE { rest == MANIFEST_SUFFIX } else { is_extension(rest, content) };
        let same = name.strip_suffix(rest)? == self.stem(source, time);
        (known && same).then(|| ParsedName { source: source.into(), time, extension: rest.into() })
    }

    /// A digit of the time in a [`Self::shape`]; names hold no control characters.
    pub const DIGIT: char = '\u{1}';
    /// An unknown host in a [`Self::shape`].
    pub const HOST: char = '\u{2}';

    /// A source's names as one text: every digit of the time is [`Self::DIGIT`], a host that is not known
    /// [`Self::HOST`].
    #[must_use]
    pub fn shape(&self, source: &str, extension: &str) -> String {
        let show = |atom: &Atom| match atom {
            Atom::Char(c) => *c,
            Atom::Digit => Self::DIGIT,
            Atom::AnyHost => Self::HOST,
        };
        self.atoms(source, extension).iter().map(show).collect()
    }

    /// A text that two patterns without unknown hosts share where some name could be both's: digits all read `0`.
    #[must_use]
    pub fn skeleton(&self, source: &str, extension: &str) -> String {
        let atoms = self.atoms(source, extension);
        let show = |atom: &Atom| match atom {
            Atom::Char(c) if c.is_ascii_digit() => '0',
            Atom::Char(c) => *c,
            Atom::Digit => '0',
            Atom::AnyHost => '*',
        };
        atoms.iter().map(show).collect()
    }

    /// Whether some name could be both this source's and the other's, compression apart.
    #[must_use]
    pub fn may_equal(&self, source: (&str, &str), other: &Self, other_source: (&str, &str)) -> bool {
        intersects(&self.atoms(source.0, source.1), &other.atoms(other_source.0, other_source.1))
    }

    fn atoms(&self, source: &str, extension: &str) -> Vec<Atom> {
        let mut atoms = vec![];
        for part in &self.parts {
            match part {
                Part::Text(text) => atoms.extend(text.chars().map(Atom::Char)),
                Part::Source => atoms.extend(source_atoms(source)),
                Part::Field(field) => atoms.extend(std::iter::repeat_n(Atom::Digit, field.width())),
                Part::AnyHost => atoms.push(Atom::AnyHost),
            }
        }
        atoms.push(Atom::Char('.'));
        atoms.extend(extension.chars().map(Atom::Char));
        atoms
    }
}

/// A source's name; a part that is not known yet is as open as a host that is not.
fn source_atoms(source: &str) -> Vec<Atom> {
    let name = source.strip_suffix(ANY_PART);
    let mut atoms: Vec<Atom> = safe(name.unwrap_or(source)).chars().map(Atom::Char).collect();
    if name.is_some() {
        atoms.extend([Atom::Char(PART_MARK), Atom::AnyHost]);
    }
    atoms
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Atom {
    Char(char),
    Digit,
    /// One or more characters of a host's name, or a part's.
    AnyHost,
}

impl Atom {
    fn meets(self, other: Self) -> bool {
        match (self, other) {
            (Self::Char(a), Self::Char(b)) => a == b,
            (Self::Char(c), Self::Digit) | (Self::Digit, Self::Char(c)) => c.is_ascii_digit(),
            (Self::Digit, Self::Digit) | (Self::AnyHost, _) | (_, Self::AnyHost) => true,
        }
    }
}

/// Whether some text fits both. Positions of the two are walked together; a host may go on or end after each step.
fn intersects(a: &[Atom], b: &[Atom]) -> bool {
    let mut seen = std::collections::HashSet::new();
    let mut open = vec![(0, 0)];
    while let Some((i, j)) = open.pop() {
        if !seen.insert((i, j)) {
            continue;
        }
        match (a.get(i), b.get(j)) {
            (None, None) => return true,
            (Some(x), Some(y)) if x.meets(*y) => {
                open.push((i + 1, j + 1));
                if *x == Atom::AnyHost {
                    open.push((i, j + 1));
                }
                if *y == Atom::AnyHost {
                    open.push((i + 1, j));
                }
            }
            _ => {}
        }
    }
    false
}

fn is_extension(rest: &str, content: &str) -> bool {
    let Some(rest) = rest.strip_prefix('.').and_then(|r| r.strip_prefix(content)) else { return false };
    let rest = ENCRYPTION_SUFFIXES.iter().find_map(|suffix| rest.strip_suffix(suffix)).unwrap_or(rest);
    COMPRESSION_SUFFIXES.contains(&rest)
}

fn time_of(fields: &[(TimeField, i64)], zone: &TimeZone) -> Option<Timestamp> {
    let value = |field| fields.iter().find(|(f, _)| *f == field).map(|(_, v)| *v);
    if let Some(epoch) = value(TimeField::Epoch) {
        return Timestamp::from_second(epoch).ok();
    }
    let year = i16::try_from(value(TimeField::Year)?).ok()?;
    let date = match (value(TimeField::Month), value(TimeField::Day), value(TimeField::DayOfYear)) {
        (Some(month), Some(day), _) => {
            civil::Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?
        }
        (_, _, Some(day)) => {
            civil::Date::new(year, 1, 1).ok()?.with().day_of_year(i16::try_from(day).ok()?).build().ok()?
        }
        _ => return None,
    };
    let part = |field| i8::try_from(value(field).unwrap_or(0)).ok();
    let time = civil::Time::new(part(TimeField::Hour)?, part(TimeField::Minute)?, part(TimeField::Second)?, 0).ok()?;
    Some(date.to_datetime(time).to_zoned(zone.clone()).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Result<ArchiveName, NameError> {
        ArchiveName::new(Template::parse(text).unwrap())
    }

    fn pattern(text: &str) -> NamePattern {
        let identity = Identity { job: "job", instance: Some("80"), host: Some("h1") };
        name(text).unwrap().pattern(identity, TimeZone::UTC)
    }

    fn time() -> Timestamp {
        "2014-11-02T01:02:03Z".parse().unwrap()
    }

    const SOURCES: [(&str, &str); 2] = [("pages", "tar"), ("db", "sql")];

    #[test]
    fn what_is_printed_parses_back() {
        let formats = [
            "{time:%Y-%m-%d-%H-%M-%S}_{source}",
            "{job}_{instance}_{host}_{source}_{time:%s}",
            "x{time:%Y%j%H%M%S}{source}",
        ];
        for format in formats {
            let pattern = pattern(format);
            for (source, extension) in SOURCES {
                let file = format!("{}.{extension}.zst.age", pattern.stem(source, time()));
                let parsed = pattern.parse(&file, SOURCES).unwrap();
                assert_eq!((parsed.source.as_str(), parsed.time), (source, time()), "{file}");
            }
            let parsed = pattern.parse(&pattern.manifest(time()), SOURCES).unwrap();
            assert_eq!((parsed.source.as_str(), parsed.time), (MANIFEST_SOURCE, time()));
        }
    }

    #[test]
    fn parts_that_are_known_later_parse_back_whatever_they_are_called() {
        let sources = [("db", "sql"), ("db@*", "sql"), ("other", "tar")];
        for format in
            ["{job}_{source}_{time:%Y-%m-%dT%H-%M-%SZ}", "{time:%Y%m%d}{source}", "{source}{time:%s}.{source}"]
        {
            let pattern = pattern(format);
            for part in ["app", "a_b", "2014-11-02T01-02-03Z", "x.sql", "sql.gz", "ü b/c", "@", "db@db", "0", "="] {
                for extension in [".sql", ".sql.gz", ".sql.zst.age"] {
                    let source = super::super::part_name("db", part);
                    let file = format!("{}{extension}", pattern.stem(&source, time()));
                    let parsed = pattern.parse(&file, sources).unwrap_or_else(|| panic!("{file}"));
                    assert_eq!((parsed.source, parsed.extension.as_str()), (source, extension), "{file}");
                }
            }
            for wrong in [pattern.stem("db@", time()) + ".sql", pattern.stem("db@a b", time()) + ".sql"] {
                assert_eq!(pattern.parse(&wrong, sources), None, "{wrong}");
            }
        }
    }

    #[test]
    fn names_of_unknown_parts_are_compared_with_others() {
        let one = pattern("{source}_{time:%Y%m%d}");
        assert!(one.may_equal(("db@*", "sql"), &one, ("db@app", "sql")));
        assert!(!one.may_equal(("db@*", "sql"), &one, ("db", "sql")));
        assert!(!one.may_equal(("db@*", "sql"), &one, ("bd@*", "sql")));
        assert!(one.shape("db@*", "sql").contains(NamePattern::HOST));
    }

    #[test]
    fn the_article_s_name_is_printed() {
        let stem = pattern("{time:%Y-%m-%d-%H-%M-%S}_{source}").stem("pages", time());
        assert_eq!(stem, "2014-11-02-01-02-03_pages");
    }

    #[test]
    fn a_name_without_source_still_has_a_manifest() {
        let pattern = pattern("{time:%F-%H%M%S}");
        assert_eq!(pattern.manifest(time()), "2014-11-02-010203_manifest.json");
        assert!(pattern.parse("2014-11-02-010203_manifest.json", SOURCES).is_some());
    }

    #[test]
    fn foreign_names_are_not_ours() {
        let pattern = pattern("{job}_{source}_{time:%Y%m%d}");
        let foreign = [
            "",
            "job_pages_20141102",
            "job_pages_20141102.zip",
            "job_pages_20141102.sql",
            "job_pages_20141302.tar",
            "job_pages_2014110x.tar",
            "job_pages_20141102.tar.gz.part",
            "xjob_pages_20141102.tar",
            "job_other_20141102.tar",
            "job_pages_٢٠١٤١١٠٢.tar",
        ];
        for name in foreign {
            assert_eq!(pattern.parse(name, SOURCES), None, "{name}");
        }
    }

    #[test]
    fn names_that_cannot_work_are_refused() {
        assert_eq!(name("{job}"), Err(NameError::NoTime));
        assert_eq!(name("{time:%H}"), Err(NameError::NoDate));
        assert_eq!(name("{time:%F}{time:%T}"), Err(NameError::TwoTimes));
        assert_eq!(name("{scratch}{time:%F}"), Err(NameError::Scratch));
        assert!(matches!(name("a/{time:%F}"), Err(NameError::Path(_))));
        assert!(matches!(name(".{time:%F}"), Err(NameError::Path(_))));
    }

    #[test]
    fn names_that_could_be_taken_for_each_other_are_found() {
        let job = |job: &'static str, instance| {
            name("{job}_{instance}_{source}_{time:%F}")
                .unwrap()
                .pattern(Identity { job, instance: Some(instance), host: None }, TimeZone::UTC)
        };
        assert!(job("a", "b_c").may_equal(("s", "tar"), &job("a_b", "c"), ("s", "tar")));
        assert!(!job("a", "b").may_equal(("s", "tar"), &job("a", "c"), ("s", "tar")));
        assert!(!job("a", "b").may_equal(("s", "tar"), &job("a", "b"), ("s", "sql")));
        let any =
            name("{host}_{time:%F}").unwrap().pattern(Identity { job: "x", instance: None, host: None }, TimeZone::UTC);
        let fixed =
            name("web_{time:%F}").unwrap().pattern(Identity { job: "x", instance: None, host: None }, TimeZone::UTC);
        assert!(any.may_equal(("s", "tar"), &fixed, ("s", "tar")));
    }

    #[test]
    fn equal_skeletons_are_necessary_for_a_clash() {
        let dated = pattern("a{time:%Y%m%d}");
        let digits = pattern("a2014{time:%m%d%Y}");
        assert_ne!(dated.skeleton("s", "tar"), digits.skeleton("s", "tar"));
        assert_eq!(dated.skeleton("s", "tar"), pattern("a{time:%d%m%Y}").skeleton("s", "tar"));
    }

    #[test]
    fn local_times_parse_back_in_their_zone() {
        let zone = TimeZone::get("Asia/Tokyo").unwrap();
        let identity = Identity { job: "j", instance: None, host: None };
        let pattern = name("{time:%FT%H-%M-%S}").unwrap().pattern(identity, zone);
        assert_eq!(pattern.stem("s", time()), "2014-11-02T10-02-03");
        assert_eq!(pattern.parse("2014-11-02T10-02-03.tar.gz", [("s", "tar")]).unwrap().time, time());
    }
}
