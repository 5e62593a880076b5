//! YAML text to [`Node`]s. The only module that knows the YAML crate.

use super::node::{Form, Kind, Node, Scalar};
use crate::diag::{FileId, Span};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};
use serde_yaml::{Error, Options, Spanned};
use std::fmt;

/// Lists and mappings within each other. A spec needs eight.
const DEPTH_MAX: usize = 64;
/// Values in one file: enough for 20,000 jobs of fifty lines each.
const NODES_MAX: usize = 1_200_000;
/// Values that aliases may stand for, all told: enough to share a block among 20,000 jobs.
const ALIASED_MAX: usize = 400_000;

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
    let limit = matches!(
        error,
        Error::Budget { .. }
            | Error::AliasReplayLimitExceeded { .. }
            | Error::AliasExpansionLimitExceeded { .. }
            | Error::AliasReplayStackDepthExceeded { .. }
    );
    let message = error.to_string();
    let end = message.rfind(" at line ").filter(|_| at.is_some()).unwrap_or(message.len());
    SyntaxError { message: message.get(..end).unwrap_or_default().to_owned(), at, limit }
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
        let kind = match self.kind {
            RawKind::Null => Kind::Null,
            RawKind::Bool => Kind::Scalar(Scalar { text: written.into(), form: Form::Bool }),
            RawKind::Number => Kind::Scalar(Scalar { text: written.into(), form: Form::Number }),
            RawKind::Text(text) => Kind::Scalar(Scalar { form: form(&text, written), text }),
            RawKind::List(items) => Kind::List(items.into_iter().map(|item| item.into_node(file, source)).collect()),
            RawKind::Map(entries) => {
                let node = |(key, value): (Self, Self)| (key.into_node(file, source), value.into_node(file, source));
                Kind::Map(entries.into_iter().map(node).collect())
            }
        };
        end = end.max(last_end(&kind));
        Node { span: Span { file, start, end: end + closing_length(source, start, end) }, kind }
    }
}

/// Where the last value in a list or mapping ends; the crate tells of these only where they begin.
fn last_end(kind: &Kind) -> usize {
    let last = match kind {
        Kind::Null | Kind::Scalar(_) => None,
        Kind::List(items) => items.last(),
        Kind::Map(entries) => entries.last().map(|(_, value)| value),
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

/// A block of lines, and a text in several, is not in the file as it is read.
fn form(text: &str, written: &str) -> Form {
    if text == written && !text.contains('\n') && !written.starts_with(['"', '\'']) { Form::Plain } else { Form::Quoted }
}
