//! What a tar archive holds, seen as it passes: headers are read, contents skipped. Never an error: what is not
//! understood is not counted.

/// A tar block.
const BLOCK: usize = 512;
/// An extended header that is longer is not looked into; real ones have a few hundred bytes.
const EXTENDED_MAX: u64 = 1 << 20;

/// How many members an archive has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Members {
    /// Files, links, devices: everything but folders.
    pub files: u64,
    /// Folders.
    pub folders: u64,
}

/// Looks at a tar archive piece by piece.
#[derive(Debug)]
pub struct TarScan {
    members: Members,
    state: State,
    /// The block that fills.
    block: Vec<u8>,
    /// The next member's size, where an extended header gives it: files over 8 GiB.
    size: Option<u64>,
}

#[derive(Debug)]
enum State {
    /// A header, or the end, is next.
    Header,
    /// So many bytes of content, padding included, are skipped.
    Skip(u64),
    /// The records of an extended header: what came so far, how much is to come, padding included, and its real size.
    Extended { text: Vec<u8>, left: u64, size: usize },
    /// An end was seen; what follows is filler.
    End,
    /// This is no tar archive that we read.
    Lost,
}

impl Default for TarScan {
    fn default() -> Self {
        Self { members: Members::default(), state: State::Header, block: Vec::with_capacity(BLOCK), size: None }
    }
}

impl TarScan {
    /// Looks at the next bytes.
    pub fn take(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let used = self.step(bytes);
            bytes = bytes.get(used..).unwrap_or_default();
        }
    }

    /// What was there; none where it was not understood.
    #[must_use]
    pub fn finish(self) -> Option<Members> {
        match self.state {
            State::Header | State::Skip(_) | State::Extended { .. } | State::End => Some(self.members),
            State::Lost => None,
        }
    }

    /// Uses some of the bytes, at least one; how many.
    fn step(&mut self, bytes: &[u8]) -> usize {
        match &mut self.state {
            State::End | State::Lost => bytes.len(),
            State::Skip(left) => {
                let used = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= used as u64;
                if *left == 0 {
                    self.state = State::Header;
                }
                used
            }
            State::Extended { text, left, size } => {
                let used = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                text.extend_from_slice(bytes.get(..used).unwrap_or_default());
                *left -= used as u64;
                if *left == 0 {
                    text.truncate(*size);
                    self.size = record(text, b"size").or(self.size);
                    self.state = State::Header;
                }
                used
            }
            State::Header => {
                let used = (BLOCK - self.block.len()).min(bytes.len());
                self.block.extend_from_slice(bytes.get(..used).unwrap_or_default());
                if self.block.len() == BLOCK {
                    self.header();
                    self.block.clear();
                }
                used
            }
        }
    }

    fn header(&mut self) {
        if self.block.iter().all(|byte| *byte == 0) {
            self.state = State::End;
            return;
        }
        let (Some(size), true) = (number(self.field(124, 12)), self.is_header()) else {
            self.state = State::Lost;
            return;
        };
        let kind = self.field(156, 1).first().copied().unwrap_or(0);
        self.state = match kind {
            b'x' if size <= EXTENDED_MAX => Self::extended(size),
            b'x' | b'g' | b'L' | b'K' | b'V' => skip(size),
            // GNU's older way with sparse files: more headers follow that no size tells of.
            b'S' if self.field(482, 1) != [0] => State::Lost,
            kind => self.member(kind, size),
        };
    }

    fn extended(size: u64) -> State {
        match padded(size) {
            0 => State::Header,
            left => State::Extended { text: vec![], left, size: usize::try_from(size).unwrap_or(0) },
        }
    }

    fn member(&mut self, kind: u8, size: u64) -> State {
        let size = self.size.take().unwrap_or(size);
        match kind {
            b'5' | b'D' => self.members.folders += 1,
            _ => self.members.files += 1,
        }
        match kind {
            // Links, devices, folders and pipes have no content, whatever their size says.
            b'1'..=b'6' => State::Header,
            _ => skip(size),
        }
    }

    fn field(&self, at: usize, length: usize) -> &[u8] {
        self.block.get(at..at + length).unwrap_or_default()
    }

    /// Whether the checksum is right: the sum of all bytes, those of the checksum read as spaces.
    fn is_header(&self) -> bool {
        let sum = |range: &[u8]| range.iter().map(|byte| u64::from(*byte)).sum::<u64>();
        let expected = sum(&self.block) - sum(self.field(148, 8)) + 8 * u64::from(b' ');
        number(self.field(148, 8)) == Some(expected)
    }
}

fn padded(size: u64) -> u64 {
    size.div_ceil(BLOCK as u64).saturating_mul(BLOCK as u64)
}

fn skip(size: u64) -> State {
    match padded(size) {
        0 => State::Header,
        left => State::Skip(left),
    }
}

/// A number as tar writes it: octal digits, or GNU's big-endian binary with the highest bit set.
fn number(field: &[u8]) -> Option<u64> {
    match field.split_first() {
        Some((0x80, rest)) => {
            rest.iter().try_fold(0u64, |value, byte| Some(value.checked_mul(256)? + u64::from(*byte)))
        }
        Some((first, _)) if *first < 0x80 => {
            let digits = field.iter().skip_while(|byte| **byte == b' ').take_while(|byte| !matches!(byte, 0 | b' '));
            let mut digits = digits.map(|byte| matches!(byte, b'0'..=b'7').then(|| u64::from(byte - b'0')));
            digits.try_fold(0u64, |value, digit| value.checked_mul(8)?.checked_add(digit?))
        }
        Some(_) | None => None,
    }
}

/// The number in an extended header's record: `LENGTH KEY=VALUE\n`, one after the other.
pub(super) fn record(mut text: &[u8], key: &[u8]) -> Option<u64> {
    while let Some(space) = text.iter().position(|byte| *byte == b' ') {
        let length: usize = std::str::from_utf8(text.get(..space)?).ok()?.parse().ok()?;
        let body = text.get(space + 1..length)?;
        if let Some(value) = body.strip_prefix(key).and_then(|rest| rest.strip_prefix(b"=")) {
            return std::str::from_utf8(value).ok()?.trim_end().parse().ok();
        }
        text = text.get(length..)?;
    }
    None
}
