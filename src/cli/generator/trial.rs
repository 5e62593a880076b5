//! `eightbells try`: from a spec to a verified archive, here and now.

use super::generate::units;
use super::{TargetArgs, files, load_or_fail};
use crate::cli::completion;
use crate::cli::output::{Failure, say};
use crate::contract::{JOB_VARIABLE, exit};
use crate::plan::{self, Invocation};
use crate::render::File;
use crate::spec::{Job, JobIn, Spec};
use crate::target::{Scheduler, Scope, Target};
use clap::Args;
use clap_complete::ArgValueCompleter;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What `try` is told.
#[derive(Debug, Args)]
pub(super) struct TryArgs {
    /// The spec
    spec: PathBuf,
    /// The job; not needed where there is only one
    #[arg(add = ArgValueCompleter::new(completion::jobs))]
    job: Option<String>,
    /// The instance; the first one where none is given
    #[arg(long, value_name = "INSTANCE")]
    instance: Option<String>,
    /// The folder for the units
    #[arg(short, long, value_name = "DIR", default_value = "units")]
    output: PathBuf,
    /// The runner to run; without it the one beside this program
    #[arg(long, value_name = "PATH", env = "EIGHTBELLS_RUNNER")]
    runner: Option<PathBuf>,
    #[command(flatten)]
    target: TargetArgs,
}

pub(super) fn run(args: &TryArgs) -> Result<(), Failure> {
    let (spec, _) = load_or_fail(&args.spec, &args.target)?;
    let job = job_named(&spec, args.job.as_deref())?;
    let target = args.target.options(&spec).target;
    step("checked", &format!("{}: {} job{} in order", args.spec.display(), spec.jobs.len(), plural(spec.jobs.len())));
    let written = generate(args, &spec)?;
    let runner = runner(args)?;
    let instance = instance_of(args.instance.as_deref(), job)?;
    let invocation = Invocation { spec_path: &args.spec, instance: instance.as_deref() };
    step("running", &format!("the job `{}` once, as the unit's ExecStart= would", job.name));
    backup(&runner, &spec, job, &invocation)?;
    step("verifying", "the archive that was made: digests, and every member of it");
    verify(&runner, job, &invocation)?;
    next_steps(args, &spec, job, instance.as_deref(), target, &written);
    Ok(())
}

fn step(word: &str, text: &str) {
    say(&format!("\n== {word}: {text}"));
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// The job of that name, or the only one.
pub(super) fn job_named<'a>(spec: &'a Spec, name: Option<&str>) -> Result<&'a Job, Failure> {
    let names: Vec<&str> = spec.jobs.iter().map(|job| job.name.as_str()).collect();
    match (name, spec.jobs.as_slice()) {
        (Some(name), _) => spec.job(name).ok_or_else(|| {
            Failure::new(exit::USAGE, format!("there is no job `{name}` in the spec"))
                .help(format!("there are {}", names.join(", ")))
        }),
        (None, [only]) => Ok(only),
        (None, _) => Err(Failure::new(exit::USAGE, "the spec has several jobs: say which")
            .help(format!("there are {}", names.join(", ")))),
    }
}

fn generate(args: &TryArgs, spec: &Spec) -> Result<Vec<File>, Failure> {
    let written = units(spec, &args.target)?;
    files::write_changed(&args.output, &written)?;
    let names: Vec<String> = written.iter().map(|file| args.output.join(&file.name).display().to_string()).collect();
    step("generated", &names.join(", "));
    step("linted", "no finding in them, or it was shown above at its line of the spec");
    Ok(written)
}

/// The runner to run: the one that was named, the one beside this program, or the one in `PATH`.
fn runner(args: &TryArgs) -> Result<PathBuf, Failure> {
    if let Some(runner) = &args.runner {
        return Ok(runner.clone());
    }
    let beside = std::env::current_exe().ok().map(|exe| exe.with_file_name("eightbells-run"));
    beside.filter(|path| path.exists()).ok_or_else(|| {
        Failure::new(exit::FAILED, "`eightbells-run` is not beside this program")
            .help("say where it is with `--runner PATH`")
    })
}

/// The instance that was asked for, or the job's first.
pub(super) fn instance_of(asked: Option<&str>, job: &Job) -> Result<Option<String>, Failure> {
    match (asked, job.instances.first()) {
        (Some(given), Some(_)) => Ok(Some(given.to_owned())),
        (Some(_), None) => Err(Failure::new(exit::USAGE, format!("the job `{}` has no instances", job.name))),
        (None, first) => Ok(first.cloned()),
    }
}

