//! Archives of two jobs that could be taken for each other's.
//!
//! Tens of thousands of names are compared without comparing each with each: two names of fixed length meet only where
//! their shapes agree outside of the time's digits, which a table tells; names that hold a host that is not known yet
//! meet only what begins alike.

use super::fields::Decoder;
use crate::archive::{Identity, NamePattern};
use crate::destination::{Destination, Parts};
use crate::spec::model::{Job, Spec};
use crate::value::{Reference, Template, Value};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, HashMap};

/// More archives (jobs, times instances, sources and destinations) are not compared.
const ARCHIVES_MAX: usize = 400_000;
/// More names with an unknown host are not compared closely.
const COMPARISONS_MAX: usize = 50_000;
/// More of them are not compared even by their endings.
const ENDINGS_MAX: usize = 5_000_000;
/// Names of one length may place their time in so many ways; specs have two or three.
const LAYOUTS_MAX: usize = 32;

/// One source's archives of one instance.
struct Named<'a> {
    job: &'a Job,
    instance: Option<&'a str>,
    pattern: NamePattern,
    /// The object's name and extension.
    source: (String, String),
    /// The name, a digit of its time as [`NamePattern::DIGIT`], an unknown host as [`NamePattern::HOST`].
    shape: String,
}

impl Named<'_> {
    fn object(&self) -> (&str, &str) {
        (&self.source.0, &self.source.1)
    }
}

/// Two of the same place that may be called the same.
type Clash<'n, 'a> = (&'n Named<'a>, &'n Named<'a>);

/// Reports jobs, and instances of a job, whose archives could be taken for each other's.
pub(super) fn check(spec: &Spec, decoder: &mut Decoder<'_>) {
    let of_job =
        |job: &Job| job.instances.len().max(1).saturating_mul(job.sources.len()).saturating_mul(job.store.len());
    if spec.jobs.iter().map(of_job).fold(0, usize::saturating_add) > ARCHIVES_MAX {
        return not_compared(spec, decoder);
    }
    let mut places: BTreeMap<String, Vec<Named<'_>>> = BTreeMap::new();
    for job in &spec.jobs {
        for destination in job.store.iter().filter_map(|entry| spec.destinations.get(&entry.to)) {
            for instance in instances(job) {
                let place = location(destination, job, instance);
                places.entry(place).or_default().extend(named(job, instance));
            }
        }
    }
    let mut left = Budget { comparisons: COMPARISONS_MAX, endings: ENDINGS_MAX };
    for named in places.values() {
        let (hosts, fixed): (Vec<_>, Vec<_>) = named.iter().partition(|n| n.shape.contains(NamePattern::HOST));
        for (one, other) in fixed_clashes(&fixed).into_iter().chain(host_clashes(&hosts, &fixed, &mut left)) {
            report(one, other, decoder);
        }
    }
    if left.is_spent() {
        not_compared(spec, decoder);
    }
}

fn not_compared(spec: &Spec, decoder: &mut Decoder<'_>) {
    let Some(place) = spec.jobs.first().and_then(|job| decoder.places.nearest(&format!("jobs.{}", job.name))).cloned()
    else {
        return;
    };
    let message = "there are too many archives to tell whether their names could be taken for each other's";
    decoder.report.warning("spec-limits", &place.span, message).help("give jobs destinations or prefixes of their own");
}

fn instances(job: &Job) -> Vec<Option<&str>> {
    if job.instances.is_empty() { vec![None] } else { job.instances.iter().map(|i| Some(i.as_str())).collect() }
}

/// What tells one folder from another, for a job's instance: two destinations that are one folder count as one.
fn location(destination: &Destination, job: &Job, instance: Option<&str>) -> String {
    let text = destination.kind.place(&shown);
    text.replace("{job}", &job.name).replace("{instance}", instance.unwrap_or(""))
}

fn shown(value: &Value) -> String {
    match value {
        Value::Text(template) => template.to_string(),
        Value::Reference(reference) => format!("{reference:?}"),
    }
}

