//! Texts of a megabyte, which must be answered at once: nothing may be quadratic, deep or boundless.

use std::time::Duration;

use eightbells::schedule::report::{self, CalendarQuestion};
use eightbells::schedule::{CalendarSpec, CronLine, TimeSpan, timestamp};
use jiff::Timestamp;
use jiff::tz::TimeZone;

#[path = "support/cpu.rs"]
mod cpu;

const MEGABYTE: usize = 1 << 20;
/// Far above what an unoptimized build needs, far below what anything quadratic would take.
const PATIENCE: Duration = Duration::from_secs(5);

fn at_once<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let (result, taken) = cpu::cpu_time_of(work);
    assert!(taken < PATIENCE, "{what} took {taken:?}");
    result
}

fn long_texts() -> Vec<String> {
    let units = [
        "1",
        "0",
        "9",
        "*",
        " ",
        "-",
        ":",
        "~",
        ",",
        "1,",
        "..",
        "/",
        ".",
        "@",
        "Mon",
        "Mon,",
        "Mon..",
        "Sun-",
        "1..2/3,",
        "1 ",
        "* ",
        "*/5 ",
        "1-2,",
        "0-59/2,",
        "5s",
        "5 s ",
        "1.1 ",
        ".1 ",
        "\t",
        "\n",
        "\u{b}",
        "y",
        "é",
        "\u{1f514}",
        "UTC ",
        " UTC",
        "Europe/",
        "infinity ",
        "a b ",
        "+",
        "%",
        "\0",
        "fri-",
        "mon,",
        "\u{3bc}s",
    ];
    let frames = [("", ""), ("*-*-* ", ":00")];
    let long = |unit: &str| unit.repeat(MEGABYTE / unit.len());
    let surrounded = |unit: &&str| frames.map(|(before, after)| format!("{before}{}{after}", long(unit)));
    units.iter().flat_map(surrounded).collect()
}

#[test]
fn megabytes_of_anything_are_read_at_once() {
    for text in long_texts() {
        let what = text.get(..text.floor_char_boundary(20)).unwrap_or_default();
        at_once(what, || {
            if let Err(error) = CalendarSpec::parse(&text) {
                assert!(text.get(error.span()).is_some(), "{what}: {:?}", error.span());
            }
        });
        at_once(what, || {
            if let Err(error) = TimeSpan::parse(&text) {
                assert!(text.get(error.span()).is_some(), "{what}: {:?}", error.span());
            }
        });
        at_once(what, || {
            if let Err(error) = CronLine::parse(&text) {
                assert!(text.get(error.span()).is_some(), "{what}: {:?}", error.span());
            }
        });
        at_once(what, || {
            if let Err(error) = timestamp::parse(&text, Timestamp::UNIX_EPOCH, &TimeZone::UTC) {
                assert!(text.get(error.span()).is_some(), "{what}: {:?}", error.span());
            }
        });
    }
}

#[test]
fn cron_lists_of_a_megabyte_are_short_events() {
    let line = format!("{}1 {}1 * * *", "0-58/3,5,".repeat(MEGABYTE / 16), "1-22/5,3,".repeat(MEGABYTE / 16));
    let parsed = at_once("cron", || CronLine::parse(&line).unwrap());
    assert!(parsed.specs()[0].to_string().len() < 1000);
}

/// The longest searches that the grammar allows.
#[test]
fn elapses_that_are_far_or_never_are_found_at_once() {
    let days: Vec<String> = (1..=241).map(|step| format!("{}/{}", step % 9 + 1, step % 8 + 1)).collect();
    let events = [
        "*-02-30".to_owned(),
        "Mon *-02-29 23:59:59.999999".to_owned(),
        "Mon 2199-02-29".to_owned(),
        "Sun *-02~28/27".to_owned(),
        "*-*-* 23:59:59.000000/0.000001".to_owned(),
        "2199-12-31 23:59:59/59".to_owned(),
        format!("Mon *-02~{}", days[..6].join(",")),
        format!("Mon *-02-{} 02:30", days.join(",")),
    ];
    for zone in ["UTC", "Europe/Berlin", "Africa/Casablanca", "Australia/Lord_Howe"] {
        let zone = TimeZone::get(zone).unwrap();
        for event in &events {
            let Ok(spec) = CalendarSpec::parse(event) else { continue };
            let elapses = at_once(event, || spec.elapses(Timestamp::UNIX_EPOCH, &zone).take(50).count());
            assert!(elapses <= 50);
        }
    }
}

#[test]
fn seasons_that_a_zone_never_had_are_looked_for_at_once() {
    let tokyo = TimeZone::get("Asia/Tokyo").unwrap();
    let spec = CalendarSpec::parse_in("*-*-* *:0/7:0/7 JDT", &tokyo).unwrap();
    let from: Timestamp = "2027-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(at_once("JDT", || spec.next_after(from, &tokyo)), None);
}

#[test]
fn thousands_of_iterations_are_printed_at_once() {
    let zone = TimeZone::get("America/New_York").unwrap();
    let (now, base_time) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
    let question = CalendarQuestion { now, base_time, zone: &zone, iterations: 5000 };
    let report = at_once("report", || report::calendar(&["*:0/7:13"], &question));
    assert!(report.text.contains("Iter. #5000:"));
}
