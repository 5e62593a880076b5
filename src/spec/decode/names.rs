//! Archives of two jobs that could be taken for each other's.

use super::fields::Decoder;
use crate::archive::{Identity, NamePattern};
use crate::destination::{Destination, DestinationKind};
use crate::spec::model::{Job, Spec};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, HashMap};

/// One source's archives of one instance.
struct Named<'a> {
    job: &'a Job,
    instance: Option<&'a str>,
    pattern: NamePattern,
    source: (&'a str, &'a str),
    hosts: bool,
}

/// Reports each pair of jobs, and each job whose instances' archives, could be taken for each other's.
pub(super) fn check(spec: &Spec, decoder: &mut Decoder<'_>) {
    let mut places: BTreeMap<String, Vec<Named<'_>>> = BTreeMap::new();
    for job in &spec.jobs {
        for entry in &job.store {
            if let Some(destination) = spec.destinations.get(&entry.to) {
                places.entry(location(destination)).or_default().extend(named(job));
            }
        }
    }
    for named in places.values() {
        if let Some((one, other)) = clash(named) {
            report(one, other, decoder);
        }
    }
}

/// What two destinations have in common where they are one folder: two names for the same place count as one.
fn location(destination: &Destination) -> String {
    match &destination.kind {
        DestinationKind::Local(local) => format!("{:?}", local.path),
        DestinationKind::S3(s3) => format!("{:?} {:?} {:?}", s3.endpoint, s3.bucket, s3.prefix),
    }
}

fn named(job: &Job) -> Vec<Named<'_>> {
    let instances: Vec<Option<&str>> =
        if job.instances.is_empty() { vec![None] } else { job.instances.iter().map(|i| Some(i.as_str())).collect() };
    let mut all = vec![];
    for instance in instances {
        let identity = Identity { job: &job.name, instance, host: None };
        let pattern = job.archive.name.pattern(identity, TimeZone::UTC);
        for source in &job.sources {
            let source = (source.name.as_str(), source.extension());
            all.push(Named { job, instance, pattern: pattern.clone(), source, hosts: job.archive.name.uses_host() });
        }
    }
    all
}

/// The first two that clash. Names without an unknown host can clash only where their skeletons are the same, so that
/// thousands of jobs are compared in one pass; those with one are compared with all.
fn clash<'a>(named: &'a [Named<'a>]) -> Option<(&'a Named<'a>, &'a Named<'a>)> {
    let may = |a: &Named<'_>, b: &Named<'_>| {
        let same = std::ptr::eq(a.job, b.job) && a.instance == b.instance;
        !same && a.pattern.may_equal(a.source, &b.pattern, b.source)
    };
    let mut by_skeleton: HashMap<String, Vec<&Named<'_>>> = HashMap::new();
    for one in named.iter().filter(|n| !n.hosts) {
        let bucket = by_skeleton.entry(one.pattern.skeleton(one.source.0, one.source.1)).or_default();
        if let Some(other) = bucket.iter().find(|other| may(other, one)) {
            return Some((other, one));
        }
        bucket.push(one);
    }
    let hosts = named.iter().filter(|n| n.hosts);
    hosts.flat_map(|one| named.iter().map(move |other| (other, one))).find(|(other, one)| may(other, one))
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
    let message = format!(
        "archives of `{}` and `{}` could be taken for each other's, and pruned as such",
        one.job.name, other.job.name
    );
    decoder
        .report
        .error("archive-names-clash", &second, message)
        .also(&first, "the other job's")
        .help("put `{job}` into both names, or give the jobs destinations of their own");
}
