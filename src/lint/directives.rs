//! Sections and keys of unit files, from a table that is part of the program.

use std::collections::HashMap;
use std::sync::LazyLock;

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Directive {
    /// The section.
    pub section: &'static str,
    /// The key.
    pub key: &'static str,
    /// What reads its value, by the name that systemd's sources give it without `config_parse_`.
    pub parser: &'static str,
    /// The first version that knows it.
    pub since: u16,
    /// The last version that knew it, of those that were removed.
    pub last: Option<u16>,
}

/// The sections whose keys the table has.
pub const SECTIONS: [&str; 11] =
    ["Unit", "Service", "Timer", "Install", "Path", "Socket", "Mount", "Automount", "Swap", "Slice", "Scope"];

/// The sections that exist and have no keys.
pub const OTHER_SECTIONS: [&str; 2] = ["Target", "Device"];

struct Table {
    rows: Vec<Directive>,
    by_place: HashMap<(&'static str, &'static str), usize>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let rows: Vec<Directive> = include_str!("directives.tsv").lines().filter_map(row).collect();
    let by_place = rows.iter().enumerate().map(|(place, row)| ((row.section, row.key), place)).collect();
    Table { rows, by_place }
});

fn row(line: &'static str) -> Option<Directive> {
    let mut cells = line.split('\t');
    let section = cells.next().filter(|section| !section.starts_with('#'))?;
    let (key, parser, since) = (cells.next()?, cells.next()?, cells.next()?.parse().ok()?);
    let last = cells.next().and_then(|last| last.parse().ok());
    Some(Directive { section, key, parser, since, last })
}

/// The directive of a section and key.
#[must_use]
pub fn lookup(section: &str, key: &str) -> Option<&'static Directive> {
    let table = &*TABLE;
    // The table lives for ever and so do its keys; the question does not.
    table.by_place.get(&(section, key)).and_then(|place| table.rows.get(*place))
}

/// All directives of a section.
pub fn of_section(section: &str) -> impl Iterator<Item = &'static Directive> + '_ {
    TABLE.rows.iter().filter(move |row| row.section == section)
}

/// The sections that have a key of that name.
#[must_use]
pub fn sections_with(key: &str) -> Vec<&'static str> {
    SECTIONS.iter().filter_map(|section| lookup(section, key)).map(|row| row.section).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_read() {
        let rows = include_str!("directives.tsv").lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(TABLE.rows.len(), rows);
        assert!(rows > 1000);
        assert!(TABLE.rows.iter().all(|row| SECTIONS.contains(&row.section)));
    }

    #[test]
    fn a_directive_knows_its_versions() {
        assert_eq!(lookup("Timer", "RandomizedDelaySec").unwrap().since, 229);
        assert_eq!(lookup("Service", "FsckPassNo").unwrap().last, Some(208));
        assert!(lookup("Service", "OnCalendar").is_none());
        assert_eq!(sections_with("OnCalendar"), ["Timer"]);
    }
}
