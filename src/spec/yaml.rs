//! YAML as a tree in which every value knows where it was written. The one module that knows the YAML crate.

use super::places::Origin;
use crate::diag::{FileId, Report, Span};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::budget::Budget;
use serde_yaml::options::{DuplicateKeyPolicy, Options};
use serde_yaml::{Location, Spanned};
use std::fmt;

/// Specs with more values are refused: 20,000 jobs have about a million.
const NODES_MAX: usize = 4_000_000;
/// Values nested deeper are refused.
const DEPTH_MAX: usize = 48;
/// Aliases may stand for this many values together, which is no hindrance to people and the end of alias bombs.
const ALIAS_EVENTS_MAX: usize = 200_000;

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub content: Content,
    pub span: Span,
    pub origin: Origin,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    Null,
    Bool(bool),
    /// As written.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

impl Content {
    /// What it is, for messages.
    pub(super) fn noun(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

impl Node {
    /// The text of a key.
    pub(super) fn key(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) | Content::Number(text) => Some(text),
            Content::Bool(true) => Some("true"),
            Content::Bool(false) => Some("false"),
            Content::Null | Content::List(_) | Content::Map(_) => None,
        }
    }

    /// The same value as one that came from `defaults:`.
    pub(super) fn as_default(&self) -> Self {
        let content = match &self.content {
            Content::List(items) => Content::List(items.iter().map(Self::as_default).collect()),
            Content::Map(entries) => {
                Content::Map(entries.iter().map(|(k, v)| (k.as_default(), v.as_default())).collect())
            }
            other @ (Content::Null | Content::Bool(_) | Content::Number(_) | Content::Text(_)) => other.clone(),
        };
        Self { content, span: self.span.clone(), origin: Origin::Default }
    }
}

/// Reads one YAML document; what it cannot read becomes one error of the report.
pub(super) fn parse(file: FileId, text: &str, report: &mut Report) -> Option<Node> {
    match serde_yaml::from_str_with_options::<Spanned<Raw>>(text, options()) {
        Ok(root) => Some(node(root, file, text)),
        Err(error) => {
            syntax_error(file, text, &error, report);
            None
        }
    }
}

fn options() -> Options {
    let mut options = Options::default();
    let mut budget = Budget::default();
    budget.max_depth = DEPTH_MAX;
    budget.flow_nesting_limit = DEPTH_MAX;
    budget.max_nodes = NODES_MAX;
    budget.max_events = NODES_MAX * 2;
    options.budget = Some(budget);
    options.alias_limits.max_total_replayed_events = ALIAS_EVENTS_MAX;
    options.duplicate_keys = DuplicateKeyPolicy::PassThrough;
    options.strict_booleans = true;
    options.leading_zero_numbers_as_strings = true;
    options.underscored_numbers_as_strings = true;
    options.with_snippet = false;
    options
}

fn syntax_error(file: FileId, text: &str, error: &serde_yaml::Error, report: &mut Report) {
    let location = error.location();
    let start = location.map_or(0, |l| byte_of(text, l));
    let span = Span { file, start, end: (start + 1).min(text.len().max(start)) };
    let message = plain_message(error);
    let line_start = text.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |i| i + 1);
    let indent: String =
        text.get(line_start..).unwrap_or("").chars().take_while(|c| c.is_whitespace() && *c != '\n').collect();
    if indent.contains('\t') {
        let at = line_start + indent.find('\t').unwrap_or(0);
        let span = Span { file, start: at, end: at + 1 };
        report.error("yaml-tab", &span, "a tab in the indentation, which YAML forbids").help("indent with blanks");
        return;
    }
    let diagnostic = report.error("yaml-syntax", &span, message);
    if text.get(start..).is_some_and(|rest| rest.starts_with('@') || rest.starts_with('`') || rest.starts_with('%')) {
        diagnostic.help("put the text in quotes: YAML gives this character a meaning of its own");
    }
}

/// The message without the place, which we show ourselves.
fn plain_message(error: &serde_yaml::Error) -> String {
    let text = error.without_snippet().to_string();
    let text = text.lines().next().unwrap_or("").to_owned();
    let cut = text.find(" at line ").or_else(|| text.find(" (line ")).unwrap_or(text.len());
    let plain = text.get(..cut).unwrap_or(&text);
    let plain = match plain.strip_prefix("error: ").unwrap_or(plain).split_once(": column ") {
        Some((before, _)) => before,
        None => plain,
    };
    let mut chars = plain.chars();
    let first = chars.next().map_or_else(String::new, |c| c.to_lowercase().to_string());
    format!("this is not YAML: {first}{}", chars.as_str().trim_end_matches(['.', ':']))
}

fn byte_of(text: &str, location: Location) -> usize {
    if let Some(offset) = location.span().byte_offset() {
        return usize::try_from(offset).unwrap_or(0).min(text.len());
    }
    let line = usize::try_from(location.line().saturating_sub(1)).unwrap_or(0);
    let column = usize::try_from(location.column().saturating_sub(1)).unwrap_or(0);
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = text.get(start..).unwrap_or("");
    start + rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at)
}

