//! Who is told of a run, and when.

use super::Run;
use super::report::{Outcome, RunReport};
use crate::conduct::{Event, Notice};
use crate::run::notify::{News, NoticeError, Teller};
use futures_util::future::join_all;
use serde_json::json;
use tokio::task::JoinHandle;

impl Run<'_> {
    /// Tells that the dump is about to begin; the run does not wait for it.
    pub(super) fn tell_start(&self, report: &RunReport) -> JoinHandle<Vec<String>> {
        let json = json!({
            "event": Event::Start.word(), "job": report.job, "instance": report.instance, "host": report.host,
            "run": report.run, "time": report.time,
        });
        let title = self.title(report, "begins");
        let news = News { event: Event::Start, text: title.clone(), title, json: json.to_string() };
        let tellers = self.tellers(Event::Start);
        tokio::spawn(tell_all(tellers, news))
    }

    /// Tells how it ended; what could not be told, in words.
    pub(super) async fn tell_end(&self, report: &RunReport) -> Vec<String> {
        let event = match &report.outcome {
            Outcome::Done => Event::Success,
            Outcome::Partial => Event::Partial,
            Outcome::Failed => Event::Failure,
            // There is a good archive; a run that was not to be now says nothing.
            Outcome::Skipped(_) if report.fresh => Event::Success,
            Outcome::Skipped(_) => return vec![],
        };
        let mut shown = report.clone();
        shown.redact(&self.with.secrets);
        let news = News {
            event,
            title: self.title(report, report.outcome.word()),
            text: shown.to_string(),
            json: json!({"event": event.word(), "report": shown}).to_string(),
        };
        self.progress.enter("telling how it went", None);
        let _busy = self.progress.busy();
        tell_all(self.tellers(event), news).await
    }

    fn title(&self, report: &RunReport, what: &str) -> String {
        let instance = report.instance.as_ref().map(|instance| format!(" ({instance})")).unwrap_or_default();
        format!("backup {}{instance} on {}: {what}", self.job.name, report.host)
    }

    fn tellers(&self, event: Event) -> Vec<(String, Result<Teller, NoticeError>)> {
        let wanted = self.job.conduct.notify.iter().filter(|notice| notice.on.contains(&event));
        let teller = |notice: &Notice| {
            let with = &self.with;
            let teller = Teller::new(&notice.way, &with.secrets, &with.context, &with.environment, &self.late);
            (way(notice).to_owned(), teller)
        };
        wanted.map(teller).collect()
    }
}

fn way(notice: &Notice) -> &'static str {
    use crate::conduct::Way;
    match notice.way {
        Way::Ping(_) => "ping",
        Way::Webhook(_) => "webhook",
        Way::Ntfy(_) => "ntfy",
        Way::Mail(_) => "mail",
    }
}

async fn tell_all(tellers: Vec<(String, Result<Teller, NoticeError>)>, news: News) -> Vec<String> {
    let told = tellers.into_iter().map(|(way, teller)| {
        let news = &news;
        async move {
            let told = match teller {
                Ok(teller) => teller.tell(news).await,
                Err(error) => Err(error),
            };
            let problem = told.err().map(|error| super::Problem::of(&error).about("it could not be told"));
            problem.map(|problem| format!("`notify` by {way}: {problem}"))
        }
    });
    join_all(told).await.into_iter().flatten().collect()
}
