//! `schedule:`.

use super::Decoder;
use super::cursor::{At, Map};
use super::words::shown;
use crate::contract::Blackout;
use crate::schedule::{CalendarSpec, Schedule, Trigger};
use std::time::Duration;

/// A timer more often than this is a slip of the keyboard, or no backup.
const EVERY_MIN: Duration = Duration::from_secs(60);

impl Decoder {
    /// When a job runs.
    pub(super) fn schedule(&mut self, at: &At<'_>) -> Option<Schedule> {
        let mut map = self.map(at)?;
        let [every, calendar, cron] = ["every", "calendar", "cron"].map(|name| map.take(name));
        let [catch_up, jitter, timezone] = ["catch_up", "jitter", "timezone"].map(|name| map.take(name));
        let [unless_newer_than, blackout] = ["unless_newer_than", "blackout"].map(|name| map.take(name));
        let way = self.one_way(&map, [every, calendar, cron]);
        self.done(map);
        let trigger = way.and_then(|way| self.trigger(&way, catch_up.as_ref(), timezone.as_ref()));
        let mut span = |at: Option<At<'_>>| at.and_then(|at| self.duration(&at));
        let (jitter, unless_newer_than) = (span(jitter), span(unless_newer_than));
        let blackout = blackout.map_or(vec![], |at| self.blackouts(&at));
        Some(Schedule { trigger: trigger?, jitter, unless_newer_than, blackout })
    }

    /// The one key of the three that is there.
    fn one_way<'a>(&mut self, map: &Map<'a>, ways: [Option<At<'a>>; 3]) -> Option<At<'a>> {
        let mut there = ways.into_iter().flatten();
        let first = there.next();
        if first.is_none() {
            let found = self.faults.error("missing-key", map.key(), "the schedule does not say when");
            found.help("for example `every: 4h`, `calendar: \"*-*-* 02:30:00\"` or `cron: \"30 2 * * *\"`");
        }
        for second in there {
            let message = format!("`{}` and `{}`: a schedule has one of them", first.as_ref().map_or("", |f| f.name), second.name);
            let found = self.faults.error("schedule-invalid", second.key_span(), message);
            if let Some(first) = &first {
                found.also(first.key_span(), "first");
            }
            found.help("`calendar` and `cron` take a list of several times");
        }
        first
    }

    fn trigger(&mut self, way: &At<'_>, catch_up: Option<&At<'_>>, timezone: Option<&At<'_>>) -> Option<Trigger> {
        if way.name == "every" {
            return self.every(way, catch_up, timezone).map(Trigger::Every);
        }
        let catch_up = catch_up.map_or(Some(true), |at| self.boolean(at));
        let zone = match timezone {
            Some(at) => Some(self.timezone(at)?),
            None => None,
        };
        let items = self.list_or_one(way);
        if items.is_empty() {
            self.faults.error("schedule-invalid", way.span(), format!("`{}` names no time", way.name));
        }
        let times: Vec<Option<Vec<CalendarSpec>>> = items.iter().map(|item| self.times(item, way.name, zone.as_deref())).collect();
        let specs: Option<Vec<Vec<CalendarSpec>>> = times.into_iter().collect();
        Some(Trigger::Calendar { specs: specs?.concat(), catch_up: catch_up? })
    }

    fn every(&mut self, at: &At<'_>, catch_up: Option<&At<'_>>, timezone: Option<&At<'_>>) -> Option<Duration> {
        if let Some(catch_up) = catch_up {
            let found = self.faults.error("schedule-invalid", catch_up.key_span(), "`catch_up` belongs to `calendar` and `cron`");
            found.help("`every` counts from the timer's start and fires then at once: nothing is ever missed");
        }
        if let Some(timezone) = timezone {
            self.faults.error("schedule-invalid", timezone.key_span(), "`timezone` belongs to `calendar` and `cron`");
        }
        let every = self.duration(at)?;
        if every < EVERY_MIN {
            self.faults.error("schedule-invalid", at.span(), "a job runs at most once a minute").label("at least `1m` is expected");
            return None;
        }
        Some(every)
    }

    fn times(&mut self, at: &At<'_>, way: &str, zone: Option<&str>) -> Option<Vec<CalendarSpec>> {
        let text = self.unit_text(at)?;
        match calendar_specs(way, text, zone) {
            Ok(specs) => Some(specs),
            Err(problem) => {
                let kind = if way == "cron" { "a cron expression" } else { "a calendar event" };
                let message = format!("`{}` is not {kind}", shown(text));
                self.faults.error("schedule-invalid", at.span(), message).label(problem);
                None
            }
        }
    }

    /// An IANA time zone's name.
    pub(super) fn timezone(&mut self, at: &At<'_>) -> Option<String> {
        let name = self.unit_text(at)?;
        let unknown = jiff::tz::TimeZone::get(name).is_err() && !jiff::tz::db().is_definitively_empty();
        if unknown {
            let message = format!("`{}` is not a time zone", shown(name));
            self.faults.error("value-invalid", at.span(), message).label("a name such as `Asia/Tokyo` or `UTC` is expected");
            return None;
        }
        Some(name.to_owned())
    }

    fn blackouts(&mut self, at: &At<'_>) -> Vec<Blackout> {
        let items = self.list(at).unwrap_or_default();
        items.iter().filter_map(|item| self.blackout(item)).collect()
    }

    fn blackout(&mut self, at: &At<'_>) -> Option<Blackout> {
        let mut map = self.map(at)?;
        let (from, until) = (self.require(&mut map, "from", "\"08:00\""), self.require(&mut map, "until", "\"18:00\""));
        self.done(map);
        let from = from.and_then(|at| self.time_of_day(&at));
        let (until_at, until) = (until.as_ref().map(At::span), until.as_ref().and_then(|at| self.time_of_day(at)));
        let blackout = Blackout { from: from?, until: until? };
        if blackout.from == blackout.until {
            self.faults.error("value-invalid", until_at?, "the blackout ends where it begins");
            return None;
        }
        Some(blackout)
    }

    fn time_of_day(&mut self, at: &At<'_>) -> Option<jiff::civil::Time> {
        let Some(text) = at.node.text() else {
            self.wrong_type(at, "a time of day such as `22:30`");
            return None;
        };
        let digits = text.len() >= 5 && text.bytes().all(|b| b.is_ascii_digit() || b == b':');
        let time = text.parse().ok().filter(|_| digits);
        if time.is_none() {
            let message = format!("`{}` is not a time of day", shown(text));
            self.faults.error("value-invalid", at.span(), message).label("`HH:MM` is expected, from `00:00` to `23:59`");
        }
        time
    }
}

/// The calendar's reading of one expression; a cron expression may become two.
fn calendar_specs(_way: &str, text: &str, _zone: Option<&str>) -> Result<Vec<CalendarSpec>, String> {
    CalendarSpec::parse(text).map(|spec| vec![spec])
}
