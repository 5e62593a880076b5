//! What is around jobs: destinations, secrets, etcd, targets, units, settings.

use super::{Finding, error, warning};

pub(super) static AROUND: &[Finding] = &[
    error(
        "endpoint-invalid",
        "a server's address is not one",
        "It begins with `https://` or `http://` and names a host: `https://s3.example.org`. Users and passwords do not stand in it.",
    ),
    error(
        "host-invalid",
        "a host is not one",
        "`host` takes a name or an address alone; `port`, `user` and `path` are keys beside it.",
    ),
    error(
        "remote-invalid",
        "a remote of rclone's is not one",
        "`NAME:PATH`, the name as `rclone listremotes` prints it. A folder of this host is `local: {path: …}`.",
    ),
    error(
        "plain-http",
        "archives or keys would travel as plain http",
        "Everybody on the way could read them. Use https, or say `allow_http: true` where the network is yours alone.",
    ),
    error(
        "prefix-invalid",
        "a prefix begins with `/`",
        "Object storage would make a folder without a name of that. Leave the slash out.",
    ),
    warning(
        "prefix-without-slash",
        "a prefix does not end in `/`",
        "Objects will be called `PREFIXname`, not lie in a folder. Where that is meant, nothing is wrong.",
    ),
    error(
        "password-refused",
        "a password is given where none can be",
        "`ssh` takes a password from nobody but who types it. Use a key, `identity_file`, or an agent.",
    ),
    error(
        "storage-class-invalid",
        "a storage class is none",
        "It is one word of letters, digits, `_` and `-`, written as the service does: `STANDARD_IA`, `GLACIER_IR`.",
    ),
    error(
        "customer-key-refused",
        "a key of the customer's (SSE-C) is given",
        "Every reader would have to have it, a restore on a new machine too. `archive: {encrypt: …}` encrypts before anything is sent, with keys that no server sees.",
    ),
    error(
        "object-lock-invalid",
        "`object_lock` does not say what locks an archive",
        "`{mode: governance, for: 30d}`, `{mode: compliance, for: 30d}`, `{legal_hold: true}`, or a mode and a hold.",
    ),
    warning(
        "lock-outlives-keep",
        "an archive is locked for longer than `keep` holds it",
        "Pruning tells of what is locked, leaves it, and tries again. Keep archives at least as long as they are locked.",
    ),
    error(
        "secret-in-spec",
        "a secret is written out",
        "A spec is shown, copied and committed. Write where the secret is kept: `{file: PATH}`, `{env: NAME}`, `{credential: {name: NAME, path: PATH}}`, `{etcd: KEY}`, `{command: [PROGRAM]}`. \
        As a warning: a text looks like a secret. What stood in a spec should be taken for known, and be changed.",
    ),
    error(
        "reference-invalid",
        "a map is no reference to a secret",
        "A reference is a map with one key: `etcd`, `env`, `file`, `credential` or `command`.",
    ),
    error("variable-invalid", "the name of a variable is not one", "Letters, digits and `_`, no digit first."),
    warning(
        "env-not-set",
        "a reference reads a variable that nothing sets",
        "A unit's environment is empty but for what the unit says. Give the job `service: {environment_file: PATH}`, or use `{file: PATH}`.",
    ),
    error(
        "etcd-missing",
        "something is to be read from etcd, and the spec does not say where it is",
        "Add `etcd: {endpoints: [\"http://127.0.0.1:2379\"]}` at the top.",
    ),
    error(
        "etcd-password-in-etcd",
        "etcd's own password is to be read from etcd",
        "It would be needed to read it. Use `{file: PATH}` or another reference.",
    ),
    error(
        "concurrency-needs-v3",
        "a group's places are counted in an etcd that has no leases",
        "`concurrency` needs `api: v3`; the v2 key space has no leases.",
    ),
    error(
        "concurrency-differs",
        "jobs of one group do not agree on how many may run",
        "Each would count to another number. Say the same `max` everywhere, or put `concurrency` into `defaults`.",
    ),
    error(
        "job-in-etcd",
        "the job is to be read from etcd, and it is not said where",
        "`job_in: etcd` needs `spec_key` and `etcd` at the top.",
    ),
    error(
        "target-unknown",
        "the target is not one",
        "`systemd`, `fleet`, with a version `systemd:252`, and for a user's systemd `systemd:252:user`; or `{systemd: {version: 252, scope: user}}`.",
    ),
    error(
        "target-lacks",
        "the target's systemd cannot do what the job asks for",
        "The message has the version that can. Raise the target's version where every machine has it, or use the other form that the help names.",
    ),
    error(
        "not-for-a-unit",
        "a value or a whole job cannot stand in a unit",
        "With `job_in: unit` the job is in the unit, on lines that systemd reads. `job_in: file` or `job_in: etcd` have room for everything.",
    ),
    error(
        "account-invalid",
        "the name of a user or group is not one",
        "Letters, digits, `_` and `-`, at most 31, or a number.",
    ),
    error(
        "section-unknown",
        "`directives` names a section that units of ours have not",
        "There are `Unit`, `Service`, `Timer`, `Install` and `X-Fleet`.",
    ),
    error(
        "machine-id-invalid",
        "a machine's id is not one",
        "32 hexadecimal digits, or the first 8: `fleetctl list-machines -l` shows them.",
    ),
    error(
        "metadata-invalid",
        "fleet would ignore this metadata",
        "A pair holds exactly one `=`, which is put there for you, and no quote.",
    ),
    error(
        "fleet-glob-invalid",
        "a pattern is none of fleet's",
        "fleet matches with `*`, `?` and `[…]`, negates with `[^…]`, and knows no `{a,b}`: give one pattern an item.",
    ),
    error(
        "fleet-glob-in-machine-of",
        "`machine_of` is a pattern",
        "fleet takes it for a name that no unit has, and the job would wait for ever. Name the unit in full.",
    ),
    error(
        "fleet-refuses-pair",
        "fleet refuses two of these together",
        "A `global` unit runs everywhere and cannot be placed by other units; `machine_id` and `machine_of` both say where. Keep one.",
    ),
    warning(
        "fleet-needs-elsewhere",
        "fleet may put the job where a unit that it needs is not",
        "systemd looks for the unit on the job's own machine. Add it to `machine_of`.",
    ),
    error("config-syntax", "eightbells.toml is not TOML", "The message is the parser's; texts are in quotes in TOML."),
    error(
        "config-unknown-key",
        "eightbells.toml has a key that is not known",
        "docs/linter.md lists the keys of the linter's settings.",
    ),
    error(
        "config-missing-key",
        "an entry of eightbells.toml lacks a key",
        "An `allow` names its rule and gives a reason; settings by path name the paths.",
    ),
    error(
        "config-value",
        "a value of eightbells.toml is of another kind than its key takes",
        "The message says what is expected; docs/linter.md has examples.",
    ),
    error(
        "config-unknown-rule",
        "eightbells.toml names a rule that is not there",
        "`eightbells explain --list` lists them.",
    ),
];
