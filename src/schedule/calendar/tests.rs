use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::*;

fn error(text: &str) -> CalendarError {
    CalendarSpec::parse(text).expect_err(text)
}

/// Text, message, the part of the text that is at fault.
const FAULTS: [(&str, &str, &str); 30] = [
    ("Mon 25:00", "hour must be 0–23", "25"),
    ("*:60", "minute must be 0–59", "60"),
    ("00:00:60", "second must be 0–59", "60"),
    ("00:00:2300", "second must be 0–59", "2300"),
    ("13-01", "month must be 1–12", "13"),
    ("*-*-32", "day must be 1–31", "32"),
    ("*-*~29", "day counted from the month's end must be 1–28", "29"),
    ("2200-01-01", "year must be 1970–2199", "2200"),
    ("@-1", "year must be 1970–2199", "@-1"),
    ("9..8:00", "a range of hours must go up", "9..8"),
    ("0/24:00", "this step leaves the hours 0–23 before it is used once", "0/24"),
    ("0/0:00", "a step must be at least 1", "0"),
    ("1:0:0/0", "a step must be at least 1 (or 0.000001, for seconds)", "0"),
    ("1:0:1..1.5", "a range of less than a second needs a step, for example `0.1..0.5/0.1`", "1..1.5"),
    ("*/2:00", "`*` stands alone: it takes no step, range or list", "*/"),
    ("1,*:00", "`*` stands alone: it takes no step, range or list", "*"),
    ("10:", "a number or `*` must stand here", ""),
    ("99999999999:00", "this number is too large", "99999999999"),
    ("1:2:3.", "a decimal point must be followed by a digit", ""),
    ("1.5:00", "only seconds may have a fraction", "."),
    ("1:2x", "`x` cannot stand here: a date is `YYYY-MM-DD`, a time `HH:MM` or `HH:MM:SS`", "x"),
    ("10", "a date is `MM-DD` or `YYYY-MM-DD`, a time `HH:MM` or `HH:MM:SS`", ""),
    ("*~1-2", "`~` stands between month and day, once", "-"),
    ("Mond", "a day of the week must be Mon, Tue, Wed, Thu, Fri, Sat or Sun, or its full English name", "Mond"),
    ("Sat..Mon 1:00", "a range of weekdays must go from Mon towards Sun", "Sat..Mon"),
    ("Mon..", "a range of weekdays is two names with `..` between", ""),
    ("1:00 Europe/Berln", "`Europe/Berln` is not a time zone of the database", "Europe/Berln"),
    ("dayly", "`dayly` is not a calendar event: it must be a date, a time, or a word such as `daily`", "dayly"),
    ("@x", "`@` takes seconds since 1970, a whole number", "@"),
    ("@5 10:00", "nothing but `UTC` may follow the seconds since 1970", " 10:00"),
];

#[test]
fn faults_name_what_is_allowed_and_the_place() {
    for (text, message, place) in FAULTS {
        let error = error(text);
        assert_eq!(error.to_string(), message, "{text}");
        assert_eq!(text.get(error.span()), Some(place), "{text}");
    }
}

#[test]
fn nothing_is_no_event() {
    assert_eq!(*error("").problem(), CalendarProblem::Empty);
    assert_eq!(*error(" UTC").problem(), CalendarProblem::Empty);
}

#[test]
fn a_list_holds_241_values_and_no_more() {
    let list = |length: usize| format!("*-*-* {}:00", vec!["1"; length].join(","));
    assert_eq!(CalendarSpec::parse(&list(241)).unwrap().to_string(), "*-*-* 01:00:00");
    assert_eq!(*error(&list(242)).problem(), CalendarProblem::ListTooLong);
}

#[test]
fn each_further_day_from_the_months_end_is_bounded_lower_as_in_systemd() {
    assert!(CalendarSpec::parse("*~5,25").is_ok());
    let error = error("*~26,5");
    assert_eq!(*error.problem(), CalendarProblem::DayFromEndInList(25));
    assert_eq!(error.span(), 2..4);
}