fn named<'a>(job: &'a Job, instance: Option<&'a str>) -> Vec<Named<'a>> {
    let identity = Identity { job: &job.name, instance, host: None };
    let pattern = job.archive.name.pattern(identity, TimeZone::UTC);
    let named = |source: (String, String)| {
        let shape = pattern.shape(&source.0, &source.1);
        Named { job, instance, pattern: pattern.clone(), source, shape }
    };
    job.sources.iter().flat_map(crate::source::Source::objects).map(named).collect()
}

fn is_same(one: &Named<'_>, other: &Named<'_>) -> bool {
    std::ptr::eq(one.job, other.job) && one.instance == other.instance
}

/// Clashes among names without an unknown host.
fn fixed_clashes<'n, 'a>(names: &[&'n Named<'a>]) -> Vec<Clash<'n, 'a>> {
    let mut buckets: BTreeMap<String, Vec<&'n Named<'a>>> = BTreeMap::new();
    for named in names {
        let skeleton = named.shape.replace(|c: char| c.is_ascii_digit(), "0").replace(NamePattern::DIGIT, "0");
        buckets.entry(skeleton).or_default().push(named);
    }
    buckets.into_values().filter(|bucket| bucket.len() > 1).flat_map(|bucket| bucket_clashes(&bucket)).collect()
}

/// Where in a shape the time's digits stand.
fn layout(shape: &str) -> Vec<usize> {
    shape.char_indices().filter(|(_, c)| *c == NamePattern::DIGIT).map(|(at, _)| at).collect()
}

fn bucket_clashes<'n, 'a>(bucket: &[&'n Named<'a>]) -> Vec<Clash<'n, 'a>> {
    let mut layouts: BTreeMap<Vec<usize>, Vec<&'n Named<'a>>> = BTreeMap::new();
    for named in bucket {
        layouts.entry(layout(&named.shape)).or_default().push(named);
    }
    let layouts: Vec<_> = layouts.into_iter().take(LAYOUTS_MAX).collect();
    let mut clashes = vec![];
    for (index, (digits, names)) in layouts.iter().enumerate() {
        clashes.extend(meet(names, names, digits));
        for (more, others) in layouts.iter().skip(index + 1) {
            clashes.extend(meet(names, others, &[digits.as_slice(), more.as_slice()].concat()));
        }
    }
    clashes
}

/// Those of two groups that agree wherever neither has a digit of its time. Each is told once, against the first.
fn meet<'n, 'a>(names: &[&'n Named<'a>], others: &[&'n Named<'a>], digits: &[usize]) -> Vec<Clash<'n, 'a>> {
    let key = |named: &Named<'_>| {
        let mut bytes = named.shape.clone().into_bytes();
        for at in digits {
            bytes.get_mut(*at..=*at).unwrap_or_default().fill(0);
        }
        bytes
    };
    let mut first: HashMap<Vec<u8>, &'n Named<'a>> = HashMap::new();
    for named in names {
        first.entry(key(named)).or_insert(named);
    }
    let clash = |other: &&'n Named<'a>| {
        let one = first.get(&key(other))?;
        (!is_same(one, other)).then_some((*one, *other))
    };
    others.iter().filter_map(clash).collect()
}

/// How many comparisons of names with an unknown host may still be made.
struct Budget {
    comparisons: usize,
    endings: usize,
}

impl Budget {
    fn is_spent(&self) -> bool {
        self.comparisons == 0 || self.endings == 0
    }

    fn may_equal(&mut self, one: &Named<'_>, other: &Named<'_>) -> bool {
        self.endings = self.endings.saturating_sub(1);
        if self.is_spent() || !endings_meet(&one.shape, &other.shape) {
            return false;
        }
        self.comparisons = self.comparisons.saturating_sub(1);
        one.pattern.may_equal(one.object(), &other.pattern, other.object())
    }
}

