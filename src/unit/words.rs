//! Splitting a value into words, as systemd's `extract_first_word` does (src/basic/extract-word.c).

use std::ops::{BitOr, Range};

use super::bytes::WHITESPACE;
use super::cunescape::{Nul, cunescape_one};

/// How words are read; combine with `|`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WordFlags(u16);

impl WordFlags {
    /// Blanks separate, quotes mean nothing, a backslash takes the next byte as it is.
    pub const NONE: Self = Self(0);
    /// What is open at the end, a quote or a backslash, is closed there.
    pub const RELAX: Self = Self(1);
    /// C escapes are read; an unknown one is an error.
    pub const CUNESCAPE: Self = Self(1 << 1);
    /// The backslash of an unknown escape stands for itself.
    pub const UNESCAPE_RELAX: Self = Self(1 << 2);
    /// An escaped separator, or backslash, stands for itself.
    pub const UNESCAPE_SEPARATORS: Self = Self(1 << 3);
    /// Quotes hold a word together and stay in it.
    pub const KEEP_QUOTE: Self = Self(1 << 4);
    /// Quotes hold a word together and are taken off.
    pub const UNQUOTE: Self = Self(1 << 5);
    /// Each separator ends a word, so that there are empty ones.
    pub const DONT_COALESCE_SEPARATORS: Self = Self(1 << 6);
    /// A backslash means nothing.
    pub const RETAIN_ESCAPE: Self = Self(1 << 7);
    /// The separators after a word are not passed over.
    pub const RETAIN_SEPARATORS: Self = Self(1 << 8);

    const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl BitOr for WordFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A word as it was meant, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Quotes and escapes taken off, as the flags say. It need not be UTF-8.
    pub text: Vec<u8>,
    /// The word in the value, quotes included.
    pub span: Range<usize>,
    /// Whether an unknown escape stayed as it was; systemd warns of it. Only [`Words::next_or_warn`] sets it.
    pub unknown_escape: bool,
}

/// An open quote, a backslash at the end, or an unknown escape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unbalanced quoting or an unknown escape, found at byte {at}")]
pub struct WordError {
    /// The byte at which the word could not go on.
    pub at: usize,
    /// Where the word begins.
    pub start: usize,
}

/// Reads a value word by word.
#[derive(Clone, Debug)]
pub struct Words<'a> {
    text: &'a [u8],
    at: Option<usize>,
    separators: &'a [u8],
}

impl<'a> Words<'a> {
    /// Words between blanks.
    #[must_use]
    pub fn new(text: &'a [u8]) -> Self {
        Self { text, at: Some(0), separators: WHITESPACE }
    }

    /// The same, with other separators from here on.
    #[must_use]
    pub fn separated_by(mut self, separators: &'a [u8]) -> Self {
        self.separators = separators;
        self
    }

    /// Where the next word is looked for; none once the end was reached.
    #[must_use]
    pub fn offset(&self) -> Option<usize> {
        self.at
    }

    /// Goes on from another place.
    pub fn seek(&mut self, offset: usize) {
        self.at = Some(offset);
    }

    /// The next word.
    ///
    /// # Errors
    /// An open quote or a backslash at the end, or an unknown escape, unless the flags allow it. The place to go on
    /// from is then where it was found.
    pub fn next_word(&mut self, flags: WordFlags) -> Result<Option<Word>, WordError> {
        let Some(at) = self.at else { return Ok(None) };
        let mut scan = Scan { text: self.text, separators: self.separators, flags, at, out: Vec::new() };
        if scan.skip_separators() {
            return Ok(self.empty_or_end(&scan, at));
        }
        let start = scan.at;
        let end = scan.word().map_err(|Unfinished| {
            self.at = Some(scan.at);
            WordError { at: scan.at, start }
        })?;
        self.at = scan.place_after(end);
        Ok(Some(Word { text: scan.out, span: start..end.at(), unknown_escape: false }))
    }

    /// Nothing but separators: an empty word for each that counts, else the end.
    fn empty_or_end(&mut self, scan: &Scan<'_>, at: usize) -> Option<Word> {
        let counts = scan.flags.has(WordFlags::DONT_COALESCE_SEPARATORS);
        let more = counts && scan.byte().is_some();
        let step = usize::from(!scan.flags.has(WordFlags::RETAIN_SEPARATORS));
        self.at = more.then_some(scan.at + step);
        counts.then(|| Word { text: Vec::new(), span: at..at, unknown_escape: false })
    }

    /// The next word; where its escapes are not known it is read again with them kept, and the word says so. This is
    /// what systemd does with most values.
    ///
    /// # Errors
    /// An open quote.
    pub fn next_or_warn(&mut self, flags: WordFlags) -> Result<Option<Word>, WordError> {
        let start = self.at;
        let error = match self.next_word(flags) {
            Ok(word) => return Ok(word),
            Err(error) => error,
        };
        if flags.has(WordFlags::UNESCAPE_RELAX) {
            return Err(error);
        }
        self.at = start;
        let word = self.next_word(flags | WordFlags::UNESCAPE_RELAX)?;
        Ok(word.map(|word| Word { unknown_escape: true, ..word }))
    }
}

