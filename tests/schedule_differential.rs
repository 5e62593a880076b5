//! Our calendar events and time spans against the machine's own `systemd-analyze`, on generated texts.
//!
//! About 300 texts of each kind by default, 20,000 with `EIGHTBELLS_LONG=1`; the same ones each time, others with
//! `EIGHTBELLS_SEED=2` and so on. Without `systemd-analyze` the tests are skipped, loudly; `EIGHTBELLS_NO_SKIP=1`
//! makes that a failure.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test that cannot go on is a failed test, and one that is skipped says so"
)]

use std::fmt::Write as _;
use std::process::{Command, Output};

use eightbells::schedule::report::{self, CalendarQuestion};
use eightbells::schedule::{TimeSpan, timestamp};
use jiff::Timestamp;
use jiff::tz::TimeZone;

const BATCH: usize = 60;

fn texts_wanted() -> usize {
    if std::env::var_os("EIGHTBELLS_LONG").is_some_and(|long| long == "1") { 20_000 } else { 300 }
}

fn seed() -> u64 {
    std::env::var("EIGHTBELLS_SEED").map_or(1, |seed| seed.parse().expect("EIGHTBELLS_SEED is a number"))
}

/// Whether there is a `systemd-analyze` with these verbs, and whether it is the version that our reports copy.
fn systemd_analyze() -> Option<Systemd> {
    let version = Command::new("systemd-analyze").arg("--version").output();
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let number = version.split_whitespace().nth(1).and_then(|number| number.parse::<u16>().ok());
    match number {
        // `timespan` came with 245, `--base-time` with 246; 252 fixed searches that later versions share.
        Some(number) if number >= 252 => Some(Systemd { number }),
        _ => {
            let found = number.map_or("none".to_owned(), |number| number.to_string());
            eprintln!("SKIPPED: comparison with systemd-analyze: needs version 252 or later, found {found}");
            assert!(std::env::var_os("EIGHTBELLS_NO_SKIP").is_none_or(|no| no != "1"), "nothing may be skipped");
            None
        }
    }
}

struct Systemd {
    number: u16,
}

fn run_systemd_analyze(zone: &str, args: &[&str], texts: &[String]) -> Output {
    let mut command = Command::new("systemd-analyze");
    command.env("TZ", zone).env("LC_ALL", "C.UTF-8").env("SYSTEMD_COLORS", "0").env_remove("COLUMNS");
    command.args(args).arg("--").args(texts).output().expect("systemd-analyze runs")
}

impl Systemd {
    /// Whether two outputs are the same: of 252, whose layout ours is, byte for byte.
    fn prints(&self, ours: &str, theirs: &str) -> bool {
        ours == theirs || (self.number != 252 && comparable(ours) == comparable(theirs))
    }
}

/// The output of any version as 252 would print it. Later ones write "Iteration #2:", which has another width, and count
/// "From now:" otherwise.
fn comparable(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let line = line.split_once("From now: ").map_or(line, |(label, _)| label);
        lines.push(line.trim_start().replace("Iteration #", "Iter. #"));
    }
    lines.join("\n")
}

/// `SplitMix64`: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to - from + 1)
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    fn pick<'c, T: ?Sized>(&mut self, choices: &[&'c T]) -> &'c T {
        choices[usize::try_from(self.below(choices.len() as u64)).unwrap()]
    }

    /// The text with one to three characters dropped, doubled, swapped in or put in.
    fn mutated(&mut self, text: &str, alphabet: &[&str]) -> String {
        let mut letters: Vec<String> = text.chars().map(String::from).collect();
        for _ in 0..self.between(1, 3) {
            let at = usize::try_from(self.below(letters.len() as u64 + 1)).unwrap();
            let new = self.pick(alphabet).to_owned();
            match self.below(4) {
                0 if at < letters.len() => drop(letters.remove(at)),
                1 if at < letters.len() => letters.insert(at, letters[at].clone()),
                2 if at < letters.len() => letters[at] = new,
                _ => letters.insert(at, new),
            }
        }
        letters.concat()
    }

    fn garbage(&mut self, alphabet: &[&str]) -> String {
        (0..self.below(14)).map(|_| self.pick(alphabet)).collect()
    }
}

