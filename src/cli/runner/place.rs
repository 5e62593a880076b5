//! Where a job, and where its archives are: in a spec, in a unit's environment, or at a bare destination.

use super::{Ground, failure};
use crate::archive::Identity;
use crate::cli::completion;
use crate::cli::output::{Failure, show};
use crate::contract::{ETCD_VARIABLE, Etcd, Instance, JOB_VARIABLE, Job, SpecLocation, exit};
use crate::destination::{Addressing, Destination, DestinationKind, Limit, Local, S3};
use crate::retention::Keep;
use crate::run::catalog::{self, Names, Set};
use crate::run::os::{self, Environment};
use crate::run::secret::Secrets;
use crate::run::store::{self, Ledger, Means, Owner, Store};
use crate::schedule::Schedule;
use crate::source::Source;
use crate::spec::{self, Spec};
use crate::value::{Context, Reference, Template, Value};
use clap::Args;
use clap_complete::ArgValueCompleter;
use jiff::tz::TimeZone;
use secrecy::{ExposeSecret as _, SecretString};
use std::path::PathBuf;
use std::sync::Arc;

/// Which job's archives, and where.
#[derive(Debug, Args)]
pub(super) struct PlaceArgs {
    /// The job; not needed where there is only one
    #[arg(value_name = "JOB", add = ArgValueCompleter::new(completion::jobs))]
    name: Option<String>,
    /// The job, as units name it
    #[arg(long, value_name = "JOB", conflicts_with = "name", add = ArgValueCompleter::new(completion::jobs))]
    job: Option<String>,
    /// The spec: a path, or etcd:KEY. Without it, and without --from, the job is read from `EIGHTBELLS_JOB`
    #[arg(long, value_name = "SPEC", conflicts_with = "from")]
    spec: Option<SpecLocation>,
    /// The instance, escaped as in a unit's name
    #[arg(long, value_name = "INSTANCE", allow_hyphen_values = true)]
    instance: Option<Instance>,
    /// A bare destination: a folder, or `s3://BUCKET/PREFIX` with keys from `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`
    #[arg(long, value_name = "DESTINATION")]
    from: Option<String>,
    /// With `--from s3://…`: the service's address; without it AWS
    #[arg(long, value_name = "URL", requires = "from")]
    endpoint: Option<String>,
    /// With `--from s3://…`: the region
    #[arg(long, value_name = "REGION", requires = "from")]
    region: Option<String>,
    /// Only this destination of the job
    #[arg(long, value_name = "NAME", conflicts_with = "from")]
    destination: Option<String>,
}

/// A destination with what lies there.
pub(super) struct Shelf {
    /// Its name.
    pub name: String,
    pub store: Arc<dyn Store>,
    /// Oldest first.
    pub sets: Vec<Set>,
    /// What stays there.
    pub keep: Keep,
    /// The passphrase of its archives, where the job refers to one.
    pub passphrase: Option<SecretString>,
}

/// A job with its destinations, or a bare destination.
pub(super) struct Place {
    /// None at a bare destination.
    pub job: Option<Job>,
    pub instance: Option<String>,
    /// Whose clocks tell the times in names; UTC at a bare destination.
    pub zone: TimeZone,
    /// At least one.
    pub shelves: Vec<Shelf>,
    /// How many destinations could not be read; they have been told of.
    pub unread: usize,
}

impl PlaceArgs {
    /// A job's own destinations.
    pub(super) fn of(job: &str, spec: Option<SpecLocation>, instance: Option<&str>) -> Self {
        Self {
            name: Some(job.to_owned()),
            job: None,
            spec,
            instance: instance.map(Instance::escaped),
            from: None,
            endpoint: None,
            region: None,
            destination: None,
        }
    }

    /// Another job of the spec that is named.
    pub(super) async fn other_job(&self, name: &str, ground: &Ground) -> Result<Job, Failure> {
        if self.spec.is_none() {
            return Err(Failure::new(exit::USAGE, format!("the job `{name}` stands in a spec: name it with --spec")));
        }
        job(self.spec.as_ref(), Some(name), ground).await
    }

    /// The bare destination that is named.
    pub(super) fn bare_name(&self) -> Option<&str> {
        self.from.as_deref()
    }

    /// The job and instance that are named.
    pub(super) fn named(&self) -> (Option<String>, Option<&Instance>) {
        (self.wanted_job().map(str::to_owned), self.instance.as_ref())
    }

    /// The spec that is named.
    #[cfg(test)]
    pub(super) fn spec_named(&self) -> Option<&SpecLocation> {
        self.spec.as_ref()
    }

    fn wanted_job(&self) -> Option<&str> {
        self.name.as_deref().or(self.job.as_deref())
    }