fn backup(runner: &Path, spec: &Spec, job: &Job, invocation: &Invocation<'_>) -> Result<(), Failure> {
    let compiled = spec.compile(job);
    let mut command = Command::new(runner);
    command.args(plan::arguments(spec, job, invocation));
    match job.job_in {
        JobIn::Unit => {
            command.env(JOB_VARIABLE, compiled.to_json().to_string());
        }
        JobIn::File | JobIn::Etcd => {
            command.env_remove(JOB_VARIABLE);
        }
    }
    finished(runner, &mut command, "the run")
}

fn verify(runner: &Path, job: &Job, invocation: &Invocation<'_>) -> Result<(), Failure> {
    let mut command = Command::new(runner);
    command.arg("verify").arg("--spec").arg(invocation.spec_path).args(["--job", &job.name, "--at", "latest"]);
    if let Some(instance) = invocation.instance {
        command.args(["--instance", &crate::unit::name::escape(instance)]);
    }
    finished(runner, &mut command, "the verification")
}

fn finished(runner: &Path, command: &mut Command, what: &str) -> Result<(), Failure> {
    let status = command.status().map_err(|error| Failure::io("run", runner, &error))?;
    if status.success() {
        return Ok(());
    }
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(exit::FAILED);
    Err(Failure::new(code, format!("{what} did not end well: {status}")))
}

fn next_steps(args: &TryArgs, spec: &Spec, job: &Job, instance: Option<&str>, target: Target, written: &[File]) {
    step("done", "this spec works on this machine. What to do next:");
    let files: Vec<String> = written.iter().map(|file| args.output.join(&file.name).display().to_string()).collect();
    for line in match target.scheduler {
        Scheduler::Fleet => fleet_steps(spec, &files),
        Scheduler::Systemd(scope) => systemd_steps(args, spec, scope, &files),
    } {
        say(&format!("   {line}"));
    }
    let instance =
        instance.map_or_else(String::new, |i| format!(" --instance {}", for_shell(&crate::unit::name::escape(i))));
    let which = format!("--spec {} --job {}{instance}", args.spec.display(), job.name);
    say(&format!("   eightbells-run list {which}"));
    say(&format!("   eightbells-run restore {which} --to /tmp/restored"));
}

fn fleet_steps(spec: &Spec, files: &[String]) -> Vec<String> {
    let mut steps = vec![
        format!("install `eightbells-run` on every host as {}", spec.runner),
        format!("fleetctl submit {}", files.join(" ")),
    ];
    for job in &spec.jobs {
        for name in all_names(job) {
            let (service, timer) = (for_shell(&format!("{name}.service")), for_shell(&format!("{name}.timer")));
            steps.push(format!("fleetctl load {service} {timer} && fleetctl start {timer}"));
        }
    }
    steps
}

fn systemd_steps(args: &TryArgs, spec: &Spec, scope: Scope, files: &[String]) -> Vec<String> {
    let (sudo, user, folder) = match scope {
        Scope::System => ("sudo ", "", "/etc/systemd/system/"),
        Scope::User => ("", "--user ", "~/.config/systemd/user/"),
    };
    let runner = runner(args).map_or_else(|_| "eightbells-run".to_owned(), |path| path.display().to_string());
    let mut steps = vec![format!("{sudo}install -D -m 755 {runner} {}", spec.runner)];
    if spec.jobs.iter().any(|job| job.job_in == JobIn::File) {
        steps.push(format!("{sudo}install -D -m 644 {} {}", args.spec.display(), spec.spec_path));
    }
    steps.push(format!("{sudo}cp {} {folder}", files.join(" ")));
    let timers: Vec<String> =
        spec.jobs.iter().flat_map(all_names).map(|name| for_shell(&format!("{name}.timer"))).collect();
    steps.push(format!(
        "{sudo}systemctl {user}daemon-reload && {sudo}systemctl {user}enable --now {}",
        timers.join(" ")
    ));
    steps
}

/// A word as a shell takes it.
pub(super) fn for_shell(word: &str) -> String {
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:@".contains(c));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// `wiki@80`, or `wiki` for a job without instances.
pub(super) fn instance_names(job: &Job, stem: &str) -> Vec<String> {
    if job.instances.is_empty() {
        return vec![stem.to_owned()];
    }
    job.instances.iter().map(|instance| pair_name(stem, Some(instance))).collect()
}

/// What a pair of units is called, before the dot.
pub(super) fn pair_name(stem: &str, instance: Option<&str>) -> String {
    let instance = instance.map_or_else(String::new, |instance| format!("@{}", crate::unit::name::escape(instance)));
    format!("{stem}{instance}")
}

/// What a job's pairs of units are called without their instances: the backup's, and the drill's.
pub(super) fn unit_stems(job: &Job) -> Vec<String> {
    std::iter::once(job.name.clone()).chain(job.drill_name()).collect()
}

fn all_names(job: &Job) -> Vec<String> {
    unit_stems(job).iter().flat_map(|stem| instance_names(job, stem)).collect()
}
