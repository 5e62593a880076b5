//! Jobs: names, schedules, sources, archives, where they go.

use super::{Finding, error, warning};

pub(super) static JOBS: &[Finding] = &[
    error(
        "name-invalid",
        "a name is not one",
        "Jobs, destinations, groups and sources are called by letters, digits, `.`, `_` and `-`, beginning with a letter or digit; sources by small letters. \
        Jobs become units, and sources parts of archives' names. A job's name has no `.service`.",
    ),
    error(
        "name-too-long",
        "a unit's name would be too long",
        "systemd takes 255 bytes, ending included. Each byte of an instance but letters, digits, `_`, `.`, `:` and `/` takes four.",
    ),
    error(
        "duplicate-instance",
        "an instance is in the list twice",
        "Each instance is one pair of units. Leave one out.",
    ),
    error(
        "schedule-invalid",
        "the schedule cannot be used",
        "`every` takes a duration of a minute or more: `4h`. `calendar` takes systemd's events: `Mon..Fri 02:30`, `*-*-01 04:00:00`, `daily`; `eightbells calendar EVENT` shows when they \
        elapse. `cron` takes five fields or `@daily`. `catch_up` and `timezone` belong to the last two; a blackout's times are written `\"22:00\"`.",
    ),
    error(
        "timezone-unknown",
        "a time zone is not known",
        "Zones have their IANA names: `Europe/Berlin`, `America/New_York`, `UTC`. Abbreviations such as CET say nothing of summer time.",
    ),
    error(
        "unit-name-invalid",
        "a unit's name is not one",
        "It ends in its type (`wiki.service`, `srv.mount`), and holds letters, digits and `:-_.\\@`. A list takes one name an item.",
    ),
    error(
        "command-is-text",
        "a command is one text",
        "No shell splits it: write a list of words, `[pg_dump, shop]`. Where a shell is meant, call it: `[/bin/sh, -c, \"…\"]`.",
    ),
    error("empty-command", "a command names no program", "The first word of the list is the program."),
    warning(
        "pipeline-loses-failure",
        "a shell's pipe hides that a dump failed",
        "`sh -c 'dump | gzip'` ends as gzip does: well, with half a dump. Drop the pipe, since compression is ours to do, or begin the script with `set -o pipefail;` under bash.",
    ),
    error(
        "extension-invalid",
        "an extension is not one",
        "Small letters and digits that say what the content is: `sql`, `xml`. What packing and encryption add (`zst`, `age`) comes by itself.",
    ),
    warning(
        "path-not-a-pattern",
        "a path holds `*` or `?`, which are taken as they are",
        "`paths` are names, not patterns. Name the folder, and leave things out with `exclude`.",
    ),
    error(
        "path-in-name",
        "a path stands where a file's name is looked for in every folder",
        "`exclude_from` and `exclude_if_present` take names such as `.nobackup`.",
    ),
    error(
        "container-stands-still",
        "a source reads from a container that is to stand still",
        "Nothing can be asked of a container that is stopped or paused. Read its data where the host has it: `volume: NAME`, `paths: [FOLDER]`.",
    ),
    error(
        "archive-name-invalid",
        "archives could not be told apart by this name",
        "A name holds a time; with several sources `{source}`, and for a `global` job `{host}`. It has no `/` at its ends and no `.json` of its own.",
    ),
    warning(
        "archive-name-coarse",
        "the time in an archive's name does not tell seconds",
        "Two runs within that time would be called the same, and the second would fail. Let the time tell hour, minute and second.",
    ),
    error(
        "archive-names-clash",
        "archives of two jobs could be taken for each other's",
        "Which archives are a job's is read from their names, and pruning removes a job's. Put `{job}` (or `{instance}`) into the names, or give the jobs destinations or prefixes of their own.",
    ),
    error(
        "recipient-invalid",
        "a recipient is not one",
        "`age1…`, as `age-keygen` prints it, or a line `ssh-ed25519 …`, as in `authorized_keys`. Other kinds of SSH keys and plugins' are not taken.",
    ),
    warning(
        "recipient-twice",
        "a recipient is in the list twice",
        "One of the two is probably meant to be another one.",
    ),
    warning(
        "one-recipient",
        "only one key opens the archives",
        "If that secret key is lost, so is every archive. Add a second recipient whose key is kept elsewhere, such as on paper.",
    ),
    error(
        "destination-unknown",
        "a job stores at a destination that is not there",
        "`store` takes names of `destinations`.",
    ),
    warning(
        "destination-unused",
        "no job stores anything at a destination",
        "Add it to a job's `store`, or leave it out.",
    ),
    error(
        "duplicate-destination",
        "a job stores at a destination twice",
        "Each gets one copy. Two folders are two destinations.",
    ),
    error(
        "keep-invalid",
        "`keep` does not say what is kept",
        "`{within: 30d}`, `{last: 10}`, `{daily: 7, weekly: 5, monthly: 12}`, or several of them; `all` keeps everything.",
    ),
    error(
        "guard-invalid",
        "`guard` does not say when an archive is too small",
        "`{shrink: 50%, over: 5}`: less than half of the median of the five before; or `none`.",
    ),
    error(
        "hook-skip-too-late",
        "a hook says `skip` after the run has begun",
        "`on_error: skip` means that there is nothing to do now, which only `before` can say. `fail` and `warn` are left.",
    ),
    warning(
        "drill-without-check",
        "a drill checks nothing",
        "It proves that the archive comes back, and not that it is any good. Add what must hold of the restored files: `check: [test, -s, srv/site/index.html]`.",
    ),
    warning(
        "drill-too-often",
        "a drill runs more often than the backup",
        "Most drills would look at an archive once more. A drill a week, or one after each backup, tells as much.",
    ),
    error(
        "drill-at-invalid",
        "`at` does not say which archive a drill takes every time",
        "`latest`, or `latest~2` for the second before it. A date would be the same archive for ever.",
    ),
    error(
        "drill-without-key",
        "a drill has no key for archives that only recipients open",
        "Give it `identity: PATH`, the key of a recipient that is there for drills alone, or drill on another machine by `eightbells-run drill`.",
    ),
    error(
        "drill-name-taken",
        "a drill's units would be called as another job's",
        "A drill of `a` becomes `a-drill.service` and `a-drill.timer`. Call the other job otherwise.",
    ),
    error(
        "source-unknown",
        "a source is named that the job has not",
        "A drill takes a name of the job's `sources`, or all of them where it names none.",
    ),
    error(
        "address-invalid",
        "an address is not one",
        "`https://…` or `http://…` for notices; for mail `user@example.org`, or a local user's name.",
    ),
];
