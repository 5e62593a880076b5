//! Exit codes of both programs.

use crate::contract::exit;

/// What can be asked for.
pub(super) const NAMES: [&str; 7] = ["exit-codes", "exit-0", "exit-1", "exit-2", "exit-3", "exit-75", "exit-78"];

/// When either program ends so, and what to do then.
fn text(code: u8) -> &'static str {
    match code {
        exit::OK => {
            "All that was asked for is done. `eightbells-run backup` also ends so where nothing was to be done: a good archive is \
             younger than `unless_newer_than`, a hook or a blackout said not now."
        }
        exit::FAILED => {
            "eightbells: a check found something (`check`, `lint`, `diff`, `status`, `generate --check`), or a file could not be read \
             or written.\neightbells-run: the run failed and left nothing visible at any destination; `verify` found a bad archive, \
             `drill` a check that failed, `status` a job that is overdue. The last lines of the log say why; a unit counts as \
             failed and starts its `on_failure`."
        }
        exit::USAGE => "The arguments are wrong; the message says which. Nothing was done.",
        exit::PARTIAL => {
            "eightbells-run: there is an archive, and something is wrong: a file could not be read, one of several destinations does \
             not have it, a hook failed after the dump, a container could not be started again, or the dump is far smaller \
             than usual, so that nothing old was removed (`prune --accept-small` says that it is right). A destination that lacks it \
             gets it by the next run, or by `eightbells-run sync`.\neightbells deploy, remove: some places are done, others failed; \
             the same command can be repeated."
        }
        exit::LOCKED => {
            "Another run of the same job is under way, or all places of its `concurrency` group were taken for longer than `wait`. \
             Nothing was done. Units carry `SuccessExitStatus=75`, so that systemd does not count it as a failure; `wait: 10m` lets a \
             run wait."
        }
        _ => {
            "The spec cannot be used: it has errors, which `eightbells check SPEC` shows, there is no such job, or it is not the one that \
             the unit was generated for: generate and deploy the units again."
        }
    }
}

/// The page of `exit-codes`, `exit-3`.
pub(super) fn page(what: &str) -> Option<String> {
    if what == "exit-codes" {
        return Some(format!("exit-codes: both programs end with one of these\n\n{}", rows()));
    }
    let code = what.strip_prefix("exit-")?;
    let (code, meaning) = exit::ALL.into_iter().find(|(known, _)| known.to_string() == code)?;
    Some(format!("exit-{code}: {meaning}\n\n{}\n", text(code)))
}

pub(super) fn rows() -> String {
    let row = |(code, meaning): (u8, &str)| {
        let name = format!("exit-{code}");
        format!("{name:34} {meaning}\n")
    };
    exit::ALL.map(row).concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exit_code_has_a_page_of_its_own() {
        let mut texts: Vec<&str> = exit::ALL.into_iter().map(|(code, _)| text(code)).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), exit::ALL.len());
        assert_eq!(NAMES.len(), exit::ALL.len() + 1);
        assert!(NAMES.into_iter().all(|name| page(name).is_some()));
        assert!(page("exit-4").is_none() && page("exit-").is_none());
    }
}
