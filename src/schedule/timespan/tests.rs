use super::*;

fn span(text: &str) -> TimeSpan {
    TimeSpan::parse(text).unwrap()
}

const FAULTS: [(&str, &str, &str); 12] = [
    ("  ", "a time span must not be empty: write a number and a unit, such as `4h`", "  "),
    ("-5s", "a time span must not be negative", "-"),
    ("x5", "a time span must be numbers with units, such as `1h 30min`, or `infinity`", "x"),
    ("5 potatoes", "`potatoes` is not a unit of time: it must be us, ms, s, min, h, d, w, month or y", "potatoes"),
    ("5 mins", "`mins` is not a unit of time: it must be us, ms, s, min, h, d, w, month or y", "mins"),
    ("1H", "`H` is not a unit of time: it must be us, ms, s, min, h, d, w, month or y", "H"),
    ("3.s", "a decimal point must be followed by a digit", "."),
    ("12.34.56", "a unit or a blank must follow the number", "."),
    ("1:30", "a unit or a blank must follow the number", ":"),
    ("584543y", "a time span must be less than 584542 years", "584543y"),
    ("infinity 1", "`infinity` must stand alone", "1"),
    ("1 µm", "`µm` is not a unit of time: it must be us, ms, s, min, h, d, w, month or y", "µm"),
];

#[test]
fn faults_name_what_is_allowed_and_the_place() {
    for (text, message, place) in FAULTS {
        let error = TimeSpan::parse(text).expect_err(text);
        assert_eq!(error.to_string(), message, "{text}");
        assert_eq!(text.get(error.span()), Some(place), "{text}");
    }
}

#[test]
fn the_normal_form_parses_back() {
    for micros in [0, 1, 999, 1000, 59_999_999, 60_000_001, 31_557_600_000_001, 584_542 * YEAR - 1] {
        let span = TimeSpan::Micros(micros);
        assert_eq!(TimeSpan::parse(&span.to_string()), Ok(span), "{span}");
    }
    assert_eq!(span("infinity").to_string(), "infinity");
}

#[test]
fn infinity_is_longer_than_any_number() {
    assert!(span("infinity") > TimeSpan::Micros(u64::MAX));
    assert_eq!(span("infinity").duration(), None);
    assert_eq!(span("infinity").micros(), None);
}

#[test]
fn durations_convert_both_ways() {
    assert_eq!(span("1.5s").duration(), Some(Duration::from_millis(1500)));
    assert_eq!(TimeSpan::from(Duration::from_nanos(1_999)), TimeSpan::Micros(1));
    assert_eq!(TimeSpan::from(Duration::MAX), TimeSpan::Infinity);
}

#[test]
fn a_bare_number_counts_the_default_unit() {
    let minutes = NonZeroU64::new(MINUTE).unwrap();
    assert_eq!(TimeSpan::parse_with_unit("5 1s", minutes), Ok(TimeSpan::Micros(5 * MINUTE + SEC)));
}

#[test]
fn the_greatest_number_is_taken_and_the_next_is_not() {
    assert_eq!(
        TimeSpan::parse("18446744073709551614us").map_err(|error| error.to_string()),
        Err("a time span must be less than 584542 years".to_owned(),)
    );
    assert_eq!(TimeSpan::parse("9223372036854775807us 9223372036854775807us"), Ok(TimeSpan::Micros(u64::MAX - 1)));
    assert!(TimeSpan::parse("9223372036854775807us 9223372036854775807us 1us").is_err());
}
