//! A line as the reader joins it, and where each of its bytes comes from.

use std::ops::Range;

/// The joined bytes; each comes from one byte of the text.
#[derive(Clone, Debug, Default)]
pub(super) struct Logical {
    bytes: Vec<u8>,
    /// Where in `bytes` a stretch begins, and where in the text it comes from; in ascending order.
    origins: Vec<(usize, usize)>,
}

impl Logical {
    /// Adds bytes that stand at `origin` in the text, one to one.
    pub(super) fn push(&mut self, bytes: &[u8], origin: usize) {
        if !bytes.is_empty() || self.origins.is_empty() {
            self.origins.push((self.bytes.len(), origin));
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// Makes the last byte another, as systemd does with a backslash that continues a line.
    pub(super) fn replace_last(&mut self, byte: u8) {
        if let Some(last) = self.bytes.last_mut() {
            *last = byte;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn all(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    /// Where a byte comes from; for the end, where the next one would.
    pub(super) fn source(&self, place: usize) -> usize {
        let stretch = self.origins.partition_point(|(start, _)| *start <= place).saturating_sub(1);
        self.origins.get(stretch).map_or(0, |(start, origin)| origin + place.saturating_sub(*start))
    }
}

/// The part of `range` that is left when bytes that match are taken off both ends.
pub(super) fn trimmed(bytes: &[u8], range: Range<usize>, blank: fn(u8) -> bool) -> Range<usize> {
    let inner = bytes.get(range.clone()).unwrap_or_default();
    let Some(first) = inner.iter().position(|&byte| !blank(byte)) else {
        return range.start..range.start;
    };
    let last = inner.iter().rposition(|&byte| !blank(byte)).unwrap_or(first);
    range.start + first..range.start + last + 1
}
