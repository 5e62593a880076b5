//! The spec as a whole: version, target, runner, etcd.

use super::Decoder;
use super::cursor::{At, Map};
use super::secret::Literal;
use super::template::Scope;
use super::words::shown;
use crate::contract::{Etcd, EtcdApi};
use crate::spec::node::Kind;
use crate::target::{FLEET_SYSTEMD_DEFAULT, SYSTEMD_DEFAULT, SYSTEMD_OLDEST, Scheduler, Scope as SystemdScope, Target};
use crate::value::{Reference, Value};

/// Where the runner is on fleet's hosts, whose `/usr` cannot be written.
pub(super) const RUNNER_FLEET: &str = "/opt/bin/eightbells-run";
/// Where the runner is elsewhere.
pub(super) const RUNNER_SYSTEMD: &str = "/usr/local/bin/eightbells-run";
/// Where `job_in: file` units find the spec.
pub(super) const SPEC_PATH: &str = "/etc/eightbells/backups.yaml";
/// The newest systemd that a target may claim; beyond lies a slip of the keyboard.
const SYSTEMD_NEWEST: i64 = 999;

impl Decoder {
    /// `version:`, which is 1.
    pub(super) fn version(&mut self, at: Option<At<'_>>) {
        let Some(at) = at else { return };
        if at.node.text() != Some("1") {
            let message = match at.node.text() {
                Some(text) => format!("version `{}` of the spec is not known", shown(text)),
                None => "`version` must be a number".to_owned(),
            };
            self.faults.error("value-invalid", at.span(), message).label("write `1`");
        }
    }

    /// `target: fleet`, or `{fleet: {systemd: 215}}`.
    pub(super) fn target(&mut self, at: Option<At<'_>>) -> Target {
        let default = Target { scheduler: Scheduler::Systemd(SystemdScope::System), systemd: SYSTEMD_DEFAULT };
        at.and_then(|at| self.target_at(&at)).unwrap_or(default)
    }

    fn target_at(&mut self, at: &At<'_>) -> Option<Target> {
        match &at.node.kind {
            Kind::Scalar(scalar) => match Target::parse(&scalar.text) {
                Ok(target) => Some(target),
                Err(error) => {
                    let guess = super::words::did_you_mean(&scalar.text, ["fleet", "systemd"]);
                    let found = self.faults.error("value-invalid", at.span(), error.to_string());
                    if let Some(guess) = guess {
                        found.label(format!("did you mean `{guess}`?"));
                    }
                    None
                }
            },
            Kind::Map(_) if at.node.unquoted_placeholder().is_none() => self.long_target(at),
            Kind::Null | Kind::List(_) | Kind::Map(_) => {
                self.wrong_type(at, "`fleet` or `systemd`");
                None
            }
        }
    }

    fn long_target(&mut self, at: &At<'_>) -> Option<Target> {
        let mut map = self.map(at)?;
        let (fleet, systemd) = (map.take("fleet"), map.take("systemd"));
        self.done(map);
        match (fleet, systemd) {
            (Some(at), None) => self.fleet_target(&at),
            (None, Some(at)) => self.systemd_target(&at),
            (Some(_), Some(second)) => {
                self.faults.error("value-invalid", second.key_span(), "a spec has one target, `fleet` or `systemd`");
                None
            }
            (None, None) => {
                self.faults.error("value-invalid", at.span(), "`target` names neither `fleet` nor `systemd`");
                None
            }
        }
    }

    fn fleet_target(&mut self, at: &At<'_>) -> Option<Target> {
        let mut map = self.map(at)?;
        let systemd = map.take("systemd");
        self.done(map);
        let systemd = self.systemd_version(systemd, FLEET_SYSTEMD_DEFAULT)?;
        Some(Target { scheduler: Scheduler::Fleet, systemd })
    }

    fn systemd_target(&mut self, at: &At<'_>) -> Option<Target> {
        let mut map = self.map(at)?;
        let (version, scope) = (map.take("version"), map.take("scope"));
        self.done(map);
        let scopes = [("system", SystemdScope::System), ("user", SystemdScope::User)];
        let scope = scope.map_or(Some(SystemdScope::System), |scope| self.choice(&scope, &scopes));
        let systemd = self.systemd_version(version, SYSTEMD_DEFAULT)?;
        Some(Target { scheduler: Scheduler::Systemd(scope?), systemd })
    }

