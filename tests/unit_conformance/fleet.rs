//! fleet's reading of unit files and names, against what its own packages were seen to do.

use super::support::{cases, load, text};
use eightbells::unit::fleet_name::{self, EscapeAs, FleetName};
use eightbells::unit::{Dialect, ItemKind, ProblemKind, UnitFile};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The releases in the data, and the dialect that stands for each.
const RELEASES: [(&str, Dialect); 2] = [("v1.0.0", Dialect::Fleet), ("v0.8.3", Dialect::FleetBefore012)];

fn options(file: &UnitFile) -> Value {
    let of = |entry: &eightbells::unit::Entry| json!([file.section_of(entry), entry.key, entry.value()]);
    file.entries().iter().map(of).collect()
}

/// fleet's own message for a refusal.
fn message(file: &UnitFile) -> Option<String> {
    let problem = file.problems().iter().find(|problem| problem.effect() == eightbells::unit::Effect::FileRefused)?;
    let span = &file.text()[problem.span.clone()];
    Some(match &problem.kind {
        ProblemKind::MissingEquals { .. } if problem.span.end == file.text().len() => "EOF".to_owned(),
        ProblemKind::MissingEquals { .. } => "unexpected newline encountered while parsing option name".to_owned(),
        ProblemKind::UnterminatedHeader => "unable to find end of section".to_owned(),
        ProblemKind::TextAfterHeader => {
            let bytes: Vec<String> = span.iter().map(u8::to_string).collect();
            format!("found garbage after section name : [{}]", bytes.join(" "))
        }
        ProblemKind::LineTooLong { limit } => format!("line too long (max {limit} bytes)"),
        other => panic!("not a refusal of fleet's: {other:?}"),
    })
}

fn assert_lossless(file: &UnitFile) {
    let mut at = 0;
    for item in file.items() {
        assert_eq!(item.span.start, at, "items leave a gap");
        at = item.span.end;
    }
    assert_eq!(at, file.text().len(), "items do not reach the end");
    let entries = file.items().iter().filter(|item| matches!(item.kind, ItemKind::Entry(_))).count();
    assert_eq!(entries, file.entries().len());
}

#[test]
fn edge_cases_parse_as_each_release_was_seen_to() {
    for case in cases("fleet/observed-parse-edge-cases") {
        for (release, dialect) in RELEASES {
            let file = UnitFile::parse(text(&case["input"]), dialect);
            let expected = &case[release];
            let what = format!("{} in {release}", case["what"]);
            assert_lossless(&file);
            if let Some(error) = expected.get("parse_error") {
                assert_eq!(message(&file).as_deref(), error.as_str(), "{what}")
            } else {
                assert!(!file.is_refused(), "{what}: {:?}", file.problems());
                assert_eq!(options(&file), expected["options"], "{what}");
                let normal = String::from_utf8(file.normal_form()).unwrap();
                assert_eq!(json!(normal), expected["normal_form"], "{what}");
            }
        }
    }
}

#[test]
fn long_lines_are_refused_where_the_buffer_shows_them() {
    for case in cases("fleet/observed-line-length-by-offset") {
        let starts = case["line_starts_at_byte"].as_u64().unwrap() as usize;
        let length = case["line_length_without_newline"].as_u64().unwrap() as usize;
        let text = unit_with_line(starts, length);
        for (release, dialect) in RELEASES {
            let file = UnitFile::parse(text.as_str(), dialect);
            let expected = case[format!("{release}_error")].as_str();
            assert_eq!(message(&file).as_deref(), expected, "line of {length} at {starts} in {release}");
            assert_lossless(&file);
        }
    }
}

/// `[Service]`, short lines up to the offset, the line, and 6,000 bytes of short lines.
fn unit_with_line(starts: usize, length: usize) -> String {
    let mut text = "[Service]\n".to_owned();
    while text.len() < starts {
        let room = starts - text.len();
        let line = if room > 102 { 50 } else { room };
        text.push_str(&filler(line));
    }
    text.push_str(&format!("A={}\n", "x".repeat(length - 2)));
    while text.len() < starts + length + 6000 {
        text.push_str(&filler(50));
    }
    text
}

fn filler(bytes: usize) -> String {
    if bytes < 4 { "\n".repeat(bytes) } else { format!("B={}\n", "y".repeat(bytes - 3)) }
}

