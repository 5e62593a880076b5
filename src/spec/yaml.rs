//! YAML as a tree in which every value knows where it was written. The one module that knows the YAML crate.

use super::places::Origin;
use crate::diag::{FileId, Span};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};
use serde_yaml::{Error, Options, Spanned};
use std::fmt;

/// Lists and mappings within each other. A spec needs ten.
const DEPTH_MAX: usize = 48;
/// Values in one file: enough for 20,000 jobs of fifty values each.
const NODES_MAX: usize = 1_200_000;
/// Values that aliases may stand for, all told: enough to share a block among 20,000 jobs.
const ALIASED_MAX: usize = 250_000;

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

    /// How many values it holds, itself included.
    pub(super) fn size(&self) -> usize {
        1 + match &self.content {
            Content::List(items) => items.iter().map(Self::size).sum(),
            Content::Map(entries) => entries.iter().map(|(_, value)| 1 + value.size()).sum(),
            Content::Null | Content::Bool(_) | Content::Number(_) | Content::Text(_) => 0,
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

/// Why a text is not YAML that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SyntaxError {
    /// What is wrong, without its place.
    pub(super) message: String,
    /// Line and column, from 1, columns in characters; none where the text as a whole is meant.
    pub(super) at: Option<(usize, usize)>,
    /// Whether the text is YAML, but larger or deeper than a spec may be.
    pub(super) limit: bool,
}

/// Reads a text.
pub(super) fn parse(file: FileId, text: &str) -> Result<Node, SyntaxError> {
    let raw = serde_yaml::from_str_with_options::<Raw>(text, options()).map_err(|e| syntax_error(&e))?;
    Ok(raw.into_node(file, text))
}

fn options() -> Options {
    serde_yaml::options! {
        budget: serde_yaml::budget! {
            max_events: 4 * NODES_MAX,
            max_nodes: NODES_MAX,
            max_depth: DEPTH_MAX,
            flow_nesting_limit: DEPTH_MAX,
            max_documents: 2,
            max_aliases: ALIASED_MAX,
            max_merge_keys: ALIASED_MAX,
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: serde_yaml::alias_limits! {
            max_total_replayed_events: ALIASED_MAX,
            max_replay_stack_depth: 16,
        },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    }
}

fn syntax_error(error: &Error) -> SyntaxError {
    let location = error.location();
    let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let at = location.filter(|l| l.line() > 0).map(|l| (number(l.line()), number(l.column())));
    let message = error.to_string();
    if let Some(message) = beyond_limits(error, &message) {
        return SyntaxError { message, at, limit: true };
    }
    let end = message.rfind(" at line ").filter(|_| at.is_some()).unwrap_or(message.len());
    SyntaxError { message: message.get(..end).unwrap_or_default().to_owned(), at, limit: false }
}

/// Which limit a text exceeds, if that is what is wrong with it.
fn beyond_limits(error: &Error, message: &str) -> Option<String> {
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if says(&["alias replay", "alias expansion", "max_aliases", "merge keys"]) {
        return Some(format!("aliases stand for more than {ALIASED_MAX} values, or for each other too often"));
    }
    if says(&["recursion limit", "nesting", "depth", "too deep"]) {
        return Some(format!("lists and maps stand in each other more than {DEPTH_MAX} deep"));
    }
    matches!(error, Error::Budget { .. }).then(|| format!("it has more than {NODES_MAX} values"))
}

/// A value as the crate hands it over, its place in bytes.
struct Raw {
    start: u32,
    end: u32,
    kind: RawKind,
}

enum RawKind {
    Null,
    Bool,
    Number,
    Text(String),
    List(Vec<Raw>),
    Map(Vec<(Raw, Raw)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<RawKind>::deserialize(deserializer)?;
        let place = spanned.defined.span();
        let start = place.byte_offset().and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
        let length = place.byte_len().and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
        Ok(Self { start, end: start.saturating_add(length), kind: spanned.value })
    }
}

impl<'de> Deserialize<'de> for RawKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KindVisitor)
    }
}

