//! Findings on a spec, each told once, and not without end.

use crate::diag::{Diagnostic, Report, Severity, Span};
use std::collections::HashSet;

/// More findings than this are only counted: nobody reads them, and a hostile text must not cost more to complain
/// about than to read.
const FINDINGS_MAX: usize = 1_000;

/// Findings as they are made.
pub(super) struct Faults {
    pub(super) report: Report,
    /// What was told; a fault in `defaults:` is met once for each job.
    told: HashSet<(&'static str, Span, String)>,
    untold: usize,
    spare: Diagnostic,
}

impl Faults {
    pub(super) fn new() -> Self {
        let spare = Diagnostic::new(Severity::Note, "spec-limits", "");
        Self { report: Report::default(), told: HashSet::new(), untold: 0, spare }
    }

    pub(super) fn error(&mut self, id: &'static str, span: &Span, message: impl Into<String>) -> &mut Diagnostic {
        self.add(Severity::Error, id, span, message.into())
    }

    pub(super) fn warning(&mut self, id: &'static str, span: &Span, message: impl Into<String>) -> &mut Diagnostic {
        self.add(Severity::Warning, id, span, message.into())
    }

    fn add(&mut self, severity: Severity, id: &'static str, span: &Span, message: String) -> &mut Diagnostic {
        let mut found = Diagnostic::new(severity, id, message.as_str());
        found.at(span);
        let told = self.told.contains(&(id, span.clone(), message.clone()));
        if told || self.told.len() >= FINDINGS_MAX {
            self.untold += usize::from(!told);
            self.spare = found;
            return &mut self.spare;
        }
        self.told.insert((id, span.clone(), message));
        self.report.add(found)
    }

    /// All findings, with a closing word where some were only counted.
    pub(super) fn finish(mut self) -> Report {
        if self.untold > 0 {
            let message = format!("{} more findings are not shown", self.untold);
            self.report.push(Severity::Error, "spec-limits", message).help("mend those above first");
        }
        self.report
    }
}