const HINTS: [(&str, &str); 23] = [
    ("30 2 * * *", "this is cron's notation; as a calendar event it is `*-*-* 02:30:00`"),
    ("0 4 1 * 7", "this is cron's notation; as a calendar event it is `*-*-01 04:00:00` and `Sun *-*-* 04:00:00`"),
    ("@daily", "systemd writes it `daily`"),
    ("@midnight", "this is cron's notation; as a calendar event it is `*-*-* 00:00:00`"),
    ("@reboot", "a timer runs at boot by `OnBootSec=`, which is no calendar event"),
    ("*/15", "a step starts from a number: write `*:0/15`"),
    ("*:*/15", "a step starts from a number: write `*:0/15`"),
    ("*-*-*/2 10:00", "a step starts from a number: write `*-*-1/2 10:00`"),
    ("Sat..Mon", "weekdays begin with Monday, and a range does not wrap: write `Sat,Sun,Mon`"),
    ("24:00", "midnight is `00:00`, of the day that begins: `00:00`"),
    ("dayly", "did you mean `daily`?"),
    ("Tues 10:00", "did you mean `Tue`?"),
    ("weekly Mon", "`weekly` stands alone, or before a time zone"),
    ("10:00 Mon", "weekdays go first: write `Mon 10:00`"),
    ("10:00 Europe/Berln", "did you mean `Europe/Berlin`?"),
    ("10:00 europe/berlin", "case matters: write `Europe/Berlin`"),
    ("10:00 CEST", "what `CEST` means depends on the machine: name a place, such as `Europe/Berlin`"),
    ("10:00 +02:00", "an offset is no time zone: write `UTC`, or name a place, such as `Europe/Berlin`"),
    ("4h", "a time span names no moment: `every: 4h` repeats after it"),
    ("2:30pm", "hours count to 23: write `14:30`"),
    ("2026-01-01T10:00:00Z", "did you mean `2026-01-01 10:00:00 UTC`?"),
    ("Mon, Tue 10:00", "did you mean `Mon,Tue 10:00`?"),
    ("10", "did you mean `10:00`?"),
];

#[test]
fn hints_say_what_was_probably_meant() {
    for (text, hint) in HINTS {
        assert_eq!(error(text).hint(), Some(hint), "{text}");
    }
    assert_eq!(error("*:60").hint(), None);
}

#[test]
fn the_local_zones_abbreviations_are_known_where_the_zone_is() {
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    let summer = CalendarSpec::parse_in("*-*-* 10:00:00 CEST", &berlin).unwrap();
    assert_eq!(summer.to_string(), "*-*-* 10:00:00 CEST");
    assert_eq!(summer.zone_name(), Some("CEST"));
    let june: Timestamp = "2027-06-01T12:00:00Z".parse().unwrap();
    assert_eq!(summer.next_after(june, &berlin).unwrap().to_string(), "2027-06-02T08:00:00Z");
    assert!(CalendarSpec::parse_in("10:00 CEST", &TimeZone::UTC).is_err());
}

#[test]
fn a_time_in_the_gap_is_skipped_and_one_in_the_fold_comes_once() {
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    let spec = CalendarSpec::parse("02:30").unwrap();
    let next = |after: &str| spec.next_after(after.parse().unwrap(), &berlin).unwrap().to_string();
    assert_eq!(next("2027-03-27T12:00:00Z"), "2027-03-29T00:30:00Z");
    assert_eq!(next("2027-10-30T12:00:00Z"), "2027-10-31T00:30:00Z");
    assert_eq!(next("2027-10-31T00:30:00Z"), "2027-11-01T01:30:00Z");
}

#[test]
fn an_elapse_is_always_later_even_where_summer_time_is_the_shorter_time() {
    let dublin = TimeZone::get("Europe/Dublin").unwrap();
    let spec = CalendarSpec::parse("hourly").unwrap();
    let start: Timestamp = "2027-03-27T22:00:00Z".parse().unwrap();
    let elapses: Vec<Timestamp> = spec.elapses(start, &dublin).map(Result::unwrap).take(6).collect();
    assert!(elapses.is_sorted_by(|one, other| one < other), "{elapses:?}");
}

#[test]
fn elapses_end_with_the_year_2199() {
    let spec = CalendarSpec::parse("*-12-31 23:59:59 UTC").unwrap();
    let after = |text: &str| spec.next_after(text.parse().unwrap(), &TimeZone::UTC);
    assert_eq!(after("2199-01-01T00:00:00Z").unwrap().to_string(), "2199-12-31T23:59:59Z");
    assert_eq!(after("2199-12-31T23:59:59Z"), None);
    assert_eq!(after("9999-01-01T00:00:00Z"), None);
    let first = spec.next_after(Timestamp::MIN, &TimeZone::UTC).unwrap();
    assert_eq!(first.to_string(), "1970-12-31T23:59:59Z");
}

