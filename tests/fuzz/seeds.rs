//! What each target begins with: the fixtures of the other tests, the strings of the conformance data, and `corpus/`.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// A row of conformance data is a seed up to this length.
const ROW_MAX_BYTES: usize = 1000;

pub fn of(target: &str) -> Vec<Vec<u8>> {
    let mut seeds = files(&format!("tests/fuzz/corpus/{target}"));
    let rows: &[&str] = match target {
        "calendar" | "timestamp" => &["systemd/calendar.json", "systemd/calendar_oracle_v252.json"],
        "timespan" => &["systemd/timespan.json", "systemd/timespan_oracle_v252.json"],
        "exec" => &["systemd/exec_parse.json", "systemd/exec_oracle_v252.json", "systemd/extract_word.json"],
        "environment" => &["systemd/env_argv.json", "systemd/env_file.json", "systemd/extract_word.json"],
        "name" => &["systemd/unit_name.json", "systemd/escape.json", "fleet/unit-names.json"],
        "specifier" => &["systemd/specifier.json"],
        "glob" => &["fleet/observed-glob-edge-cases.json", "fleet/scheduling.json"],
        "unit_file" => {
            &["systemd/conf_parser.json", "fleet/unit-file-parsing.json", "fleet/observed-parse-edge-cases.json"]
        }
        _ => &[],
    };
    for file in rows {
        let text = std::fs::read_to_string(repository().join("tests/conformance").join(file)).unwrap();
        strings(&serde_json::from_str(&text).unwrap(), &mut seeds);
    }
    match target {
        "unit_file" | "lint" => seeds.extend(files("tests/lint")),
        "spec" => seeds.extend(["examples", "tests/specs", "tests/bad_specs"].into_iter().flat_map(files)),
        _ => {}
    }
    seeds.sort();
    seeds.dedup();
    seeds
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder, in a fixed order.
fn files(folder: &str) -> Vec<Vec<u8>> {
    let mut paths = vec![repository().join(folder)];
    let mut texts = Vec::new();
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            let inner: Vec<PathBuf> = std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect();
            paths.extend(inner);
        } else if path.is_file() {
            texts.push(std::fs::read(path).unwrap());
        }
    }
    texts
}

fn strings(value: &Value, found: &mut Vec<Vec<u8>>) {
    match value {
        Value::String(text) if text.len() <= ROW_MAX_BYTES => found.push(text.as_bytes().to_vec()),
        Value::Array(values) => values.iter().for_each(|value| strings(value, found)),
        Value::Object(values) => values.values().for_each(|value| strings(value, found)),
        Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => {}
    }
}
