//! Findings for people: message, place, source line, caret, help.

use super::{Diagnostic, Report, Severity, SourceFile, Sources, Span};
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// Whether output may hold terminal colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// A terminal that wants it.
    Always,
    /// Pipes, files, `NO_COLOR`, `TERM=dumb`.
    Never,
}

/// A source line longer than this many bytes is not shown around its caret, only its place is.
const LINE_SHOWN_MAX_BYTES: usize = 2_000;

/// All findings as text, in the order of [`Report::sorted`], each followed by an empty line, with a closing count.
#[must_use]
pub fn render_human(report: &Report, colour: Colour) -> String {
    let renderer = match colour {
        Colour::Always => Renderer::styled(),
        Colour::Never => Renderer::plain(),
    };
    let mut text = String::new();
    for diagnostic in report.sorted() {
        text.push_str(&render_one(&renderer, &report.sources, diagnostic));
        text.push_str("\n\n");
    }
    if let Some(counts) = counts(report) {
        text.push_str(&counts);
        text.push('\n');
    }
    text
}

fn counts(report: &Report) -> Option<String> {
    let told: Vec<String> = [Severity::Error, Severity::Warning, Severity::Note]
        .into_iter()
        .map(|severity| (severity.word(), report.count(severity)))
        .filter(|(_, n)| *n > 0)
        .map(|(word, n)| format!("{n} {word}{}", if n == 1 { "" } else { "s" }))
        .collect();
    (!told.is_empty()).then(|| told.join(", "))
}

fn render_one(renderer: &Renderer, sources: &Sources, d: &Diagnostic) -> String {
    let level = match d.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let mut group =
        level.primary_title(d.message.as_str()).id(d.id).elements(std::iter::empty::<annotate_snippets::Padding>());
    if let Some((span, file)) = d.span.as_ref().and_then(|s| Some((s, sources.get(s.file)?))) {
        group = group.element(snippet(file, span, AnnotationKind::Primary, d.label.as_deref()));
    }
    for other in &d.others {
        if let Some(file) = sources.get(other.span.file) {
            group = group.element(snippet(file, &other.span, AnnotationKind::Context, Some(&other.text)));
        }
    }
    for help in &d.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    renderer.render(&[group])
}

/// The first line of a span with its caret. Only that line is handed on, so that a long file costs nothing.
fn snippet<'a>(
    file: &'a SourceFile,
    span: &Span,
    kind: AnnotationKind,
    label: Option<&'a str>,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let at = file.position(span.start);
    let line = file.line(at.line);
    let (line, start, end) = if line.len() > LINE_SHOWN_MAX_BYTES {
        ("…", 0, 0)
    } else {
        let line_start = file.line_start(at.line);
        let within = |offset: usize| offset.saturating_sub(line_start).min(line.len());
        (line, within(span.start), within(span.end).max(within(span.start)))
    };
    let annotation = kind.span(start..end).label(label);
    Snippet::source(line).line_start(at.line).path(file.name.as_str()).annotation(annotation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_shows_place_line_caret_and_help() {
        let mut report = Report::default();
        let file = report.sources.add("backups.yaml", "a: 1\nschedule: {calendar: Mon 25:00}\n");
        let span = Span { file, start: 26, end: 35 };
        report
            .error("schedule-invalid", &span, "`Mon 25:00` is not a calendar event")
            .label("hour must be 0–23")
            .help("see `eightbells explain schedule-invalid`");
        let text = render_human(&report, Colour::Never);
        assert!(text.starts_with("error[schedule-invalid]: `Mon 25:00` is not a calendar event\n"), "{text}");
        for part in ["--> backups.yaml:2:22", "^^^^^^^^^ hour must be 0–23", "= help: see `eightbells", "1 error\n"] {
            assert!(text.contains(part), "{part} not in\n{text}");
        }
    }

    #[test]
    fn a_very_long_line_is_not_printed() {
        let mut report = Report::default();
        let file = report.sources.add("a", "x".repeat(1_000_000));
        report.error("x", &Span { file, start: 5, end: 9 }, "m");
        assert!(render_human(&report, Colour::Never).len() < 500);
    }
}
