//! Findings for machines.

use super::{Diagnostic, Fix, Report, Sources, Span};
use serde_json::{Value, json};

/// All findings as one JSON array, in the order of [`Report::sorted`]. Lines and columns count from 1, columns in
/// characters; `end_line` and `end_column` are one past the last character.
#[must_use]
pub fn render_json(report: &Report) -> String {
    let all: Vec<Value> = report.sorted().into_iter().map(|d| diagnostic(&report.sources, d)).collect();
    format!("{:#}\n", Value::Array(all))
}

fn diagnostic(sources: &Sources, d: &Diagnostic) -> Value {
    let others: Vec<Value> =
        d.others.iter().map(|l| json!({"text": l.text, "place": place(sources, Some(&l.span))})).collect();
    json!({
        "severity": d.severity.word(), "id": d.id, "message": d.message, "label": d.label,
        "place": place(sources, d.span.as_ref()), "others": others, "help": d.help,
        "fix": d.fix.as_ref().map(|it| fix(sources, it)),
    })
}

fn fix(sources: &Sources, fix: &Fix) -> Value {
    let Fix { title, safety, edits } = fix;
    let edits: Vec<Value> =
        edits.iter().map(|it| json!({"place": place(sources, Some(&it.span)), "text": it.text})).collect();
    json!({"title": title, "safety": safety.word(), "edits": edits})
}

fn place(sources: &Sources, span: Option<&Span>) -> Value {
    let Some((span, file)) = span.and_then(|s| Some((s, sources.get(s.file)?))) else { return Value::Null };
    let (from, to) = (file.position(span.start), file.position(span.end));
    json!({
        "file": file.name, "line": from.line, "column": from.column, "end_line": to.line, "end_column": to.column,
    })
}