/// The input ended, or an escape was unknown, where a word could not end.
struct Unfinished;

/// How a word ended.
#[derive(Clone, Copy)]
enum End {
    /// With the text.
    OfText(usize),
    /// Before a separator.
    Separator(usize),
}

impl End {
    fn at(self) -> usize {
        match self {
            Self::OfText(at) | Self::Separator(at) => at,
        }
    }
}

struct Scan<'a> {
    text: &'a [u8],
    separators: &'a [u8],
    flags: WordFlags,
    at: usize,
    out: Vec<u8>,
}

impl Scan<'_> {
    fn byte(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn is_separator(&self, byte: u8) -> bool {
        self.separators.contains(&byte)
    }

    /// Goes to the first byte of a word. True where there is none, or a separator counts for itself.
    fn skip_separators(&mut self) -> bool {
        let counts = self.flags.has(WordFlags::DONT_COALESCE_SEPARATORS);
        while self.byte().is_some_and(|byte| self.is_separator(byte)) {
            if counts {
                return true;
            }
            self.at += 1;
        }
        self.byte().is_none()
    }

    /// Reads to the word's end.
    fn word(&mut self) -> Result<End, Unfinished> {
        let mut quote = None;
        loop {
            let Some(byte) = self.byte() else {
                let closed = quote.is_none() || self.flags.has(WordFlags::RELAX);
                return if closed { Ok(End::OfText(self.at)) } else { Err(Unfinished) };
            };
            if byte == b'\\' && !self.flags.has(WordFlags::RETAIN_ESCAPE) {
                self.at += 1;
                if self.escape(quote)? {
                    return Ok(End::OfText(self.at));
                }
                continue;
            }
            if quote.is_none() && !self.opens_quote(byte) && self.is_separator(byte) {
                return Ok(End::Separator(self.at));
            }
            quote = self.plain(byte, quote);
            self.at += 1;
        }
    }

    fn opens_quote(&self, byte: u8) -> bool {
        matches!(byte, b'\'' | b'"') && self.flags.has(WordFlags::UNQUOTE | WordFlags::KEEP_QUOTE)
    }

    /// Takes a byte that is no backslash, and says which quote is open after it.
    fn plain(&mut self, byte: u8, quote: Option<u8>) -> Option<u8> {
        let (is_quote, after) = match quote {
            None if self.opens_quote(byte) => (true, Some(byte)),
            Some(open) if open == byte => (true, None),
            open => (false, open),
        };
        if !is_quote || !self.flags.has(WordFlags::UNQUOTE) {
            self.out.push(byte);
        }
        after
    }

    /// Reads what follows a backslash. True where the text ends there and the word with it.
    fn escape(&mut self, quote: Option<u8>) -> Result<bool, Unfinished> {
        let Some(byte) = self.byte() else {
            return self.backslash_at_end(quote);
        };
        let interpreted = WordFlags::CUNESCAPE | WordFlags::UNESCAPE_SEPARATORS | WordFlags::UNESCAPE_RELAX;
        if !self.flags.has(interpreted) {
            self.out.push(byte);
            self.at += 1;
            return Ok(false);
        }
        let known = self.flags.has(WordFlags::CUNESCAPE);
        if let Some((meaning, length)) =
            known.then(|| cunescape_one(super::bytes::from(self.text, self.at), Nul::Refused)).flatten()
        {
            meaning.push_to(&mut self.out);
            self.at += length;
            return Ok(false);
        }
        let separator = self.flags.has(WordFlags::UNESCAPE_SEPARATORS) && (self.is_separator(byte) || byte == b'\\');
        if !separator && !self.flags.has(WordFlags::UNESCAPE_RELAX) {
            return Err(Unfinished);
        }
        if !separator {
            self.out.push(b'\\');
        }
        self.out.push(byte);
        self.at += 1;
        Ok(false)
    }

    fn backslash_at_end(&mut self, quote: Option<u8>) -> Result<bool, Unfinished> {
        let relax = self.flags.has(WordFlags::RELAX);
        if self.flags.has(WordFlags::UNESCAPE_RELAX) && (quote.is_none() || relax) {
            self.out.push(b'\\');
            return Ok(true);
        }
        if relax { Ok(true) } else { Err(Unfinished) }
    }

    /// Where the next word is looked for.
    fn place_after(&mut self, end: End) -> Option<usize> {
        let End::Separator(at) = end else { return None };
        if self.flags.has(WordFlags::DONT_COALESCE_SEPARATORS) {
            return Some(at + usize::from(!self.flags.has(WordFlags::RETAIN_SEPARATORS)));
        }
        if self.flags.has(WordFlags::RETAIN_SEPARATORS) {
            return Some(at);
        }
        self.skip_separators();
        (self.at < self.text.len()).then_some(self.at)
    }
}
