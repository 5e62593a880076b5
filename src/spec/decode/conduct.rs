//! What surrounds a run: `hooks:`, `wait:`, `concurrency:`, `retry:`, `timeouts:`, `notify:`, `report:`.

use super::fields::{Decoder, Field, Fields};
use super::scalar::Holds;
use crate::conduct::{Concurrency, Conduct, ReportKept, Retry, Timeouts};
use crate::contract::{Etcd, EtcdApi};
use crate::spec::model::Spec;
use std::collections::HashMap;

impl Decoder<'_> {
    pub(super) fn conduct(&mut self, fields: &mut Fields<'_>, instances: bool, etcd: Option<&Etcd>) -> Conduct {
        let hooks = fields.take("hooks", self).map(|f| self.hooks(&f, instances, false)).unwrap_or_default();
        let wait = fields.take("wait", self).and_then(|f| self.duration(&f));
        let concurrency = fields.take("concurrency", self).and_then(|f| self.concurrency(&f, etcd));
        let retry = fields.take("retry", self).and_then(|f| self.retry(&f));
        let timeouts = fields.take("timeouts", self).map(|f| self.timeouts(&f)).unwrap_or_default();
        let report = fields.take("report", self).map(|f| self.report_kept(&f, instances)).unwrap_or_default();
        let notify = fields.take("notify", self).map(|f| self.notices(&f, instances)).unwrap_or_default();
        Conduct { hooks, wait, concurrency, retry, timeouts, notify, report }
    }

    fn retry(&mut self, field: &Field<'_>) -> Option<Retry> {
        let mut fields = self.fields(field)?;
        let number = |field: Option<Field<'_>>, most, decoder: &mut Self| {
            field.and_then(|f| decoder.integer(&f, 1, most)).and_then(|n| u32::try_from(n).ok())
        };
        let times = fields.need("times", self, "how many more tries there are after the first: `times: 3`");
        let times = number(times, 100, self);
        let wait = fields.take("wait", self).and_then(|f| self.duration(&f)).unwrap_or(Retry::WAIT_DEFAULT);
        let backoff = fields.take("backoff", self);
        let backoff = number(backoff, 10, self).unwrap_or(Retry::BACKOFF_DEFAULT);
        fields.finish(self);
        Some(Retry { times: times?, wait, backoff })
    }

    fn timeouts(&mut self, field: &Field<'_>) -> Timeouts {
        let Some(mut fields) = self.fields(field) else { return Timeouts::default() };
        let default = Timeouts::default();
        let mut time = |key, decoder: &mut Self| {
            let taken: Option<Field<'_>> = fields.take(key, decoder);
            taken.and_then(|f| decoder.duration(&f))
        };
        let timeouts = Timeouts {
            connect: time("connect", self).unwrap_or(default.connect),
            stall: time("stall", self).unwrap_or(default.stall),
            idle: time("idle", self),
            run: time("run", self),
        };
        fields.finish(self);
        timeouts
    }

    fn report_kept(&mut self, field: &Field<'_>, instances: bool) -> ReportKept {
        let Some(mut fields) = self.fields(field) else { return ReportKept::default() };
        let holds = Holds { source: false, time: false, ..Holds::at_run(Some(instances)) };
        let path = fields.take("path", self).and_then(|f| self.path(&f, holds));
        let keep = fields.take("keep", self).and_then(|f| self.integer(&f, 1, 100_000));
        let keep = keep.and_then(|n| u32::try_from(n).ok()).unwrap_or(ReportKept::KEEP_DEFAULT);
        let metrics = fields.take("metrics", self).and_then(|f| self.path(&f, holds));
        fields.finish(self);
        ReportKept { path, keep, metrics }
    }

    fn concurrency(&mut self, field: &Field<'_>, etcd: Option<&Etcd>) -> Option<Concurrency> {
        let mut fields = self.fields(field)?;
        let group = fields.need("group", self, "the name that jobs share which must not run all at once");
        let group = group.and_then(|f| {
            let name = self.plain(&f)?;
            self.name_is_plain(f.node, &name, "a group");
            Some(name)
        });
        let max = fields.need("max", self, "how many of the group may run at once: `max: 1`");
        let max = max.and_then(|f| self.integer(&f, 1, 1000)).and_then(|n| u32::try_from(n).ok());
        let wait = fields.take("wait", self).and_then(|f| self.duration(&f)).unwrap_or(Concurrency::WAIT_DEFAULT);
        let life = fields.take("lease", self);
        let lease = life.as_ref().and_then(|f| self.duration(f)).unwrap_or(Concurrency::LEASE_DEFAULT);
        if let Some(field) = life.filter(|_| lease < Concurrency::LEASE_MIN) {
            let message = "a lease under 5s is lost while etcd chooses another leader";
            self.report.error("out-of-range", field.span(), message);
        }
        fields.finish(self);
        self.etcd_can_lease(field, etcd);
        Some(Concurrency { group: group?, max: max?, wait, lease })
    }

    fn etcd_can_lease(&mut self, field: &Field<'_>, etcd: Option<&Etcd>) {
        match etcd {
            Some(etcd) if etcd.api == EtcdApi::V2 => {
                let message = "`concurrency` needs leases, which the v2 key space of etcd has not";
                self.report
                    .error("concurrency-needs-v3", &field.key.span, message)
                    .help("set `api: v3` below `etcd`, where keys to read are of that kind too");
            }
            Some(_) => {}
            None if self.has_etcd => {} // What is wrong with it is told there.
            None => {
                let message = "`concurrency` counts in etcd, and the spec does not say where etcd is";
                self.report
                    .error("etcd-missing", &field.key.span, message)
                    .help("add `etcd: {endpoints: [\"http://127.0.0.1:2379\"]}` at the top");
            }
        }
    }

    /// Jobs of one group say the same of it, or each would count to another number.
    pub(super) fn groups_agree(&mut self, spec: &Spec) {
        let mut groups: HashMap<&str, (u32, &str)> = HashMap::new();
        for job in &spec.jobs {
            let Some(wanted) = &job.conduct.concurrency else { continue };
            let (max, first) = *groups.entry(&wanted.group).or_insert((wanted.max, &job.name));
            if max == wanted.max {
                continue;
            }
            let place = |job: &str| self.places.nearest(&format!("jobs.{job}.concurrency.max")).cloned();
            if let (Some(here), Some(there)) = (place(&job.name), place(first)) {
                let message =
                    format!("the group `{}` has {} places here and {max} elsewhere", wanted.group, wanted.max);
                self.report.error("concurrency-differs", &here.span, message).also(&there.span, "the other job's");
            }
        }
    }
}