    fn systemd_version(&mut self, at: Option<At<'_>>, default: u16) -> Option<u16> {
        at.map_or(Some(default), |at| self.number(&at, i64::from(SYSTEMD_OLDEST)..=SYSTEMD_NEWEST))
    }

    /// An absolute path at the top, or its default.
    pub(super) fn path_or(&mut self, at: Option<At<'_>>, default: &str) -> String {
        at.map_or(Some(default.to_owned()), |at| self.unit_path(&at)).unwrap_or_else(|| default.to_owned())
    }

    /// `etcd:`.
    pub(super) fn etcd(&mut self, at: &At<'_>) -> Option<Etcd> {
        let mut map = self.map(at)?;
        let endpoints = self.require(&mut map, "endpoints", "[\"http://127.0.0.1:2379\"]");
        let [api, user, password] = ["api", "user", "password"].map(|name| map.take(name));
        let [ca_file, cert_file, key_file, timeout] = ["ca_file", "cert_file", "key_file", "timeout"].map(|name| map.take(name));
        self.pair(&map, "cert_file", cert_file.as_ref(), "key_file", key_file.as_ref());
        self.pair(&map, "user", user.as_ref(), "password", password.as_ref());
        self.done(map);
        let endpoints = endpoints.map(|at| self.endpoints(&at));
        let apis = [("v3", EtcdApi::V3), ("v2", EtcdApi::V2)];
        let api = api.map_or(Some(EtcdApi::V3), |at| self.choice(&at, &apis));
        let mut file = |at: Option<At<'_>>| at.and_then(|at| self.unit_path(&at));
        let (ca_file, cert_file, key_file) = (file(ca_file), file(cert_file), file(key_file));
        Some(Etcd {
            endpoints: endpoints?,
            api: api?,
            user: user.and_then(|at| self.some_text(&at)).map(str::to_owned),
            password: password.and_then(|at| self.etcd_password(&at)),
            ca_file,
            cert_file,
            key_file,
            timeout: timeout.and_then(|at| self.duration(&at)),
        })
    }

    /// Tells where only one of two keys is there that belong together.
    pub(super) fn pair(&mut self, map: &Map<'_>, a: &str, has_a: Option<&At<'_>>, b: &str, has_b: Option<&At<'_>>) {
        let (there, missing) = match (has_a, has_b) {
            (Some(_), None) => (a, b),
            (None, Some(_)) => (b, a),
            (Some(_), Some(_)) | (None, None) => return,
        };
        self.faults.error("missing-key", map.key(), format!("`{there}` without `{missing}`"));
    }

    fn endpoints(&mut self, at: &At<'_>) -> Vec<String> {
        let items = self.list_or_one(at);
        if items.is_empty() && matches!(at.node.kind, Kind::List(_)) {
            self.faults.error("value-invalid", at.span(), "`endpoints` is empty");
        }
        items.iter().filter_map(|item| self.endpoint(item)).collect()
    }

    fn endpoint(&mut self, at: &At<'_>) -> Option<String> {
        let text = self.some_text(at)?;
        self.warn_of_secret(at, text);
        self.web_address(at, text).then(|| text.trim_end_matches('/').to_owned())
    }

    /// Whether a text is `http://HOST` or `https://HOST`; tells where it is not.
    pub(super) fn web_address(&mut self, at: &At<'_>, text: &str) -> bool {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let good = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', ':']) && !rest.contains(char::is_whitespace));
        if !good {
            let message = format!("`{}` must be an address such as `https://host:port`", at.name);
            let found = self.faults.error("value-invalid", at.span(), message);
            if !text.contains("://") {
                found.label("`http://` or `https://` is missing");
            }
        }
        good
    }

    fn etcd_password(&mut self, at: &At<'_>) -> Option<Reference> {
        let value = self.value(at, Scope::top(), Literal::Refused)?;
        match value {
            Value::Reference(Reference::Etcd(_)) => {
                let message = "etcd's own password cannot be kept in etcd: it is needed to read there";
                self.faults.error("reference-invalid", at.span(), message).help("use `file`, `env`, `credential` or `command`");
                None
            }
            Value::Reference(reference) => Some(reference),
            Value::Text(_) => None,
        }
    }
}