    /// Every destination that can be read; what cannot be is told, and fails the command only where none is left.
    pub(super) async fn shelves(&self, ground: &Ground) -> Result<Vec<Shelf>, Failure> {
        Ok(self.open(ground).await?.shelves)
    }

    /// A job's destinations.
    pub(super) fn of_job(name: Option<String>, spec: Option<SpecLocation>, instance: Option<Instance>) -> Self {
        Self { name, job: None, spec, instance, from: None, endpoint: None, region: None, destination: None }
    }

    /// A bare destination, or one job's archives there.
    pub(super) fn bare_at(
        at: &str,
        endpoint: Option<String>,
        region: Option<String>,
        name: Option<String>,
        instance: Option<Instance>,
    ) -> Self {
        let from = Some(at.to_owned());
        Self { name, job: None, spec: None, instance, from, endpoint, region, destination: None }
    }

    /// The job and its destinations; as [`PlaceArgs::shelves`].
    pub(super) async fn open(&self, ground: &Ground) -> Result<Place, Failure> {
        self.open_with(ground, &Ledger::default()).await
    }

    /// The same, for what also stores: what is staged is written down in `ledger`.
    pub(super) async fn open_with(&self, ground: &Ground, ledger: &Ledger) -> Result<Place, Failure> {
        if let Some(from) = &self.from {
            let shelves = vec![self.bare(from, ground).await?];
            return Ok(Place { job: None, instance: None, zone: TimeZone::UTC, shelves, unread: 0 });
        }
        let job = job(self.spec.as_ref(), self.wanted_job(), ground).await?;
        let instance = instance_of(self.instance.as_ref(), &job)?;
        let context = context(&job, instance.as_deref())?;
        let secrets =
            Secrets::resolve(&job, &context, &ground.environment).await.map_err(|e| failure(exit::FAILED, &e))?;
        let zone = context.time.time_zone().clone();
        let identity = Identity { job: &job.name, instance: instance.as_deref(), host: Some(&context.host) };
        let pattern = job.archive.name.pattern(identity, zone.clone());
        let sources = job.sources.iter().flat_map(Source::objects).collect();
        let names = Names { pattern, sources };
        let passphrase = job.archive.encrypt.as_ref().and_then(|encrypt| encrypt.passphrase.as_ref());
        let passphrase = passphrase.map(|value| secrets.text(value, &context)).transpose();
        let passphrase = passphrase.map_err(|e| failure(exit::FAILED, &e))?;
        let means = Means { secrets: &secrets, context: &context, environment: &ground.environment };
        let ledger = ledger.clone().owned_by(Owner::new(&context.host, &job.name, instance.as_deref()));
        let mut shelves = vec![];
        let mut unread = 0;
        for at in job.store.iter().filter(|at| self.destination.as_ref().is_none_or(|name| *name == at.to.name)) {
            let opening = async {
                let store = store::open(&at.to, means, ledger.clone())?;
                let sets = catalog::sets(store.as_ref(), &names).await?;
                let passphrase = passphrase.clone();
                Ok::<_, store::StoreError>(Shelf {
                    name: at.to.name.clone(),
                    store,
                    sets,
                    keep: at.keep.clone(),
                    passphrase,
                })
            };
            match opening.await {
                Ok(opened) => shelves.push(opened),
                Err(error) => {
                    unread += 1;
                    let mut told = of_store(&error);
                    told.message = told.message.map(|m| format!("the destination `{}`: {m}", at.to.name));
                    told.print();
                }
            }
        }
        if shelves.is_empty() {
            let message = if unread == 0 { "the job has no such destination" } else { "no destination could be read" };
            return Err(Failure::new(exit::FAILED, message));
        }
        Ok(Place { job: Some(job), instance, zone, shelves, unread })
    }

    async fn bare(&self, from: &str, ground: &Ground) -> Result<Shelf, Failure> {
        let destination = self.bare_destination(from, &ground.environment)?;
        let job = bare_job(destination.clone());
        let context = context(&job, None)?;
        let secrets =
            Secrets::resolve(&job, &context, &ground.environment).await.map_err(|e| failure(exit::FAILED, &e))?;
        let means = Means { secrets: &secrets, context: &context, environment: &ground.environment };
        let store = store::open(&destination, means, Ledger::default()).map_err(|e| of_store(&e))?;
        let mut sets = catalog::all_sets(store.as_ref()).await.map_err(|e| of_store(&e))?;
        let instance = self.instance.as_ref().map(unescaped).transpose()?;
        sets.retain(|set| {
            set.manifest.as_ref().is_some_and(|manifest| {
                let job = self.wanted_job().is_none_or(|name| name == manifest.job);
                job && instance.as_ref().is_none_or(|i| Some(i) == manifest.instance.as_ref())
            })
        });
        Ok(Shelf { name: from.to_owned(), store, sets, keep: Keep::All, passphrase: None })
    }

