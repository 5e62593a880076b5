//! The top of a spec, and references.

use super::{Key, Keys, Rule, Shape, Takes, destination, job, key};

/// What stands at the top of a spec; everything else is below it.
pub static SPEC: Keys = Keys { title: "spec", keys: KEYS, rules: &[] };

static KEYS: &[Key] = &[
    key("version", Takes::Whole(1, 1), "1", "which form of a spec this is; the first line of every one").needed(),
    key(
        "target",
        Takes::Any(&[Takes::Words(&["systemd", "fleet"]), Takes::Text(Shape::Target), Takes::Map(&TARGET)]),
        "{systemd: {version: 252}}",
        "what units are generated for",
    )
    .default("systemd"),
    key("runner", Takes::Text(Shape::Path), "/opt/bin/eightbells-run", "where `eightbells-run` is on the hosts")
        .without("/usr/local/bin/eightbells-run; on fleet /opt/bin/eightbells-run"),
    key(
        "spec_path",
        Takes::Text(Shape::Path),
        "/etc/eightbells/backups.yaml",
        "where the hosts have this spec, for jobs with `job_in: file`",
    )
    .default("/etc/eightbells/backups.yaml"),
    key(
        "spec_key",
        Takes::Text(Shape::Path),
        "/eightbells/spec",
        "the key in etcd that holds this spec, for jobs with `job_in: etcd`",
    ),
    key(
        "etcd",
        Takes::Map(&ETCD),
        "{endpoints: [\"http://127.0.0.1:2379\"]}",
        "where etcd is, for references `{etcd: KEY}`, `concurrency` and `job_in: etcd`",
    ),
    key(
        "include",
        Takes::Several(0, &Takes::Text(Shape::Text)),
        "[more.yaml]",
        "files whose destinations, jobs and defaults are added, counted from this file's folder",
    ),
    key(
        "destinations",
        Takes::Named(Shape::Name, 0, &Takes::Map(&destination::DESTINATION)),
        "{host: {local: {path: /var/backups}}}",
        "where archives can go, by names that `store` uses",
    )
    .needed(),
    key(
        "defaults",
        Takes::SomeOf(&job::JOB),
        "{archive: {compression: gzip}}",
        "keys of jobs that every job has; maps under `archive`, `service` and `fleet` merge, else a job's own value replaces the default whole",
    ),
    key(
        "jobs",
        Takes::Named(Shape::Name, 1, &Takes::Map(&job::JOB)),
        "{etc: {schedule: {every: 4h}, sources: {files: {paths: [/etc]}}, store: [host]}}",
        "what is backed up, when and where to; a job's name becomes its units'",
    )
    .needed(),
];

static TARGET: Keys = Keys {
    title: "target",
    keys: &[
        key("systemd", Takes::Map(&SYSTEMD), "{version: 252, scope: user}", "units for systemd alone"),
        key("fleet", Takes::Map(&FLEET), "{systemd: 215}", "units for CoreOS fleet, with an `[X-Fleet]` section"),
    ],
    rules: &[Rule::OneOf(&["systemd", "fleet"])],
};

static SYSTEMD: Keys = Keys {
    title: "target systemd",
    keys: &[
        key("version", Takes::Whole(215, 999), "247", "the oldest systemd that is to run the units").default("252"),
        key("scope", Takes::Words(&["system", "user"]), "user", "whose systemd runs them").default("system"),
    ],
    rules: &[],
};

static FLEET: Keys = Keys {
    title: "target fleet",
    keys: &[
        key("systemd", Takes::Whole(215, 999), "229", "the oldest systemd of the cluster's machines").default("215")
    ],
    rules: &[],
};

pub(super) static ETCD: Keys = Keys {
    title: "etcd",
    keys: &[
        key(
            "endpoints",
            Takes::Several(1, &Takes::Text(Shape::Address)),
            "[\"http://127.0.0.1:2379\"]",
            "its addresses, tried in this order",
        )
        .needed(),
        key("api", Takes::Words(&["v3", "v2"]), "v3", "which key space; v2's is read only, and has no leases")
            .default("v3"),
        key("user", Takes::Text(Shape::Text), "backup", "who asks, where etcd asks for names"),
        key("password", Takes::Secret, "{file: /etc/eightbells/etcd.password}", "that user's password"),
        key(
            "ca_file",
            Takes::Text(Shape::Path),
            "/etc/ssl/etcd-ca.pem",
            "certificates in PEM form to trust besides the system's",
        ),
        key("cert_file", Takes::Text(Shape::Path), "/etc/ssl/client.pem", "the certificate that the client shows"),
        key("key_file", Takes::Text(Shape::Path), "/etc/ssl/client.key", "that certificate's key"),
        key("timeout", Takes::Text(Shape::Duration), "5s", "how long one request may take"),
    ],
    rules: &[
        Rule::Needs("user", &["password"]),
        Rule::Needs("password", &["user"]),
        Rule::Needs("cert_file", &["key_file"]),
        Rule::Needs("key_file", &["cert_file"]),
    ],
};

/// A map in the place of a value: where it is read from.
pub static REFERENCE: Keys = Keys {
    title: "reference",
    keys: &[
        key("etcd", Takes::Text(Shape::Text), "/backup/secret_key", "a key of the etcd that `etcd` at the top names"),
        key(
            "env",
            Takes::Text(Shape::Variable),
            "BACKUP_SECRET_KEY",
            "a variable of the service's environment, see `service.environment_file`",
        ),
        key(
            "file",
            Takes::Text(Shape::ScratchPath),
            "/etc/eightbells/secret",
            "a file of the host, less one line break at its end",
        ),
        key(
            "credential",
            Takes::Any(&[Takes::Text(Shape::FileName), Takes::Map(&CREDENTIAL)]),
            "{name: secret, path: /etc/eightbells/secret}",
            "a credential that systemd (247 or later) gives the service",
        ),
        key(
            "command",
            Takes::List(1, &Takes::Text(Shape::Text)),
            "[pass, show, backup]",
            "what a program prints, less one line break at its end",
        ),
    ],
    rules: &[Rule::OneOf(&["etcd", "env", "file", "credential", "command"])],
};

static CREDENTIAL: Keys = Keys {
    title: "credential",
    keys: &[
        key("name", Takes::Text(Shape::FileName), "secret", "its name below `$CREDENTIALS_DIRECTORY`").needed(),
        key(
            "path",
            Takes::Text(Shape::Path),
            "/etc/eightbells/secret",
            "the file that `LoadCredential=` reads it from",
        )
        .without("the unit has it by other means"),
    ],
    rules: &[],
};
