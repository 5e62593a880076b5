//! `# eightbells: allow RULE reason`: findings that somebody decided to live with.

use super::files::{File, Files};
use super::rule::{TOLD_MAX, rule};
use super::rules;
use crate::diag::{Diagnostic, Span};
use crate::unit::{Item, ItemKind};
use std::collections::BTreeMap;
use std::ops::Range;

/// How such a comment begins.
const MARK: &str = "eightbells:";

rule! {
    /// A comment `# eightbells: allow RULE reason` on the line above an assignment or a section header takes back the
    /// findings of that rule there; `allow-file` does it for the whole file. This one takes nothing back: the fault
    /// was mended, or the comment stands at the wrong place. Remove it, so that a later fault is seen. An entry `allow` of
    /// `eightbells.toml` is told of in the same way where its whole folder is linted.
    ALLOW_UNUSED = "allow-unused", Warning, "a comment allows a finding that is not there",
    source: "Eight Bells", check: None
}

rule! {
    /// The comment names no rule. `eightbells explain` without an argument lists all of them.
    ALLOW_UNKNOWN = "allow-unknown-rule", Warning, "a comment allows a rule that does not exist",
    source: "Eight Bells", check: None
}

rule! {
    /// Whoever reads the unit next year wants to know why the finding was allowed: write it after the rule's name.
    ALLOW_UNREASONED = "allow-without-reason", Note, "a comment allows a finding and does not say why",
    source: "Eight Bells", check: None
}

/// One such comment.
struct Allowance {
    rule: &'static str,
    /// The comment.
    comment: Span,
    /// The bytes at which findings are taken back; none for the whole file.
    covers: Option<Range<usize>>,
    used: bool,
}

/// The comments of one file, and what they are about.
#[derive(Default)]
pub(super) struct Allowances {
    by_rule: BTreeMap<&'static str, Vec<Allowance>>,
    faults: Vec<Diagnostic>,
}

impl Allowances {
    /// Those of a file; nothing where it has none.
    pub(super) fn of(file: &File) -> Option<Self> {
        let mut comments = Vec::new();
        let mut next = None;
        for item in file.text.items().iter().rev() {
            if item.kind == ItemKind::Comment {
                comments.extend(order(file, item).map(|order| (order, next.clone())));
            } else {
                next = Some(item.span.clone());
            }
        }
        let mut allowances = Self::default();
        for ((order, comment), next) in comments.into_iter().rev() {
            allowances.read(&order, comment, next);
        }
        (!allowances.by_rule.is_empty() || !allowances.faults.is_empty()).then_some(allowances)
    }

    fn read(&mut self, order: &str, comment: Span, next: Option<Range<usize>>) {
        let mut words = order.split_whitespace();
        let covers = match words.next() {
            Some("allow") => Some(next.unwrap_or(comment.end..comment.end)),
            Some("allow-file") => None,
            _ => return,
        };
        let name = words.next().unwrap_or_default();
        let Some(rule) = rules::find(name) else {
            if self.faults.len() >= TOLD_MAX {
                return;
            }
            let fault = self.fault(&ALLOW_UNKNOWN, &comment, format!("there is no rule `{name}`"));
            if let Some(near) = rules::nearest(name) {
                fault.help(format!("did you mean `{near}`?"));
            }
            return;
        };
        if words.next().is_none() && self.faults.len() < TOLD_MAX {
            let message = format!("`{}` is allowed without a reason", rule.id);
            self.fault(&ALLOW_UNREASONED, &comment, message).help("write why after the rule's name");
        }
        let allowance = Allowance { rule: rule.id, comment, covers, used: false };
        self.by_rule.entry(rule.id).or_default().push(allowance);
    }

    fn fault(&mut self, rule: &super::Rule, at: &Span, message: String) -> &mut Diagnostic {
        let mut diagnostic = Diagnostic::new(rule.severity, rule.id, message);
        diagnostic.at(at);
        self.faults.push(diagnostic);
        let last = self.faults.len() - 1;
        #[expect(clippy::indexing_slicing, reason = "the element was pushed on the line above")]
        &mut self.faults[last]
    }

    /// Whether a finding at that place is allowed.
    pub(super) fn takes_back(&mut self, rule: &str, span: &Span) -> bool {
        let Some(allowances) = self.by_rule.get_mut(rule) else { return false };
        let found = allowances.iter_mut().find(|it| it.covers.as_ref().is_none_or(|it| overlaps(it, span)));
        found.is_some_and(|allowance| {
            allowance.used = true;
            true
        })
    }

    /// What is wrong with the comments themselves, once every finding has been shown to them.
    pub(super) fn faults(mut self) -> Vec<Diagnostic> {
        let unused: Vec<(Span, String)> = self
            .by_rule
            .values()
            .flatten()
            .filter(|allowance| !allowance.used)
            .take(TOLD_MAX)
            .map(|allowance| (allowance.comment.clone(), format!("`{}` is not found here", allowance.rule)))
            .collect();
        for (comment, message) in unused {
            self.fault(&ALLOW_UNUSED, &comment, message).help("remove the comment");
        }
        self.faults
    }
}

/// What a comment orders, and its place, where it is one for us.
fn order(file: &File, comment: &Item) -> Option<(String, Span)> {
    let text = file.text.text().get(comment.span.clone())?;
    let text = String::from_utf8_lossy(text);
    let order = text.trim().trim_start_matches(['#', ';']).trim_start().strip_prefix(MARK)?.to_owned();
    Some((order, file.span(trimmed(&text, &comment.span))))
}

/// What settings allow by path.
pub(super) struct PathAllowances<'f> {
    files: &'f Files,
    /// For each allowance of each of the settings, whether it took something back.
    used: Vec<Vec<bool>>,
}

impl<'f> PathAllowances<'f> {
    pub(super) fn of(files: &'f Files) -> Self {
        let unused = |placed: &super::files::Placed| vec![false; placed.settings.allow.len()];
        Self { files, used: files.placed.iter().map(unused).collect() }
    }

    /// Whether a finding is allowed.
    pub(super) fn takes_back(&mut self, finding: &Diagnostic) -> bool {
        let place = finding.span.as_ref().and_then(|span| self.files.number_for(span.file));
        let Some((number, path)) = place else { return false };
        let Some((settings, used)) = self.files.settings(number).zip(self.used.get_mut(number)) else { return false };
        let mut taken = false;
        for (allowed, used) in settings.allow.iter().zip(used) {
            if allowed.covers(finding.id, path) {
                *used = true;
                taken = true;
            }
        }
        taken
    }

    /// Allowances that took nothing back, of settings all of whose files are there.
    pub(super) fn faults(self) -> Vec<Diagnostic> {
        let placed = self.files.placed.iter().zip(self.used).filter(|(placed, _)| placed.whole);
        let all = placed.flat_map(|(placed, used)| placed.settings.allow.iter().zip(used));
        let unused = all.filter(|(_, used)| !used).map(|(allowed, _)| {
            let message = format!("`{}` is not found in these files", allowed.rule);
            let mut fault = Diagnostic::new(ALLOW_UNUSED.severity, ALLOW_UNUSED.id, message);
            fault.at(&allowed.span).help("remove the entry");
            fault
        });
        unused.collect()
    }
}

fn overlaps(covered: &Range<usize>, span: &Span) -> bool {
    span.start < covered.end && covered.start <= span.end.max(span.start)
}

fn trimmed(text: &str, span: &Range<usize>) -> Range<usize> {
    span.start..span.start + text.trim_end().len()
}
