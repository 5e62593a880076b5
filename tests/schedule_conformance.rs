//! All rows of `tests/conformance/systemd/{calendar,timespan}*.json`: see the README beside them.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on is a failed test, and `Value` indexes without panicking"
)]

use std::num::NonZeroU64;
use std::path::Path;

use eightbells::schedule::report::{self, CalendarQuestion};
use eightbells::schedule::{CalendarSpec, TimeSpan, timestamp};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

fn rows(file: &str, table: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/systemd").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let rows = serde_json::from_str::<Value>(&text).unwrap()[table].as_array().unwrap().clone();
    assert!(!rows.is_empty(), "{file}: {table} has no rows");
    rows
}

fn text<'r>(row: &'r Value, key: &str) -> &'r str {
    row[key].as_str().unwrap_or_else(|| panic!("no text {key} in {row}"))
}

/// `TZ`: none and the empty one are UTC.
fn zone(name: Option<&str>) -> TimeZone {
    match name {
        None | Some("") => TimeZone::UTC,
        Some(name) => TimeZone::get(name).unwrap(),
    }
}

fn micros(value: &Value) -> Timestamp {
    Timestamp::from_microsecond(value.as_i64().unwrap()).unwrap()
}

/// Collects what differs, so that one run shows all of it.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn compare<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, ours: &T, theirs: &T) {
        if ours != theirs {
            self.0.push(format!("{what}: ours {ours:?}, systemd's {theirs:?}"));
        }
    }

    fn none(self) {
        assert!(self.0.is_empty(), "{} rows differ:\n{}", self.0.len(), self.0.join("\n"));
    }
}

#[test]
fn calendar_events_have_systemds_normal_form() {
    let mut differences = Differences::default();
    for row in rows("calendar.json", "normalize") {
        let input = text(&row, "input");
        let ours = CalendarSpec::parse(input);
        let normal = ours.as_ref().map_or_else(ToString::to_string, ToString::to_string);
        differences.compare(input, &normal.as_str(), &text(&row, "normalized"));
        if let Ok(ours) = ours {
            assert_eq!(
                CalendarSpec::parse(&normal).as_ref(),
                Ok(&ours),
                "the normal form of {input:?} does not parse back"
            );
        }
    }
    differences.none();
}

#[test]
fn calendar_events_elapse_when_systemds_do() {
    let mut differences = Differences::default();
    for row in rows("calendar.json", "next_elapse") {
        let spec = CalendarSpec::parse(text(&row, "input")).unwrap();
        let next = spec.next_after(micros(&row["after_usec"]), &zone(row["tz"].as_str()));
        let theirs = (!row["next_usec"].is_null()).then(|| micros(&row["next_usec"]));
        differences.compare(&row.to_string(), &next, &theirs);
    }
    differences.none();
}

#[test]
fn texts_that_systemd_refuses_are_no_calendar_events() {
    for row in rows("calendar.json", "invalid") {
        let input = text(&row, "input");
        let error = CalendarSpec::parse(input).expect_err(input);
        assert!(input.get(error.span()).is_some(), "{input:?}: {:?} is not in the text", error.span());
    }
}

#[test]
fn fuzzed_calendar_events_are_what_systemd_takes_them_for() {
    let mut differences = Differences::default();
    for row in rows("calendar.json", "fuzz") {
        // The input in hexadecimal holds a NUL, before which C stops reading; systemd has no opinion of the whole.
        let Some(input) = row["input"].as_str() else {
            assert!(row["hex"].is_string(), "{row}");
            continue;
        };
        let ours = CalendarSpec::parse(input).map(|spec| spec.to_string()).ok();
        differences.compare(input, &ours.as_deref(), &row["v252"]["normalized"].as_str());
    }
    differences.none();
}

#[test]
fn calendar_reports_agree_with_systemd_252() {
    let mut differences = Differences::default();
    for row in rows("calendar_oracle_v252.json", "cases") {
        let input = text(&row, "input");
        let spec = CalendarSpec::parse(input);
        differences.compare(input, &spec.map(|spec| spec.to_string()).ok().as_deref(), &row["normalized"].as_str());
        for (base, elapses) in row["elapse"].as_object().into_iter().flatten() {
            let theirs: Vec<&str> = match elapses {
                Value::String(never) => vec![never],
                elapses => elapses.as_array().unwrap().iter().map(|elapse| elapse.as_str().unwrap()).collect(),
            };
            let ours = shown_elapses(input, base);
            differences.compare(&format!("{input} from {base}"), &ours.iter().map(String::as_str).collect(), &theirs);
        }
    }
    differences.none();
}

/// The elapses in the report, or "never".
fn shown_elapses(event: &str, base: &str) -> Vec<String> {
    let zone = TimeZone::UTC;
    let base_time = timestamp::parse(base, Timestamp::UNIX_EPOCH, &zone).unwrap();
    let question = CalendarQuestion { now: base_time, base_time, zone: &zone, iterations: 4 };
    let report = report::calendar(&[event], &question);
    let elapse = |line: &str| {
        let (label, value) = line.split_once(": ")?;
        let label = label.trim_start();
        (label == "Next elapse" || label.starts_with("Iter. #")).then(|| value.to_owned())
    };
    report.text.lines().filter_map(elapse).collect()
}

