//! The timeline as a user asks for it; the page in a real browser.

use crate::support::program::eightbells;
use crate::support::{find_program, output_of, repository, said, skip, temp_dir};
use std::process::Command;

fn timeline(words: &[&str]) -> Command {
    let mut command = eightbells();
    command.current_dir(repository()).args(["timeline", "examples/moinmoin.yaml", "--timezone", "UTC"]);
    command.args(["--from", "2026-11-27 00:00:00 UTC"]).args(words);
    command
}

#[test]
fn a_week_of_runs_as_a_list() {
    let text = output_of(&mut timeline(&["--list"]));
    assert_eq!(text.lines().count(), 42, "{text}");
    assert_eq!(text.lines().next(), Some("Fri 2026-11-27 00:00:00 UTC  moinmoin-backup@80"));
}

#[test]
fn what_is_asked_wrongly_is_told() {
    for (words, told) in [
        (["--takes", "wiki"], "JOB=DURATION"),
        (["--for", "7"], "unit"),
        (["--timezone", "Europe/Nowhere"], "not a time zone"),
        (["--from", "some day"], "not a time"),
    ] {
        let mut command = eightbells();
        command.current_dir(repository()).args(["timeline", "examples/moinmoin.yaml"]).args(words);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}: {}", said(&output));
        assert!(said(&output).contains(told), "{words:?}: {}", said(&output));
    }
}

/// Runs a script of a page's own in it, and gives the page as it is then.
#[test]
fn the_page_works_in_a_browser_by_keyboard_alone() {
    let Some(chromium) = find_program("chromium") else {
        return skip("chromium is not installed");
    };
    let room = temp_dir();
    let page = room.path().join("week.html");
    output_of(timeline(&["--html", page.to_str().unwrap()]).args(["--takes", "moinmoin-backup=40m"]));
    let steps = "<script>
        const row = document.querySelector('.row'); row.focus();
        const press = (key) => row.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
        press('ArrowRight'); press('ArrowRight'); press('+');
        document.querySelector('input[data-load=\"1\"]').click();
        document.body.dataset.zoom = document.querySelector('.stretch').style.width;
    </script></body>";
    let text = std::fs::read_to_string(&page).unwrap().replace("</body>", steps);
    std::fs::write(&page, text).unwrap();
    let profile = format!("--user-data-dir={}", room.path().join("profile").display());
    let mut browser = Command::new(chromium);
    browser.args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]);
    browser.args(["--disable-component-update", "--disable-sync", "--dump-dom", &profile]);
    let dom = output_of(browser.arg(format!("file://{}", page.display())));
    assert!(dom.contains("data-zoom=\"200%\""), "zoomed by a key");
    let told =
        "<p class=\"told\" id=\"told\" role=\"status\">moinmoin-backup@80 Fri 2026-11-27 04:00:00 UTC, takes 40m</p>";
    assert!(dom.contains(told), "the second run is told");
    assert!(dom.contains("class=\"load load1 off\""), "a line of the load can be taken away");
    assert_eq!(dom.matches("class=\"run now\"").count(), 1, "one run is marked");
}
