//! `eightbells deploy`, `diff`, `status`, `remove` and `run-now`: a spec's units on machines and clusters.

mod finding;
mod fleet;
mod host;
mod status;
mod step;
mod systemd;
mod wanted;

use super::TargetArgs;
use super::files;
use super::trial::job_named;
use crate::cli::completion;
use crate::cli::output::{Failure, print, say};
use crate::contract::exit;
use crate::target::{Scheduler, Scope};
use clap::Args;
use clap_complete::ArgValueCompleter;
use finding::{Finding, Kind};
use fleet::Cluster;
use host::Host;
use std::path::{Path, PathBuf};
use step::Step;
use wanted::Wanted;

/// A spec, and where it is deployed.
#[derive(Debug, Args)]
pub(super) struct PlaceArgs {
    /// The spec
    spec: PathBuf,
    /// systemd: a machine reached over ssh instead of this one; may be repeated
    #[arg(long, value_name = "HOST")]
    host: Vec<String>,
    /// systemd: the ssh program and its options
    #[arg(long, value_name = "COMMAND", default_value = "ssh")]
    ssh: String,
    /// systemd: run what changes something under sudo
    #[arg(long)]
    sudo: bool,
    /// fleet: the etcd of a cluster, as fleetctl's --endpoint; may be repeated for several clusters
    #[arg(long, value_name = "URL")]
    endpoint: Vec<String>,
    /// fleet: a machine of a cluster reached over ssh, as fleetctl's --tunnel; may be repeated for several clusters
    #[arg(long, value_name = "HOST")]
    tunnel: Vec<String>,
    /// fleet: the program and its options
    #[arg(long, value_name = "COMMAND", default_value = "fleetctl")]
    fleetctl: String,
    #[command(flatten)]
    target: TargetArgs,
}

/// What `deploy` is told.
#[derive(Debug, Args)]
pub(super) struct DeployArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Change nothing; print the commands, with files in the folder `units` as `generate -o units` writes them
    #[arg(long)]
    dry_run: bool,
    /// Also remove units that were made from jobs and instances which the spec no longer has
    #[arg(long)]
    remove_orphans: bool,
    /// Replace units of the same name that were not made by this program
    #[arg(long)]
    replace_foreign: bool,
}

/// What `remove` is told.
#[derive(Debug, Args)]
pub(super) struct RemoveArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Change nothing; print the commands
    #[arg(long)]
    dry_run: bool,
}

/// What `run-now` is told.
#[derive(Debug, Args)]
pub(super) struct RunNowArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// The job; not needed where there is only one
    #[arg(add = ArgValueCompleter::new(completion::jobs))]
    job: Option<String>,
    /// The instance; the first one where none is given
    #[arg(long, value_name = "INSTANCE")]
    instance: Option<String>,
    /// Do not wait for the end
    #[arg(long)]
    no_block: bool,
    /// Change nothing; print the command
    #[arg(long)]
    dry_run: bool,
}

/// Machines, or clusters.
enum Places {
    Systemd(Vec<Host>, Scope),
    Fleet(Vec<Cluster>),
}

impl PlaceArgs {
    fn places(&self, wanted: &Wanted, dry_run: bool) -> Places {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        match wanted.target.scheduler {
            Scheduler::Systemd(scope) => {
                let host = |ssh: Vec<String>| Host { ssh, sudo: self.sudo, dry_run };
                let far =
                    |name: &String| host(words(&self.ssh).into_iter().chain(["--".to_owned(), name.clone()]).collect());
                let hosts: Vec<Host> = self.host.iter().map(far).collect();
                Places::Systemd(if hosts.is_empty() { vec![host(vec![])] } else { hosts }, scope)
            }
            Scheduler::Fleet => {
                let by = |flag: &str, value: &String| Cluster {
                    fleetctl: words(&self.fleetctl).into_iter().chain([format!("--{flag}={value}")]).collect(),
                    name: value.clone(),
                };
                let endpoints = self.endpoint.iter().map(|url| by("endpoint", url));
                let clusters: Vec<Cluster> =
                    endpoints.chain(self.tunnel.iter().map(|host| by("tunnel", host))).collect();
                let lone = || vec![Cluster { fleetctl: words(&self.fleetctl), name: "the cluster".into() }];
                Places::Fleet(if clusters.is_empty() { lone() } else { clusters })
            }
        }
    }
}