const CALENDAR_ALPHABET: [&str; 44] = [
    "0",
    "1",
    "2",
    "3",
    "5",
    "9",
    "00",
    "31",
    "60",
    "2027",
    " ",
    " ",
    "  ",
    "*",
    "*",
    "-",
    "-",
    ":",
    ":",
    "~",
    ",",
    "..",
    ".",
    "/",
    "@",
    "Mon",
    "fri",
    "SUN",
    "Sat..",
    "UTC",
    "CET",
    " UTC",
    "daily",
    "+",
    "T",
    "Z",
    "é",
    "x",
    "\t",
    "\\",
    "%",
    "'",
    "Europe/Berlin",
    "_",
];
const ZONES: [&str; 16] = [
    "UTC",
    "utc",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Africa/Casablanca",
    "America/Sao_Paulo",
    "Pacific/Apia",
    "Europe/Dublin",
    "Etc/GMT+5",
    "GMT0",
    "Asia/Kathmandu",
    "America/St_Johns",
    "Pacific/Chatham",
    "EST5EDT",
];
const NO_ZONES: [&str; 10] =
    ["europe/berlin", "Europe/Berln", "CEST", "EDT", "XYZ", "Europe/", "/Europe/Berlin", "Etc//UTC", "+02:00", "Z"];

fn calendar_event(random: &mut Random) -> String {
    match random.below(20) {
        0 => return random.garbage(&CALENDAR_ALPHABET),
        1 => return shorthand(random),
        2 => return epoch(random),
        _ => {}
    }
    let mut pieces = Vec::new();
    if random.percent(35) {
        pieces.push(weekdays(random));
    }
    if random.percent(60) {
        pieces.push(date(random));
    }
    if random.percent(70) || pieces.is_empty() {
        pieces.push(time(random));
    }
    if random.percent(25) {
        pieces.push(random.pick(&ZONES).to_owned());
    } else if random.percent(5) {
        pieces.push(random.pick(&NO_ZONES).to_owned());
    }
    let text = pieces.join(if random.percent(95) { " " } else { "  " });
    if random.percent(30) { random.mutated(&text, &CALENDAR_ALPHABET) } else { text }
}

fn shorthand(random: &mut Random) -> String {
    let word = random.pick(&[
        "minutely",
        "hourly",
        "daily",
        "weekly",
        "monthly",
        "quarterly",
        "semiannually",
        "semi-annually",
        "biannually",
        "bi-annually",
        "yearly",
        "annually",
        "anually",
        "Daily",
        "WEEKLY",
        "midnight",
        "fortnightly",
        "never",
        "now",
    ]);
    let zone = random.pick(&["", "", "", " UTC", " Asia/Kolkata", "  UTC", " "]);
    format!("{word}{zone}")
}

fn epoch(random: &mut Random) -> String {
    let number = match random.below(6) {
        0 => random.below(10),
        1 => random.below(u64::MAX),
        2 => 7_258_118_400 + random.below(3),
        _ => random.below(8_000_000_000),
    };
    let before = random.pick(&["", "", "", "Mon ", "-", "+", " "]);
    let after = random.pick(&["", "", "", " UTC", " Europe/Berlin", ".5", " 10:00"]);
    if before == "Mon " { format!("{before}@{number}{after}") } else { format!("@{before}{number}{after}") }
}

fn weekdays(random: &mut Random) -> String {
    const NAMES: [&str; 16] = [
        "Mon",
        "Tue",
        "Wed",
        "Thu",
        "Fri",
        "Sat",
        "Sun",
        "Monday",
        "tuesday",
        "Wednesday",
        "Thursday",
        "FRIDAY",
        "saturday",
        "Sunday",
        "Tues",
        "Weds",
    ];
    let known = if random.percent(95) { 14 } else { NAMES.len() };
    let mut text = String::new();
    for index in 0..random.between(1, 3) {
        if index > 0 {
            text.push(',');
        }
        text += random.pick(&NAMES[..known]);
        if random.percent(35) {
            text += random.pick(&["..", "..", "-"]);
            text += random.pick(&["Sun", "Sat", "fri", "Thursday", "Tue"]);
        }
    }
    if random.percent(5) { text + "," } else { text }
}

fn date(random: &mut Random) -> String {
    let month = list(random, 1, 12);
    if random.percent(20) {
        let day = list(random, 1, 28);
        return match random.below(2) {
            0 => format!("{month}~{day}"),
            _ => format!("{}-{month}~{day}", year(random)),
        };
    }
    let day = list(random, 1, 31);
    if random.percent(40) { format!("{month}-{day}") } else { format!("{}-{month}-{day}", year(random)) }
}

