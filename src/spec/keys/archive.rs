//! `archive`.

use super::{Keys, Rule, Shape, Takes, key};

pub(super) static ARCHIVE: Keys = Keys {
    title: "archive",
    keys: &[
        key(
            "name",
            Takes::Text(Shape::Text),
            "\"{job}_{source}_{time:%Y-%m-%dT%H-%M-%SZ}\"",
            "what archives are called, before their endings",
        )
        .without("job, instance, source and time; of a `global` job the host, too"),
        key(
            "compression",
            Takes::Any(&[Takes::Words(&["zstd", "gzip", "none"]), Takes::Map(&COMPRESSION)]),
            "{zstd: {level: 9}}",
            "how archives are packed; any zstd and gzip unpacks them",
        )
        .default("zstd"),
        key("frame_size", Takes::Text(Shape::Size), "1MiB", "how much is packed into a frame that unpacks alone, which is what is read at least for one file; 64KiB to 256MiB")
            .without("1 MiB with gzip, else 4 MiB"),
        key("encrypt", Takes::Map(&ENCRYPT), "{passphrase: {file: /etc/eightbells/passphrase}}", "encrypts archives with age"),
        key("timezone", Takes::Text(Shape::Text), "Europe/Berlin", "whose clocks `{time:…}` and the days of `keep` mean").default("UTC"),
    ],
    rules: &[],
};

const THREADS: Takes = Takes::Whole(1, 64);

static COMPRESSION: Keys = Keys {
    title: "compression",
    keys: &[
        key("zstd", Takes::Map(&ZSTD), "{level: 9}", "packs by zstd"),
        key("gzip", Takes::Map(&GZIP), "{level: 9}", "packs by gzip"),
    ],
    rules: &[Rule::OneOf(&["gzip", "zstd"])],
};

static ZSTD: Keys = Keys {
    title: "zstd",
    keys: &[
        key("level", Takes::Whole(1, 19), "9", "from fast to small").default("3"),
        key("threads", THREADS, "4", "how many threads pack").default("2"),
    ],
    rules: &[],
};

static GZIP: Keys = Keys {
    title: "gzip",
    keys: &[
        key("level", Takes::Whole(1, 9), "9", "from fast to small").default("6"),
        key("threads", THREADS, "4", "how many threads pack").default("2"),
    ],
    rules: &[],
};

static ENCRYPT: Keys = Keys {
    title: "encrypt",
    keys: &[
        key(
            "recipients",
            Takes::Several(1, &Takes::Text(Shape::Recipient)),
            "[age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p, ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN]",
            "who can read the archives, each by a secret key of their own",
        ),
        key(
            "recipients_file",
            Takes::Text(Shape::Path),
            "/etc/eightbells/recipients",
            "a file on the host with one recipient a line",
        ),
        key(
            "passphrase",
            Takes::Secret,
            "{file: /etc/eightbells/passphrase}",
            "opens the archives, and goes with no recipients",
        ),
    ],
    rules: &[
        Rule::Some(&["recipients", "recipients_file", "passphrase"]),
        Rule::NoTwo(&["recipients", "passphrase"]),
        Rule::NoTwo(&["recipients_file", "passphrase"]),
    ],
};
