//! A value written out, or a reference to one that is read at run time only.

use super::Template;
use serde::{Deserialize, Serialize};

/// Where a value that must not stand in the spec is to be read from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Reference {
    /// `{etcd: KEY}`: the value of a key in the etcd that the spec names.
    Etcd(Template),
    /// `{env: NAME}`: a variable of the runner's environment.
    Env(String),
    /// `{file: PATH}`: the content of a file of the host that runs it, less one final line break.
    File(Template),
    /// `{credential: {name: NAME, path: PATH}}`: a systemd credential (`LoadCredential=`, systemd 247 or later).
    Credential {
        /// Name below `$CREDENTIALS_DIRECTORY`.
        name: String,
        /// The file that systemd reads it from; without it, systemd looks in its credential stores.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path: Option<String>,
    },
    /// `{command: [PROGRAM, ARG…]}`: what a program prints, less one final line break.
    Command(Vec<Template>),
}

/// Text, or a reference to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Written out, placeholders included.
    Text(Template),
    /// Read at run time.
    Reference(Reference),
}

impl Value {
    /// The reference, where it is one.
    #[must_use]
    pub fn reference(&self) -> Option<&Reference> {
        match self {
            Self::Text(_) => None,
            Self::Reference(reference) => Some(reference),
        }
    }

    /// The template, where it is written out.
    #[must_use]
    pub fn text(&self) -> Option<&Template> {
        match self {
            Self::Text(template) => Some(template),
            Self::Reference(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_round_trip_through_json_in_the_spec_s_own_form() {
        for json in [
            r#""a{instance}""#,
            r#"{"etcd":"/k/{instance}"}"#,
            r#"{"env":"X"}"#,
            r#"{"file":"/a"}"#,
            r#"{"credential":{"name":"n"}}"#,
            r#"{"credential":{"name":"n","path":"/p"}}"#,
            r#"{"command":["a","b"]}"#,
        ] {
            let value: Value = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&value).unwrap(), json);
        }
    }
}