    fn bare_destination(&self, from: &str, environment: &Environment) -> Result<Destination, Failure> {
        let text = |text: &str| Value::Text(Template::literal(text));
        let kind = match from.strip_prefix("s3://") {
            None => {
                let path = std::path::absolute(PathBuf::from(from))
                    .map_err(|e| Failure::io("find", &PathBuf::from(from), &e))?;
                DestinationKind::Local(Local { path: text(&path.to_string_lossy()), create: false })
            }
            Some(rest) => {
                let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
                let variable =
                    |name: &str| environment.get(name).map(|_| Value::Reference(Reference::Env(name.into())));
                DestinationKind::S3(Box::new(S3 {
                    endpoint: self.endpoint.as_deref().map(text),
                    region: self.region.as_deref().map(text),
                    bucket: text(bucket),
                    access_key: variable("AWS_ACCESS_KEY_ID"),
                    secret_key: variable("AWS_SECRET_ACCESS_KEY"),
                    session_token: variable("AWS_SESSION_TOKEN"),
                    prefix: (!prefix.is_empty()).then(|| text(prefix)),
                    addressing: if self.endpoint.is_some() { Addressing::Path } else { Addressing::Virtual },
                    ca_file: None,
                    allow_http: self.endpoint.is_some(),
                    proxy: None,
                    storage_class: None,
                    server_side_encryption: None,
                    checksum: None,
                    object_lock: None,
                }))
            }
        };
        Ok(Destination { name: from.to_owned(), kind, limit: Limit::default() })
    }
}

/// A failure of a destination, with what to do.
pub(super) fn of_store(error: &store::StoreError) -> Failure {
    let mut told = failure(exit::FAILED, error);
    told.help.extend(error.helps().iter().cloned());
    told
}

/// A job that only names the destination, for the values in it.
fn bare_job(destination: Destination) -> Job {
    let store = vec![crate::contract::StoreAt { to: destination, keep: Keep::All }];
    Job { store, ..no_job() }
}

/// A job of nothing, where none is known.
pub(super) fn no_job() -> Job {
    Job {
        version: crate::contract::JOB_VERSION,
        name: String::new(),
        instances: false,
        sources: vec![],
        archive: crate::archive::Archive::default(),
        store: vec![],
        guard: None,
        etcd: None,
        unless_newer_than: None,
        blackout: vec![],
        conduct: crate::conduct::Conduct::default(),
        drill: None,
    }
}

/// What placeholders stand for, now and here.
pub(super) fn context(job: &Job, instance: Option<&str>) -> Result<Context, Failure> {
    let zone = match &job.archive.timezone {
        None => TimeZone::UTC,
        Some(name) => TimeZone::get(name).map_err(|_| {
            Failure::new(exit::CONFIG, format!("the time zone `{name}` is not known on this host"))
                .help("install the time zone database (Debian: tzdata)")
        })?,
    };
    Ok(Context {
        job: job.name.clone(),
        instance: instance.map(str::to_owned),
        host: os::host_name(),
        source: None,
        scratch: None,
        time: os::now().to_zoned(zone),
    })
}

/// The instance, unescaped; one that is missing or that the job does not have is told.
pub(super) fn instance_of(given: Option<&Instance>, job: &Job) -> Result<Option<String>, Failure> {
    match (given, job.instances) {
        (Some(instance), true) => unescaped(instance).map(Some),
        (None, false) => Ok(None),
        (Some(_), false) => Err(Failure::new(exit::USAGE, format!("the job `{}` has no instances", job.name))),
        (None, true) => Err(Failure::new(
            exit::USAGE,
            format!("the job `{}` runs as an instance: say which with --instance", job.name),
        )),
    }
}

pub(super) fn unescaped(instance: &Instance) -> Result<String, Failure> {
    instance.unescaped().ok_or_else(|| {
        let text = match instance {
            Instance::Escaped(text) => text.as_str(),
            Instance::OfUnit => "%i",
        };
        Failure::new(exit::USAGE, format!("`{text}` is no escaped instance")).help("`systemd-escape TEXT` escapes one")
    })
}

