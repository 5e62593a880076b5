//! How much of the machine a unit can reach.

use crate::lint::rule::rule;
use crate::lint::{Rule, exposure};

pub(super) static RULES: [&Rule; 1] = [&EXPOSURE];

/// How many gains are told; more are no help to begin with.
const GAINS_TOLD: usize = 5;

rule! {
    /// A service that is taken over can reach all that its unit lets it: `systemd-analyze security` makes a score of
    /// it, from 0.0 (nothing) to 10.0 (everything), and this is the same score. The rule is silent unless a highest
    /// score is set, with `--max-exposure 5.0` or in the configuration: what is right depends on the service. The help
    /// names the lines that would lower the score most, each with what it alone gains, found by judging the unit again
    /// with it; take those that the service can do without. `eightbells security` prints all. Only what the unit's
    /// systemd knows is suggested. The score does not know that a container engine's socket is root's equal.
    EXPOSURE = "exposure", Warning, "a unit can reach more of the machine than is allowed",
    source: "systemd src/analyze/analyze-security.c of 252", check: Some(|unit, context, found| {
        let Some(most) = context.exposure_max(unit) else { return };
        let Some(assessed) = exposure::assess(unit).filter(|it| unit.main().is_some() && it.score > most) else { return };
        let section = unit.own_section();
        let message = format!("the exposure is {} ({}); {most} is the most allowed", assessed.score, assessed.level.word());
        let told = found.section(unit, section, message);
        for gain in assessed.gains.iter().take(GAINS_TOLD) {
            told.help(gain.to_string());
        }
    })
}
