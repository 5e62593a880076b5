//! Findings as annotations of a GitHub workflow (docs.github.com, "Workflow commands", error, warning and notice).

use crate::diag::{Diagnostic, Report, Severity};
use std::fmt::Write;

/// One workflow command a line, in the order of [`Report::sorted`].
#[must_use]
pub fn render_github(report: &Report) -> String {
    let mut text = String::new();
    for found in report.sorted() {
        let _ = writeln!(text, "::{} {}::{}", word(found.severity), properties(report, found), message(found));
    }
    text
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    }
}

fn properties(report: &Report, found: &Diagnostic) -> String {
    let title = format!("title={}", property(found.id));
    let place = found.span.as_ref().and_then(|span| {
        let file = report.sources.get(span.file)?;
        let (from, to) = (file.position(span.start), file.position(span.end));
        let name = property(&file.name);
        Some(format!("file={name},line={},endLine={},col={},{title}", from.line, to.line, from.column))
    });
    place.unwrap_or(title)
}

fn message(found: &Diagnostic) -> String {
    let help = found.help.iter().map(|help| format!("\nhelp: {help}"));
    data(&std::iter::once(found.message.clone()).chain(help).collect::<String>())
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
