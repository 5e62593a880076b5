//! `store:` and `keep:`.

use super::fields::{Decoder, Field, nearest};
use super::names;
use crate::destination::Destination;
use crate::diag::Span;
use crate::retention::{Guard, Keep, Percent, Policy};
use crate::spec::model::StoreEntry;
use crate::spec::yaml::Content;
use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;

/// More names than this are not listed in a help.
const LISTED_MAX: usize = 12;
/// Keys of `keep:` of which each alone says what is kept.
const RULES: [&str; 8] = ["within", "last", "hourly", "daily", "weekly", "monthly", "quarterly", "yearly"];

impl Decoder<'_> {
    pub(super) fn store(
        &mut self,
        field: &Field<'_>,
        instances: bool,
        destinations: &BTreeMap<String, Destination>,
    ) -> Vec<StoreEntry> {
        let items = self.items(field, true);
        if items.is_empty() && matches!(field.node.content, Content::List(_)) {
            self.report.error("empty-value", field.span(), "a job needs at least one destination");
        }
        let mut entries: Vec<StoreEntry> = vec![];
        let mut seen: HashMap<String, &Span> = HashMap::new();
        for item in items {
            let Some((entry, place)) = self.store_entry(&item) else { continue };
            self.destination_exists(&entry.to, place);
            if let Some(first) = seen.insert(entry.to.clone(), place) {
                let message = format!("`{}` is here twice", entry.to);
                self.report.error("duplicate-destination", place, message).also(first, "it is here first");
                continue;
            }
            if !instances && destinations.get(&entry.to).is_some_and(names::uses_instance) {
                let message = format!("`{}` has `{{instance}}` in it, and this job has no instances", entry.to);
                self.report.error("instance-without-instances", place, message);
            }
            if let Some(destination) = destinations.get(&entry.to) {
                self.lock_outlives_keep(place, &destination.kind, &entry.keep);
            }
            entries.push(entry);
        }
        entries
    }

    fn store_entry<'n>(&mut self, item: &Field<'n>) -> Option<(StoreEntry, &'n Span)> {
        let lone = !matches!(item.node.content, Content::Map(_));
        if lone || self.unquoted_placeholder(item.node) {
            let to = if lone { self.plain(item)? } else { return None };
            return Some((StoreEntry { to, keep: Keep::All }, item.span()));
        }
        let mut fields = self.fields(item)?;
        let to = fields.need("to", self, "a name of `destinations`: {to: NAME, keep: {within: 7d}}");
        let keep = fields.take("keep", self).map(|f| self.keep(&f)).unwrap_or_default();
        fields.finish(self);
        let place = to.as_ref()?.span();
        let to = to.and_then(|f| self.plain(&f))?;
        Some((StoreEntry { to, keep }, place))
    }

    fn destination_exists(&mut self, name: &str, place: &Span) {
        if self.destinations.contains_key(name) {
            self.used.insert(name.to_owned());
            return;
        }
        let known = self.destinations.keys().map(String::as_str);
        let near = if self.report.is_full() { None } else { nearest(name, known).map(str::to_owned) };
        let known: Vec<&str> = self.destinations.keys().map(String::as_str).take(LISTED_MAX).collect();
        let help = if known.is_empty() {
            "the spec has no destinations".to_owned()
        } else {
            format!("the destinations are {}", known.join(", "))
        };
        let diagnostic = self.report.error("destination-unknown", place, format!("there is no destination `{name}`"));
        match near {
            Some(near) => diagnostic.label(format!("did you mean `{near}`?")),
            None => diagnostic.help(help),
        };
    }

    fn keep(&mut self, field: &Field<'_>) -> Keep {
        if matches!(field.node.content, Content::Text(_)) {
            if self.text(field) != Some("all") {
                self.keep_says_nothing(field);
            }
            return Keep::All;
        }
        let Some(mut fields) = self.fields(field) else { return Keep::All };
        let within = fields.take("within", self).and_then(|f| self.duration(&f));
        let mut number = |key, decoder: &mut Self| {
            let taken: Option<Field<'_>> = fields.take(key, decoder);
            let value = taken.and_then(|f| decoder.integer(&f, 1, i64::from(u32::MAX)));
            value.and_then(|n| u32::try_from(n).ok()).and_then(NonZeroU32::new)
        };
        let policy = Policy {
            within,
            last: number("last", self),
            hourly: number("hourly", self),
            daily: number("daily", self),
            weekly: number("weekly", self),
            monthly: number("monthly", self),
            quarterly: number("quarterly", self),
            yearly: number("yearly", self),
            at_least: number("at_least", self),
        };
        let empty = fields.present(&RULES).is_empty();
        fields.finish(self);
        if empty {
            self.keep_says_nothing(field);
            return Keep::All;
        }
        Keep::Policy(policy)
    }

    /// `guard:`; `none` is no guard.
    pub(super) fn guard(&mut self, field: &Field<'_>) -> Option<Guard> {
        if matches!(field.node.content, Content::Text(_)) {
            if self.text(field) != Some("none") {
                let message = "this does not say when an archive is too small";
                self.report
                    .error("guard-invalid", field.span(), message)
                    .help("write `{shrink: 50%, over: 5}`: less than half the median of the five before; or `none`");
            }
            return None;
        }
        let usual = Guard::default();
        let Some(mut fields) = self.fields(field) else { return Some(usual) };
        let shrink = fields.take("shrink", self).and_then(|f| self.percent(&f)).unwrap_or(usual.shrink);
        let over = fields.take("over", self).and_then(|f| self.integer(&f, 1, 1000));
        fields.finish(self);
        let over = over.and_then(|n| u32::try_from(n).ok()).and_then(NonZeroU32::new).unwrap_or(usual.over);
        Some(Guard { shrink, over })
    }

    fn percent(&mut self, field: &Field<'_>) -> Option<Percent> {
        let text = match &field.node.content {
            Content::Text(text) | Content::Number(text) => text,
            Content::Null | Content::Bool(_) | Content::List(_) | Content::Map(_) => {
                self.wrong_type(field, "a share such as `50%`");
                return None;
            }
        };
        let share = Percent::parse(text);
        if share.is_none() {
            let diagnostic = self.report.error("share-invalid", field.span(), format!("`{text}` is not a share"));
            diagnostic.label("a share is from `1%` to `99%`");
        }
        share
    }

    fn keep_says_nothing(&mut self, field: &Field<'_>) {
        let message = "this does not say what is kept";
        let diagnostic = self.report.error("keep-invalid", field.span(), message);
        diagnostic.help(
            "write `{within: 30d}`, `{last: 10}`, `{daily: 7, weekly: 5, monthly: 12}`, or several of them; or `all`",
        );
    }
}
