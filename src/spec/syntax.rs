//! What is told of a text that is not YAML: the parser's words, and better ones for what everybody trips over.

use super::yaml::SyntaxError;
use crate::diag::{FileId, Report, Span};

/// Tells of a syntax error.
pub(super) fn tell(report: &mut Report, file: FileId, error: &SyntaxError) {
    let (start, line) = place(report, file, error.at);
    let rest_of_line = line.text.get(start.saturating_sub(line.start)..).unwrap_or("").trim_end();
    let length = rest_of_line.chars().next().map_or(0, char::len_utf8);
    let span = Span { file, start, end: start + length };
    if error.limit {
        let found = report.error("spec-limits", &span, "the spec is refused: it holds more than any spec needs");
        found.label(error.message.as_str());
        found.help("nesting, aliases and the number of values have bounds, so that no text can take the machine down");
        return;
    }
    if tab(report, file, &line)
        || placeholder(report, file, &line, error)
        || sigil(report, &span, rest_of_line, &error.message)
    {
        return;
    }
    let found = report.error("yaml-syntax", &span, format!("this is not YAML: {}", words(&error.message)));
    if let Some(help) = help(&error.message) {
        found.help(help);
    }
}

/// A line with where it begins.
struct Line {
    start: usize,
    text: String,
}

/// The byte that an error names, and its line.
fn place(report: &Report, file: FileId, at: Option<(usize, usize)>) -> (usize, Line) {
    let Some(source) = report.sources.get(file) else { return (0, Line { start: 0, text: String::new() }) };
    let (number, column) = at.unwrap_or((1, 1));
    let line = Line { start: source.line_start(number), text: source.line(number).to_owned() };
    let within = line.text.char_indices().nth(column.saturating_sub(1)).map_or(line.text.len(), |(i, _)| i);
    (line.start + within, line)
}

/// A tab before the first word of a line.
fn tab(report: &mut Report, file: FileId, line: &Line) -> bool {
    let blank = line.text.len() - line.text.trim_start_matches([' ', '\t', '-']).len();
    let Some(at) = line.text.get(..blank).and_then(|indent| indent.find('\t')) else { return false };
    let span = Span { file, start: line.start + at, end: line.start + at + 1 };
    report.error("yaml-tab", &span, "a tab in the indentation, which YAML forbids").help("indent with blanks only");
    true
}

/// `{instance}` outside of quotes.
fn placeholder(report: &mut Report, file: FileId, line: &Line, error: &SyntaxError) -> bool {
    let mapping = error.message.contains("block mapping")
        || error.message.contains("flow ")
        || error.message.contains("not allowed");
    let Some((at, name)) = mapping.then(|| unquoted_placeholder(&line.text)).flatten() else { return false };
    let end = line.start + at + name.len() + 2;
    let span = Span { file, start: line.start + at, end };
    let message = format!("`{{{name}}}` without quotes is a map to YAML, not a placeholder");
    let help = format!("put the whole value in quotes: \"…{{{name}}}…\"");
    report.error("unquoted-placeholder", &span, message).help(help);
    true
}

/// How long what stands before the next `}` is, if that is near enough to be a placeholder's.
fn braced_length(after: &str) -> Option<usize> {
    after.bytes().take(PLACEHOLDER_MAX_BYTES).position(|b| b == b'}')
}

/// A placeholder written out is not longer.
const PLACEHOLDER_MAX_BYTES: usize = 100;

/// The first placeholder of a line that stands outside of quotes.
fn unquoted_placeholder(line: &str) -> Option<(usize, &str)> {
    let mut quote = None;
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None, '#') if line.get(..at).is_some_and(|before| before.ends_with(' ')) => return None,
            (None, '{') => {
                let name = line.get(at + 1..).and_then(|after| after.get(..braced_length(after)?));
                if let Some(name) = name.filter(|name| is_placeholder(name)) {
                    return Some((at, name));
                }
            }
            _ => {}
        }
    }
    None
}

/// A value that begins with a character of YAML's own: `*:0/15`, `@daily`, `%i`.
fn sigil(report: &mut Report, span: &Span, rest: &str, told: &str) -> bool {
    let what = match rest.chars().next() {
        Some('*') if told.contains("unknown anchor") => "begins an alias in YAML, and there is no such anchor",
        Some('@' | '`') if told.contains("character") => "is reserved in YAML",
        Some('%') if told.contains("character") => "begins a directive in YAML",
        _ => return false,
    };
    let word = rest.split([',', ']', '}']).next().unwrap_or(rest).trim_end();
    let sigil = rest.chars().next().unwrap_or(' ');
    let message = format!("`{sigil}` at a value's beginning {what}");
    let span = Span { end: span.start + word.len(), ..span.clone() };
    report
        .error("yaml-syntax", &span, message)
        .help(format!("put the value in quotes: `\"{}\"`", word.replace('"', "'")));
    true
}

/// The parser's words, where they speak of its own interface.
fn words(message: &str) -> &str {
    let known = [
        ("multiple YAML documents", "there is a second document"),
        ("recursive references", "an alias stands within its own anchor"),
    ];
    known.iter().find(|(part, _)| message.contains(part)).map_or(message, |(_, words)| words)
}

fn help(message: &str) -> Option<&'static str> {
    let known = [
        ("mapping values are not allowed", "a `: ` within a value needs quotes around the whole value"),
        ("expected ':'", "a key is followed by `:` and a blank or line break"),
        ("did not find expected key", "keys of one mapping stand at the same indentation"),
        ("unclosed quote", "a quote is opened here and never closed"),
        ("unclosed bracket", "a bracket is opened here and never closed"),
        ("mismatched bracket", "what is opened here is closed by another kind of bracket"),
        ("multiple YAML documents", "a spec is one document; leave out the second `---`, or use `include:`"),
        ("unknown escape", "in double quotes a backslash begins an escape: write `\\\\`, or use single quotes"),
        ("expected '-'", "the items of a list begin with `- ` at the same indentation"),
        ("recursive", "it would never end: write the value out"),
    ];
    known.iter().find(|(part, _)| message.contains(part)).map(|(_, help)| *help)
}

/// The names that may stand in braces.
pub(super) const PLACEHOLDERS: [&str; 6] = ["instance", "job", "host", "source", "scratch", "time"];

/// Whether a text between braces is a placeholder.
pub(super) fn is_placeholder(name: &str) -> bool {
    PLACEHOLDERS.contains(&name) || name.starts_with("time:")
}