fn groups(file: &str, function: &str) -> Vec<Value> {
    let groups = load(file)["groups"].as_array().unwrap().clone();
    let wanted = groups.into_iter().filter(|group| group["function"] == function);
    wanted.flat_map(|group| group["cases"].as_array().unwrap().clone()).collect()
}

#[test]
fn unit_files_deserialize_as_in_fleets_own_tests() {
    for case in groups("fleet/unit-file-parsing", "Deserialize") {
        let file = UnitFile::parse(text(&case["input"]), Dialect::Fleet);
        match &case["expected"]["error"] {
            Value::Null => assert_eq!(options(&file), case["expected"]["options"], "{}", case["input"]),
            Value::String(error) => assert_eq!(message(&file).as_ref(), Some(error)),
            _ => assert!(file.is_refused(), "{}", case["input"]),
        }
    }
    for case in groups("fleet/unit-file-parsing", "NewUnitFile") {
        assert!(UnitFile::parse(text(&case["input"]), Dialect::Fleet).is_refused(), "{}", case["input"]);
    }
}

#[test]
fn contents_group_values_by_section_and_key() {
    for case in groups("fleet/unit-file-parsing", "NewUnitFile.Contents") {
        let file = UnitFile::parse(text(&case["input"]), Dialect::Fleet);
        for (section, keys) in case["expected"]["contents"].as_object().unwrap() {
            for (key, values) in keys.as_object().unwrap() {
                let found: Vec<String> =
                    file.entries_for(section, key).map(|entry| entry.value().into_owned()).collect();
                assert_eq!(json!(found), *values);
            }
        }
    }
}

#[test]
fn normal_form_drops_comments_and_merges_sections() {
    for case in groups("fleet/unit-file-parsing", "Serialize(Deserialize(x))") {
        let file = UnitFile::parse(text(&case["input"]), Dialect::Fleet);
        assert_eq!(String::from_utf8(file.normal_form()).unwrap(), case["expected"]);
    }
    // Options come from a file here, so that those no file can hold (a newline in a section's name) need brackets.
    for case in groups("fleet/unit-file-parsing", "Serialize") {
        let options = case["input"].as_array().unwrap();
        let written = options
            .iter()
            .map(|o| format!("[{}]\n{}={}\n", o[0].as_str().unwrap(), o[1].as_str().unwrap(), o[2].as_str().unwrap()));
        let file = UnitFile::parse(written.collect::<String>(), Dialect::Fleet);
        assert_eq!(String::from_utf8(file.normal_form()).unwrap(), case["expected"]);
    }
}

#[test]
fn quoted_values_of_one_line_are_split_at_single_blanks() {
    for case in groups("fleet/unit-file-parsing", "parseMultivalueLine") {
        let values = fleet_name::split_values(case["input"].as_str().unwrap());
        assert_eq!(json!(values), case["expected"], "{}", case["input"]);
    }
}

#[test]
fn units_hash_as_fleet_hashes_them() {
    for case in groups("fleet/unit-file-parsing", "UnitFile.Hash (sha1 of the normalised text)") {
        let normal = UnitFile::parse(text(&case["input"]), Dialect::Fleet).normal_form();
        assert_eq!(sha1(&normal), case["expected"], "{}", case["input"]);
    }
    for case in cases("fleet/observed-parse-edge-cases") {
        for (release, dialect) in RELEASES {
            let file = UnitFile::parse(text(&case["input"]), dialect);
            let hash = (!file.is_refused()).then(|| sha1(&file.normal_form()));
            assert_eq!(json!(hash), case[release].get("hash").cloned().unwrap_or_default(), "{}", case["what"]);
        }
    }
}

#[test]
fn units_of_fleets_functional_tests_are_read_and_hashed_as_seen() {
    for case in groups("fleet/functional-units", "accepted units") {
        assert!(fleet_name::check(case["unit_name"].as_str().unwrap()).is_ok(), "{case}");
        let rows = case["options"].as_array().unwrap().iter();
        let mut text = String::new();
        for row in rows {
            let word = |place: usize| row[place].as_str().unwrap();
            writeln!(text, "[{}]\n{}={}", word(0), word(1), word(2)).unwrap();
        }
        let file = UnitFile::parse(text, Dialect::Fleet);
        assert!(!file.is_refused() && case["expected"]["parse_error"].is_null(), "{case}");
        assert_eq!(sha1(&file.normal_form()), case["expected"]["hash"], "{case}");
    }
}

