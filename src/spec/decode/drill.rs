//! `drill:`, of a job.

use super::fields::{Decoder, Field, nearest};
use super::scalar::Holds;
use crate::archive::Archive;
use crate::conduct::Drill;
use crate::schedule::Schedule;
use crate::source::Source;
use crate::spec::model::{Drilled, Spec};
use crate::spec::yaml::Content;

/// What a drill is decoded in view of: the rest of its job.
pub(super) struct OfJob<'a> {
    pub instances: bool,
    pub sources: &'a [Source],
    pub archive: &'a Archive,
    pub backup: Option<&'a Schedule>,
}

impl Decoder<'_> {
    /// `none`, where `defaults:` have one, is no drill.
    pub(super) fn drill(&mut self, field: &Field<'_>, job: &OfJob<'_>) -> Option<Drilled> {
        if matches!(&field.node.content, Content::Text(text) if text == "none") {
            return None;
        }
        let mut fields = self.fields(field)?;
        let holds = Holds { source: false, percent: true, ..Holds::at_run(Some(job.instances)) };
        let of_paths = Holds { time: false, percent: false, ..holds };
        let schedule = fields.need("schedule", self, "when to drill: `schedule: {calendar: \"Sun 05:00\"}`");
        let schedule = schedule.and_then(|f| self.drill_schedule(&f, job.backup));
        let check = fields.take("check", self);
        let check = check.map(|f| self.argv(&f, Holds { scratch: true, ..holds }));
        let back = fields.take("at", self).and_then(|f| self.archive_at(&f)).unwrap_or_default();
        let source = fields.take("source", self).and_then(|f| self.source_of_job(&f, job.sources));
        let identity = fields.take("identity", self).map(|f| self.items(&f, true)).unwrap_or_default();
        let identity: Vec<_> = identity.iter().filter_map(|f| self.path(f, of_paths)).collect();
        let scratch = fields.take("scratch", self).and_then(|f| self.path(&f, of_paths));
        let timeout = fields.take("timeout", self).and_then(|f| self.duration(&f));
        fields.finish(self);
        self.can_be_opened(field, job.archive, identity.is_empty());
        if check.is_none() {
            let message = "without a check a drill proves that the archive comes back, and not that it is any good";
            self.report
                .warning("drill-without-check", &field.key.span, message)
                .help("add what must hold of the restored files, such as `check: [test, -s, srv/site/index.html]`");
        }
        let drill = Drill { check: check.unwrap_or_default(), back, source, identity, scratch, timeout };
        Some(Drilled { schedule: schedule?, drill })
    }

    fn drill_schedule(&mut self, field: &Field<'_>, backup: Option<&Schedule>) -> Option<Schedule> {
        let schedule = self.schedule(field)?;
        if schedule.unless_newer_than.is_some() || !schedule.blackout.is_empty() {
            let message = "`unless_newer_than` and `blackout` are about backups, and mean nothing to a drill";
            self.report.error("schedule-invalid", field.span(), message).help("leave them out here");
        }
        let often = schedule.usual_interval().zip(backup.and_then(Schedule::usual_interval));
        // Calendars are uneven, so that what is nearly as often is taken for as often.
        if let Some((drill, backup)) = often
            && drill.as_secs_f64() < 0.9 * backup.as_secs_f64()
        {
            let message = "the drill runs more often than the backup: most drills look at an archive once more";
            self.report
                .warning("drill-too-often", field.span(), message)
                .help("a drill a week, or one after each backup, tells as much");
        }
        Some(schedule)
    }

    fn archive_at(&mut self, field: &Field<'_>) -> Option<u32> {
        let text = self.plain(field)?;
        let back = Drill::parse_at(&text);
        if back.is_none() {
            let message = format!("`{text}` does not say which archive a drill takes every time");
            self.report
                .error("drill-at-invalid", field.span(), message)
                .help("write `latest`, or `latest~2` for the second before it");
        }
        back
    }

    fn source_of_job(&mut self, field: &Field<'_>, sources: &[Source]) -> Option<String> {
        let name = self.plain(field)?;
        // What is wrong with sources that could not be read is told there.
        if sources.is_empty() || sources.iter().any(|source| source.name == name) {
            return Some(name);
        }
        let near = nearest(&name, sources.iter().map(|source| source.name.as_str())).map(str::to_owned);
        let message = format!("the job has no source `{name}`");
        let diagnostic = self.report.error("source-unknown", field.span(), message);
        if let Some(near) = near {
            diagnostic.label(format!("did you mean `{near}`?"));
        }
        None
    }

    /// Archives that only recipients open need a key.
    fn can_be_opened(&mut self, field: &Field<'_>, archive: &Archive, no_key: bool) {
        let sealed = archive.encrypt.as_ref().is_some_and(|encrypt| encrypt.passphrase.is_none());
        if sealed && no_key {
            let message = "the archives are encrypted for recipients, and the drill has no key that opens them";
            self.report
                .error("drill-without-key", &field.key.span, message)
                .help("add `identity: /etc/eightbells/drill.key`, of a recipient that is there for drills alone")
                .help("or drill on another machine: `eightbells-run drill --identity FILE -- COMMAND`");
        }
    }

    /// A drill's units are called after its job, which no other job may be.
    pub(super) fn drills_have_names_of_their_own(&mut self, spec: &Spec) {
        let drilled: Vec<(String, String)> =
            spec.jobs.iter().filter_map(|job| Some((job.drill_name()?, job.name.clone()))).collect();
        for (units, job) in drilled {
            let place = |name: &str| self.places.nearest(&format!("jobs.{name}")).map(|place| place.span.clone());
            let other = spec.job(&units).and_then(|other| place(&other.name));
            if let (Some(other), Some(drill)) = (other, place(&format!("{job}.drill"))) {
                let message =
                    format!("the units of the job `{units}` would be called as those of this drill of `{job}`");
                self.report.error("drill-name-taken", &drill, message).also(&other, "the other job");
            }
        }
    }
}
