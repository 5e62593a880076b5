//! The spec's text as a tree in which every key and value keeps its place.

use crate::diag::Span;
use std::ops::Range;

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) span: Span,
    pub(super) kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// Nothing was written, or `~`, or `null`.
    Null,
    Scalar(Scalar),
    List(Vec<Node>),
    /// Keys as written, repeated ones included.
    Map(Vec<(Node, Node)>),
}

/// A text, or what YAML takes for more than a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scalar {
    /// The text; of numbers and booleans, as written.
    pub(super) text: String,
    pub(super) form: Form,
}

/// How a scalar was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// In quotes, or as a block of lines: certainly a text.
    Quoted,
    /// Without quotes, and a text all the same.
    Plain,
    /// Without quotes, `true` or `false`.
    Bool,
    /// Without quotes, a number.
    Number,
}

impl Node {
    /// What a finding calls it.
    pub(super) fn noun(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "nothing",
            Kind::Scalar(scalar) => match scalar.form {
                Form::Quoted | Form::Plain => "text",
                Form::Bool => "a boolean",
                Form::Number => "a number",
            },
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
        }
    }

    /// The scalar, if it is one.
    pub(super) fn scalar(&self) -> Option<&Scalar> {
        match &self.kind {
            Kind::Scalar(scalar) => Some(scalar),
            Kind::Null | Kind::List(_) | Kind::Map(_) => None,
        }
    }

    /// The text of a scalar, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        self.scalar().map(|scalar| scalar.text.as_str())
    }

    /// The place of a part of a scalar's text: exact where the text stands in the file as it is read, else the whole.
    pub(super) fn part(&self, range: Range<usize>) -> Span {
        let length = self.span.end - self.span.start;
        match self.scalar() {
            Some(scalar) if scalar.text.len() == length => self.span.part(range),
            Some(scalar) if scalar.text.len() + 2 == length && scalar.form == Form::Quoted => {
                self.span.part(range.start + 1..range.end + 1)
            }
            Some(_) | None => self.span.clone(),
        }
    }

    /// The name of the placeholder that YAML read as a mapping, where `{name}` was written without quotes.
    pub(super) fn unquoted_placeholder(&self) -> Option<&str> {
        match &self.kind {
            Kind::Map(entries) => match entries.as_slice() {
                [(key, value)] if value.kind == Kind::Null => {
                    key.text().filter(|name| is_placeholder(name))
                }
                _ => None,
            },
            Kind::Null | Kind::Scalar(_) | Kind::List(_) => None,
        }
    }
}

/// Whether a text between braces is one of the placeholders.
pub(super) fn is_placeholder(name: &str) -> bool {
    matches!(name, "instance" | "job" | "host" | "source" | "scratch" | "time") || name.starts_with("time:")
}
