use super::*;

fn events(line: &str) -> Vec<String> {
    CronLine::parse(line).expect(line).specs().iter().map(ToString::to_string).collect()
}

#[test]
fn fields_become_the_events_of_the_same_moments() {
    for (line, event) in [
        ("30 2 * * *", "*-*-* 02:30:00"),
        ("* * * * *", "*-*-* *:*:00"),
        ("  5\t4 * * *  ", "*-*-* 04:05:00"),
        ("*/15 9-17 * * mon-fri", "Mon..Fri *-*-* 09..17:00/15:00"),
        ("0 0 * jan-MAR,dec *", "*-01..03,12-* 00:00:00"),
        ("0 0 29 2 *", "*-02-29 00:00:00"),
        ("23 0-23/2 * * *", "*-*-* 00..22/2:23:00"),
        ("*,5 * * * *", "*-*-* *:*:00"),
        ("0-59/2,1-59/2 * * * *", "*-*-* *:*:00"),
        ("*/90 * * * *", "*-*-* *:00:00"),
        ("@hourly", "*-*-* *:00:00"),
        ("@daily", "*-*-* 00:00:00"),
        ("@midnight", "*-*-* 00:00:00"),
        ("@weekly", "Sun *-*-* 00:00:00"),
        ("@monthly", "*-*-01 00:00:00"),
        ("@yearly", "*-01-01 00:00:00"),
        ("@annually", "*-01-01 00:00:00"),
    ] {
        assert_eq!(events(line), [event], "{line}");
    }
}

#[test]
fn sunday_is_0_and_7_and_sun() {
    for day in ["0", "7", "sun", "SUN", "0,7"] {
        assert_eq!(events(&format!("0 0 * * {day}")), ["Sun *-*-* 00:00:00"], "{day}");
    }
    assert_eq!(events("0 0 * * 5-7/2"), ["Fri,Sun *-*-* 00:00:00"]);
    assert_eq!(events("0 0 * * 1-7"), ["*-*-* 00:00:00"]);
    assert_eq!(events("0 0 * * sun-tue"), ["Mon,Tue,Sun *-*-* 00:00:00"]);
}

#[test]
fn either_day_is_meant_where_both_fields_are_restricted() {
    assert_eq!(events("0 4 1,15 * 5"), ["*-*-01,15 04:00:00", "Fri *-*-* 04:00:00"]);
    assert_eq!(events("0 4 1-31 * 5"), ["*-*-* 04:00:00"]);
    assert_eq!(events("0 4 13 * 0-6"), ["*-*-* 04:00:00"]);
}

#[test]
fn both_days_are_meant_where_a_field_begins_with_a_star() {
    assert_eq!(events("0 4 13 * *"), ["*-*-13 04:00:00"]);
    assert_eq!(events("0 4 */2 * mon"), ["Mon *-*-01..31/2 04:00:00"]);
    assert_eq!(events("0 4 13 * */2"), ["Tue,Thu,Sat,Sun *-*-13 04:00:00"]);
}

#[test]
fn steps_that_do_not_fit_the_field_get_an_end() {
    assert_eq!(events("*/7 */6 * */5 *"), ["*-01..11/5-* 00/6:00..56/7:00"]);
}

#[test]
fn faults_name_the_field_what_is_allowed_and_the_place() {
    use CronField::{DayOfMonth, DayOfWeek, Hour, Minute, Month};
    for (line, message, place, field) in [
        ("60 * * * *", "minute must be 0–59", "60", Minute),
        ("* 24 * * *", "hour must be 0–23", "24", Hour),
        ("* * 1,0 * *", "day of the month must be 1–31", "0", DayOfMonth),
        ("* * L * *", "day of the month must be 1–31", "L", DayOfMonth),
        ("* * * foo *", "month must be 1–12 or jan–dec", "foo", Month),
        ("* * * * 8", "day of the week must be 0–7 or sun–sat", "8", DayOfWeek),
        ("* * * * fri-sun", "a range of days of the week must go up", "fri-sun", DayOfWeek),
        ("30-10 * * * *", "a range of minutes must go up", "30-10", Minute),
        ("*/0 * * * *", "a step must be a number from 1 up", "0", Minute),
        ("* */x * * *", "a step must be a number from 1 up", "x", Hour),
        ("5/15 * * * *", "a step needs a range or `*` before it, for example `5-59/15`", "5/15", Minute),
        ("1,,2 * * * *", "a value is missing here", "", Minute),
        ("* * ? * *", "`?` cannot stand here: cron knows `*`, numbers, names, `-`, `/` and `,`", "?", DayOfMonth),
        ("* * * * 1#2", "`#` cannot stand here: cron knows `*`, numbers, names, `-`, `/` and `,`", "#", DayOfWeek),
    ] {
        let error = CronLine::parse(line).expect_err(line);
        assert_eq!(error.to_string(), message, "{line}");
        assert_eq!(line.get(error.span()), Some(place), "{line}");
        assert_eq!(error.field(), Some(field), "{line}");
    }
}

#[test]
fn faults_of_the_line_as_a_whole_are_named() {
    let five = "a cron line has five fields: minute, hour, day of the month, month, day of the week; here are 4";
    for (line, message, place) in [
        (" ", "a cron line must not be empty: write five fields, such as `30 2 * * *`", " "),
        ("* * * *", five, ""),
        (
            "* * * * * root run",
            "a cron line ends after five fields: no seconds, no year, no user, no command",
            "root run",
        ),
        ("@reboot", "`@reboot` is no time: use `OnBootSec=`", "@reboot"),
        ("@every 5m", "`@every` must be @hourly, @daily, @midnight, @weekly, @monthly, @yearly or @annually", "@every"),
    ] {
        let error = CronLine::parse(line).expect_err(line);
        assert_eq!(error.to_string(), message, "{line}");
        assert_eq!(line.get(error.span()), Some(place), "{line}");
        assert_eq!(error.field(), None, "{line}");
    }
}

/// Any list that cron takes must stay within the 241 values of a list in systemd.
#[test]
fn long_lists_become_values_one_by_one() {
    let ranges: Vec<String> = (0..29).flat_map(|from| (30..58).map(move |to| format!("{from}-{to}/2"))).collect();
    let line = format!("{} * * * *", ranges.join(","));
    let [event] = &events(&line)[..] else { panic!("one event") };
    assert!(CalendarSpec::parse(event).is_ok(), "{event}");
}
