//! `schedule:`.

use super::fields::{Decoder, Field, Fields};
use crate::contract::Blackout;
use crate::schedule::{CalendarSpec, CronLine, Schedule, Trigger};
use std::time::Duration;

/// The shortest interval: below it, one run would hardly end before the next.
const EVERY_LEAST: Duration = Duration::from_secs(60);

impl Decoder<'_> {
    pub(super) fn schedule(&mut self, field: &Field<'_>) -> Option<Schedule> {
        let mut fields = self.fields(field)?;
        let kind = self.one_of(&mut fields, &["every", "calendar", "cron"], "a schedule");
        let every = fields.take("every", self);
        let calendar = fields.take("calendar", self);
        let cron = fields.take("cron", self);
        let timezone = fields.take("timezone", self);
        let catch_up = fields.take("catch_up", self);
        let jitter = fields.take("jitter", self).and_then(|f| self.duration(&f));
        let unless_newer_than = fields.take("unless_newer_than", self).and_then(|f| self.duration(&f));
        let blackout = fields.take("blackout", self).map(|f| self.blackouts(&f)).unwrap_or_default();
        fields.finish(self);
        let trigger = match kind? {
            "every" => {
                self.belongs_to_calendar(
                    catch_up.as_ref(),
                    "catch_up",
                    "`every` counts from the last start, and nothing is missed",
                );
                self.belongs_to_calendar(timezone.as_ref(), "timezone", "an interval has no time of day");
                self.every(&every?)
            }
            "calendar" => {
                let zone = timezone.and_then(|f| self.timezone(&f));
                let specs = self.calendars(&calendar?, zone.as_deref());
                Some(Trigger::Calendar { specs, catch_up: self.catch_up(catch_up) })
            }
            _ => {
                let zone = timezone.and_then(|f| self.timezone(&f));
                let specs = self.crons(&cron?, zone.as_deref());
                Some(Trigger::Calendar { specs, catch_up: self.catch_up(catch_up) })
            }
        };
        Some(Schedule { trigger: trigger?, jitter, unless_newer_than, blackout })
    }

    fn catch_up(&mut self, field: Option<Field<'_>>) -> bool {
        field.and_then(|f| self.boolean(&f)).unwrap_or(true)
    }

    fn belongs_to_calendar(&mut self, field: Option<&Field<'_>>, key: &str, why: &str) {
        if let Some(field) = field {
            let message = format!("`{key}` belongs to `calendar` and `cron`: {why}");
            self.report.error("schedule-invalid", field.span(), message).help(format!("leave `{key}` out"));
        }
    }

    fn every(&mut self, field: &Field<'_>) -> Option<Trigger> {
        let interval = self.duration(field)?;
        if interval < EVERY_LEAST {
            self.report
                .error("schedule-invalid", field.span(), "an interval is at least one minute")
                .help("for trying things out, `generate --every 10s` makes it shorter");
        }
        Some(Trigger::Every(interval))
    }

    pub(super) fn timezone(&mut self, field: &Field<'_>) -> Option<String> {
        let name = self.plain(field)?;
        if name == "UTC" || jiff::tz::TimeZone::get(&name).is_ok() {
            return Some(name);
        }
        let names: Vec<String> = jiff::tz::db().available().map(|n| n.to_string()).collect();
        let near = super::fields::nearest(&name, names.iter().map(String::as_str)).map(str::to_owned);
        let diagnostic = self.report.error("timezone-unknown", field.span(), format!("`{name}` is not a time zone"));
        match near {
            Some(near) => diagnostic.label(format!("did you mean `{near}`?")),
            None => diagnostic.help("write an IANA name such as Europe/Berlin, or UTC"),
        };
        None
    }

    fn calendars(&mut self, field: &Field<'_>, zone: Option<&str>) -> Vec<CalendarSpec> {
        let mut specs = vec![];
        for item in self.items(field, true) {
            let Some(text) = self.plain(&item) else { continue };
            let text = text.trim().to_owned();
            match CalendarSpec::parse(&text) {
                Ok(spec) => specs.extend(self.in_zone(&item, spec, zone)),
                Err(error) => {
                    let span = Self::part_of(&item, &text, error.span());
                    let message = format!("`{text}` is not a calendar event");
                    let diagnostic = self.report.error("schedule-invalid", &span, message).label(error.to_string());
                    if let Some(hint) = error.hint() {
                        diagnostic.help(hint);
                    }
                    diagnostic.help("`eightbells calendar EXPRESSION` tries one out");
                }
            }
        }
        specs
    }

    fn crons(&mut self, field: &Field<'_>, zone: Option<&str>) -> Vec<CalendarSpec> {
        let mut specs = vec![];
        for item in self.items(field, true) {
            let Some(text) = self.plain(&item) else { continue };
            match CronLine::parse(&text) {
                Ok(translated) => {
                    for spec in translated.into_specs() {
                        specs.extend(self.in_zone(&item, spec, zone));
                    }
                }
                Err(error) => {
                    let span = Self::part_of(&item, &text, error.span());
                    let message = format!("`{text}` is not a cron expression");
                    self.report.error("schedule-invalid", &span, message).label(error.to_string());
                }
            }
        }
        specs
    }

    fn in_zone(&mut self, field: &Field<'_>, spec: CalendarSpec, zone: Option<&str>) -> Option<CalendarSpec> {
        let Some(zone) = zone else { return Some(spec) };
        let zoned = spec.in_zone(zone);
        if zoned.is_none() {
            let message = "the expression has a time zone already, and `timezone:` gives another";
            self.report.error("schedule-invalid", field.span(), message).help("keep one of the two");
        }
        zoned
    }

    fn blackouts(&mut self, field: &Field<'_>) -> Vec<Blackout> {
        let mut blackouts = vec![];
        for item in self.items(field, false) {
            let Some(mut fields) = self.fields(&item) else { continue };
            let from = self.time_of_day(&mut fields, "from");
            let until = self.time_of_day(&mut fields, "until");
            fields.finish(self);
            if let (Some(from), Some(until)) = (from, until) {
                if from == until {
                    self.report.error(
                        "schedule-invalid",
                        item.span(),
                        "a blackout that begins when it ends covers nothing",
                    );
                }
                blackouts.push(Blackout { from, until });
            }
        }
        blackouts
    }

    fn time_of_day(&mut self, fields: &mut Fields<'_>, key: &'static str) -> Option<jiff::civil::Time> {
        let field = fields.need(key, self, "a time of day such as \"22:00\"")?;
        let text = self.text(&field)?;
        let parsed =
            jiff::civil::Time::strptime("%H:%M", text).or_else(|_| jiff::civil::Time::strptime("%H:%M:%S", text));
        if parsed.is_err() {
            let message = format!("`{text}` is not a time of day");
            self.report.error("schedule-invalid", field.span(), message).help("write \"22:00\", in quotes");
        }
        parsed.ok()
    }
}
