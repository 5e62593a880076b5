use super::*;

fn now() -> Timestamp {
    "2026-12-31T23:59:59.5Z".parse().unwrap()
}

fn utc(text: &str) -> Result<String, TimestampError> {
    parse(text, now(), &TimeZone::UTC).map(|timestamp| timestamp.to_string())
}

#[test]
fn relative_forms_count_from_now() {
    for (text, timestamp) in [
        ("now", "2026-12-31T23:59:59.5Z"),
        ("+1h", "2027-01-01T00:59:59.5Z"),
        ("-1d", "2026-12-30T23:59:59.5Z"),
        ("2 min ago", "2026-12-31T23:57:59.5Z"),
        ("2 min left", "2027-01-01T00:01:59.5Z"),
        ("@86400.25", "1970-01-02T00:00:00.25Z"),
        ("today", "2026-12-31T00:00:00Z"),
        ("tomorrow", "2027-01-01T00:00:00Z"),
        ("yesterday UTC", "2026-12-30T00:00:00Z"),
        ("10:20", "2026-12-31T10:20:00Z"),
    ] {
        assert_eq!(utc(text).as_deref(), Ok(timestamp), "{text}");
    }
}

#[test]
fn zones_are_named_by_place_by_offset_and_by_the_local_abbreviations() {
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    for (text, timestamp) in [
        ("2027-06-01 12:00", "2027-06-01T10:00:00Z"),
        ("2027-06-01 12:00 UTC", "2027-06-01T12:00:00Z"),
        ("2027-06-01 12:00 CEST", "2027-06-01T10:00:00Z"),
        ("2027-06-01 12:00 Asia/Tokyo", "2027-06-01T03:00:00Z"),
        ("2027-06-01 12:00 -05", "2027-06-01T17:00:00Z"),
        ("2027-06-01T12:00:00+05:30", "2027-06-01T06:30:00Z"),
        ("2027-06-01T12:00:00.25Z", "2027-06-01T12:00:00.25Z"),
        ("2027-03-28 02:30", "2027-03-28T01:30:00Z"),
        ("tomorrow Asia/Tokyo", "2027-01-01T15:00:00Z"),
    ] {
        assert_eq!(parse(text, now(), &berlin).unwrap().to_string(), timestamp, "{text}");
    }
}

#[test]
fn what_systemd_refuses_is_refused_with_a_reason() {
    let form = "a time must be like `2026-12-31 23:59:59 UTC`, `23:59`, `today`, `+1h`, `2h ago` or `@1798761599`";
    for (text, message) in [
        ("", form),
        ("2026-13-01", form),
        ("2026-12-31 24:00", form),
        ("2026-12-31 10:00 CEST", form),
        ("now UTC", form),
        ("Mon 2026-12-31", "that date is another day of the week"),
        ("10:00:00.5x", "a fraction of a second must be digits"),
        ("1969-12-31", "a time must not be before 1970-01-01 00:00:00 UTC"),
        ("-100y", "a time must not be before 1970-01-01 00:00:00 UTC"),
        ("@infinity", "a time must be in the year 9999 or before"),
        ("9999-12-31 23:59:59", "a time must be in the year 9999 or before"),
    ] {
        assert_eq!(utc(text).unwrap_err().to_string(), message, "{text}");
    }
}

#[test]
fn a_wrong_time_span_is_shown_at_its_place() {
    for (text, place) in [("+1 potato", "potato"), ("5 x ago", "x"), ("@1 y z", "z")] {
        let error = utc(text).unwrap_err();
        assert_eq!(text.get(error.span()), Some(place), "{text}");
    }
}
