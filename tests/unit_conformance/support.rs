//! Reading the conformance data.

use serde_json::Value;

/// One file of `tests/conformance`, named without its ending.
pub fn load(name: &str) -> Value {
    let path = format!("{}/tests/conformance/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The rows of a file's list `cases`; an empty list would test nothing.
pub fn cases(name: &str) -> Vec<Value> {
    rows(name, "cases")
}

/// The rows of one of a file's lists.
pub fn rows(name: &str, list: &str) -> Vec<Value> {
    let rows = load(name)[list].as_array().unwrap_or_else(|| panic!("{name} has no list {list}")).clone();
    assert!(!rows.is_empty(), "{name} has no rows in {list}");
    rows
}

/// A text of the data: a string, or bytes as `{"hex": "…"}` where they are no UTF-8.
pub fn text(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.as_bytes().to_vec(),
        Value::Object(map) => from_hex(map["hex"].as_str().unwrap()),
        other => panic!("no text: {other}"),
    }
}

fn from_hex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}