#[test]
fn names_of_256_bytes_are_fleets_longest() {
    let name = |bytes: usize| format!("{}.service", "x".repeat(bytes - ".service".len()));
    assert!(fleet_name::check(&name(256)).is_ok());
    assert_eq!(fleet_name::check(&name(257)).unwrap_err().to_string(), "unit name exceeds maximum length (256)");
    // The first fault is told: the type of a template before its characters.
    assert_eq!(fleet_name::check("a b@1.mount").unwrap_err().to_string(), "invalid unit type for template: \"mount\"");
}

/// SHA-1 (FIPS 180-4), which nothing but this test needs.
fn sha1(text: &[u8]) -> String {
    let mut padded = [text, &[0x80]].concat();
    padded.resize(padded.len().next_multiple_of(64) + if padded.len() % 64 > 56 { 64 } else { 0 }, 0);
    let bits = padded.len() - 8;
    padded[bits..].copy_from_slice(&(text.len() as u64 * 8).to_be_bytes());
    let mut state = [0x6745_2301u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in padded.chunks(64) {
        let mut words: Vec<u32> = block.chunks(4).map(|w| u32::from_be_bytes(w.try_into().unwrap())).collect();
        for t in 16..80 {
            words.push((words[t - 3] ^ words[t - 8] ^ words[t - 14] ^ words[t - 16]).rotate_left(1));
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (t, word) in words.into_iter().enumerate() {
            let (mixed, constant) = match t / 20 {
                0 => ((b & c) | (!b & d), 0x5a82_7999),
                1 => (b ^ c ^ d, 0x6ed9_eba1),
                2 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6u32),
            };
            let next = a.rotate_left(5).wrapping_add(mixed).wrapping_add(e).wrapping_add(constant).wrapping_add(word);
            (a, b, c, d, e) = (next, a, b.rotate_left(30), c, d);
        }
        for (sum, part) in state.iter_mut().zip([a, b, c, d, e]) {
            *sum = sum.wrapping_add(part);
        }
    }
    state.map(|part| format!("{part:08x}")).concat()
}

#[test]
fn names_are_taken_apart_and_judged_as_seen() {
    for case in cases("fleet/observed-unit-name-edge-cases") {
        let name = case["input"].as_str().unwrap();
        let seen = &case["v1.0.0"];
        assert_eq!(split(name), seen["info"], "{name}");
        assert_eq!(json!(fleet_name::is_recognized_type(name)), seen["recognized_type"], "{name}");
        let error = fleet_name::check(name).err().map(|error| error.to_string());
        assert_eq!(json!(error), seen["validate_error"], "{name}");
    }
}

fn split(name: &str) -> Value {
    FleetName::split(name).map_or(Value::Null, |split| {
        json!({
            "name": split.name, "prefix": split.prefix, "template": split.template.clone().unwrap_or_default(),
            "instance": split.instance.clone().unwrap_or_default(),
            "is_instance": split.instance.is_some(), "is_template": split.is_template(),
        })
    })
}

#[test]
fn names_of_fleets_own_tests_are_judged_alike() {
    for case in groups("fleet/unit-names", "ValidateName") {
        let valid = fleet_name::check(case["input"].as_str().unwrap()).is_ok();
        assert_eq!(valid, case["expected"] == "valid", "{}", case["input"]);
    }
    for case in groups("fleet/unit-names", "NewUnitNameInfo") {
        assert_eq!(split(case["input"].as_str().unwrap()), case["expected"]);
    }
    for case in groups("fleet/unit-names", "RecognizedUnitType") {
        assert_eq!(
            fleet_name::is_recognized_type(case["input"].as_str().unwrap()),
            case["expected"],
            "{}",
            case["input"]
        );
    }
    for case in groups("fleet/unit-names", "fleetctl unitNameMangle") {
        assert_eq!(fleet_name::mangle(case["input"].as_str().unwrap()), case["expected"]);
    }
}

#[test]
fn names_escape_and_unescape_as_in_fleets_own_tests() {
    let how = |case: &Value| if case["is_path"] == true { EscapeAs::Path } else { EscapeAs::Text };
    for case in groups("fleet/unit-names", "systemd-escape style name escape") {
        assert_eq!(fleet_name::escape(case["input"].as_str().unwrap(), how(&case)), case["expected"]);
    }
    for case in groups("fleet/unit-names", "systemd-escape style name unescape") {
        let unescaped = fleet_name::unescape(case["input"].as_str().unwrap(), how(&case));
        assert_eq!(String::from_utf8(unescaped).unwrap(), case["expected"]);
    }
}