fn node(raw: Spanned<Raw>, file: FileId, text: &str) -> Node {
    let location = if raw.defined == Location::UNKNOWN { raw.referenced } else { raw.defined };
    let span = span_of(location, file, text, &raw.value);
    let content = match raw.value {
        Raw::Null => Content::Null,
        Raw::Bool(value) => Content::Bool(value),
        Raw::Number(value) => Content::Number(written(text, &span).unwrap_or(value)),
        Raw::Text(value) => Content::Text(value),
        Raw::List(items) => Content::List(items.into_iter().map(|item| node(item, file, text)).collect()),
        Raw::Map(entries) => {
            Content::Map(entries.into_iter().map(|(k, v)| (node(k, file, text), node(v, file, text))).collect())
        }
    };
    Node { content, span, origin: Origin::Written }
}

/// A number as its author wrote it: `1.10` is a version, not 1.1.
fn written(text: &str, span: &Span) -> Option<String> {
    let written = text.get(span.start..span.end)?.trim();
    (!written.is_empty() && written.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)))
        .then(|| written.into())
}

fn span_of(location: Location, file: FileId, text: &str, raw: &Raw) -> Span {
    let start = byte_of(text, location);
    let length = location.span().byte_len().and_then(|n| usize::try_from(n).ok()).unwrap_or(1);
    let mut end = start.saturating_add(length).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let covered = text.get(start..end).unwrap_or("");
    // A scalar's range may take in the blanks and the comment after it.
    let end = match raw {
        Raw::List(_) | Raw::Map(_) | Raw::Null => start + covered.lines().next().unwrap_or("").trim_end().len(),
        Raw::Bool(_) | Raw::Number(_) | Raw::Text(_) => start + covered.trim_end().len(),
    };
    Span { file, start, end: end.max(start) }
}

enum Raw {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<Raw>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Number(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Number(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Raw, E> {
        Ok(Raw::Number(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Raw, E> {
        Ok(Raw::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Number(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::Text(value))
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
        let mut list = vec![];
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
        let mut map = vec![];
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Raw::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Node, String> {
        let mut report = Report::default();
        let file = report.sources.add("a.yaml", text);
        parse(file, text, &mut report).ok_or_else(|| crate::diag::render_human(&report, crate::diag::Colour::Never))
    }

    fn get<'a>(node: &'a Node, key: &str) -> &'a Node {
        let Content::Map(entries) = &node.content else { panic!("not a map") };
        entries.iter().find(|(k, _)| k.key() == Some(key)).map(|(_, v)| v).unwrap()
    }

    #[test]
    fn every_value_knows_where_it_was_written() {
        let text = "a: one # x\nb:\n  - 010\n  - 'two'\nc: {d: 1.10}\n";
        let root = read(text).unwrap();
        let shown = |node: &Node| text.get(node.span.start..node.span.end).unwrap().to_owned();
        assert_eq!(shown(get(&root, "a")), "one");
        let Content::List(items) = &get(&root, "b").content else { panic!() };
        assert_eq!((shown(&items[0]), items[0].content.clone()), ("010".into(), Content::Text("010".into())));
        assert_eq!((shown(&items[1]), items[1].content.clone()), ("'two'".into(), Content::Text("two".into())));
        assert_eq!(get(get(&root, "c"), "d").content, Content::Number("1.10".into()));
    }

    #[test]
    fn anchors_and_merges_point_to_what_was_written() {
        let text = "x: &a {p: 1}\ny: *a\nz: {<<: *a, q: 2}\n";
        let root = read(text).unwrap();
        assert_eq!(get(get(&root, "y"), "p").span.start, text.find('1').unwrap());
        assert_eq!(get(get(&root, "z"), "p").span.start, text.find('1').unwrap());
    }

    #[test]
    fn duplicate_keys_are_kept_for_the_decoder_to_report() {
        let Content::Map(entries) = read("a: 1\na: 2\n").unwrap().content else { panic!() };
        assert_eq!(entries.len(), 2);
    }

    #[test]
    fn words_of_yaml_1_1_are_text() {
        assert_eq!(get(&read("a: on").unwrap(), "a").content, Content::Text("on".into()));
        assert_eq!(get(&read("a: true").unwrap(), "a").content, Content::Bool(true));
    }

    #[test]
    fn bombs_and_nesting_are_refused_at_once() {
        let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
        for i in 1..12 {
            bomb.push_str(&format!("a{i}: &a{i} [*a{0},*a{0},*a{0},*a{0},*a{0},*a{0},*a{0},*a{0},*a{0}]\n", i - 1));
        }
        assert!(read(&bomb).is_err());
        assert!(read(&"[".repeat(10_000)).is_err());
        assert!(read(&"[".repeat(1_000_000)).is_err());
        assert!(read(&"- ".repeat(10_000)).is_err());
        assert!(read(&"{a: ".repeat(10_000)).is_err());
    }

    #[test]
    fn a_tab_has_its_own_words() {
        let message = read("a:\n\tb: 1\n").unwrap_err();
        assert!(message.contains("error[yaml-tab]: a tab in the indentation"), "{message}");
        assert!(message.contains("a.yaml:2:1"), "{message}");
    }

    #[test]
    fn a_fault_of_syntax_has_its_place() {
        let message = read("a: [1, 2\nb: 3\n").unwrap_err();
        assert!(message.contains("error[yaml-syntax]: this is not YAML"), "{message}");
        assert!(message.contains("--> a.yaml:"), "{message}");
    }
}