fn year(random: &mut Random) -> String {
    match random.below(6) {
        0 => list(random, 0, 99),
        1 => list(random, 1970, 2199),
        2 => list(random, 2026, 2040),
        3 => random
            .pick(&[
                "2027",
                "2196/1",
                "2024/4",
                "1970..2199/13",
                "2199",
                "1969",
                "2200",
                "2027..2200",
                "1960..2030",
                "0",
                "69",
                "70",
                "9999",
            ])
            .to_owned(),
        _ => "*".to_owned(),
    }
}

fn time(random: &mut Random) -> String {
    let hour =
        if random.percent(20) { random.pick(&["1", "2", "02", "3", "0..3"]).to_owned() } else { list(random, 0, 23) };
    let minute = list(random, 0, 59);
    if random.percent(60) { format!("{hour}:{minute}") } else { format!("{hour}:{minute}:{}", seconds(random)) }
}

/// A field's list, mostly within its bounds.
fn list(random: &mut Random, from: u64, to: u64) -> String {
    if random.percent(35) {
        return "*".to_owned();
    }
    let parts: Vec<String> = (0..random.pick(&[&1, &1, &1, &2, &3, &5]).to_owned())
        .map(|_| {
            let first = random.between(from, to);
            let last = if random.percent(90) { random.between(first, to) } else { random.between(from, to + 2) };
            let first = if random.percent(2) { to + 1 } else { first };
            let step =
                if random.percent(5) { random.below(to + 5) } else { random.between(1, (to - first.min(to)).max(1)) };
            match random.below(8) {
                0 => format!("{first}..{last}"),
                1 => format!("{first}..{last}/{step}"),
                2 => format!("{first}/{step}"),
                3 => format!("{first:02}"),
                4 if random.percent(5) => random.pick(&["*/2", "*", "2147483647", "4294967296", "1.5"]).to_owned(),
                _ => first.to_string(),
            }
        })
        .collect();
    parts.join(",")
}

fn seconds(random: &mut Random) -> String {
    if random.percent(60) {
        return list(random, 0, 59);
    }
    let parts: Vec<String> = (0..random.between(1, 2))
        .map(|_| {
            let (first, last) = (random.below(30), random.between(30, 61));
            let (low, high) = (random.below(10_000_000), random.below(1000));
            match random.below(6) {
                0 => format!("{first}.{low}"),
                1 => format!("{first}.{high}..{last}.{high}"),
                2 => format!("{first}/{high}.{low}"),
                3 => format!("{first}.5..{last}/7.{high}"),
                4 => format!("{first}.25/0.{low}"),
                _ => format!("{first}.1..{first}.9"),
            }
        })
        .collect();
    parts.join(",")
}

/// Moments to look from: the epoch, ordinary ones, the days around a change of the zone's clock, and the last years.
fn base_time(random: &mut Random, zone: &TimeZone) -> i64 {
    let ordinary = i64::try_from(random.below(7_300_000_000)).unwrap();
    match random.below(9) {
        0 => 0,
        1 => 7_226_582_400 + ordinary % 40_000_000,
        2..=5 => {
            let from = Timestamp::from_second(ordinary % 3_000_000_000).unwrap();
            let change = zone.following(from).next().map_or(ordinary, |change| change.timestamp().as_second());
            change - 90_000 + ordinary % 120_000
        }
        _ => ordinary,
    }
    .max(0)
}

/// Zones with clock changes of every kind, and some that have none.
const LOCAL: [&str; 32] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Europe/Dublin",
    "Pacific/Apia",
    "Asia/Kolkata",
    "America/Sao_Paulo",
    "Asia/Tehran",
    "Africa/Cairo",
    "Europe/Moscow",
    "America/Havana",
    "Antarctica/Troll",
    "Asia/Gaza",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Pacific/Chatham",
    "America/Asuncion",
    "America/Scoresbysund",
    "Atlantic/Azores",
    "America/Nuuk",
    "Asia/Beirut",
    "Africa/El_Aaiun",
    "America/Santiago",
    "Pacific/Easter",
    "Pacific/Kiritimati",
    "Etc/GMT-14",
    "Etc/GMT+12",
    "Asia/Pyongyang",
    "Australia/Adelaide",
    "America/Caracas",
];

/// What one process is asked.
struct Question {
    zone: &'static str,
    /// As the argument of `--base-time`.
    base: String,
    iterations: u64,
}

