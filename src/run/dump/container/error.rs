//! What can be wrong with a container, each with what to do about it.

use crate::run::dump::Tail;
use crate::run::os::{Cut, SpawnError};
use std::io;

/// What is wrong with a container or its engine.
#[derive(Debug, thiserror::Error)]
pub enum ContainerError {
    /// Neither engine is installed, or not the one asked for.
    #[error("there is no {wanted} in the runner's PATH: install it, or name the engine that is there with `engine:`")]
    NoEngine {
        /// `` `docker` `` or both.
        wanted: &'static str,
    },
    /// The daemon does not answer.
    #[error("`{engine}` cannot reach its engine: is the daemon running, and is DOCKER_HOST right?{said}")]
    Unreachable {
        /// Which.
        engine: String,
        /// What it said.
        said: Tail,
    },
    /// The user may not ask the daemon.
    #[error(
        "`{engine}` may not talk to its engine: run the job as root, or as a user of the group that owns the socket (`service: {{user: …, group: …}}`){said}"
    )]
    Denied {
        /// Which.
        engine: String,
        /// What it said.
        said: Tail,
    },
    /// No such container.
    #[error("`{engine}` knows no container `{name}`: correct the name, or start it")]
    Missing {
        /// Which engine.
        engine: String,
        /// Which container.
        name: String,
    },
    /// It is there, and does not run.
    #[error("the container `{name}` is not running, it is {state}: start it (`needs:` makes a unit of it start first)")]
    NotRunning {
        /// Which.
        name: String,
        /// `exited`, `created`, `restarting`, `dead`.
        state: String,
    },
    /// It is paused.
    #[error("the container `{name}` is paused: nothing can run in it; unpause it first")]
    Paused {
        /// Which.
        name: String,
    },
    /// It stopped or was started anew during the dump.
    #[error("the container `{name}` stopped or was restarted while it was dumped: what was read is not whole")]
    Ended {
        /// Which.
        name: String,
    },
    /// Any other failure of the engine's command line.
    #[error("`{call}` failed: {how}{said}")]
    Engine {
        /// The engine and its verb.
        call: String,
        /// How it ended.
        how: String,
        /// What it said.
        said: Tail,
    },
    /// The engine's command line cannot be started.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// The command line took too long, or the run was stopped.
    #[error("`{call}` did not end by itself: {cut}")]
    Cut {
        /// The engine and its verb.
        call: String,
        /// Why.
        cut: Cut,
    },
    /// The scratch folder cannot be made.
    #[error("the scratch folder `{path}` cannot be made in the container: it needs a writable /tmp{said}")]
    Scratch {
        /// Which.
        path: String,
        /// What was said.
        said: Tail,
    },
    /// The scratch folder cannot be removed.
    #[error("the scratch folder `{path}` in the container `{name}` cannot be removed{said}")]
    ScratchRemains {
        /// Which.
        path: String,
        /// In which container.
        name: String,
        /// What was said.
        said: Tail,
    },
    /// Likewise, removed through the container's mount namespace.
    #[error(
        "the scratch folder `{path}` in the container `{name}` cannot be removed from the host, and there is no `rm` in the container"
    )]
    ScratchUnreachable {
        /// Which.
        path: String,
        /// In which container.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// Not a folder that this program made.
    #[error("`{path}` is no scratch folder of this program: it is left alone")]
    NotScratch {
        /// Which.
        path: String,
    },
    /// What the dump started in the container is still running.
    #[error("processes of the dump are still running in the container `{name}`")]
    ProcessesRemain {
        /// Which container.
        name: String,
    },
    /// It cannot be told whether something is still running.
    #[error(
        "it cannot be told whether the dump still runs in the container `{name}`: the runner is not root there, and no shell is in it{said}"
    )]
    ProcessesUnknown {
        /// Which container.
        name: String,
        /// What was said.
        said: Tail,
    },
    /// A reference in a variable that docker or podman read themselves.
    #[error(
        "the variable `{name}` cannot be a reference in a container: the engine's command line would read it itself; give it another name and let the dump rename it"
    )]
    ReservedVariable {
        /// Which.
        name: String,
    },
    /// No running container has the label.
    #[error("no running container has the label `{label}`: correct it, or start one")]
    NoneLabelled {
        /// Which.
        label: String,
    },
    /// More than one has it.
    #[error(
        "several running containers have the label `{label}`: {names}; name one, narrow it down with `project:`, or say `all: true` for an object of each"
    )]
    SeveralLabelled {
        /// Which.
        label: String,
        /// Theirs.
        names: String,
    },
    /// They belong to several compose projects.
    #[error(
        "containers of several compose projects have the label `{label}` ({projects}): say with `project:` whose are meant"
    )]
    SeveralProjects {
        /// Which.
        label: String,
        /// Which projects.
        projects: String,
    },
    /// It would be gone once it is stopped.
    #[error("the container `{name}` was started with `--rm`: stopping it would remove it; name it under `paused`")]
    RemovedWhenStopped {
        /// Which.
        name: String,
    },
    /// No such volume.
    #[error("`{engine}` knows no volume `{name}`: correct the name")]
    VolumeMissing {
        /// Which engine.
        engine: String,
        /// Which volume.
        name: String,
    },
    /// Neither from the host nor through a container.
    #[error(
        "the volume `{name}` cannot be read directly from the host ({reason}), and no running container has it: run the job as root on the engine's host, or start a container that has the volume"
    )]
    VolumeUnused {
        /// Which.
        name: String,
        /// Why not directly.
        reason: String,
    },
    /// The tree is not there.
    #[error("there is no `{path}` in the container: did the dump write elsewhere?")]
    TreeMissing {
        /// The path.
        path: String,
    },
    /// The tree is a link.
    #[error("`{path}` in the container is a symbolic link, and only the link would be archived: name what it leads to")]
    TreeSymlink {
        /// The path.
        path: String,
    },
    /// The tree's path has no last name.
    #[error(
        "`{path}` cannot be archived under a name of its own: `tree` is an absolute path in the container that does not end in `..`"
    )]
    TreeName {
        /// The path.
        path: String,
    },
    /// `access: direct`, and it is not possible.
    #[error("the tree cannot be read directly from the host: {reason}; set `access: exec`, or leave it out")]
    NotDirect {
        /// Why.
        reason: String,
    },
    /// There is no tar in the container.
    #[error(
        "there is no `tar` in the container, and the tree cannot be read directly from the host ({reason}): run the job as root on the container's host, or let the dump print a tar archive (`stdout:`)"
    )]
    NoTarInside {
        /// Why not directly.
        reason: String,
    },
    /// The tar in the container cannot leave anything out.
    #[error(
        "the `tar` in the container knows no `--exclude`, and the tree cannot be read directly from the host ({reason}): leave `exclude` out, or run the job as root on the container's host"
    )]
    NoExcludeInside {
        /// Why not directly.
        reason: String,
    },
}