/// Whether two shapes agree from their ends back to the first unknown host.
fn endings_meet(one: &str, other: &str) -> bool {
    let certain = |(a, b): &(char, char)| *a != NamePattern::HOST && *b != NamePattern::HOST;
    let is_digit = |c: char| c == NamePattern::DIGIT || c.is_ascii_digit();
    let meets = |(a, b): (char, char)| {
        a == b || (is_digit(a) && is_digit(b) && (a == NamePattern::DIGIT || b == NamePattern::DIGIT))
    };
    one.chars().rev().zip(other.chars().rev()).take_while(certain).all(meets)
}

/// What a shape begins with for certain.
fn beginning<'n>(named: &'n Named<'_>) -> &'n str {
    named.shape.split([NamePattern::DIGIT, NamePattern::HOST]).next().unwrap_or("")
}

/// Clashes of names with an unknown host, with each other and with all others. Only names of which one's certain
/// beginning is the beginning of the other's can meet.
fn host_clashes<'n, 'a>(hosts: &[&'n Named<'a>], fixed: &[&'n Named<'a>], left: &mut Budget) -> Vec<Clash<'n, 'a>> {
    let mut all: Vec<&'n Named<'a>> =
        if hosts.is_empty() { vec![] } else { hosts.iter().chain(fixed).copied().collect() };
    all.sort_by_key(|named| beginning(named));
    let mut clashes = vec![];
    for one in hosts {
        let begins = beginning(one);
        let from = all.partition_point(|other| beginning(other) < begins);
        let longer = all.iter().skip(from).take_while(|other| beginning(other).starts_with(begins));
        let shorter = (0..begins.len()).filter_map(|length| begins.get(..length)).flat_map(|prefix| {
            let from = all.partition_point(|other| beginning(other) < prefix);
            all.iter().skip(from).take_while(move |other| beginning(other) == prefix)
        });
        // One clash of each is enough to tell.
        let clash = longer.chain(shorter).find(|other| !is_same(one, other) && left.may_equal(one, other));
        clashes.extend(clash.map(|other| (*other, *one)));
    }
    clashes
}

fn report(one: &Named<'_>, other: &Named<'_>, decoder: &mut Decoder<'_>) {
    let place = |job: &Job| {
        let route = format!("jobs.{}.archive.name", job.name);
        decoder.places.nearest(&route).map(|place| place.span.clone())
    };
    let (Some(first), Some(second)) = (place(one.job), place(other.job)) else { return };
    if std::ptr::eq(one.job, other.job) {
        let (a, b) = (one.instance.unwrap_or(""), other.instance.unwrap_or(""));
        let message = format!("the archives of the instances `{a}` and `{b}` could be taken for each other's");
        decoder.report.error("archive-names-clash", &second, message).help("put `{instance}` into the archive's name");
        return;
    }
    let (former, latter) = (&one.job.name, &other.job.name);
    let (former, latter) = if former <= latter { (former, latter) } else { (latter, former) };
    let message = format!("archives of `{former}` and `{latter}` could be taken for each other's, and pruned as such");
    let diagnostic = decoder.report.error("archive-names-clash", (&first).max(&second), message);
    if first != second {
        diagnostic.also((&first).min(&second), "the other job's");
    }
    diagnostic.help("put `{job}` into both names, or give the jobs destinations or prefixes of their own");
}

/// Whether a destination is another one for each instance.
pub(super) fn uses_instance(destination: &Destination) -> bool {
    let Parts { open, secret, files } = destination.kind.parts();
    open.into_iter().chain(secret).any(value_uses_instance) || files.into_iter().any(Template::uses_instance)
}

fn value_uses_instance(value: &Value) -> bool {
    match value {
        Value::Text(template) | Value::Reference(Reference::Etcd(template) | Reference::File(template)) => {
            template.uses_instance()
        }
        Value::Reference(Reference::Command(argv)) => argv.iter().any(Template::uses_instance),
        Value::Reference(Reference::Env(_) | Reference::Credential { .. }) => false,
    }
}
