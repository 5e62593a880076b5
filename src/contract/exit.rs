//! Exit codes of both programs. Units and scripts rely on them.

/// Done.
pub const OK: u8 = 0;
/// Failed; for `lint`, `check` and `--check`: there are findings.
pub const FAILED: u8 = 1;
/// Wrong arguments.
pub const USAGE: u8 = 2;
/// Partly done: an archive was made, but something could not be read, or one of several destinations failed, or a hook
/// did, or nothing old was removed because the archive is too small to be believed.
pub const PARTIAL: u8 = 3;
/// Another run holds the lock (`EX_TEMPFAIL` of sysexits.h); units carry `SuccessExitStatus=75`.
pub const LOCKED: u8 = 75;
/// The spec is wrong (`EX_CONFIG` of sysexits.h).
pub const CONFIG: u8 = 78;

/// Every code with its meaning, as the README tells it.
pub const ALL: [(u8, &str); 6] = [
    (OK, "done"),
    (FAILED, "failed; for `lint`, `check` and `--check`: findings"),
    (USAGE, "wrong arguments"),
    (
        PARTIAL,
        "partly done: something could not be read, one of several destinations failed, a hook did, or the archive is too small to be believed",
    ),
    (LOCKED, "another run of this job holds the lock"),
    (CONFIG, "the spec is wrong"),
];
