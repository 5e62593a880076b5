//! What a reader has against a unit file.

use std::ops::Range;

/// One fault, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong.
    pub kind: ProblemKind,
    /// The bytes of the text that it is about.
    pub span: Range<usize>,
}

impl Problem {
    /// What the reader does about it.
    #[must_use]
    pub fn effect(&self) -> Effect {
        self.kind.effect()
    }
}

/// What a reader does about a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The whole file is refused.
    FileRefused,
    /// The line, or the stretch of text, does nothing.
    Ignored,
    /// This reader makes something of it, and another, or a person, something else.
    Hazard,
}

/// The faults of a unit file as text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProblemKind {
    /// More bytes in a line than the reader takes.
    #[error("the line is longer than {limit} bytes")]
    LineTooLong {
        /// The most it would take.
        limit: usize,
    },
    /// systemd: a value over continuation lines that is too long in all.
    #[error("the value with its continuation lines is longer than {limit} bytes")]
    ValueTooLong {
        /// The most it would take.
        limit: usize,
    },
    /// A line that begins with `[` and is no header.
    #[error("the section header has no `]` at its end")]
    UnterminatedHeader,
    /// fleet: text after a header's `]`.
    #[error("there is text after the section header")]
    TextAfterHeader,
    /// systemd: quotes, backslashes or control characters in a header.
    #[error("the section header holds special characters")]
    BadHeaderCharacters,
    /// systemd refuses a file with a line, other than a comment, that is not UTF-8 or has a noncharacter in it.
    #[error("the line is not UTF-8")]
    NotUtf8,
    /// An option without `=`. fleet refuses the file, systemd ignores the line.
    #[error("the line has no `=`")]
    MissingEquals {
        /// Whether the whole file is refused for it.
        refused: bool,
    },
    /// systemd: nothing before the `=`.
    #[error("there is no key before the `=`")]
    MissingKey,
    /// Text before the first section.
    #[error("text before the first section does nothing")]
    BeforeFirstSection,
    /// A line of 2,048 bytes or more: fleet refuses it where its buffer shows it, systemd of its time cuts it.
    #[error("the line has {bytes} bytes; fleet and the systemd of its time cannot read 2,048 and more")]
    LongLine {
        /// Its length without the line end.
        bytes: usize,
    },
    /// A comment that ends in a backslash: fleet, and systemd of its time, take the next line for part of it.
    #[error("a comment that ends in `\\` swallows the next line in fleet and in old systemd")]
    CommentContinues,
    /// A line beginning with `#` or `;` inside a value: systemd drops it, fleet and old systemd take it for text.
    #[error("a line that begins with `#` or `;` inside a value is dropped by systemd and is text to fleet")]
    CommentInsideValue,
    /// Blanks after the backslash at a line's end, which is no continuation then.
    #[error("blanks after the `\\` keep the line from being continued")]
    BlankAfterBackslash,
    /// Several backslashes at a line's end: an even number continues the line in fleet only.
    #[error("`\\\\` at a line's end continues it in fleet and does not in systemd")]
    EvenBackslashes,
    /// Carriage returns: a continuation before one is none to fleet, and a lone one ends a line to systemd only.
    #[error("carriage returns are read differently by systemd and fleet")]
    CarriageReturn,
    /// NUL bytes: a line end to systemd, text to fleet.
    #[error("a NUL byte ends a line in systemd and is text to fleet")]
    NulByte,
    /// A byte order mark: systemd passes over the first one, fleet takes it for text.
    #[error("the byte order mark is text to fleet")]
    ByteOrderMark,
}

impl ProblemKind {
    fn effect(&self) -> Effect {
        match self {
            Self::LineTooLong { .. }
            | Self::ValueTooLong { .. }
            | Self::UnterminatedHeader
            | Self::TextAfterHeader
            | Self::BadHeaderCharacters
            | Self::NotUtf8
            | Self::MissingEquals { refused: true } => Effect::FileRefused,
            Self::MissingEquals { refused: false } | Self::MissingKey | Self::BeforeFirstSection => Effect::Ignored,
            Self::LongLine { .. }
            | Self::CommentContinues
            | Self::CommentInsideValue
            | Self::BlankAfterBackslash
            | Self::EvenBackslashes
            | Self::CarriageReturn
            | Self::NulByte
            | Self::ByteOrderMark => Effect::Hazard,
        }
    }
}
