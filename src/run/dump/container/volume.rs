//! Volumes of a container engine: directly from the host where the runner may, else through a container that has it.

use super::engine::{Engine, Found};
use super::tree::{self, Tree};
use super::{ContainerError, NotDirect};
use crate::run::dump::start::Start;
use crate::run::dump::{Dump, DumpError, gnu_tar};
use crate::run::os::{Environment, Input, Limits, Program};
use crate::source::{Access, Volume};
use rustix::fs::{Mode, OFlags, open};

pub(in crate::run::dump) fn start(volume: &Volume, start: Start<'_>) -> Result<Dump, DumpError> {
    let Volume { volume: name, engine, exclude, access } = volume;
    let engine = Engine::find(*engine, &start.with.environment, &start.limits)?;
    let name = start.expand(name)?;
    let mountpoint = engine.mountpoint(&name, &start.limits)?;
    let exclude = start.expand_all(exclude)?;
    let direct = match access {
        Access::Exec => Err(NotDirect::Unwanted),
        Access::Auto | Access::Direct => directly(&engine, &mountpoint, &exclude, &start),
    };
    match (direct, access) {
        (Ok(program), _) => {
            let mut dump = start.tar(program, None)?;
            dump.running.how = Some(format!("directly from `{mountpoint}`"));
            Ok(dump)
        }
        (Err(reason), Access::Direct) => Err(ContainerError::NotDirect { reason: reason.to_string() }.into()),
        (Err(reason), Access::Auto | Access::Exec) => {
            let reason = reason.to_string();
            let Some((found, path)) = engine.with_volume(&name, &start.limits)? else {
                return Err(ContainerError::VolumeUnused { name, reason }.into());
            };
            tree::through_exec(&Tree::inside(&path, exclude), found, start, &reason)
        }
    }
}

fn directly(engine: &Engine, mountpoint: &str, exclude: &[String], start: &Start<'_>) -> Result<Program, NotDirect> {
    let environment = &start.with.environment;
    if !engine.is_here(environment, &start.limits) {
        return Err(NotDirect::Elsewhere);
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = open(mountpoint, flags, Mode::empty()).map_err(tree::not_opened)?;
    // Its content, too, must be the runner's to read.
    rustix::fs::accessat(
        &folder,
        ".",
        rustix::fs::Access::READ_OK | rustix::fs::Access::EXEC_OK,
        rustix::fs::AtFlags::EACCESS,
    )
    .map_err(tree::not_opened)?;
    let tar = gnu_tar::find(environment, &start.limits).map_err(|_| NotDirect::NoTar)?;
    let excludes = exclude.iter().map(|pattern| gnu_tar::exclude(pattern));
    let program = tar.program(environment).args(excludes).arg("--directory=/proc/self/fd/0");
    Ok(program.args(["--", "."]).stdin(Input::File(folder)))
}

impl Engine {
    /// The folder of a volume, on the engine's host.
    fn mountpoint(&self, name: &str, limits: &Limits) -> Result<String, ContainerError> {
        let captured = self.call(&["volume", "inspect", "--format", "{{.Mountpoint}}", "--", name], limits)?;
        let said = captured.lines().join("\n").to_lowercase();
        if !captured.ended.well() {
            return Err(if said.contains("no such volume") {
                ContainerError::VolumeMissing { engine: self.name.clone(), name: name.to_owned() }
            } else {
                self.trouble("volume inspect", name, &captured)
            });
        }
        Ok(String::from_utf8_lossy(&captured.stdout).trim_end_matches('\n').to_owned())
    }

    /// Whether the engine is on this host, and gives files to the users that it says.
    fn is_here(&self, environment: &Environment, limits: &Limits) -> bool {
        let answer = |words: &[&str]| {
            let captured = self.call(words, limits).ok().filter(|captured| captured.ended.well())?;
            Some(String::from_utf8_lossy(&captured.stdout).trim().to_owned())
        };
        if self.name == "podman" {
            let remote =
                environment.get("CONTAINER_HOST").is_some() || environment.get("CONTAINER_CONNECTION").is_some();
            return !remote && answer(&["info", "--format", "{{.Host.Security.Rootless}}"]).as_deref() == Some("false");
        }
        let local = |host: &str| host.starts_with("unix://");
        let host = match environment.get("DOCKER_HOST") {
            Some(host) => Some(host.to_string_lossy().into_owned()),
            None => answer(&["context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]),
        };
        let maps_users = |options: String| options.contains("userns") || options.contains("rootless");
        host.is_some_and(|host| local(&host))
            && answer(&["info", "--format", "{{json .SecurityOptions}}"]).is_some_and(|options| !maps_users(options))
    }

    /// A running container that has a volume, and where in it.
    fn with_volume(&self, name: &str, limits: &Limits) -> Result<Option<(Found, String)>, ContainerError> {
        let filter = format!("volume={name}");
        let listed = self.call(&["ps", "--quiet", "--no-trunc", "--filter", &filter], limits)?;
        if !listed.ended.well() {
            return Err(self.trouble("ps", name, &listed));
        }
        for id in String::from_utf8_lossy(&listed.stdout).split_whitespace() {
            let format = "{{range .Mounts}}{{.Name}} {{.Destination}}\n{{end}}";
            let mounts = self.call(&["inspect", "--type", "container", "--format", format, "--", id], limits)?;
            let text = String::from_utf8_lossy(&mounts.stdout).into_owned();
            let path = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            if let (Some(path), Ok(found)) = (path, self.container(id, limits)) {
                return Ok(Some((found, path.to_owned())));
            }
        }
        Ok(None)
    }
}
