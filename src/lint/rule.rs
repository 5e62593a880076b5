//! A rule as a row of data, and how it tells what it found.

use super::circles::Edges;
use super::engine::Config;
use super::exposure::Score;
use super::files::File;
use super::unit::{Line, Unit};
use crate::diag::{Diagnostic, Safety, Severity, Span};
use crate::target::{Scheduler, Target};
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::OnceLock;

/// A rule.
#[derive(Debug)]
pub struct Rule {
    /// Its name in kebab case, unique.
    pub id: &'static str,
    /// How bad a finding usually is; a rule may tell a milder one.
    pub severity: Severity,
    /// One line: what it finds.
    pub summary: &'static str,
    /// Where the fact comes from.
    pub source: &'static str,
    /// Whether its findings can carry a fix.
    pub fix: Fixable,
    /// The page: why it matters, and what to write instead.
    pub page: &'static str,
    /// Looks at one unit; none for what the engine itself finds.
    pub(super) check: Option<fn(&Unit<'_>, &Context<'_>, &mut Found<'_>)>,
}

impl Rule {
    /// The page as text, without the blank that each line of a doc comment begins with.
    #[must_use]
    pub fn text(&self) -> String {
        let lines: Vec<&str> = self.page.lines().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
        lines.join("\n")
    }
}

/// Whether a rule's findings can carry a [`Fix`](crate::diag::Fix). Where one is not sure, a finding has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fixable {
    /// None does.
    Never,
    /// Some or all do, and `--fix` makes it.
    Safely,
    /// Some or all do, and `--fix --unsafe` makes it.
    Unsafely,
    /// As for [`Fixable::Safely`] and for [`Fixable::Unsafely`], by what was found.
    Either,
}

impl Fixable {
    /// Whether findings may carry such a fix.
    #[must_use]
    pub fn offers(self, safety: Safety) -> bool {
        match self {
            Self::Never => false,
            Self::Safely => safety == Safety::Safe,
            Self::Unsafely => safety == Safety::Unsafe,
            Self::Either => true,
        }
    }

    /// In words, for pages and tables.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Never => "none",
            Self::Safely => "safe",
            Self::Unsafely => "unsafe",
            Self::Either => "safe or unsafe",
        }
    }
}

/// Writes a rule as a constant; its doc comment becomes the page. A rule whose findings may carry a fix says so with
/// `fix:` before its check.
macro_rules! rule {
    (
        $(#[doc = $line:literal])+
        $name:ident = $id:literal, $severity:ident, $summary:literal, source: $source:literal, check: $check:expr
    ) => {
        $crate::lint::rule::rule! {
            $(#[doc = $line])+
            $name = $id, $severity, $summary, source: $source, fix: Never, check: $check
        }
    };
    (
        $(#[doc = $line:literal])+
        $name:ident = $id:literal, $severity:ident, $summary:literal, source: $source:literal, fix: $fix:ident,
        check: $check:expr
    ) => {
        $(#[doc = $line])+
        pub(in crate::lint) static $name: $crate::lint::Rule = $crate::lint::Rule {
            id: $id,
            severity: $crate::diag::Severity::$severity,
            summary: $summary,
            source: $source,
            fix: $crate::lint::Fixable::$fix,
            page: concat!($($line, "\n"),+),
            check: $check,
        };
    };
}
pub(super) use rule;

/// What a rule may look at beside its unit.
#[derive(Debug)]
pub struct Context<'a> {
    units: &'a [Unit<'a>],
    /// The first unit of each name, and that of each folder and name.
    by_name: HashMap<&'a str, usize>,
    by_place: HashMap<(&'a str, &'a str), usize>,
    waiting: OnceLock<Vec<Vec<usize>>>,
    requiring: OnceLock<Vec<Vec<usize>>>,
    /// For each unit those that it is ordered with, where that has been asked.
    orders: Vec<OnceLock<BTreeSet<String>>>,
    exposure_max: Option<Score>,
}

impl<'a> Context<'a> {
    pub(super) fn new(units: &'a [Unit<'a>], config: &Config) -> Self {
        let Config { levels: _, exposure_max } = *config;
        let (mut by_name, mut by_place) = (HashMap::new(), HashMap::new());
        for (place, unit) in units.iter().enumerate().filter(|(_, unit)| unit.main().is_some()) {
            by_name.entry(unit.name()).or_insert(place);
            by_place.entry((unit.folder(), unit.name())).or_insert(place);
        }
        let orders = units.iter().map(|_| OnceLock::new()).collect();
        let (waiting, requiring) = (OnceLock::new(), OnceLock::new());
        Self { units, by_name, by_place, waiting, requiring, orders, exposure_max }
    }

    /// The unit of that name among the files, or the template that it is an instance of; the nearest in the tree of
    /// folders first.
    #[must_use]
    pub fn resolve(&self, name: &str, near: &Unit<'_>) -> Option<&'a Unit<'a>> {
        self.units.get(self.place(name, near)?)
    }

    /// The same, as a place in [`Context::units`].
    pub(super) fn place(&self, name: &str, near: &Unit<'_>) -> Option<usize> {
        self.named(name, near).or_else(|| {
            let (stem, suffix) = name.rsplit_once('.')?;
            let (prefix, _) = stem.split_once('@')?;
            self.named(&format!("{prefix}@.{suffix}"), near)
        })
    }

    fn named(&self, name: &str, near: &Unit<'_>) -> Option<usize> {
        self.by_place.get(&(near.folder(), name)).or_else(|| self.by_name.get(name)).copied()
    }

    /// The units that one is ordered with, before or after; none for a unit that is not among the files.
    pub(super) fn orders(&self, name: &str, near: &Unit<'_>) -> &BTreeSet<String> {
        static NONE: BTreeSet<String> = BTreeSet::new();
        let Some(place) = self.place(name, near) else { return &NONE };
        let Some((orders, unit)) = self.orders.get(place).zip(self.units.get(place)) else { return &NONE };
        orders.get_or_init(|| super::rules::named(unit, &["After", "Before"]))
    }

    /// The circles of units that wait for each other, or require each other, as places in [`Context::units`].
    pub(super) fn circles(&self, edges: Edges) -> &[Vec<usize>] {
        let found = match edges {
            Edges::Order => &self.waiting,
            Edges::Requirement => &self.requiring,
        };
        found.get_or_init(|| super::circles::circles(self, edges))
    }

    /// The exposure above which a unit is told of, if any: what was set for all, or else in the unit's settings.
    #[must_use]
    pub fn exposure_max(&self, unit: &Unit<'_>) -> Option<Score> {
        self.exposure_max.or_else(|| unit.main()?.exposure_max)
    }

    /// All units.
    #[must_use]
    pub fn units(&self) -> &'a [Unit<'a>] {
        self.units
    }
}

