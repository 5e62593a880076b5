//! Findings, gathered.

use super::{Fix, Sources, Span};
use std::collections::HashSet;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing can be generated or run.
    Error,
    /// It works, and most likely not as meant.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// The word that messages begin with.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// A second place that explains a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is to be seen there.
    pub text: String,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Stable identifier in kebab case; `eightbells explain ID` knows it.
    pub id: &'static str,
    /// What is wrong, in lower case, without a final period.
    pub message: String,
    /// Where; none for what concerns a whole run.
    pub span: Option<Span>,
    /// Text beside the caret: what is allowed there.
    pub label: Option<String>,
    /// Other places that belong to it.
    pub others: Vec<Label>,
    /// What to do, one sentence each.
    pub help: Vec<String>,
    /// A change of the text that takes the finding away, where one is known.
    pub fix: Option<Fix>,
}

impl Diagnostic {
    /// A finding without a place.
    #[must_use]
    pub fn new(severity: Severity, id: &'static str, message: impl Into<String>) -> Self {
        let message = tame(&message.into());
        Self { severity, id, message, span: None, label: None, others: vec![], help: vec![], fix: None }
    }

    /// Sets the place.
    pub fn at(&mut self, span: &Span) -> &mut Self {
        self.span = Some(span.clone());
        self
    }

    /// Sets the text beside the caret.
    pub fn label(&mut self, text: impl Into<String>) -> &mut Self {
        self.label = Some(tame(&text.into()));
        self
    }

    /// Adds a second place.
    pub fn also(&mut self, span: &Span, text: impl Into<String>) -> &mut Self {
        self.others.push(Label { span: span.clone(), text: tame(&text.into()) });
        self
    }

    /// Adds a line of help.
    pub fn help(&mut self, text: impl Into<String>) -> &mut Self {
        self.help.push(tame(&text.into()));
        self
    }

    /// Sets the change that takes the finding away.
    pub fn fix(&mut self, fix: Fix) -> &mut Self {
        self.fix = Some(fix);
        self
    }
}

/// Messages are cut after this many characters: they quote texts that may be of any length.
const MESSAGE_MAX_CHARS: usize = 500;

/// A message on one line, not too long, without anything that a terminal would obey.
pub(super) fn tame(text: &str) -> String {
    let mut tame = String::new();
    for c in text.chars().take(MESSAGE_MAX_CHARS) {
        if c.is_control() {
            tame.extend(c.escape_default());
        } else {
            tame.push(c);
        }
    }
    if text.chars().nth(MESSAGE_MAX_CHARS).is_some() {
        tame.push('…');
    }
    tame
}

/// All findings of one pass, with the texts they point into.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The texts.
    pub sources: Sources,
    found: Vec<Diagnostic>,
    /// What was told, with its place; a fault in `defaults:` is met once for each job.
    told: HashSet<(Severity, &'static str, Span, String)>,
    limit: Option<usize>,
    untold: usize,
    /// Takes what is told again or beyond the limit.
    spare: Option<Diagnostic>,
}

impl Report {
    /// Counts further findings beyond so many with a place, and drops them: a hostile text must not cost more to
    /// complain about than to read.
    pub fn limit(&mut self, findings: usize) {
        self.limit = Some(findings);
    }

    /// How many findings were dropped beyond the limit.
    #[must_use]
    pub fn untold(&self) -> usize {
        self.untold
    }

    /// Whether further findings are only counted.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.limit.is_some_and(|limit| self.told.len() >= limit)
    }

    /// Adds an error at a place; the returned reference takes label and help.
    pub fn error(&mut self, id: &'static str, span: &Span, message: impl Into<String>) -> &mut Diagnostic {
        self.told_once(Severity::Error, id, span, message.into())
    }

    /// Adds a warning at a place.
    pub fn warning(&mut self, id: &'static str, span: &Span, message: impl Into<String>) -> &mut Diagnostic {
        self.told_once(Severity::Warning, id, span, message.into())
    }

    fn told_once(&mut self, severity: Severity, id: &'static str, span: &Span, message: String) -> &mut Diagnostic {
        let key = (severity, id, span.clone(), message);
        let again = self.told.contains(&key);
        let beyond = self.is_full();
        let mut diagnostic = Diagnostic::new(severity, id, key.3.as_str());
        diagnostic.at(span);
        if again || beyond {
            self.untold += usize::from(!again);
            return self.spare.insert(diagnostic);
        }
        self.told.insert(key);
        self.add(diagnostic)
    }

    /// Adds a finding of any severity, without a place yet.
    pub fn push(&mut self, severity: Severity, id: &'static str, message: impl Into<String>) -> &mut Diagnostic {
        self.add(Diagnostic::new(severity, id, message))
    }

    /// Adds a finding made elsewhere.
    pub fn add(&mut self, diagnostic: Diagnostic) -> &mut Diagnostic {
        self.found.push(diagnostic);
        let last = self.found.len() - 1;
        #[expect(clippy::indexing_slicing, reason = "the element was pushed on the line above")]
        &mut self.found[last]
    }

    /// True where nothing can go on.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.untold > 0 || self.found.iter().any(|d| d.severity == Severity::Error)
    }

    /// True where nothing was found.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.found.is_empty()
    }

    /// How many findings of a severity there are, each counted once.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.sorted().iter().filter(|d| d.severity == severity).count()
    }

    /// All findings by file and place, those without a place last, repeated ones (a fault in `defaults:` is met
    /// once for each job) told once.
    #[must_use]
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut all: Vec<&Diagnostic> = self.found.iter().collect();
        all.sort_by(|a, b| rank(a).cmp(&rank(b)));
        all.dedup_by(|a, b| rank(a) == rank(b));
        all
    }
}

/// What findings are ordered by, and told apart.
fn rank(found: &Diagnostic) -> (bool, Option<&Span>, Severity, &str, &str) {
    (found.span.is_none(), found.span.as_ref(), found.severity, found.id, &found.message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_ordered_by_place_and_told_once() {
        let mut report = Report::default();
        let file = report.sources.add("a.yaml", "one\ntwo\n");
        let (first, second) = (Span { file, start: 0, end: 3 }, Span { file, start: 4, end: 7 });
        report.push(Severity::Error, "x", "no place");
        report.error("x", &second, "later");
        report.error("x", &first, "first");
        report.error("x", &first, "first");
        let told: Vec<_> = report.sorted().iter().map(|d| d.message.as_str()).collect();
        assert_eq!(told, ["first", "later", "no place"]);
        assert_eq!(report.count(Severity::Error), 3);
    }

    #[test]
    fn messages_are_short_and_tame() {
        let long = Diagnostic::new(Severity::Error, "x", "x".repeat(9_999));
        assert_eq!(long.message.chars().count(), MESSAGE_MAX_CHARS + 1);
        assert_eq!(Diagnostic::new(Severity::Error, "x", "a\u{1b}[31m\nb").message, "a\\u{1b}[31m\\nb");
    }

    #[test]
    fn findings_beyond_the_limit_are_counted_and_still_errors() {
        let mut report = Report::default();
        let file = report.sources.add("a.yaml", "x");
        report.limit(2);
        for n in 0..5 {
            report.warning("x", &Span { file, start: 0, end: 1 }, format!("finding {n}"));
        }
        assert_eq!((report.count(Severity::Warning), report.untold()), (2, 3));
        assert!(report.has_errors());
    }
}
