//! Events in the grammar of older systemds.
//!
//! When each form came, from systemd's NEWS, and from the history of src/shared/calendarspec.c (src/basic from 211)
//! where NEWS is silent or early:
//!
//! | since | form |
//! |---|---|
//! | 197 | calendar events at all (NEWS 197) |
//! | 217 | `minutely`, `quarterly`, `semiannually`, `annually`; their normal forms work before (NEWS 217) |
//! | 228 | `UTC` (NEWS 228) |
//! | 229 | fractions of a second (NEWS 229; announced in 228, the parser has them from 229 on) |
//! | 231 | `..` in ranges of numbers and of weekdays (NEWS 231); `Mon-Fri` before; not yet in seconds, where it is taken for a decimal point |
//! | 232 | the local zone's abbreviation, such as `CEST` (`calendar_spec_from_string()`) |
//! | 233 | `~`, ranges with a step such as `9..17/2` (NEWS 233), ranges of seconds; a search that ends when there is no elapse |
//! | 234 | `@SECONDS`; its normal form, a date in UTC, works before (`parse_date()`) |
//! | 235 | any zone of the database (NEWS 235) |

use super::{CalendarSpec, ClockZone, Part, SECOND, Values};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// What an older systemd lacks to be told an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} needs systemd {since}")]
pub struct NeedsVersion {
    /// The form that is missing, a noun phrase.
    pub what: String,
    /// The first version that has it.
    pub since: u16,
}

const CALENDAR: u16 = 197;
const UTC: u16 = 228;
const FRACTION: u16 = 229;
const DOTTED_RANGE: u16 = 231;
const LOCAL_ABBREVIATION: u16 = 232;
const MONTH_END: u16 = 233;
const STEPPED_RANGE: u16 = 233;
const SECONDS_RANGE: u16 = 233;
const ENDING_SEARCH: u16 = 233;
const ZONE: u16 = 235;

/// Values that a range may be written out to. Only ranges of fractions of a second have more.
const WRITTEN_OUT_MAX: u32 = 240;

pub(super) fn text_for(spec: &CalendarSpec, version: u16) -> Result<String, NeedsVersion> {
    let needs = needs(spec).into_iter().flatten().filter(|need| need.since > version);
    if let Some(need) = needs.max_by_key(|need| need.since) {
        return Err(need);
    }
    let older = spec.with_ranges_for(version)?;
    let mut text = String::new();
    // Writing to a `String` cannot fail.
    let _ = older.write(&mut text, if version < DOTTED_RANGE { "-" } else { ".." });
    Ok(text)
}

/// Everything in the event that has no older spelling.
fn needs(spec: &CalendarSpec) -> [Option<NeedsVersion>; 5] {
    let need = |what: &str, since| Some(NeedsVersion { what: what.to_owned(), since });
    let zone = match &spec.zone {
        ClockZone::Local => None,
        ClockZone::Utc => need("`UTC` in a calendar event", UTC),
        ClockZone::Named { name, zone: _ } => need(&format!("the time zone `{name}` in a calendar event"), ZONE),
        ClockZone::LocalSeason { season: _, abbreviation } => {
            need(&format!("the time zone `{abbreviation}` in a calendar event"), LOCAL_ABBREVIATION)
        }
    };
    let month_end =
        if spec.from_month_end { need("a day counted from the month's end (`~`)", MONTH_END) } else { None };
    let fraction = if has_fraction(&spec.second) { need("a fraction of a second", FRACTION) } else { None };
    let endless = if never_elapses(spec) { need("a date that never comes", ENDING_SEARCH) } else { None };
    [need("a calendar event", CALENDAR), zone, month_end, fraction, endless]
}

fn has_fraction(seconds: &Values) -> bool {
    let whole = |value: u32| value.is_multiple_of(SECOND);
    !seconds.parts().iter().all(|part| whole(part.start) && part.last.is_none_or(whole) && part.step.is_none_or(whole))
}

/// Whether there is no such date in any year: before 233, systemd looks for it for ever.
fn never_elapses(spec: &CalendarSpec) -> bool {
    let dates = CalendarSpec {
        weekdays: spec.weekdays,
        year: spec.year.clone(),
        month: spec.month.clone(),
        day: spec.day.clone(),
        from_month_end: spec.from_month_end,
        hour: Values::Every,
        minute: Values::Every,
        second: Values::Every,
        zone: ClockZone::Utc,
    };
    dates.next_after(Timestamp::UNIX_EPOCH, &TimeZone::UTC).is_none()
}

impl CalendarSpec {
    /// The event with the ranges that the version does not know written out.
    fn with_ranges_for(&self, version: u16) -> Result<Self, NeedsVersion> {
        let older = |values: &Values| written_out(values, 1, DOTTED_RANGE, version);
        Ok(Self {
            weekdays: self.weekdays,
            year: older(&self.year)?,
            month: older(&self.month)?,
            day: older(&self.day)?,
            from_month_end: self.from_month_end,
            hour: older(&self.hour)?,
            minute: older(&self.minute)?,
            second: written_out(&self.second, SECOND, SECONDS_RANGE, version)?,
            zone: self.zone.clone(),
        })
    }
}

/// The values without the ranges that the version lacks: those with a step of one `unit` came with `range`, those
/// with another step with [`STEPPED_RANGE`].
fn written_out(values: &Values, unit: u32, range: u16, version: u16) -> Result<Values, NeedsVersion> {
    let mut parts = Vec::new();
    for part in values.parts() {
        let step = part.step.unwrap_or(unit);
        match part.last {
            Some(last) if version < if step == unit { range } else { STEPPED_RANGE } => {
                if (last - part.start) / step > WRITTEN_OUT_MAX {
                    return Err(NeedsVersion {
                        what: "a range of so many fractions of a second".to_owned(),
                        since: STEPPED_RANGE,
                    });
                }
                parts.extend((part.start..=last).step_by(step as usize).map(Part::one));
            }
            Some(_) | None => parts.push(*part),
        }
    }
    Ok(Values::of(parts))
}