impl Question {
    fn random(random: &mut Random) -> Self {
        let zone = random.pick(&LOCAL);
        let second = base_time(random, &TimeZone::get(zone).unwrap());
        // In 1969, as an event's own zone west of Greenwich may have it, 252 takes `~24/2` for any day: it asks C for the
        // month's last day, and takes an answer before the epoch for a failure. We give the day that is meant.
        let second = second.max(172_800);
        let written = Timestamp::from_second(second).unwrap();
        let base = match random.below(4) {
            0 => written.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
            1 => written.to_zoned(TimeZone::get(zone).unwrap()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
            2 => written.strftime("%Y-%m-%d").to_string(),
            _ => format!("@{second}"),
        };
        let iterations = if random.percent(10) { random.between(5, 40) } else { random.between(1, 5) };
        Self { zone, base, iterations }
    }

    fn args(&self) -> [String; 3] {
        ["calendar".to_owned(), format!("--iterations={}", self.iterations), format!("--base-time={}", self.base)]
    }

    fn theirs(&self, texts: &[String]) -> Output {
        run_systemd_analyze(self.zone, &self.args().each_ref().map(String::as_str), texts)
    }

    /// Our answer as it is at a moment.
    fn ours(&self, texts: &[String], now: Timestamp) -> (String, usize) {
        let zone = TimeZone::get(self.zone).unwrap();
        let base_time = timestamp::parse(&self.base, now, &zone).unwrap();
        let iterations = u32::try_from(self.iterations).unwrap();
        let report = report::calendar(texts, &CalendarQuestion { now, base_time, zone: &zone, iterations });
        (report.text, report.errors.len())
    }
}

#[test]
fn calendar_reports_equal_systemds_on_generated_texts() {
    let Some(systemd) = systemd_analyze() else { return };
    let mut random = Random(seed());
    let mut accepted = 0;
    let mut differences = Vec::new();
    let mut tried = 0;
    while tried < texts_wanted() {
        let question = Question::random(&mut random);
        let texts: Vec<String> = (0..BATCH).map(|_| calendar_event(&mut random)).collect();
        tried += BATCH;
        accepted += BATCH - compare_events(&systemd, &question, &texts, &mut differences);
    }
    assert!(differences.is_empty(), "{} of {tried} differ:\n{}", differences.len(), differences.join("\n"));
    assert!(accepted * 3 > tried, "only {accepted} of {tried} texts are events: nothing much was compared");
    assert!(accepted * 10 < tried * 9, "{accepted} of {tried} texts are events: refusals were hardly compared");
}

/// Compares the whole batch, and if it differs each text alone; says how many have no answer.
fn compare_events(systemd: &Systemd, question: &Question, texts: &[String], differences: &mut Vec<String>) -> usize {
    let before = Timestamp::now();
    let theirs = question.theirs(texts);
    let their_text = String::from_utf8_lossy(&theirs.stdout);
    // "From now:" counts from a moment between these two.
    let (our_text, failed) = question.ours(texts, before);
    let same = systemd.prints(&our_text, &their_text)
        || systemd.prints(&question.ours(texts, Timestamp::now()).0, &their_text);
    if !same || (failed == 0) != theirs.status.success() {
        match texts {
            [text] => differences.push(format!(
                "TZ={} {:?} {text:?}\nours, {failed} refused:\n{our_text}\nsystemd's:\n{their_text}\n{}",
                question.zone,
                question.args(),
                String::from_utf8_lossy(&theirs.stderr)
            )),
            texts => {
                for text in texts {
                    compare_events(systemd, question, std::slice::from_ref(text), differences);
                }
            }
        }
    }
    failed
}

/// The programs themselves, so that a script can call ours in the place of theirs: output and success.
#[test]
fn the_program_prints_what_systemd_analyze_prints() {
    let Some(systemd) = systemd_analyze() else { return };
    let ours = |zone: &str, args: &[&str], texts: &[String]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_eightbells"));
        command.env("TZ", zone).args(args).arg("--").args(texts).output().expect("our program runs")
    };
    let mut random = Random(seed() + 2_000_000);
    for _ in 0..texts_wanted() / 50 {
        let question = Question::random(&mut random);
        let events: Vec<String> = (0..3).map(|_| calendar_event(&mut random)).collect();
        let spans: Vec<String> = (0..3).map(|_| time_span(&mut random)).collect();
        for (args, texts) in [(question.args().to_vec(), events), (vec!["timespan".to_owned()], spans)] {
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            // A second may pass between the two, which "From now:" shows; not three times.
            let same = (0..3).any(|_| {
                let both = [ours(question.zone, &args, &texts), run_systemd_analyze(question.zone, &args, &texts)];
                let [our_text, their_text] = both.each_ref().map(|it| String::from_utf8_lossy(&it.stdout).into_owned());
                systemd.prints(&our_text, &their_text) && both[0].status.success() == both[1].status.success()
            });
            assert!(same, "TZ={} {args:?} {texts:?}", question.zone);
        }
    }
}

