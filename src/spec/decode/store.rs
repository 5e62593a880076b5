//! `store:` and `keep:`.

use super::Decoder;
use super::cursor::{At, Map};
use super::words::{did_you_mean, either, shown};
use crate::destination::{Destination, DestinationKind, Local, S3};
use crate::diag::Span;
use crate::retention::{Keep, Policy};
use crate::spec::StoreEntry;
use crate::spec::node::Kind;
use crate::value::{Reference, Template, Value};
use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;

/// More names than this are not listed in a help.
const LISTED_MAX: usize = 12;

impl Decoder {
    /// Where a job's archives go.
    pub(super) fn store(&mut self, at: &At<'_>, destinations: &BTreeMap<String, Destination>, instances: bool) -> Vec<StoreEntry> {
        let items = self.list_or_one(at);
        if items.is_empty() && matches!(at.node.kind, Kind::List(_)) {
            self.faults.error("value-invalid", at.span(), "`store` is empty: the archives would go nowhere");
        }
        let mut entries: Vec<StoreEntry> = vec![];
        let mut seen: HashMap<String, Span> = HashMap::new();
        for item in &items {
            let Some((entry, place)) = self.entry(item) else { continue };
            self.known_destination(&entry.to, &place);
            if let Some(first) = seen.insert(entry.to.clone(), place.clone()) {
                let message = format!("`{}` is there twice", shown(&entry.to));
                self.faults.error("duplicate-key", &place, message).label("second").also(&first, "first");
                continue;
            }
            if !instances && destinations.get(&entry.to).is_some_and(uses_instance) {
                let message = format!("`{}` has `{{instance}}` in it, and this job has no instances", entry.to);
                self.faults.error("placeholder", &place, message);
            }
            entries.push(entry);
        }
        entries
    }

    fn entry(&mut self, at: &At<'_>) -> Option<(StoreEntry, Span)> {
        if !matches!(at.node.kind, Kind::Map(_)) || at.node.unquoted_placeholder().is_some() {
            let to = self.some_text(at)?.to_owned();
            return Some((StoreEntry { to, keep: Keep::All }, at.span().clone()));
        }
        let mut map = self.map(at)?;
        let (to, keep) = (self.require_to(&mut map, at), map.take("keep"));
        self.done(map);
        let keep = keep.map_or(Some(Keep::All), |at| self.keep(&at));
        let to = to?;
        let name = self.some_text(&to)?.to_owned();
        Some((StoreEntry { to: name, keep: keep? }, to.span().clone()))
    }

    fn require_to<'a>(&mut self, map: &mut Map<'a>, at: &At<'a>) -> Option<At<'a>> {
        let to = map.take("to");
        if to.is_none() {
            let found = self.faults.error("missing-key", &first_character(at.span()), "this entry does not say where archives go");
            found.help("for example `{to: NAME, keep: {within: 7d}}`, with a name of `destinations`");
        }
        to
    }

    fn known_destination(&mut self, name: &str, place: &Span) {
        if self.seen_destinations.contains_key(name) {
            self.used_destinations.insert(name.to_owned());
            return;
        }
        let guess = did_you_mean(name, self.seen_destinations.keys().map(String::as_str)).map(str::to_owned);
        let listed: Vec<&str> = self.seen_destinations.keys().map(String::as_str).take(LISTED_MAX).collect();
        let help = if listed.is_empty() { "the spec has no `destinations`".to_owned() } else { format!("there are {}", either(&listed, "and")) };
        let found = self.faults.error("unknown-destination", place, format!("`{}` is not a destination", shown(name)));
        if let Some(guess) = guess {
            found.label(format!("did you mean `{guess}`?"));
        }
        found.help(help);
    }

    fn keep(&mut self, at: &At<'_>) -> Option<Keep> {
        if matches!(at.node.kind, Kind::Scalar(_)) {
            return self.choice(at, &[("all", ())]).map(|()| Keep::All);
        }
        let mut map = self.map(at)?;
        let [within, last, at_least] = ["within", "last", "at_least"].map(|name| map.take(name));
        let key = map.key().clone();
        self.done(map);
        if within.is_none() && last.is_none() && at_least.is_none() {
            let found = self.faults.error("missing-key", &key, "`keep` does not say what is kept");
            found.help("for example `{within: 7d}` or `{last: 14}`; `keep: all` removes nothing");
            return None;
        }
        if let (None, None, Some(at_least)) = (&within, &last, &at_least) {
            let found = self.faults.error("missing-key", at_least.key_span(), "`at_least` alone does not say what is kept");
            found.help("it goes with `within` or `last`, for the case that these leave too little");
        }
        let mut count = |at: Option<At<'_>>| at.map_or(Some(None), |at| self.count(&at).map(Some));
        let (last, at_least) = (count(last)?, count(at_least)?);
        let within = match within {
            Some(at) => Some(self.duration(&at)?),
            None => None,
        };
        Some(Keep::Policy(Policy { within, last, at_least }))
    }

    fn count(&mut self, at: &At<'_>) -> Option<NonZeroU32> {
        self.number::<u32>(at, 1..=i64::from(u32::MAX)).and_then(NonZeroU32::new)
    }
}

/// Where a mapping begins, for what is missing in it as a whole.
fn first_character(span: &Span) -> Span {
    Span { end: span.start + 1, ..span.clone() }
}

fn uses_instance(destination: &Destination) -> bool {
    let value = |value: &Value| match value {
        Value::Text(template) => template.uses_instance(),
        Value::Reference(Reference::Etcd(t) | Reference::File(t)) => t.uses_instance(),
        Value::Reference(Reference::Command(argv)) => argv.iter().any(Template::uses_instance),
        Value::Reference(Reference::Env(_) | Reference::Credential { .. }) => false,
    };
    match &destination.kind {
        DestinationKind::Local(Local { path, create: _ }) => value(path),
        DestinationKind::S3(s3) => {
            let S3 { endpoint, region, bucket, access_key, secret_key, session_token, prefix, addressing: _, ca_file, allow_http: _ } = s3.as_ref();
            let optional = [endpoint, region, access_key, secret_key, session_token, prefix];
            optional.into_iter().flatten().any(value) || value(bucket) || ca_file.as_ref().is_some_and(Template::uses_instance)
        }
    }
}