/// Microseconds, with systemd's number for infinity.
fn usec(span: TimeSpan) -> u64 {
    span.micros().unwrap_or(u64::MAX)
}

/// Compares each row of a table of time spans with what `parse` makes of it.
fn time_spans(table: &str, parse: impl Fn(&Value, &str) -> Option<u64>) {
    let mut differences = Differences::default();
    for row in rows("timespan.json", table) {
        let input = text(&row, "input");
        let theirs = if row["error"] == true { None } else { row["value"].as_u64() };
        differences.compare(&format!("{table} {input:?}"), &parse(&row, input), &theirs);
    }
    differences.none();
}

#[test]
fn time_spans_are_as_long_as_systemds() {
    time_spans("parse_sec", |_, input| TimeSpan::parse(input).ok().map(usec));
}

#[test]
fn zero_turns_a_limit_off_as_in_systemd() {
    time_spans("parse_sec_fix_0", |_, input| TimeSpan::parse(input).ok().map(TimeSpan::zero_as_infinity).map(usec));
}

#[test]
fn nothing_at_all_is_infinity_where_systemd_says_so() {
    time_spans("parse_sec_def_infinity", |_, input| match input.trim() {
        "" => Some(u64::MAX),
        _ => TimeSpan::parse(input).ok().map(usec),
    });
}

#[test]
fn bare_numbers_count_the_unit_that_the_directive_has() {
    time_spans("parse_time", |row, input| {
        let unit = NonZeroU64::new(row["default_unit_usec"].as_u64().unwrap()).unwrap();
        TimeSpan::parse_with_unit(input, unit).ok().map(usec)
    });
}

#[test]
fn time_spans_agree_with_systemd_252() {
    let mut differences = Differences::default();
    for row in rows("timespan_oracle_v252.json", "cases") {
        let input = text(&row, "input");
        let ours = TimeSpan::parse(input).ok().map(|span| (usec(span), span.to_string()));
        let theirs = row["usec"].as_u64().map(|usec| (usec, text(&row, "human").to_owned()));
        differences.compare(input, &ours, &theirs);
    }
    differences.none();
}

/// What upstream asks in one zone only, it marks: the zone that has the abbreviation.
fn zone_of_row(input: &str) -> TimeZone {
    let place = match input.rsplit(' ').next() {
        Some("JST") => "Asia/Tokyo",
        Some("EST") => "America/New_York",
        Some(_) | None => return TimeZone::UTC,
    };
    TimeZone::get(place).unwrap()
}

/// The value of a row that counts from now or from midnight.
fn relative_value(expression: &str, now: Timestamp) -> i64 {
    const MICROS_PER_DAY: i64 = 86_400_000_000;
    let now = now.as_microsecond();
    match expression {
        "today + USEC_PER_SEC + 1000" => now - now % MICROS_PER_DAY + 1_001_000,
        "now_usec - 10 * USEC_PER_DAY" => now - 10 * MICROS_PER_DAY,
        "now_usec - 30 * USEC_PER_MINUTE" => now - 1_800_000_000,
        other => panic!("unknown expression {other:?}: teach this function"),
    }
}

#[test]
fn points_in_time_are_systemds() {
    let now = Timestamp::from_microsecond(1_795_416_581_000_000).unwrap();
    let mut differences = Differences::default();
    for row in rows("timespan.json", "parse_timestamp") {
        let input = text(&row, "input");
        let ours = timestamp::parse(input, now, &zone_of_row(input)).map(Timestamp::as_microsecond).ok();
        let theirs = match (&row["errno"], &row["expr"]) {
            (Value::String(_), _) => None,
            (_, Value::String(expression)) => Some(relative_value(expression, now)),
            _ => Some(row["value_usec"].as_i64().unwrap()),
        };
        differences.compare(input, &ours, &theirs);
    }
    differences.none();
}

/// These rows say `ok` of every offset: they record that upstream asserts something about it, not what. What it
/// asserts is the answer of `strptime(3)` to `%z`: a sign, and two or four digits.
#[test]
fn offsets_from_utc_are_those_of_strptime() {
    for row in rows("timespan.json", "parse_gmtoff") {
        let input = text(&row, "input");
        let digits = input.strip_prefix(['+', '-']).map(|digits| digits.replacen(':', "", 1));
        let valid = digits.is_some_and(|digits| [2, 4].contains(&digits.len()));
        let point = timestamp::parse(&format!("2026-11-23 12:00:00 {input}"), Timestamp::UNIX_EPOCH, &TimeZone::UTC);
        assert_eq!(point.is_ok(), valid, "{input}");
    }
}

/// systemd's nanoseconds (`parse_nsec()`) are read by `CPUQuotaPeriodSec=` and a few more, none of which we write: our
/// time spans end at the microsecond. What is no time span in nanoseconds is none in microseconds either.
#[test]
fn what_is_no_time_span_in_nanoseconds_is_none_in_microseconds() {
    for row in rows("timespan.json", "parse_nsec") {
        let input = text(&row, "input");
        assert_eq!(TimeSpan::parse(input).is_err(), row["error"] == true, "{input:?}");
    }
}
