//! JSON in a unit's `Environment=`, over short continuation lines that people can read.

use serde_json::Value;

/// No physical line is longer, in bytes, so that fleet's limit of 2,047 and that of old systemd are far.
pub const LINE_MAX_BYTES: usize = 1_000;
/// The whole value is no longer, in bytes: units stay in etcd for ever, and 128 KiB is what exec takes.
pub const VARIABLE_MAX_BYTES: usize = 64 * 1024;
/// A list or map this short stands on one line.
const INLINE_MAX_BYTES: usize = 88;

/// Why JSON cannot be a unit's variable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonVariableError {
    /// The whole is too long.
    #[error("{bytes} bytes are too many for a variable of a unit, at most {VARIABLE_MAX_BYTES} fit")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// One string fits no line.
    #[error("the string that begins with `{start}` fits no line of a unit")]
    StringTooLong {
        /// Its first characters.
        start: String,
    },
}

/// `'NAME={ \`, … `}'`: the physical lines of an `Environment=` value that sets a variable to JSON.
///
/// Lines are broken between tokens of the JSON only, where the blank that systemd joins lines with means nothing.
/// Inside the single quotes `\` is doubled, `'` escaped, `%` doubled, and `$` left alone (systemd 252 does not look at
/// it in `Environment=`). No line begins with `#` or `;`, which systemd would drop as a comment: tokens begin with
/// none of them.
///
/// # Errors
/// A value that is too long, or a string in it that is.
pub fn json_variable(name: &str, json: &Value) -> Result<Vec<String>, JsonVariableError> {
    let mut lines = Lines { done: vec![], open: format!("'{name}=") };
    lines.value(json, 1);
    lines.open.push('\'');
    let mut all = lines.done;
    all.push(lines.open);
    let bytes = all.iter().map(|line| line.len() + 1).sum();
    if bytes > VARIABLE_MAX_BYTES {
        return Err(JsonVariableError::TooLong { bytes });
    }
    match all.iter().find(|line| line.len() > LINE_MAX_BYTES) {
        Some(long) => Err(JsonVariableError::StringTooLong { start: long.trim_start().chars().take(40).collect() }),
        None => Ok(all),
    }
}

struct Lines {
    done: Vec<String>,
    open: String,
}

impl Lines {
    fn token(&mut self, json: &str) {
        for c in json.chars() {
            match c {
                '\\' => self.open.push_str("\\\\"),
                '\'' => self.open.push_str("\\'"),
                '%' => self.open.push_str("%%"),
                c => self.open.push(c),
            }
        }
    }

    fn break_line(&mut self, depth: usize) {
        self.open.push_str(" \\");
        self.done.push(std::mem::replace(&mut self.open, "  ".repeat(depth)));
    }

    fn value(&mut self, value: &Value, depth: usize) {
        let flat = value.to_string();
        let nested = match value {
            Value::Array(items) => items.iter().any(|v| v.is_object()),
            Value::Object(map) => map.values().any(|v| v.is_object() || v.is_array()),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        };
        if flat.len() <= INLINE_MAX_BYTES && !nested {
            return self.token(&flat);
        }
        match value {
            Value::Object(map) => {
                let members = map.iter().map(|(key, value)| (Some(key.as_str()), value));
                self.container(['{', '}'], members, depth);
            }
            Value::Array(items) => self.container(['[', ']'], items.iter().map(|value| (None, value)), depth),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => self.token(&flat),
        }
    }

    fn container<'a>(
        &mut self,
        [open, close]: [char; 2],
        members: impl ExactSizeIterator<Item = (Option<&'a str>, &'a Value)>,
        depth: usize,
    ) {
        self.open.push(open);
        let last = members.len().saturating_sub(1);
        for (index, (key, value)) in members.enumerate() {
            self.break_line(depth);
            if let Some(key) = key {
                self.token(&Value::from(key).to_string());
                self.open.push_str(": ");
            }
            self.value(value, depth + 1);
            if index < last {
                self.open.push(',');
            }
        }
        self.break_line(depth.saturating_sub(1));
        self.open.push(close);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What systemd 252 makes of the lines: quotes, escapes and specifiers undone, lines joined by a blank.
    fn read_back(lines: &[String]) -> String {
        let joined = lines.join("\n").replace(" \\\n", "  ");
        let inner = joined.strip_prefix('\'').unwrap().strip_suffix('\'').unwrap();
        let mut text = String::new();
        let mut chars = inner.chars();
        while let Some(c) = chars.next() {
            text.push(if matches!(c, '\\' | '%') { chars.next().unwrap() } else { c });
        }
        text
    }

    #[test]
    fn what_is_written_reads_back() {
        let hostile = json!({"a": ["it's", "50%", "$HOME", "\\", "\n", "#x", ";", "ü", "\u{1}"], "b": {"c": {"d": [1, null, true]}}});
        let lines = json_variable("X", &hostile).unwrap();
        let text = read_back(&lines);
        assert_eq!(serde_json::from_str::<Value>(text.strip_prefix("X=").unwrap()).unwrap(), hostile);
        assert!(lines.iter().all(|line| !line.trim_start().starts_with(['#', ';'])));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let long = json!({ "a": "x".repeat(2_000) });
        assert!(matches!(json_variable("X", &long), Err(JsonVariableError::StringTooLong { .. })));
        let many = json!(vec!["some text that is not short"; 5_000]);
        assert!(matches!(json_variable("X", &many), Err(JsonVariableError::TooLong { .. })));
    }
}
