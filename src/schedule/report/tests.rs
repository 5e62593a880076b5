use super::*;

fn question(zone: &TimeZone, iterations: u32) -> CalendarQuestion<'_> {
    let now = "2026-11-23T12:00:00Z".parse().unwrap();
    CalendarQuestion { now, base_time: "2026-12-31T23:59:59Z".parse().unwrap(), zone, iterations }
}

#[test]
fn a_calendar_report_is_systemds_to_the_byte() {
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    let report = calendar(&["daily", "nonsense", "2029-01-01 00:00:00", "*-02-31"], &question(&berlin, 2));
    assert_eq!(
        report.text,
        "  Original form: daily
Normalized form: *-*-* 00:00:00
    Next elapse: Sat 2027-01-02 00:00:00 CET
       (in UTC): Fri 2027-01-01 23:00:00 UTC
       From now: 1 month 9 days left
       Iter. #2: Sun 2027-01-03 00:00:00 CET
       (in UTC): Sat 2027-01-02 23:00:00 UTC
       From now: 1 month 10 days left


Normalized form: 2029-01-01 00:00:00
    Next elapse: Mon 2029-01-01 00:00:00 CET
       (in UTC): Sun 2028-12-31 23:00:00 UTC
       From now: 2 years 1 month left

  Original form: *-02-31
Normalized form: *-02-31 00:00:00
    Next elapse: never
"
    );
    let [CalendarReportError::Parse { event, source: _ }] = &report.errors[..] else { panic!("{:?}", report.errors) };
    assert_eq!(event, "nonsense");
}

#[test]
fn a_zone_that_is_utc_by_another_name_gets_no_second_line() {
    for (name, lines) in [("Etc/UTC", 4), ("Africa/Abidjan", 4), ("Europe/London", 5)] {
        let zone = TimeZone::get(name).unwrap();
        assert_eq!(calendar(&["daily"], &question(&zone, 1)).text.lines().count(), lines, "{name}");
    }
}

#[test]
fn no_iterations_show_the_normal_form_only() {
    let text = calendar(&["daily"], &question(&TimeZone::UTC, 0)).text;
    assert_eq!(text, "  Original form: daily\nNormalized form: *-*-* 00:00:00\n");
}

#[test]
fn a_time_span_report_ends_at_the_first_text_that_is_none() {
    let report = timespan(&["1 hour 30 minutes", "infinity", "nonsense", "5s"]);
    assert_eq!(
        report.text,
        "Original: 1 hour 30 minutes
      μs: 5400000000
   Human: 1h 30min

Original: infinity
      μs: 18446744073709551615
   Human: infinity

"
    );
    assert_eq!(report.errors[0].to_string(), "`nonsense` is not a time span");
}

#[test]
fn blanks_at_a_lines_end_stay_on_the_longest_line_only() {
    assert_eq!(timespan(&["1  "]).text, "Original: 1\n      μs: 1000000\n   Human: 1s\n");
    assert_eq!(timespan(&["5\n min  "]).text, "Original: 5\n           min\n      μs: 300000000\n   Human: 5min\n");
    assert_eq!(timespan(&["1 second   "]).text, "Original: 1 second   \n      μs: 1000000\n   Human: 1s\n");
}

#[test]
fn distances_are_told_in_two_units_at_most() {
    let now = Timestamp::from_second(1_795_416_581).unwrap();
    for (micros, words) in [
        (0, "now"),
        (999, "999us left"),
        (-1000, "1ms ago"),
        (1_000_000, "1s left"),
        (61_000_000, "1min 1s left"),
        (300_000_000, "5min left"),
        (3_600_000_000, "1h 0min left"),
        (21_600_000_000, "6h left"),
        (89_999_000_000, "24h left"),
        (90_000_000_000, "1 day 1h left"),
        (-172_800_000_000, "2 days ago"),
        (604_800_000_000, "1 week 0 days left"),
        (2_629_800_000_000, "1 month 0 days left"),
        (-63_115_200_000_000, "2 years 0 months ago"),
    ] {
        let at = Timestamp::from_microsecond(now.as_microsecond() + micros).unwrap();
        assert_eq!(relative(at, now), words, "{micros}");
    }
}
