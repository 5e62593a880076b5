//! What surrounds a run: `hooks:`, `wait:`, `concurrency:`.

use super::fields::{Decoder, Field, Fields};
use crate::conduct::{Concurrency, Conduct};
use crate::contract::{Etcd, EtcdApi};
use crate::spec::model::Spec;
use std::collections::HashMap;

impl Decoder<'_> {
    pub(super) fn conduct(&mut self, fields: &mut Fields<'_>, instances: bool, etcd: Option<&Etcd>) -> Conduct {
        let hooks = fields.take("hooks", self).map(|f| self.hooks(&f, instances, false)).unwrap_or_default();
        let wait = fields.take("wait", self).and_then(|f| self.duration(&f));
        let concurrency = fields.take("concurrency", self).and_then(|f| self.concurrency(&f, etcd));
        Conduct { hooks, wait, concurrency }
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
