//! A change of the text that takes a finding away.

use super::Span;

/// How far a [`Fix`] may be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Safety {
    /// The text then does what it already says; nothing that worked before works otherwise.
    Safe,
    /// Most likely what was meant. It changes what a machine does, or takes text away: somebody has to look at it.
    Unsafe,
}

impl Safety {
    /// The word for it, as JSON has it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Unsafe => "unsafe",
        }
    }
}

/// One stretch of a text, and what is to stand there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The stretch; an empty one is a place to insert at.
    pub span: Span,
    /// The new text; empty where the stretch is taken out.
    pub text: String,
}

/// Edits that belong together: all of them are made, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What is done, as an order: "write `Restart=`".
    pub title: String,
    /// How far it may be trusted.
    pub safety: Safety,
    /// The edits, which do not overlap.
    pub edits: Vec<Edit>,
}

impl Fix {
    /// A fix without an edit yet.
    #[must_use]
    pub fn new(safety: Safety, title: impl Into<String>) -> Self {
        Self { title: super::report::tame(&title.into()), safety, edits: vec![] }
    }

    /// Puts a text in the place of another.
    #[must_use]
    pub fn replace(mut self, span: &Span, text: impl Into<String>) -> Self {
        self.edits.push(Edit { span: span.clone(), text: text.into() });
        self
    }

    /// Takes a text out.
    #[must_use]
    pub fn delete(self, span: &Span) -> Self {
        self.replace(span, "")
    }

    /// Puts a text before a place.
    #[must_use]
    pub fn insert_before(self, span: &Span, text: impl Into<String>) -> Self {
        self.replace(&Span { end: span.start, ..span.clone() }, text)
    }

    /// Puts a text behind a place.
    #[must_use]
    pub fn insert_after(self, span: &Span, text: impl Into<String>) -> Self {
        self.replace(&Span { start: span.end, ..span.clone() }, text)
    }
}