/// The job: from a spec, or compiled, from the environment.
pub(super) async fn job(spec: Option<&SpecLocation>, name: Option<&str>, ground: &Ground) -> Result<Job, Failure> {
    let Some(location) = spec else { return job_of_environment(name, &ground.environment) };
    let spec = spec_at(location, ground).await?;
    let names: Vec<&str> = spec.jobs.iter().map(|job| job.name.as_str()).collect();
    let found = match (name, spec.jobs.as_slice()) {
        (Some(name), _) => spec.job(name),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    let found = found.ok_or_else(|| {
        let message = name.map_or_else(
            || "the spec has several jobs: say which".to_owned(),
            |name| format!("there is no job `{name}` in the spec"),
        );
        Failure::new(exit::USAGE, message).help(format!("there are {}", names.join(", ")))
    })?;
    Ok(spec.compile(found))
}

async fn spec_at(location: &SpecLocation, ground: &Ground) -> Result<Spec, Failure> {
    match location {
        SpecLocation::File(path) => report(spec::load(&path.to_string_lossy(), &spec::read_file)),
        SpecLocation::Etcd(key) => spec_in_etcd(key, &ground.environment).await,
    }
}

/// A job with its schedules, where these are known, and its instances.
pub(super) struct Scheduled {
    pub job: Job,
    pub schedule: Option<Schedule>,
    /// Its drill's.
    pub drill: Option<Schedule>,
    pub instances: Vec<Option<String>>,
}

/// The named job, or all jobs of the spec. The one of the environment knows neither its schedule nor its instances.
pub(super) async fn jobs(
    spec: Option<&SpecLocation>,
    name: Option<&str>,
    ground: &Ground,
) -> Result<Vec<Scheduled>, Failure> {
    let Some(location) = spec else {
        let job = job_of_environment(name, &ground.environment)?;
        let named = ground.environment.get("EIGHTBELLS_INSTANCE").map(|name| name.to_string_lossy().into_owned());
        return Ok(vec![Scheduled { job, schedule: None, drill: None, instances: vec![named] }]);
    };
    let spec = spec_at(location, ground).await?;
    let wanted: Vec<_> = spec.jobs.iter().filter(|job| name.is_none_or(|name| name == job.name)).collect();
    if wanted.is_empty() {
        let message = format!("there is no job `{}` in the spec", name.unwrap_or_default());
        return Err(Failure::new(exit::USAGE, message));
    }
    let scheduled = |job: &&spec::Job| {
        let instances = job.instances.iter().cloned().map(Some).collect::<Vec<_>>();
        let instances = if instances.is_empty() { vec![None] } else { instances };
        let drill = job.drill.as_ref().map(|drilled| drilled.schedule.clone());
        Scheduled { job: spec.compile(job), schedule: Some(job.schedule.clone()), drill, instances }
    };
    Ok(wanted.iter().map(scheduled).collect())
}

fn report((spec, report): (Option<Spec>, crate::diag::Report)) -> Result<Spec, Failure> {
    spec.ok_or_else(|| {
        show(&report);
        Failure::said(exit::CONFIG)
    })
}

fn job_of_environment(name: Option<&str>, environment: &Environment) -> Result<Job, Failure> {
    let text = environment.get(JOB_VARIABLE).and_then(|value| value.to_str()).ok_or_else(|| {
        Failure::new(exit::USAGE, "no job is named").help(format!(
            "name a spec with --spec, or a folder or bucket with --from; units carry the job in {JOB_VARIABLE}"
        ))
    })?;
    let job = Job::from_json(text).map_err(|error| failure(exit::CONFIG, &error).help("generate the units again"))?;
    match name {
        Some(name) if name != job.name => {
            Err(Failure::new(exit::USAGE, format!("the job in {JOB_VARIABLE} is `{}`, not `{name}`", job.name)))
        }
        Some(_) | None => Ok(job),
    }
}

async fn spec_in_etcd(key: &str, environment: &Environment) -> Result<Spec, Failure> {
    let missing = || {
        Failure::new(exit::USAGE, format!("{ETCD_VARIABLE} does not say which etcd is meant"))
            .help("units of `job_in: etcd` carry it")
    };
    let text = environment.get(ETCD_VARIABLE).and_then(|value| value.to_str()).ok_or_else(missing)?;
    let etcd: Etcd = serde_json::from_str(text).map_err(|error| failure(exit::CONFIG, &error))?;
    let value = Value::Reference(Reference::Etcd(Template::literal(key)));
    let local = Local { path: value.clone(), create: false };
    let mut job =
        bare_job(Destination { name: key.to_owned(), kind: DestinationKind::Local(local), limit: Limit::default() });
    job.etcd = Some(etcd);
    let context = context(&job, None)?;
    let secrets = Secrets::resolve(&job, &context, environment).await.map_err(|e| failure(exit::FAILED, &e))?;
    let text = secrets.text(&value, &context).map_err(|e| failure(exit::FAILED, &e))?;
    report(spec::load_text(&format!("<etcd:{key}>"), text.expose_secret().as_bytes()))
}
