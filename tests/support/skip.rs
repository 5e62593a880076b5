//! Leaving a test out where its server is missing: aloud, counted by `tests/run`, and a failure where
//! `EIGHTBELLS_NO_SKIP` is set, as continuous integration does. This file stands on the standard library alone.

use std::fs::OpenOptions;
use std::io::Write;

/// Tells that the running test is left out because of `reason`; its caller then returns.
///
/// The line goes to the real standard error, past the capture of the test harness, and is appended to the file named
/// by `EIGHTBELLS_SKIPPED`.
///
/// # Panics
/// Where `EIGHTBELLS_NO_SKIP` is set: there a missing server is a fault.
pub fn skip(reason: &str) {
    let test = running_test();
    assert!(
        std::env::var_os("EIGHTBELLS_NO_SKIP").is_none(),
        "`{test}` would be skipped, which EIGHTBELLS_NO_SKIP forbids: {reason}"
    );
    // One write each, so that tests running side by side do not mix their lines.
    let line = format!("SKIPPED: {test}: {reason}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    if let Some(list) = std::env::var_os("EIGHTBELLS_SKIPPED") {
        let mut list = OpenOptions::new().append(true).create(true).open(list).unwrap();
        list.write_all(line.as_bytes()).unwrap();
    }
}

/// The name of the test that calls: the test harness names each test's thread after it.
pub fn running_test() -> String {
    std::thread::current().name().unwrap_or("a test").to_owned()
}
