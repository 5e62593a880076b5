//! `hooks:`, of a job or of a source.

use super::fields::{Decoder, Field, Fields};
use super::scalar::Holds;
use crate::conduct::{Hook, Hooks, OnError};
use crate::spec::yaml::Content;

/// What a hook's failure may mean.
const ON_ERROR: [(&str, OnError); 3] = [("fail", OnError::Fail), ("warn", OnError::Warn), ("skip", OnError::Skip)];

impl Decoder<'_> {
    pub(super) fn hooks(&mut self, field: &Field<'_>, instances: bool, of_source: bool) -> Hooks {
        let Some(mut fields) = self.fields(field) else { return Hooks::default() };
        let holds = Holds { source: of_source, percent: true, ..Holds::at_run(Some(instances)) };
        let hooks = Hooks {
            before: self.hooks_at(&mut fields, "before", holds),
            after: self.hooks_at(&mut fields, "after", holds),
            failed: self.hooks_at(&mut fields, "failed", holds),
            finally: self.hooks_at(&mut fields, "finally", holds),
        };
        fields.finish(self);
        hooks
    }

    fn hooks_at(&mut self, fields: &mut Fields<'_>, moment: &'static str, holds: Holds) -> Vec<Hook> {
        let Some(field) = fields.take(moment, self) else { return vec![] };
        let several = match &field.node.content {
            Content::List(items) => items.iter().any(|i| matches!(i.content, Content::List(_) | Content::Map(_))),
            Content::Null | Content::Bool(_) | Content::Number(_) | Content::Text(_) | Content::Map(_) => false,
        };
        let each = if several { self.items(&field, false) } else { vec![field] };
        each.iter().filter_map(|field| self.hook(field, moment, holds)).collect()
    }

    /// A list of words, or a map that says more.
    fn hook(&mut self, field: &Field<'_>, moment: &str, holds: Holds) -> Option<Hook> {
        if !matches!(field.node.content, Content::Map(_)) || self.unquoted_placeholder(field.node) {
            let run = self.argv(field, holds);
            return Some(Hook { run, env: std::collections::BTreeMap::new(), timeout: None, on_error: OnError::Fail });
        }
        let mut fields = self.fields(field)?;
        let run = fields.need("run", self, "the program and its arguments: `run: [PROGRAM, ARGUMENT, …]`");
        let run = run.map(|f| self.argv(&f, holds));
        let env = self.environment(&mut fields, holds);
        let timeout = fields.take("timeout", self).and_then(|f| self.duration(&f));
        let policy = fields.take("on_error", self);
        let on_error = policy.as_ref().and_then(|f| self.word(f, &ON_ERROR)).unwrap_or_default();
        if let (Some(policy), OnError::Skip, false) = (&policy, on_error, moment == "before") {
            let message = format!("`skip` has no meaning in `{moment}`: the run has begun by then");
            self.report.error("hook-skip-too-late", policy.span(), message).help("`fail` and `warn` are left");
        }
        fields.finish(self);
        Some(Hook { run: run?, env, timeout, on_error })
    }
}
