//! Periods of the calendar, and which of them a time lies in.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// How long a period of the calendar is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    /// An hour of the clock.
    Hourly,
    /// A day of the calendar.
    Daily,
    /// A week of ISO 8601: Monday to Sunday.
    Weekly,
    /// A month of the calendar.
    Monthly,
    /// Three months, of which the first begins with the year.
    Quarterly,
    /// A year of the calendar.
    Yearly,
}

/// One period, as a key: two times lie in the same one where their keys are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bucket {
    /// An hour. The offset from UTC in seconds tells the two hours apart that share a name when clocks go back.
    Hour {
        /// The day.
        date: Date,
        /// 0–23.
        hour: i8,
        /// Seconds east of UTC.
        offset: i32,
    },
    /// A day.
    Day(Date),
    /// A week of ISO 8601, whose year is not always that of the day.
    Week {
        /// The year that the week's Thursday lies in.
        iso_year: i16,
        /// 1–53.
        week: i8,
    },
    /// A month.
    Month {
        /// The year.
        year: i16,
        /// 1–12.
        month: i8,
    },
    /// A quarter.
    Quarter {
        /// The year.
        year: i16,
        /// 1–4.
        quarter: i8,
    },
    /// A year.
    Year(i16),
}

impl Period {
    /// The most time that one takes, changes of the clock apart.
    #[must_use]
    pub fn longest(self) -> Duration {
        let hours = match self {
            Self::Hourly => 1,
            Self::Daily => 24,
            Self::Weekly => 7 * 24,
            Self::Monthly => 31 * 24,
            Self::Quarterly => 92 * 24,
            Self::Yearly => 366 * 24,
        };
        Duration::from_secs(hours * 3600)
    }

    /// Every period, the shortest first.
    pub const ALL: [Self; 6] = [Self::Hourly, Self::Daily, Self::Weekly, Self::Monthly, Self::Quarterly, Self::Yearly];

    /// The period that a time lies in, by the clocks of a time zone.
    #[must_use]
    pub fn bucket(self, time: Timestamp, zone: &TimeZone) -> Bucket {
        let local = time.to_zoned(zone.clone());
        let date = day(&local);
        match self {
            Self::Hourly => Bucket::Hour { date: local.date(), hour: local.hour(), offset: local.offset().seconds() },
            Self::Daily => Bucket::Day(date),
            Self::Weekly => {
                let week = date.iso_week_date();
                Bucket::Week { iso_year: week.year(), week: week.week() }
            }
            Self::Monthly => Bucket::Month { year: date.year(), month: date.month() },
            Self::Quarterly => Bucket::Quarter { year: date.year(), quarter: (date.month() - 1) / 3 + 1 },
            Self::Yearly => Bucket::Year(date.year()),
        }
    }
}

/// The last day that had begun. Where clocks go back over midnight (St. John's until 2011, at 00:01), the old date is
/// told again after the new day has begun, and a day would be in two pieces.
fn day(local: &Zoned) -> Date {
    let date = local.date();
    let begun = |next: &Date| next.to_zoned(local.time_zone().clone()).is_ok_and(|start| start <= *local);
    date.tomorrow().ok().filter(begun).unwrap_or(date)
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hourly => "hourly",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Quarterly => "quarterly",
            Self::Yearly => "yearly",
        })
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hour { date, hour, offset: _ } => write!(f, "{date} {hour:02}h"),
            Self::Day(date) => write!(f, "{date}"),
            Self::Week { iso_year, week } => write!(f, "{iso_year}-W{week:02}"),
            Self::Month { year, month } => write!(f, "{year}-{month:02}"),
            Self::Quarter { year, quarter } => write!(f, "{year}-Q{quarter}"),
            Self::Year(year) => write!(f, "{year}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn zone(name: &str) -> TimeZone {
        if name == "UTC" { TimeZone::UTC } else { TimeZone::get(name).unwrap() }
    }

    fn told(period: Period, time: &str, name: &str) -> String {
        period.bucket(time.parse().unwrap(), &zone(name)).to_string()
    }

    #[test]
    fn week_bucket_does_not_split_at_new_year() {
        for day in ["2026-12-28", "2026-12-31", "2027-01-01", "2027-01-03"] {
            assert_eq!(told(Period::Weekly, &format!("{day}T12:00:00Z"), "UTC"), "2026-W53", "{day}");
        }
        assert_eq!(told(Period::Weekly, "2027-01-04T00:00:00Z", "UTC"), "2027-W01");
        assert_eq!(told(Period::Weekly, "2024-12-30T00:00:00Z", "UTC"), "2025-W01");
    }

    #[test]
    fn a_period_is_that_of_the_zone_s_clocks() {
        assert_eq!(told(Period::Daily, "2026-11-20T23:30:00Z", "UTC"), "2026-11-20");
        assert_eq!(told(Period::Daily, "2026-11-20T23:30:00Z", "Asia/Tokyo"), "2026-11-21");
        assert_eq!(told(Period::Yearly, "2026-12-31T23:30:00Z", "Europe/Berlin"), "2027");
        assert_eq!(told(Period::Quarterly, "2026-09-30T23:30:00Z", "Europe/Berlin"), "2026-Q4");
        assert_eq!(told(Period::Monthly, "2026-03-01T00:30:00Z", "America/New_York"), "2026-02");
    }

    #[test]
    fn the_hour_that_clocks_repeat_is_two_hours() {
        let hour = |time: &str| Period::Hourly.bucket(time.parse().unwrap(), &zone("Europe/Berlin"));
        // Both are 02:30 by the clock.
        assert_ne!(hour("2026-10-25T00:30:00Z"), hour("2026-10-25T01:30:00Z"));
        // 01:59 and 03:00, one after the other.
        assert_ne!(hour("2026-03-29T00:59:59Z"), hour("2026-03-29T01:00:00Z"));
    }

    /// Every period of every length is one stretch of time: a key that was left never comes back.
    #[test]
    fn buckets_are_contiguous_in_time_whatever_clocks_do() {
        let zones = [
            ("UTC", "2026-12-20T00:00:00Z"),
            ("Europe/Berlin", "2026-10-20T00:00:00Z"),
            ("Europe/Berlin", "2026-03-20T00:00:00Z"),
            ("Australia/Lord_Howe", "2026-04-01T00:00:00Z"),
            // Back over midnight, at 00:01.
            ("America/St_Johns", "2010-11-01T00:00:00Z"),
            // Back from midnight to 23:00.
            ("America/Sao_Paulo", "2018-02-12T00:00:00Z"),
            // A day that never was.
            ("Pacific/Apia", "2011-12-25T00:00:00Z"),
        ];
        for (name, from) in zones {
            let (zone, from) = (zone(name), from.parse::<Timestamp>().unwrap());
            for period in Period::ALL {
                let mut left = HashSet::new();
                let mut current = None;
                for minute in 0..14 * 24 * 60 {
                    let bucket = period.bucket(from + jiff::SignedDuration::from_mins(minute), &zone);
                    if current != Some(bucket) {
                        assert!(left.insert(bucket), "{name}: {bucket} comes back");
                        current = Some(bucket);
                    }
                }
            }
        }
    }
}