/// Where a rule tells what it found.
#[derive(Debug)]
pub struct Found<'r> {
    rule: &'static Rule,
    told: &'r mut Vec<Diagnostic>,
    before: usize,
    most: usize,
    /// Takes what is told beyond that.
    spare: Option<Diagnostic>,
}

/// How often a rule is told of one unit: whoever has mended that many looks again.
pub(super) const TOLD_MAX: usize = 100;

impl<'r> Found<'r> {
    /// What a rule finds in a unit is added to `told`, at most so often.
    pub(super) fn new(rule: &'static Rule, told: &'r mut Vec<Diagnostic>, most: usize) -> Self {
        Self { rule, before: told.len(), told, most, spare: None }
    }
}

impl Found<'_> {
    /// Whether nothing more will be told of this unit; a rule may stop looking.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.told.len() - self.before >= self.most
    }

    /// At a stretch of a file.
    pub fn span(&mut self, file: &File, range: Range<usize>, message: impl Into<String>) -> &mut Diagnostic {
        self.at(&file.span(range), message)
    }

    /// At an assignment's value, or at the whole assignment where that is empty.
    pub fn line(&mut self, line: &Line<'_>, message: impl Into<String>) -> &mut Diagnostic {
        self.at(&line.span(), message)
    }

    /// At an assignment's key.
    pub fn key(&mut self, line: &Line<'_>, message: impl Into<String>) -> &mut Diagnostic {
        self.at(&line.file.span(line.entry.key_span.clone()), message)
    }

    /// At a stretch of an assignment's value, counted in its joined bytes.
    pub fn value(&mut self, line: &Line<'_>, range: Range<usize>, message: impl Into<String>) -> &mut Diagnostic {
        self.at(&line.part(range), message)
    }

    /// At a unit's section, or at its beginning where it has none of that name.
    pub fn section(&mut self, unit: &Unit<'_>, section: &str, message: impl Into<String>) -> &mut Diagnostic {
        match unit.section_span(section) {
            Some(span) => self.at(&span, message),
            None => self.push(message),
        }
    }

    fn at(&mut self, span: &Span, message: impl Into<String>) -> &mut Diagnostic {
        self.push(message).at(span)
    }

    fn push(&mut self, message: impl Into<String>) -> &mut Diagnostic {
        let diagnostic = Diagnostic::new(self.rule.severity, self.rule.id, message);
        if self.is_full() {
            return self.spare.insert(diagnostic);
        }
        self.told.push(diagnostic);
        let last = self.told.len() - 1;
        #[expect(clippy::indexing_slicing, reason = "the element was pushed on the line above")]
        &mut self.told[last]
    }
}

/// Whether fleet schedules what is made for the target.
#[must_use]
pub(super) fn is_fleet(target: Target) -> bool {
    match target.scheduler {
        Scheduler::Fleet => true,
        Scheduler::Systemd(_) => false,
    }
}