/// Does something at every place; one that fails does not keep the others from being done.
fn everywhere<P>(places: &[P], mut doing: impl FnMut(&P) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut failures: Vec<Failure> = places.iter().filter_map(|place| doing(place).err()).collect();
    match (failures.len(), places.len()) {
        (0, _) => Ok(()),
        (1, 1) => Err(failures.remove(0)),
        (failed, all) => {
            failures.iter().for_each(Failure::print);
            let code = if failed < all { exit::PARTIAL } else { exit::FAILED };
            Err(Failure::new(code, format!("{failed} of {all} places failed")))
        }
    }
}

/// Carries out steps in order; the first that fails ends it.
fn carry_out(host: &Host, steps: &[Step]) -> Result<(), Failure> {
    steps.iter().try_for_each(|step| host.carry_out(step))
}

/// Where `fleetctl` runs: here, with the units in a folder of this machine.
fn here(dry_run: bool) -> Host {
    Host { ssh: vec![], sudo: false, dry_run }
}

pub(super) fn deploy(args: &DeployArgs) -> Result<(), Failure> {
    let wanted = Wanted::read(&args.place.spec, &args.place.target)?;
    match args.place.places(&wanted, args.dry_run) {
        Places::Systemd(hosts, scope) => everywhere(&hosts, |host| deploy_systemd(args, &wanted, host, scope)),
        Places::Fleet(clusters) => everywhere(&clusters, |cluster| deploy_fleet(args, &wanted, cluster)),
    }
}

fn deploy_systemd(args: &DeployArgs, wanted: &Wanted, host: &Host, scope: Scope) -> Result<(), Failure> {
    let seen = systemd::look(host, wanted, scope)?;
    let found = systemd::differences(wanted, &seen);
    may_go_on(args, &found)?;
    if found.iter().any(|finding| finding.kind == Kind::NoRunner) {
        let message = format!("{}: there is no runner at `{}`", host.name(), wanted.runner);
        return Err(
            Failure::new(exit::FAILED, message).help("install `eightbells-run` there, or set `runner:` in the spec")
        );
    }
    let steps = systemd::steps(wanted, &seen, &found, scope, args.remove_orphans);
    carry_out(host, &steps)?;
    done(host.name(), &steps, &found, args);
    Ok(())
}

fn deploy_fleet(args: &DeployArgs, wanted: &Wanted, cluster: &Cluster) -> Result<(), Failure> {
    let seen = fleet::look(cluster, wanted)?;
    let found = fleet::differences(wanted, &seen);
    may_go_on(args, &found)?;
    let (steps, left) = fleet::steps(cluster, wanted, &seen, &found, args.remove_orphans);
    if args.dry_run {
        carry_out(&here(true), &steps)?;
    } else {
        with_units(wanted, |folder| carry_out(&here(false), &placed(&steps, folder)))?;
    }
    done(&cluster.name, &steps, &found, args);
    still_running(&cluster.name, &left)
}

/// Refuses to replace what somebody else made.
fn may_go_on(args: &DeployArgs, found: &[Finding]) -> Result<(), Failure> {
    let foreign: Vec<&str> = found.iter().filter(|f| f.kind == Kind::Foreign).map(|f| f.subject.as_str()).collect();
    if foreign.is_empty() || args.replace_foreign {
        return Ok(());
    }
    let message = format!("not made by this program: {}", foreign.join(", "));
    Err(Failure::new(exit::FAILED, message).help("give the job another name, or replace them with `--replace-foreign`"))
}

fn done(place: &str, steps: &[Step], found: &[Finding], args: &DeployArgs) {
    if steps.is_empty() {
        say(&format!("{place}: everything is as the spec says"));
    }
    let orphans: Vec<&str> = found.iter().filter(|f| f.kind == Kind::Orphan).map(|f| f.subject.as_str()).collect();
    if !orphans.is_empty() && !args.remove_orphans {
        say(&format!("{place}: made by this program, and not in the spec: {}", orphans.join(", ")));
        say("  help: `--remove-orphans` removes them; leave them where they are another spec's");
    }
}

fn still_running(place: &str, left: &[String]) -> Result<(), Failure> {
    if left.is_empty() {
        return Ok(());
    }
    let message = format!("{place}: left alone, because its backup runs now: {}", left.join(", "));
    Err(Failure::new(exit::PARTIAL, message).help("run the same command again once it has ended"))
}