struct KindVisitor;

impl<'de> Visitor<'de> for KindVisitor {
    type Value = RawKind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<RawKind, E> {
        Ok(RawKind::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<RawKind, E> {
        Ok(RawKind::Bool)
    }

    fn visit_i64<E>(self, _: i64) -> Result<RawKind, E> {
        Ok(RawKind::Number)
    }

    fn visit_u64<E>(self, _: u64) -> Result<RawKind, E> {
        Ok(RawKind::Number)
    }

    fn visit_i128<E>(self, _: i128) -> Result<RawKind, E> {
        Ok(RawKind::Number)
    }

    fn visit_u128<E>(self, _: u128) -> Result<RawKind, E> {
        Ok(RawKind::Number)
    }

    fn visit_f64<E>(self, _: f64) -> Result<RawKind, E> {
        Ok(RawKind::Number)
    }

    fn visit_str<E>(self, text: &str) -> Result<RawKind, E> {
        Ok(RawKind::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<RawKind, E> {
        Ok(RawKind::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<RawKind, A::Error> {
        let mut items = vec![];
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(RawKind::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawKind, A::Error> {
        let mut entries = vec![];
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(RawKind::Map(entries))
    }
}

impl Raw {
    fn into_node(self, file: FileId, source: &str) -> Node {
        let (start, mut end) = (self.start as usize, self.end as usize);
        let written = source.get(start..end).unwrap_or("");
        let content = match self.kind {
            RawKind::Null => Content::Null,
            RawKind::Bool => Content::Bool(written.eq_ignore_ascii_case("true")),
            RawKind::Number => Content::Number(written.into()),
            RawKind::Text(text) => Content::Text(text),
            RawKind::List(items) => Content::List(items.into_iter().map(|item| item.into_node(file, source)).collect()),
            RawKind::Map(entries) => {
                let node = |(key, value): (Self, Self)| (key.into_node(file, source), value.into_node(file, source));
                Content::Map(entries.into_iter().map(node).collect())
            }
        };
        end = match &content {
            Content::Text(_) => start + written.trim_end().len(),
            Content::Null | Content::Bool(_) | Content::Number(_) => end,
            Content::List(_) | Content::Map(_) => end.max(last_end(&content)),
        };
        end += closing_length(source, start, end);
        Node { content, span: Span { file, start, end }, origin: Origin::Written }
    }
}

/// Where the last value in a list or mapping ends; the crate tells of these only where they begin.
fn last_end(content: &Content) -> usize {
    let last = match content {
        Content::Null | Content::Bool(_) | Content::Number(_) | Content::Text(_) => None,
        Content::List(items) => items.last(),
        Content::Map(entries) => entries.last().map(|(_, value)| value),
    };
    last.map_or(0, |node| node.span.end)
}

/// The length of what closes a list or mapping in brackets, blanks before it included.
fn closing_length(source: &str, start: usize, end: usize) -> usize {
    let closing = match source.as_bytes().get(start) {
        Some(b'[') => ']',
        Some(b'{') => '}',
        Some(_) | None => return 0,
    };
    let rest = source.get(end..).unwrap_or("");
    let after = rest.trim_start_matches([' ', ',']);
    if after.starts_with(closing) { rest.len() - after.len() + 1 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Report;

    fn read(text: &str) -> Result<Node, String> {
        let mut report = Report::default();
        let file = report.sources.add("a.yaml", text);
        parse(file, text).map_err(|error| {
            crate::spec::syntax::tell(&mut report, file, &error);
            crate::diag::render_human(&report, crate::diag::Colour::Never)
        })
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
            bomb = format!("{bomb}a{i}: &a{i} [*a{0},*a{0},*a{0},*a{0},*a{0},*a{0},*a{0},*a{0},*a{0}]\n", i - 1);
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
