//! Normal form, and its older spellings.

use std::fmt;

use super::{CalendarSpec, ClockZone, Part, SECOND, Values, Weekdays};

impl fmt::Display for CalendarSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, "..")
    }
}

impl CalendarSpec {
    /// The normal form, with `through` between the ends of a range of weekdays.
    pub(super) fn write(&self, f: &mut impl fmt::Write, through: &str) -> fmt::Result {
        if !self.weekdays.is_every() {
            write_weekdays(f, self.weekdays, through)?;
            f.write_char(' ')?;
        }
        write_values(f, &self.year, 4)?;
        f.write_char('-')?;
        write_values(f, &self.month, 2)?;
        f.write_char(if self.from_month_end { '~' } else { '-' })?;
        write_values(f, &self.day, 2)?;
        f.write_char(' ')?;
        write_values(f, &self.hour, 2)?;
        f.write_char(':')?;
        write_values(f, &self.minute, 2)?;
        f.write_char(':')?;
        write_seconds(f, &self.second)?;
        match &self.zone {
            ClockZone::Local => Ok(()),
            ClockZone::Utc => f.write_str(" UTC"),
            ClockZone::Named { name, zone: _ } => write!(f, " {name}"),
            ClockZone::LocalSeason { season: _, abbreviation } => write!(f, " {abbreviation}"),
        }
    }
}

fn write_weekdays(f: &mut impl fmt::Write, days: Weekdays, through: &str) -> fmt::Result {
    let mut separator = "";
    let mut day = 0;
    while day < 7 {
        let run = (day..7).take_while(|&day| days.contains(day)).count();
        let mut names = Weekdays::NAMES.iter().skip(day.into()).take(run);
        if let Some(first) = names.next() {
            write!(f, "{separator}{first}")?;
            separator = ",";
        }
        if let Some(last) = names.next_back() {
            write!(f, "{}{last}", if run > 2 { through } else { "," })?;
        }
        // A run ends at the first day that is not in it: that day needs no second look.
        day += u8::try_from(run).unwrap_or(7) + 1;
    }
    Ok(())
}

fn write_values(f: &mut impl fmt::Write, values: &Values, width: usize) -> fmt::Result {
    let Values::Of(parts) = values else { return f.write_char('*') };
    for (index, part) in parts.iter().enumerate() {
        write!(f, "{}{:0width$}", if index > 0 { "," } else { "" }, part.start)?;
        if let Some(last) = part.last {
            write!(f, "..{last:0width$}")?;
        }
        if let Some(step) = part.step.filter(|&step| part.last.is_none() || step > 1) {
            write!(f, "/{step}")?;
        }
    }
    Ok(())
}

fn write_seconds(f: &mut impl fmt::Write, values: &Values) -> fmt::Result {
    if *values == Values::Every || values.parts().contains(&Part::EVERY_SECOND) {
        return f.write_char('*');
    }
    for (index, part) in values.parts().iter().enumerate() {
        f.write_str(if index > 0 { "," } else { "" })?;
        write_second(f, part.start, 2)?;
        if let Some(last) = part.last {
            f.write_str("..")?;
            write_second(f, last, 2)?;
        }
        if let Some(step) = part.step.filter(|&step| part.last.is_none() || step != SECOND) {
            f.write_char('/')?;
            write_second(f, step, 0)?;
        }
    }
    Ok(())
}

fn write_second(f: &mut impl fmt::Write, value: u32, width: usize) -> fmt::Result {
    write!(f, "{:0width$}", value / SECOND)?;
    match value % SECOND {
        0 => Ok(()),
        fraction => write!(f, ".{fraction:06}"),
    }
}