/// Each row: the event, and its text for 215, 228, 229, 231, 233 and 235. The texts were tried on the parsers of those
/// versions.
const OLDER: [(&str, [Option<&str>; 6]); 8] = [
    ("Mon..Fri 2:30", {
        let old = Some("Mon-Fri *-*-* 02:30:00");
        let new = Some("Mon..Fri *-*-* 02:30:00");
        [old, old, old, new, new, new]
    }),
    ("9..11:00", {
        let old = Some("*-*-* 09,10,11:00:00");
        let new = Some("*-*-* 09..11:00:00");
        [old, old, old, new, new, new]
    }),
    ("9..17/4:00", {
        let old = Some("*-*-* 09,13,17:00:00");
        [old, old, old, old, Some("*-*-* 09..17/4:00:00"), Some("*-*-* 09..17/4:00:00")]
    }),
    ("1:2:3..4", {
        let old = Some("*-*-* 01:02:03,04");
        [old, old, old, old, Some("*-*-* 01:02:03..04"), Some("*-*-* 01:02:03..04")]
    }),
    ("daily UTC", {
        let new = Some("*-*-* 00:00:00 UTC");
        [None, new, new, new, new, new]
    }),
    ("1:2:3.5", {
        let new = Some("*-*-* 01:02:03.500000");
        [None, None, new, new, new, new]
    }),
    ("*-02~1", [None, None, None, None, Some("*-02~01 00:00:00"), Some("*-02~01 00:00:00")]),
    ("daily Asia/Tokyo", [None, None, None, None, None, Some("*-*-* 00:00:00 Asia/Tokyo")]),
];

#[test]
fn older_versions_get_a_text_that_they_know_or_none() {
    for (event, texts) in OLDER {
        let spec = CalendarSpec::parse(event).unwrap();
        for (version, text) in [215, 228, 229, 231, 233, 235].into_iter().zip(texts) {
            assert_eq!(spec.text_for(version).ok().as_deref(), text, "{event} for {version}");
        }
        assert_eq!(spec.text_for(252).unwrap(), spec.to_string());
    }
}

#[test]
fn a_refusal_names_the_first_version_that_has_the_form() {
    let refusal = |event: &str| CalendarSpec::parse(event).unwrap().text_for(215).unwrap_err().to_string();
    assert_eq!(refusal("daily UTC"), "`UTC` in a calendar event needs systemd 228");
    assert_eq!(refusal("daily Asia/Tokyo"), "the time zone `Asia/Tokyo` in a calendar event needs systemd 235");
    assert_eq!(refusal("*-02~1 UTC"), "a day counted from the month's end (`~`) needs systemd 233");
    assert_eq!(refusal("*-02-30"), "a date that never comes needs systemd 233");
}

#[test]
fn steps_that_could_run_past_their_field_get_an_end() {
    let bounded = |text: &str| CalendarSpec::parse(text).unwrap().with_bounded_steps().to_string();
    assert_eq!(bounded("*:0/7"), "*-*-* *:00..56/7:00");
    assert_eq!(bounded("*:0/15"), "*-*-* *:00/15:00");
    assert_eq!(bounded("*-*-1/2 5/6:00"), "*-*-01..31/2 05..23/6:00:00");
    assert_eq!(bounded("2024/4-02-29"), "2024/4-02-29 00:00:00");
    assert_eq!(bounded("*-*~7/1 00:00:00/25"), "*-*~07/1 00:00:00..50/25");
}

#[test]
fn an_event_is_put_on_another_clock_unless_it_names_one() {
    let daily = CalendarSpec::parse("daily").unwrap();
    assert_eq!(daily.clone().in_zone("Asia/Tokyo").unwrap().to_string(), "*-*-* 00:00:00 Asia/Tokyo");
    assert_eq!(daily.clone().in_zone("UTC").unwrap().to_string(), "*-*-* 00:00:00 UTC");
    assert_eq!(daily.clone().in_zone("asia/tokyo"), None);
    assert_eq!(daily.in_zone("UTC").unwrap().in_zone("Asia/Tokyo"), None);
}

#[test]
fn seconds_since_1970_are_read_as_strtoul_does() {
    let normal = |text: &str| CalendarSpec::parse(text).ok().map(|spec| spec.to_string());
    assert_eq!(normal("@ +5").as_deref(), Some("1970-01-01 00:00:05 UTC"));
    assert_eq!(normal("Thu @0").as_deref(), Some("Thu 1970-01-01 00:00:00 UTC"));
    assert_eq!(normal("@18446744073709551616"), None);
}
