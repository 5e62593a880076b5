//! `service` and `fleet`.

use super::{Keys, Shape, Takes, key};

const UNITS: Takes = Takes::Several(0, &Takes::Text(Shape::Unit));
const PATTERNS: Takes = Takes::Several(0, &Takes::Text(Shape::UnitPattern));

pub(super) static SERVICE: Keys = Keys {
    title: "service",
    keys: &[
        key("user", Takes::Text(Shape::Account), "backup", "who runs it: `User=`").without("root"),
        key("group", Takes::Text(Shape::Account), "backup", "its group: `Group=`").without("the user's"),
        key(
            "supplementary_groups",
            Takes::Several(0, &Takes::Text(Shape::Account)),
            "[docker]",
            "more groups: `SupplementaryGroups=`",
        ),
        key("nice", Takes::Whole(-20, 19), "10", "how much it yields to others: `Nice=`"),
        key(
            "io_class",
            Takes::Words(&["idle", "best-effort", "realtime"]),
            "idle",
            "when it reads and writes: `IOSchedulingClass=`",
        ),
        key("io_priority", Takes::Whole(0, 7), "7", "its place within that class: `IOSchedulingPriority=`"),
        key(
            "cpu_weight",
            Takes::Whole(1, 10_000),
            "20",
            "its share of a busy processor, 100 being usual: `CPUWeight=`",
        ),
        key("memory_max", Takes::Text(Shape::Size), "512MiB", "how much memory it may have: `MemoryMax=`"),
        key("tasks_max", Takes::Whole(16, 4_194_304), "64", "how many processes and threads it may have: `TasksMax=`"),
        key(
            "timeout",
            Takes::Any(&[Takes::Words(&["none"]), Takes::Text(Shape::Duration)]),
            "6h",
            "how long a run may take that does not tell of progress: `TimeoutStartSec=`",
        )
        .default("1d"),
        key(
            "environment_file",
            Takes::Several(0, &Takes::Text(Shape::MaybePath)),
            "/etc/eightbells/secrets.env",
            "files of variables, for references `{env: NAME}`: `EnvironmentFile=`",
        ),
        key("network_online", Takes::Switch, "true", "whether it waits for the network")
            .without("`true` where the job speaks to another machine"),
        key("on_failure", UNITS, "[\"notify@{job}.service\"]", "units that are started when it fails: `OnFailure=`"),
        key("hardening", Takes::Switch, "false", "whether it is confined to what its job reads, writes and reaches")
            .default("true"),
        key(
            "directives",
            Takes::Map(&DIRECTIVES),
            "{Service: {Environment: TZ=UTC}}",
            "whatever else its units hold, as it is",
        ),
    ],
    rules: &[],
};

/// A directive's values: each its line.
const VALUES: Takes =
    Takes::Named(Shape::Directive, 0, &Takes::Several(0, &Takes::Any(&[Takes::Text(Shape::Text), Takes::Switch])));

static DIRECTIVES: Keys = Keys {
    title: "directives",
    keys: &[
        key("Unit", VALUES, "{Documentation: \"https://example.org\"}", "lines for `[Unit]` of the service"),
        key("Service", VALUES, "{Environment: TZ=UTC}", "lines for `[Service]`"),
        key("Timer", VALUES, "{AccuracySec: 1s}", "lines for `[Timer]`"),
        key("Install", VALUES, "{Also: other.timer}", "lines for `[Install]` of the timer"),
        key("X-Fleet", VALUES, "{MachineOf: wiki.service}", "lines for `[X-Fleet]`"),
    ],
    rules: &[],
};

pub(super) static FLEET: Keys = Keys {
    title: "fleet",
    keys: &[
        key("machine_id", Takes::Text(Shape::MachineId), "5b7f25a3", "the one machine that it runs on: `MachineID=`"),
        key(
            "machine_of",
            PATTERNS,
            "[wiki.service]",
            "on the machine of that unit: `MachineOf=`; needed for every unit of `needs`",
        ),
        key(
            "machine_metadata",
            Takes::Named(Shape::Text, 0, &Takes::Several(0, &Takes::Text(Shape::Text))),
            "{role: wiki}",
            "on machines with these: `MachineMetadata=`; of a list any one will do",
        ),
        key(
            "conflicts",
            PATTERNS,
            "[\"{job}@*.service\"]",
            "not beside units of these names: `Conflicts=`, of the service only",
        ),
        key("replaces", PATTERNS, "[\"old-{job}.service\"]", "instead of units of these names: `Replaces=`"),
        key("global", Takes::Switch, "true", "on every machine; the archive's name then needs `{host}`")
            .default("false"),
    ],
    rules: &[],
};
