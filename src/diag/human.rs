//! Findings for people: message, place, source line, caret, help.

use super::{Diagnostic, Label, Report, Severity, SourceFile, Sources, Span};
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

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
    let told = report.sorted();
    let mut text = render(&told, &report.sources, colour);
    if let Some(counts) = counts(&told) {
        text.push_str(&counts);
        text.push('\n');
    }
    text
}

/// The same without the count.
#[must_use]
pub fn render_findings(report: &Report, colour: Colour) -> String {
    render(&report.sorted(), &report.sources, colour)
}

fn render(told: &[&Diagnostic], sources: &Sources, colour: Colour) -> String {
    let renderer = match colour {
        Colour::Always => Renderer::styled(),
        Colour::Never => Renderer::plain(),
    };
    let mut text = String::new();
    for diagnostic in told {
        text.push_str(&render_one(&renderer, sources, diagnostic));
        text.push_str("\n\n");
    }
    text
}

fn counts(told: &[&Diagnostic]) -> Option<String> {
    let told: Vec<String> = [Severity::Error, Severity::Warning, Severity::Note]
        .into_iter()
        .map(|severity| (severity.word(), told.iter().filter(|d| d.severity == severity).count()))
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
        let line = file.position(span.start).line;
        let beside = |label: &&Label| label.span.file == span.file && file.position(label.span.start).line == line;
        let (beside, apart): (Vec<_>, Vec<_>) = d.others.iter().partition(beside);
        let mut marks = vec![(AnnotationKind::Primary, span, d.label.as_deref())];
        marks.extend(beside.into_iter().map(|l| (AnnotationKind::Context, &l.span, Some(l.text.as_str()))));
        group = with_line(group, file, &marks);
        for other in apart {
            if let Some(file) = sources.get(other.span.file) {
                group = with_line(group, file, &[(AnnotationKind::Context, &other.span, Some(&other.text))]);
            }
        }
    }
    for help in &d.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    renderer.render(&[group])
}

/// Adds the line in which all of these marks begin. Only that line is handed on, so that a long file costs nothing; of
/// a very long line only the place is told.
fn with_line<'a>(
    group: Group<'a>,
    file: &'a SourceFile,
    marks: &[(AnnotationKind, &'a Span, Option<&'a str>)],
) -> Group<'a> {
    let Some((_, first, label)) = marks.first() else { return group };
    let at = file.position(first.start);
    let line = file.line(at.line);
    if line.len() > LINE_SHOWN_MAX_BYTES {
        let group = group.element(Origin::path(file.name.as_str()).line(at.line).char_column(at.column));
        return match label {
            Some(label) => group.element(Level::NOTE.message(*label)),
            None => group,
        };
    }
    let line_start = file.line_start(at.line);
    let within = |offset: usize| offset.saturating_sub(line_start).min(line.len());
    let annotation = |(kind, span, label): &(AnnotationKind, &'a Span, Option<&'a str>)| {
        kind.span(within(span.start)..within(span.end).max(within(span.start))).label(*label)
    };
    let annotations: Vec<_> = marks.iter().map(annotation).collect();
    group.element(Snippet::source(line).line_start(at.line).path(file.name.as_str()).annotations(annotations))
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
        let text = render_human(&report, Colour::Never);
        assert!(text.len() < 500 && text.contains("a:1:6"), "{text}");
    }
}
