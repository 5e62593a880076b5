//! The form of a spec: YAML, keys, kinds of values.

use super::{Finding, error, warning};

pub(super) static FORM: &[Finding] = &[
    error(
        "yaml-syntax",
        "the text is not YAML",
        "The parser stops where it no longer understands; what is wrong is there or just before it. \
        Values that begin with `*`, `&`, `@`, `%`, `!` or a backtick, or hold `: ` or ` #`, belong in quotes: `calendar: \"*-*-* 02:30:00\"`.",
    ),
    error(
        "yaml-tab",
        "a tab stands in the indentation",
        "YAML is indented with blanks only. Editors can be told to write blanks for the tabulator key.",
    ),
    warning(
        "yaml-ambiguous",
        "a word without quotes is something else to older YAML readers",
        "`on`, `yes` and `no` are text to YAML 1.2, which is read here, and truth values to YAML 1.1; `010` is ten or eight. \
        Write it in quotes, and every reader sees the same.",
    ),
    error(
        "unquoted-placeholder",
        "a placeholder stands without quotes, which is a map to YAML",
        "`{instance}` at a value's beginning opens a map. Put the whole value in quotes: `container: \"{instance}-db\"`.",
    ),
    error(
        "spec-empty",
        "the spec holds nothing",
        "`eightbells init` writes a spec to begin with; examples/quickstart.yaml is a whole one.",
    ),
    error(
        "spec-unreadable",
        "a spec or a file that it includes cannot be read",
        "The message has the system's reason. An included file's path \
        counts from the folder of the file that names it.",
    ),
    error(
        "spec-not-utf8",
        "the text is not UTF-8",
        "Specs are UTF-8 text. `iconv -f latin1 -t utf-8` converts an older file; an archive or an image is no spec.",
    ),
    error(
        "spec-limits",
        "the spec is larger or deeper than any spec needs",
        "Nesting, aliases, included files, the number of values and of findings have bounds, so that no text can take the machine down. \
        As a warning: so many jobs share a destination that not all pairs of their archives' names were compared.",
    ),
    error(
        "version-unknown",
        "the version of the spec is not known",
        "This program reads `version: 1`. A spec of a later version needs a later program.",
    ),
    error(
        "missing-key",
        "a key is missing that a map is nothing without",
        "The message names the key and its help an example; `eightbells explain KEY` tells more. Of some keys one of several is needed.",
    ),
    error(
        "unknown-key",
        "a key is not one of its map's",
        "Each map takes the keys that `eightbells explain` lists for it and no others, since a mistyped key would otherwise do nothing in \
        silence. A key may belong to another kind of the same thing, or one level further out. Keys of your own begin with `x-`, at the top.",
    ),
    error(
        "duplicate-key",
        "a key is in one map twice",
        "YAML readers disagree on which counts. Keep one; where both are meant, they belong into a list.",
    ),
    error(
        "too-many-keys",
        "keys are together of which only one can be meant",
        "A schedule is `every`, `calendar` or `cron`; a source reads one thing; a server is in one place. Leave out all but one, or make two \
        of the thing around them.",
    ),
    error(
        "wrong-type",
        "a value is of another kind than its key takes",
        "Text, a number, `true` or `false`, a list, a map: the message says what is expected. `yes` is text, `[a]` is a list, `\"4\"` is \
        text, and `{…}` without quotes is a map.",
    ),
    error(
        "empty-value",
        "a key has no value, or one that says nothing",
        "Give it one, or leave the key out: what is left out has its default.",
    ),
    error(
        "out-of-range",
        "a number, duration or size is beyond its bounds",
        "The message has the bounds. Nothing at all (`0s`) is written by leaving the key out.",
    ),
    error(
        "leading-zero",
        "a number begins with 0",
        "`010` is ten to some and eight to others. Leave the zeros out, or put text in quotes.",
    ),
    error(
        "unknown-word",
        "a word is not one of those that its key takes",
        "The message lists them. They are written in small letters, but for HTTP's methods.",
    ),
    error(
        "duration-invalid",
        "a duration is not one",
        "A duration carries its units: `90s`, `30m`, `4h`, `2d`, `1w`, `1h 30m`. `m` is a minute; months and years have no fixed length.",
    ),
    error(
        "size-invalid",
        "a size is not one",
        "A size carries its unit: `B`, `KiB MiB GiB TiB` (1024) or `kB MB GB TB` (1000).",
    ),
    error(
        "rate-invalid",
        "a rate is not one",
        "A rate is a size in a second, `10MiB/s`, or bits: `kbit/s`, `Mbit/s`, `Gbit/s` (1000).",
    ),
    error("share-invalid", "a share is not one", "A share is from `1%` to `99%`."),
    error(
        "control-character",
        "a control character stands where it cannot",
        "A line break or another control character in a unit's value would end or spoil the line; a NUL ends \
        every text of the operating system. Arguments of programs may hold all but NUL.",
    ),
    error(
        "trailing-backslash",
        "a unit's value ends in a backslash",
        "To systemd that continues the line: the next one would become part of the value.",
    ),
    error(
        "placeholder-unknown",
        "braces hold no placeholder",
        "There are `{instance}`, `{job}`, `{host}`, `{source}`, `{scratch}` and `{time:FORMAT}`. A brace that is meant is written `{{`.",
    ),
    error(
        "placeholder-out-of-place",
        "a placeholder means nothing where it stands",
        "Units know instance and job only, since the rest is known when the job runs; a destination is no source's; `{scratch}` is the dump's in a container. \
        The help lists those that mean something there.",
    ),
    error(
        "instance-without-instances",
        "`{instance}` stands in a job without instances",
        "Give the job `instances: [\"80\"]`, or leave the placeholder out.",
    ),
    error(
        "specifier-in-spec",
        "a systemd specifier such as `%i` stands in the spec",
        "A spec has one notation for everything: `{instance}` for `%i`, `{job}` for `%p`, `{host}` for `%H`. A `%` means itself, and comes out as `%%` in units.",
    ),
    error(
        "relative-path",
        "a path is not absolute, or climbs with `..`",
        "Units and the runner start in no folder of yours: begin with `/`. To sftp, `~` is a folder's name; a relative path \
        begins at the user's home there.",
    ),
    error(
        "set-twice",
        "a key, job or destination is set in two files",
        "What an included file holds is added to the including one, and nothing is overridden in silence. Keep one, or use `defaults:`.",
    ),
    error("include-twice", "a file is included twice", "Once is enough: what it holds is there for the whole spec."),
    error("include-loop", "a file includes itself, over others perhaps", "Leave one of the `include:` out."),
    error(
        "include-not-here",
        "a spec that is not a file includes files",
        "A spec read from etcd or from standard input has no folder to count from. Put all into one text.",
    ),
];
