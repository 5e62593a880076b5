//! The buffered reader of Go's standard library, as far as it decides which lines fleet finds too long.

/// Go's `bufio` default.
const BUFFER_BYTES: usize = 4096;

/// A text read through a buffer of [`BUFFER_BYTES`]: what matters is how much of it is in the buffer at each moment.
pub(super) struct GoReader<'a> {
    text: &'a [u8],
    at: usize,
    /// How far the buffer reaches.
    buffered: usize,
    /// A line end at or after `at`, as last looked up, or the text's length.
    line_end: usize,
}

impl<'a> GoReader<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, buffered: 0, line_end: 0 }
    }

    /// The next byte to be read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Whether the buffer holds `limit` bytes to be read and no line end is among them. The buffer is not filled for it.
    pub(super) fn shows_line_of(&mut self, limit: usize) -> bool {
        self.buffered - self.at >= limit && self.next_line_end() >= self.at + limit
    }

    fn next_line_end(&mut self) -> usize {
        if self.line_end < self.at || self.line_end == 0 {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let found = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            self.line_end = found.map_or(self.text.len(), |place| self.at + place);
        }
        self.line_end
    }

    fn fill(&mut self) {
        self.buffered = (self.at + BUFFER_BYTES).min(self.text.len());
    }

    /// Reads one character as Go does: a byte that begins none is `U+FFFD`, one byte long.
    pub(super) fn read_char(&mut self) -> Option<char> {
        let available = self.text.get(self.at..self.buffered).unwrap_or_default();
        if available.len() < 4 && !begins_with_whole_char(available) {
            self.fill();
        }
        let (c, length) = first_char(self.text.get(self.at..)?)?;
        self.at += length;
        Some(c)
    }

    /// Steps back over the character just read.
    pub(super) fn unread(&mut self, c_start: usize) {
        self.at = c_start;
    }

    /// Reads up to and with the delimiter, or to the end, and says whether the delimiter was there.
    pub(super) fn read_to(&mut self, delimiter: u8) -> bool {
        loop {
            let available = self.text.get(self.at..self.buffered).unwrap_or_default();
            if let Some(place) = available.iter().position(|byte| *byte == delimiter) {
                self.at += place + 1;
                return true;
            }
            if self.buffered == self.text.len() {
                self.at = self.buffered;
                return false;
            }
            if available.len() >= BUFFER_BYTES {
                self.at = self.buffered;
            } else {
                self.fill();
            }
        }
    }
}

/// The first character and its length in bytes.
pub(super) fn first_char(bytes: &[u8]) -> Option<(char, usize)> {
    let head = bytes.get(..bytes.len().min(4))?;
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) => head.get(..error.valid_up_to()).and_then(|head| std::str::from_utf8(head).ok())?,
    };
    match valid.chars().next() {
        Some(c) => Some((c, c.len_utf8())),
        None => head.first().map(|_| (char::REPLACEMENT_CHARACTER, 1)),
    }
}

/// Go's `utf8.FullRune`: also true of bytes that can never become a character.
fn begins_with_whole_char(bytes: &[u8]) -> bool {
    match std::str::from_utf8(bytes) {
        Ok(text) => !text.is_empty(),
        Err(error) => error.valid_up_to() > 0 || error.error_len().is_some(),
    }
}