const SPAN_ALPHABET: [&str; 34] = [
    "0",
    "1",
    "2",
    "9",
    "60",
    "1000",
    "18446744073709551615",
    "9223372036854775807",
    ".",
    ".",
    "-",
    "+",
    " ",
    " ",
    "\t",
    "s",
    "m",
    "M",
    "h",
    "d",
    "y",
    "us",
    "µs",
    "μs",
    "min",
    "month",
    "infinity",
    "é",
    "x",
    "\u{b}",
    "\n",
    "/",
    ":",
    "e",
];

fn time_span(random: &mut Random) -> String {
    const UNITS: [&str; 34] = [
        "", "", "s", "sec", "second", "seconds", "m", "min", "minute", "minutes", "h", "hr", "hour", "hours", "d",
        "day", "days", "w", "week", "weeks", "M", "month", "months", "y", "year", "years", "ms", "msec", "us", "usec",
        "µs", "μs", "ns", "mins",
    ];
    match random.below(20) {
        0 => return random.garbage(&SPAN_ALPHABET),
        1 => {
            let texts =
                ["infinity", " infinity ", "infinity 1", "0", "", " ", "-1", "1e3", "+1s", "0x10", "1.", ".", "1..5"];
            return random.pick(&texts).to_owned();
        }
        _ => {}
    }
    let mut text = String::new();
    for _ in 0..random.between(1, 4) {
        let number = match random.below(12) {
            0 => 0,
            1 => random.below(u64::MAX),
            2 => random.below(20_000_000_000_000),
            3 => random.pick(&[&584_542, &18_446_744_073_709, &213_503_982, &9_223_372_036_854_775_807]).to_owned(),
            _ => random.below(1000),
        };
        match random.below(6) {
            0 => write!(text, "{number}.{}", random.below(1_000_000)).unwrap(),
            1 => write!(text, ".{}", random.below(10_000_000_000)).unwrap(),
            _ => write!(text, "{number}").unwrap(),
        }
        text += random.pick(&["", "", " ", "  "]);
        let known = if random.percent(97) { 32 } else { UNITS.len() };
        text += random.pick(&UNITS[..known]);
        text += random.pick(&["", " ", " ", "  "]);
    }
    if random.percent(25) { random.mutated(&text, &SPAN_ALPHABET) } else { text }
}

/// systemd-analyze stops at the first text that is no time span, so these go alone.
#[test]
fn time_span_reports_equal_systemds_on_generated_texts() {
    if systemd_analyze().is_none() {
        return;
    }
    let mut random = Random(seed() + 1_000_000);
    let texts: Vec<String> = (0..texts_wanted()).map(|_| time_span(&mut random)).collect();
    let (valid, invalid): (Vec<String>, Vec<String>) =
        texts.into_iter().partition(|text| TimeSpan::parse(text).is_ok());
    assert!(valid.len() > invalid.len() && invalid.len() * 20 > valid.len(), "{} {}", valid.len(), invalid.len());
    let mut differences = Vec::new();
    for batch in valid.chunks(BATCH).chain(invalid.chunks(1)) {
        compare_spans(batch, &mut differences);
    }
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
}

fn compare_spans(texts: &[String], differences: &mut Vec<String>) {
    let theirs = run_systemd_analyze("UTC", &["timespan"], texts);
    let their_text = String::from_utf8_lossy(&theirs.stdout);
    let ours = report::timespan(texts);
    if ours.text == their_text && ours.errors.is_empty() == theirs.status.success() {
        return;
    }
    match texts {
        [text] => differences.push(format!("{text:?}\nours:\n{}\nsystemd's:\n{their_text}", ours.text)),
        texts => texts.iter().for_each(|text| compare_spans(std::slice::from_ref(text), differences)),
    }
}