/// Writes the units into a folder for `fleetctl`.
fn with_units(wanted: &Wanted, doing: impl FnOnce(&Path) -> Result<(), Failure>) -> Result<(), Failure> {
    let folder = tempfile::Builder::new().prefix("eightbells-units-").tempdir();
    let folder = folder.map_err(|error| Failure::io("make a folder in", &std::env::temp_dir(), &error))?;
    files::write_changed(folder.path(), &wanted.files)?;
    doing(folder.path())
}

/// The steps with `units/` as it is called here.
fn placed(steps: &[Step], folder: &Path) -> Vec<Step> {
    let place = |word: &String| match word.strip_prefix("units/") {
        Some(name) => folder.join(name).display().to_string(),
        None => word.clone(),
    };
    steps.iter().map(|step| Step { argv: step.argv.iter().map(place).collect(), ..step.clone() }).collect()
}

pub(super) fn diff(args: &PlaceArgs) -> Result<(), Failure> {
    let wanted = Wanted::read(&args.spec, &args.target)?;
    let mut differing = 0;
    let mut tell = |place: &str, found: &[Finding]| {
        differing += found.len();
        let text: String = found.iter().map(Finding::text).collect();
        let word = if found.is_empty() { " everything is as the spec says" } else { "" };
        say(&format!("{place}:{word}"));
        print(&text)
    };
    match args.places(&wanted, true) {
        Places::Systemd(hosts, scope) => everywhere(&hosts, |host| {
            tell(host.name(), &systemd::differences(&wanted, &systemd::look(host, &wanted, scope)?))
        })?,
        Places::Fleet(clusters) => everywhere(&clusters, |cluster| {
            tell(&cluster.name, &fleet::differences(&wanted, &fleet::look(cluster, &wanted)?))
        })?,
    }
    if differing == 0 { Ok(()) } else { Err(Failure::said(exit::FAILED)) }
}

pub(super) fn remove(args: &RemoveArgs) -> Result<(), Failure> {
    let wanted = Wanted::read(&args.place.spec, &args.place.target)?;
    match args.place.places(&wanted, args.dry_run) {
        Places::Systemd(hosts, scope) => everywhere(&hosts, |host| {
            let seen = systemd::look(host, &wanted, scope)?;
            let running = wanted.pairs.iter().map(|pair| pair.service.clone()).filter(|service| seen.runs(service));
            still_running(host.name(), &running.collect::<Vec<_>>())?;
            removed(host, host.name(), &systemd::remove(&wanted, &seen, scope))
        }),
        Places::Fleet(clusters) => everywhere(&clusters, |cluster| {
            let (steps, left) = fleet::remove(cluster, &wanted, &fleet::look(cluster, &wanted)?);
            still_running(&cluster.name, &left)?;
            removed(&here(args.dry_run), &cluster.name, &steps)
        }),
    }
}

fn removed(host: &Host, place: &str, steps: &[Step]) -> Result<(), Failure> {
    carry_out(host, steps)?;
    let what =
        if steps.is_empty() { "nothing of this spec was there" } else { "units removed; archives stay where they are" };
    say(&format!("{place}: {what}"));
    Ok(())
}

pub(super) fn run_now(args: &RunNowArgs) -> Result<(), Failure> {
    let (spec, _) = super::load_or_fail(&args.place.spec, &args.place.target)?;
    let job = job_named(&spec, args.job.as_deref())?;
    let instance = super::trial::instance_of(args.instance.as_deref(), job)?;
    let name = super::trial::pair_name(&job.name, instance.as_deref());
    let wanted = Wanted::read(&args.place.spec, &args.place.target)?;
    let service = format!("{name}.service");
    let ended = |host: &Host, step: &Step| {
        host.carry_out(step).map_err(|failure| failure.help(format!("look at `journalctl -u {service}`")))
    };
    match args.place.places(&wanted, args.dry_run) {
        Places::Systemd(hosts, scope) => {
            everywhere(&hosts, |host| ended(host, &systemd::run_now(&service, scope, !args.no_block)))
        }
        Places::Fleet(clusters) => everywhere(&clusters, |cluster| {
            ended(&here(args.dry_run), &fleet::run_now(cluster, &service, !args.no_block))
        }),
    }
}

pub(super) use status::{StatusArgs, status};
