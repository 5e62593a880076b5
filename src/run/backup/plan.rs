//! What a run would do, without doing or asking anything.

use super::report::span;
use super::{BackupError, Request, Setting, blackout, setting};
use crate::contract::Job;
use crate::retention::Keep;
use crate::source::{At, Content, Database, Databases, Server, Source, SourceKind, Still, Which};
use crate::value::{Context, Template, Value};
use serde::Serialize;
use std::fmt;

/// What a run would do; references to secrets are not resolved for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunPlan {
    /// The job.
    pub job: String,
    /// Its instance.
    pub instance: Option<String>,
    /// Why it would do nothing now.
    pub skipped: Option<String>,
    /// A condition that is looked at only when it runs.
    pub unless: Option<String>,
    /// The sources, in order.
    pub sources: Vec<PlannedSource>,
    /// The manifest's name.
    pub manifest: String,
    /// The destinations.
    pub destinations: Vec<PlannedDestination>,
}

/// A source of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedSource {
    /// Its name.
    pub name: String,
    /// What is read.
    pub what: String,
    /// The object's name.
    pub object: String,
}

/// A destination of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedDestination {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub place: String,
    /// What is kept there.
    pub keep: String,
}

/// Plans a run.
///
/// # Errors
/// The archive's time zone is not known here.
pub fn dry_run(job: &Job, request: &Request) -> Result<RunPlan, BackupError> {
    let Setting { context, pattern, time } = setting(job, request.instance.as_deref(), request.now)?;
    let source = |source: &Source| {
        let context =
            Context { source: Some(source.name.clone()), scratch: Some("{scratch}".into()), ..context.clone() };
        let suffix = job.archive.suffix();
        let object = |(name, extension): (String, String)| format!("{}.{extension}{suffix}", pattern.stem(&name, time));
        let objects: Vec<String> = source.objects().into_iter().map(object).collect();
        PlannedSource {
            name: source.name.clone(),
            what: what(source, &context) + &halted(source, &context),
            object: objects.join(" and "),
        }
    };
    let destination = |at: &crate::contract::StoreAt| PlannedDestination {
        name: at.to.name.clone(),
        place: at.to.kind.place(&|part| value(part, &context)),
        keep: kept(&at.keep),
    };
    Ok(RunPlan {
        job: job.name.clone(),
        instance: request.instance.clone(),
        skipped: blackout(job, &context),
        unless: job
            .unless_newer_than
            .map(|age| format!("every destination has a good archive younger than {}", span(age))),
        sources: job.sources.iter().map(source).collect(),
        manifest: pattern.manifest(time),
        destinations: job.store.iter().map(destination).collect(),
    })
}

fn text(template: &Template, context: &Context) -> String {
    template.expand(context).unwrap_or_else(|_| template.to_string())
}

fn texts<'a>(templates: impl IntoIterator<Item = &'a Template>, context: &Context) -> String {
    templates.into_iter().map(|template| text(template, context)).collect::<Vec<_>>().join(" ")
}

fn value(value: &Value, context: &Context) -> String {
    match value {
        Value::Text(template) => text(template, context),
        Value::Reference(reference) => serde_json::to_string(reference).unwrap_or_default(),
    }
}

fn what(source: &Source, context: &Context) -> String {
    match &source.kind {
        SourceKind::Paths(paths) => texts(&paths.paths, context),
        SourceKind::Command(command) => format!("what is printed by: {}", texts(&command.argv, context)),
        SourceKind::Container(container) => {
            let run = if container.dump.is_empty() {
                String::new()
            } else {
                format!(" after running: {}", texts(&container.dump, context))
            };
            let what = match &container.content {
                Content::Tree { path, .. } => text(path, context),
                Content::Stdout { .. } => "its output".into(),
            };
            format!("{what} in the container {}{run}", container_name(&container.container, context))
        }
        SourceKind::Volume(volume) => format!("the volume {}", text(&volume.volume, context)),
        SourceKind::Database(database) => of_database(database, context),
        SourceKind::EtcdSnapshot(etcd) => format!("a snapshot of the etcd at {}", etcd.endpoints.join(", ")),
    }
}

fn container_name(which: &Which, context: &Context) -> String {
    match which {
        Which::Name(name) => text(name, context),
        Which::Label(label) => format!("labelled {}", text(&label.label, context)),
    }
}

/// What stands still meanwhile.
fn halted(source: &Source, context: &Context) -> String {
    let Some(Still { stopped, paused, engine: _, spool: _ }) = &source.still else { return String::new() };
    let names =
        |which: &[Which]| which.iter().map(|which| container_name(which, context)).collect::<Vec<_>>().join(", ");
    let part = |word: &str, which: &[Which]| (!which.is_empty()).then(|| format!("{} {word}", names(which)));
    let parts: Vec<String> = [part("stopped", stopped), part("paused", paused)].into_iter().flatten().collect();
    format!(", with {}", parts.join(" and "))
}

fn of_database(database: &Database, context: &Context) -> String {
    let Database { server, at, .. } = database;
    let which = match (server, server.databases()) {
        (Server::Sqlite(sqlite), _) => text(&sqlite.path, context),
        (_, Some(Databases::One(name))) => format!("the database {}", text(name, context)),
        (_, Some(Databases::Some(names))) => format!("the databases {}", texts(names, context)),
        (_, Some(Databases::All { .. })) => "every database, as an object of its own,".into(),
        (Server::Mongodb(mongodb), None) => match &mongodb.database {
            Some(name) => format!("the database {}", text(name, context)),
            None => "all databases".into(),
        },
        (_, None) => "everything".into(),
    };
    let place = match at {
        At::Host { socket: None } => "on this host".to_owned(),
        At::Host { socket: Some(socket) } => format!("at {}", text(socket, context)),
        At::Network { host, port } => {
            format!("at {}{}", value(host, context), port.map(|port| format!(":{port}")).unwrap_or_default())
        }
        At::Container { container, engine: _ } => format!("in the container {}", container_name(container, context)),
    };
    format!("{which} of {} {place}", server.key())
}

fn kept(keep: &Keep) -> String {
    let Keep::Policy(policy) = keep else { return "everything".into() };
    let within = policy.within.map(|within| format!("what is younger than {}", span(within)));
    let last = policy.last.map(|last| format!("the last {last}"));
    let periods = policy.periods().map(|(period, count)| format!("{period} {count}"));
    let floor = policy.floor().map(|floor| format!("at least {floor}"));
    let rules: Vec<String> = within.into_iter().chain(last).chain(periods).chain(floor).collect();
    if rules.is_empty() { "the newest".into() } else { rules.join(", ") }
}

impl fmt::Display for RunPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instance = self.instance.as_ref().map(|instance| format!(" ({instance})")).unwrap_or_default();
        writeln!(f, "{}{instance} would", self.job)?;
        if let Some(reason) = &self.skipped {
            writeln!(f, "  do nothing now: {reason}; else it would")?;
        }
        if let Some(condition) = &self.unless {
            writeln!(f, "  look first, and do nothing if {condition}")?;
        }
        for PlannedSource { name, what, object } in &self.sources {
            writeln!(f, "  dump `{name}`: {what}\n    into {object}")?;
        }
        for PlannedDestination { name, place, keep } in &self.destinations {
            writeln!(f, "  store it at `{name}`, {place}\n    and keep there: {keep}")?;
        }
        write!(f, "  and write the manifest {} last", self.manifest)
    }
}
