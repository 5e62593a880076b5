//! Scalar values, against systemd's own tests.

use super::support::{rows, text};
use eightbells::schedule::TimeSpan;
use eightbells::unit::exec::quote_command_line;
use eightbells::unit::value::{self, Capabilities, Limit, LimitUnit, SizeBase};
use serde_json::{Value, json};

/// A value that systemd cannot read leaves the setting as it was, which is `unread` in the tests.
fn assert_reads<T: Into<Value>>(list: &str, unread: &Value, read: impl Fn(&str) -> Option<T>) {
    for row in rows("systemd/conf_parser", list) {
        let found = read(row["input"].as_str().unwrap()).map(Into::into);
        assert_eq!(found.as_ref().unwrap_or(unread), &row["expected"], "{list}: {row}");
    }
}

#[test]
fn numbers_and_sizes_are_read_as_in_systemds_tests() {
    assert_reads("parse_iec_size", &json!(0), |text| value::size(text, SizeBase::Iec).ok());
    assert_reads("parse_iec_uint64", &json!(0), |text| value::size(text, SizeBase::Iec).ok());
    assert_reads("parse_si_uint64", &json!(0), |text| value::size(text, SizeBase::Si).ok());
    assert_reads("parse_int", &json!(-1), |text| value::integer(text).ok());
    assert_reads("parse_unsigned", &json!(0), |text| value::unsigned(text).ok());
    assert_reads("parse_mode", &json!("0"), |text| Some(format!("{:o}", value::mode(text).ok()?)));
}

#[test]
fn log_levels_and_facilities_are_read_as_in_systemds_tests() {
    let constant = |name: &str| format!("LOG_{}", name.to_uppercase());
    let level = |text: &str| Some(constant(value::LOG_LEVELS[value::log_level(text).ok()?]));
    assert_reads("parse_log_level", &json!(0), level);
    let facility = |text: &str| Some(constant(value::LOG_FACILITIES[value::log_facility(text).ok()?]));
    assert_reads("parse_log_facility", &json!(0), facility);
}

/// `parse_nsec` is left out but for what whole microseconds can say: nothing in our units counts nanoseconds.
#[test]
fn time_spans_are_read_as_in_systemds_tests() {
    let micros = |text: &str| TimeSpan::parse(text).ok()?.micros();
    assert_reads("parse_sec", &json!(0), micros);
    for row in rows("systemd/conf_parser", "parse_nsec") {
        let text = row["input"].as_str().unwrap();
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            assert_eq!(micros(text).unwrap_or_default() * 1000, row["expected"].as_u64().unwrap(), "{row}");
        }
    }
}

#[test]
fn paths_are_read_as_in_systemds_tests() {
    for row in rows("systemd/conf_parser", "parse_path") {
        assert_eq!(value::path(&text(&row["input"])).ok().as_deref(), row["expected"].as_str(), "{row}");
    }
}

#[test]
fn limits_are_read_as_in_systemds_tests() {
    let number = |value: &Value| value.as_u64();
    for row in rows("systemd/exec_parse", "rlimit") {
        let unit = match row["directive"].as_str().unwrap() {
            "LimitCPU" => LimitUnit::Seconds,
            "LimitRTTIME" => LimitUnit::Micros,
            "LimitNOFILE" => LimitUnit::Count,
            other => panic!("unknown limit {other}"),
        };
        // What the setting was before stays where the value cannot be read.
        let before = Limit { soft: Some(10), hard: Some(20) };
        let found = value::limit(row["input"].as_str().unwrap(), unit).unwrap_or(before);
        assert_eq!(found, Limit { soft: number(&row["soft"]), hard: number(&row["hard"]) }, "{row}");
    }
}

#[test]
fn capabilities_add_up_as_in_systemds_tests() {
    let mut so_far: Capabilities = ["CAP_NET_RAW"].into();
    for row in rows("systemd/exec_parse", "capability_set") {
        so_far = value::capabilities(&text(&row["input"]), &so_far);
        let expected = row["expected_expr"].as_str().unwrap();
        let names = value::CAPABILITIES.into_iter().filter(|name| expected.contains(&format!("make_cap({name})")));
        assert_eq!(so_far, names.collect(), "{row}");
    }
}

#[test]
fn command_lines_are_shown_as_in_systemds_tests() {
    for row in rows("systemd/escape", "quote_command_line") {
        let argv: Vec<&str> = row["argv"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
        assert_eq!(quote_command_line(&argv), row["expected"]);
    }
}
