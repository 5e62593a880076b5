//! Findings for machines.

use super::{Diagnostic, Edit, Fix, Label, Report, Sources, Span};
use serde::Serialize;

/// All findings as one JSON array, in the order of [`Report::sorted`]. Lines and columns count from 1, columns in
/// characters; `end_line` and `end_column` are one past the last character.
#[must_use]
pub fn render_json(report: &Report) -> String {
    let all: Vec<Told<'_>> = report.sorted().into_iter().map(|d| told(&report.sources, d)).collect();
    let mut text = serde_json::to_string_pretty(&all).unwrap_or_default();
    text.push('\n');
    text
}

#[derive(Serialize)]
struct Told<'a> {
    severity: &'static str,
    id: &'static str,
    message: &'a str,
    label: Option<&'a str>,
    place: Option<Place<'a>>,
    others: Vec<Other<'a>>,
    help: &'a [String],
    fix: Option<Change<'a>>,
}

#[derive(Serialize)]
struct Place<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

#[derive(Serialize)]
struct Other<'a> {
    text: &'a str,
    place: Option<Place<'a>>,
}

#[derive(Serialize)]
struct Change<'a> {
    title: &'a str,
    safety: &'static str,
    edits: Vec<Stretch<'a>>,
}

#[derive(Serialize)]
struct Stretch<'a> {
    place: Option<Place<'a>>,
    text: &'a str,
}

fn told<'a>(sources: &'a Sources, found: &'a Diagnostic) -> Told<'a> {
    let Diagnostic { severity, id, message, span, label, others, help, fix } = found;
    let other = |Label { span, text }: &'a Label| Other { text, place: place(sources, span) };
    Told {
        severity: severity.word(),
        id,
        message,
        label: label.as_deref(),
        place: span.as_ref().and_then(|span| place(sources, span)),
        others: others.iter().map(other).collect(),
        help,
        fix: fix.as_ref().map(|fix| change(sources, fix)),
    }
}

fn change<'a>(sources: &'a Sources, fix: &'a Fix) -> Change<'a> {
    let Fix { title, safety, edits } = fix;
    let stretch = |Edit { span, text }: &'a Edit| Stretch { place: place(sources, span), text };
    Change { title, safety: safety.word(), edits: edits.iter().map(stretch).collect() }
}

fn place<'a>(sources: &'a Sources, span: &Span) -> Option<Place<'a>> {
    let file = sources.get(span.file)?;
    let (from, to) = (file.position(span.start), file.position(span.end));
    Some(Place { file: &file.name, line: from.line, column: from.column, end_line: to.line, end_column: to.column })
}
