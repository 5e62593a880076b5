//! Literals that look like secrets.

use super::fields::{Decoder, Field};
use crate::spec::secret_words::{looks_secret, secret_in_text};
use crate::spec::yaml::{Content, Node};
use crate::value::Value;

/// What help shows of references.
const HELP: &str = "the spec is no place for it: write where it is kept, `{etcd: KEY}`, `{env: NAME}`, `{file: PATH}`, `{credential: NAME}` or `{command: [PROGRAM]}`";

impl Decoder<'_> {
    /// A variable with a telling name and a value written out.
    pub(super) fn looks_like_a_secret(&mut self, name: &str, field: &Field<'_>, value: &Value) {
        if value.text().is_some_and(|text| looks_secret(name, &text.to_string())) {
            self.masked.push(field.span().clone());
            let message = format!("the value of `{name}` looks like a secret that is written out");
            self.report.warning("secret-in-spec", field.span(), message).help(HELP);
        }
    }

    /// Every text of the spec that holds `--password=…`, `scheme://user:password@…` or a well-known service's key.
    pub(super) fn texts_with_secrets(&mut self, root: &Node) {
        let mut open = vec![root];
        while let Some(node) = open.pop() {
            match &node.content {
                Content::Text(text) => self.text_with_secret(text, node),
                Content::List(items) => open.extend(items),
                Content::Map(entries) => open.extend(entries.iter().map(|(_, value)| value)),
                Content::Null | Content::Bool(_) | Content::Number(_) => {}
            }
        }
    }

    fn text_with_secret(&mut self, text: &str, node: &Node) {
        if let Some(what) = secret_in_text(text) {
            self.masked.push(node.span.clone());
            self.report.warning("secret-in-spec", &node.span, format!("{what} is written out here")).help(HELP);
        }
    }
}
