//! Changes of a text: pieces that mean something to its reader, lines, numbers, and now and then any bytes.

/// Pieces of unit files.
#[rustfmt::skip]
pub const UNIT: &[&str] = &[
    "\n", "\r\n", "\r", "\0", "\\\n", "\\ \n", "\\\\\n", " ", "\t", "=", "#", ";", "[", "]", "\u{feff}", "\u{a0}", "\u{e9}",
    "[Unit]\n", "[Service]\n", "[Timer]\n", "[Install]\n", "[X-Fleet]\n", "[Socket]\n", "[Path]\n", "[Mount]\nWhere=/a\n",
    "\n=== a.service\n", "\n=== b@.service\n", "\n=== a.timer\n", "\n=== b@x.timer\n", "\n=== a.service.d/x.conf\n",
    "\n=== a.mount\n", "\n=== sub/a.socket\n",
    "After=", "Before=a.service b@%i.service\n", "Requires=", "Wants=", "Conflicts=a*\n", "Description=", "Documentation=man:x(1) ",
    "ExecStart=", "ExecStartPre=-/bin/sh -c 'a | b'\n", "ExecReload=", "ExecStop=", "Environment=A=b \"C=d e\"\n",
    "Environment=", "EnvironmentFile=-", "Type=oneshot\n", "Type=", "User=", "Restart=always\n", "TimeoutSec=", "WatchdogSec=1\n",
    "ReadWritePaths=/var/lib/a ", "StateDirectory=a\n", "UMask=", "Nice=", "MemoryMax=", "SystemCallFilter=~@a b\n",
    "CapabilityBoundingSet=", "RestrictAddressFamilies=", "IPAddressDeny=any\n", "ProtectSystem=", "PrivateTmp=",
    "OnCalendar=", "OnBootSec=", "OnUnitActiveSec=4h\n", "Persistent=true\n", "Unit=", "ListenStream=", "WantedBy=", "Alias=",
    "MachineOf=", "MachineMetadata=", "Conflicts=", "Replaces=", "Global=", "MachineID=",
    "%i", "%%", "%z", "%", "${A}", "$A", "$(a)", "`a`", "'", "\"", "\\x41", "\\q", "| ", "&& ", "+%Y-%m-%d", "--password=x ",
    "http://a:b@c/", "# eightbells: allow bad-word why\n", "# eightbells: allow-file ", "/bin/true\n", "yes", "infinity",
];

/// Pieces of command lines and environments.
#[rustfmt::skip]
pub const WORDS: &[&str] = &[
    " ", "\t", "\n", "'", "\"", "\\", "\\n", "\\x41", "\\x00", "\\u00e9", "\\U0001f514", "\\101", "\\q", "\\;", " ; ", ";",
    "=", "A=b", "\"A=b c\"", "-", "@", ":", "+", "!", "!!", "|", "/bin/x", "/", "//", "/.", "..", "x", "%i", "%%", "%n", "%z", "%",
    "$A", "${A}", "${A", "$", "$$", "${", "}", "\u{e9}", "\u{1f514}", "\u{fffe}", "\u{1}", "#", "\\\n",
];

/// Pieces of calendar events, time spans, timestamps and crontab lines.
#[rustfmt::skip]
pub const TIME: &[&str] = &[
    " ", "  ", "\t", "*", "*-*-*", "*:*", ":", "-", "~", ",", "..", ".", "/", "@", "+", "0", "00", "1", "2", "5", "23", "29", "30", "31",
    "59", "60", "1970", "2027", "2199", "2200", "Mon", "fri", "Sunday", "Mon..Fri", "Sat,Sun", "UTC", " Europe/Berlin",
    "America/New_York", "Pacific/Apia", "Australia/Lord_Howe", "CET", "Z", "+02:00", "daily", "hourly", "weekly", "yearly", "@daily",
    "@reboot", "today", "tomorrow", "now", "yesterday", "ago", "left", "in ", "s", "ms", "us", "\u{b5}s", "\u{3bc}s", "min", "m", "h", "d",
    "w", "M", "month", "y", "years", "infinity", "0/15", "*/15", "1-5", "JAN", "sun#2", "L", "W", "?", "\u{e9}", "0.000001", "1.5", ".5",
];

/// Pieces of unit names and patterns.
#[rustfmt::skip]
pub const NAMES: &[&str] = &[
    ".service", ".timer", ".mount", ".device", ".", "@", "@.", "-", "_", ":", "\\", "\\x2d", "\\x", "\\x2", "\\x00", "\\xc3\\xa9", "/",
    "//", "..", "/../", "a", "b1", "%", " ", "\u{e9}", "\0", "\n", "*", "?", "[a-z]", "[^a]", "[", "]", "[]", "[a-", "\\*", "{a,b}",
];

