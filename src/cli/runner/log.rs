//! Where our messages go: lines to standard error, or fields to the journal.

use super::bar::Above;
use crate::run::os::{self, Environment};
use indicatif::MultiProgress;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, filter, fmt};

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Volume {
    /// Warnings and errors only.
    Quiet,
    Usual,
    Verbose,
}

/// Sets the log up; whether it goes to the journal.
///
/// Messages of libraries stay out: they could hold what nobody may read. In the journal each field of ours begins with
/// `EIGHTBELLS_`, and the job's name and instance stand in every message.
pub(super) fn set_up(
    environment: &Environment,
    volume: Volume,
    screen: &MultiProgress,
    job: &[(String, String)],
) -> bool {
    let level = match volume {
        Volume::Quiet => LevelFilter::WARN,
        Volume::Usual => LevelFilter::INFO,
        Volume::Verbose => LevelFilter::DEBUG,
    };
    let ours = filter::Targets::new().with_target("eightbells", level);
    if os::stderr_is_journal(environment)
        && let Ok(journal) = tracing_journald::layer()
    {
        let journal = journal
            .with_field_prefix(Some("EIGHTBELLS".to_owned()))
            .with_syslog_identifier("eightbells-run".to_owned())
            .with_custom_fields(job.iter().map(|(name, value)| (name.as_str(), value.as_bytes())));
        let subscriber = tracing_subscriber::registry().with(journal.with_filter(ours));
        return tracing::subscriber::set_global_default(subscriber).is_ok();
    }
    let above = Above(screen.clone());
    let layer = fmt::layer().with_writer(move || above.clone()).with_target(false).without_time();
    let colour = crate::cli::colour_of(&std::io::stderr()) == crate::diag::Colour::Always;
    let subscriber = tracing_subscriber::registry().with(layer.with_ansi(colour).with_filter(ours));
    let _ = tracing::subscriber::set_global_default(subscriber);
    false
}