/// Pieces of specs.
#[rustfmt::skip]
pub const SPEC: &[&str] = &[
    "\n", "\n  ", "\n    ", "\n      ", "- ", ": ", "{", "}", "[", "]", ", ", "\"", "'", "|\n", ">-\n", "#", "&a ", "*a", "<<: *a", "!!int ",
    "~", "null", "on", "010", "0x1f", "1e3", ".inf", "-1", "99999999999999999999", "4h", "4 h", "1MiB", "{instance}", "{job}", "{host}",
    "{source}", "{scratch}", "{time:%Y%m%dT%H%M%S}", "{time:%", "{{", "%i", "%%", "\\", "\t", "\0", "\u{85}", "\u{feff}", "\u{e9}",
    "version: 1\n", "target: fleet\n", "target: {systemd: {version: 252, scope: user}}\n", "jobs:\n  a:\n", "defaults:\n", "include: ",
    "schedule: {every: 1h}", "schedule: {calendar: \"", "cron: \"", "sources: {s: {paths: [/a]}}", "container: ", "dump: [", "env: {A: b}",
    "store: [h]", "{to: h, keep: {within: 2d}}", "archive: {name: \"", "compression: zstd", "fleet: {global: true}", "machine_of: [",
    "service: {nice: 1}", "directives: {Service: {", "instances: [\"1\"]", "needs: [", "destinations: {h: {local: {path: /b}}}",
    "s3: {endpoint: ", "bucket: b", "secret_key: {env: X}", "{file: /a}", "{command: [x]}", "{etcd: /a}", "---\n", "...\n",
];

/// Numbers at the edges of something.
const NUMBERS: [&str; 14] = [
    "0",
    "1",
    "7",
    "12",
    "24",
    "61",
    "255",
    "256",
    "1000",
    "2147483648",
    "4294967296",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
];

pub struct Mutator<'d> {
    state: u64,
    dictionary: &'d [&'d str],
}

impl<'d> Mutator<'d> {
    pub fn new(seed: u64, dictionary: &'d [&'d str]) -> Self {
        Self { state: seed, dictionary }
    }

    /// `SplitMix64`: small, and the same everywhere.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % (bound.max(1) as u64)).unwrap()
    }

    fn pick<'c, T: ?Sized>(&mut self, choices: &[&'c T]) -> &'c T {
        choices[self.below(choices.len())]
    }

    /// One of the seeds with one to eight changes; those found last are taken more often.
    pub fn changed(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let recent = seeds.len().saturating_sub(50);
        let place =
            if self.below(3) == 0 { recent + self.below(seeds.len() - recent) } else { self.below(seeds.len()) };
        let mut text = seeds[place].clone();
        for _ in 0..=self.below(8) {
            self.change(&mut text, seeds);
        }
        text
    }

    fn change(&mut self, text: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let at = self.below(text.len() + 1);
        let end = (at + self.below(20)).min(text.len());
        match self.below(12) {
            0..4 => self.put_in(text, at),
            4 => drop(text.drain(at..end)),
            5 => {
                let again = text[at..end].to_vec();
                text.splice(at..at, again.repeat(1 + self.below(4)));
            }
            6 => self.other_number(text, at),
            7 => self.splice(text, at, seeds),
            8 => self.lines(text),
            9 => self.any_byte(text, at),
            10 => text.truncate(at),
            _ => {
                let piece = self.pick(self.dictionary).as_bytes();
                text.splice(at..end, piece.iter().copied());
            }
        }
    }

    fn put_in(&mut self, text: &mut Vec<u8>, at: usize) {
        let times = if self.below(20) == 0 { self.below(60) } else { 1 };
        let piece = self.pick(self.dictionary).repeat(times);
        text.splice(at..at, piece.into_bytes());
    }

    /// Another number in the place of the next one.
    fn other_number(&mut self, text: &mut Vec<u8>, at: usize) {
        let Some(start) = text[at..].iter().position(u8::is_ascii_digit).map(|place| at + place) else { return };
        let length = text[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = self.pick(&NUMBERS);
        text.splice(start..start + length, number.bytes());
    }

    /// The rest of another seed.
    fn splice(&mut self, text: &mut Vec<u8>, at: usize, seeds: &[Vec<u8>]) {
        let other = &seeds[self.below(seeds.len())];
        let from = self.below(other.len() + 1);
        text.truncate(at);
        text.extend_from_slice(&other[from..]);
    }

    /// A line doubled, taken away, or moved.
    fn lines(&mut self, text: &mut Vec<u8>) {
        let mut lines: Vec<Vec<u8>> = text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        if lines.is_empty() {
            return;
        }
        let (one, other) = (self.below(lines.len()), self.below(lines.len()));
        match self.below(3) {
            0 => lines.insert(other, lines[one].clone()),
            1 => drop(lines.remove(one)),
            _ => lines.swap(one, other),
        }
        *text = lines.concat();
    }

    fn any_byte(&mut self, text: &mut Vec<u8>, at: usize) {
        let byte = u8::try_from(self.below(256)).unwrap();
        match text.get_mut(at) {
            Some(old) if self.below(2) == 0 => *old = byte,
            _ => text.insert(at, byte),
        }
    }
}
