//! Unit names, against systemd's own tests.

use super::support::rows;
use eightbells::unit::name::{self, NameKind, UnitName, UnitType, check_instance, check_prefix};
use serde_json::Value;

fn field<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or_else(|| panic!("{row} has no {key}"))
}

fn suffix(row: &Value) -> UnitType {
    UnitType::from_suffix(field(row, "suffix").strip_prefix('.').unwrap()).unwrap()
}

/// The expected text, or none where the data has an errno.
fn expected(row: &Value) -> Option<&str> {
    row["expected"].as_str()
}

#[test]
fn names_are_valid_as_plain_template_or_instance() {
    for row in rows("systemd/unit_name", "is_valid") {
        let flags = field(&row, "flags");
        let allowed = |name: &UnitName| match name.kind() {
            NameKind::Plain => flags.contains("PLAIN") || flags.contains("ANY"),
            NameKind::Template => flags.contains("TEMPLATE") || flags.contains("ANY"),
            NameKind::Instance(_) => flags.contains("INSTANCE") || flags.contains("ANY"),
        };
        let valid = UnitName::parse(field(&row, "name")).is_ok_and(|name| allowed(&name));
        assert_eq!(valid, row["valid"] == true, "{row}");
    }
}

#[test]
fn instances_are_put_into_templates_and_instances() {
    for row in rows("systemd/unit_name", "replace_instance") {
        let instantiated =
            UnitName::parse(field(&row, "name")).and_then(|name| name.instantiate(field(&row, "instance")));
        assert_eq!(instantiated.ok().map(|name| name.to_string()).as_deref(), expected(&row), "{row}");
    }
}

#[test]
fn paths_become_names() {
    for row in rows("systemd/unit_name", "from_path") {
        let made = name::escape_path(field(&row, "path")).map(|escaped| format!("{escaped}.{}", suffix(&row)));
        assert_eq!(made.ok().as_deref(), expected(&row), "{row}");
    }
    for row in rows("systemd/unit_name", "from_path_instance") {
        let escaped = name::escape_path(field(&row, "path")).unwrap();
        let made = UnitName::instance_of(field(&row, "prefix"), &escaped, suffix(&row));
        assert_eq!(made.ok().map(|name| name.to_string()).as_deref(), expected(&row), "{row}");
    }
}

#[test]
fn names_become_paths() {
    let path_of = |name: &str| {
        let prefix = UnitName::parse(name).ok()?.prefix().to_owned();
        String::from_utf8(name::unescape_path(&prefix).ok()?).ok()
    };
    for row in rows("systemd/unit_name", "to_path") {
        assert_eq!(path_of(field(&row, "name")).as_deref(), row["path"].as_str(), "{row}");
    }
    for row in rows("systemd/unit_name", "unit_name_path_unescape") {
        let path = name::unescape_path(field(&row, "input")).ok().map(|path| String::from_utf8(path).unwrap());
        assert_eq!(path.as_deref(), expected(&row), "{row}");
    }
}

#[test]
fn what_people_type_is_mangled_into_names() {
    for row in rows("systemd/unit_name", "mangle") {
        let mangled = name::mangle(field(&row, "input"), UnitType::Service);
        assert_eq!(mangled.ok().map(|name| name.to_string()).as_deref(), expected(&row), "{row}");
    }
    for row in rows("systemd/unit_name", "mangle_with_suffix") {
        let mangled = name::mangle(field(&row, "input"), UnitType::Service);
        assert_eq!(mangled.ok().map(|name| name.to_string()).as_deref(), expected(&row), "{row}");
    }
    // The strict form refuses a name of another type than the suffix.
    for row in rows("systemd/unit_name", "mangle_with_suffix_strict") {
        let wanted = suffix(&row);
        let mangled = name::mangle(field(&row, "input"), wanted).ok();
        let strict = mangled.filter(|name| name.unit_type() == wanted);
        assert_eq!(strict.map(|name| name.to_string()).as_deref(), expected(&row), "{row}");
    }
}

#[test]
fn prefixes_and_instances_are_judged() {
    for row in rows("systemd/unit_name", "prefix_is_valid") {
        assert_eq!(check_prefix(field(&row, "input")).is_ok(), row["valid"] == true, "{row}");
    }
    for row in rows("systemd/unit_name", "instance_is_valid") {
        assert_eq!(check_instance(field(&row, "input")).is_ok(), row["valid"] == true, "{row}");
    }
}

#[test]
fn prefixes_are_taken_from_names() {
    for row in rows("systemd/unit_name", "unit_name_to_prefix") {
        let name = UnitName::parse(field(&row, "input")).ok();
        assert_eq!(name.as_ref().map(UnitName::prefix), expected(&row), "{row}");
    }
    for row in rows("systemd/unit_name", "prefix_equal") {
        let prefix = |key| UnitName::parse(field(&row, key)).ok().map(|name| name.prefix().to_owned());
        let equal = prefix("input").is_some_and(|first| Some(first) == prefix("input2"));
        assert_eq!(equal, row["valid"] == true, "{row}");
    }
}

#[test]
fn names_are_built_of_their_parts() {
    for row in rows("systemd/unit_name", "build") {
        let args = row["args"].as_array().unwrap();
        let unit_type = UnitType::from_suffix(args[2].as_str().unwrap().strip_prefix('.').unwrap()).unwrap();
        let prefix = args[0].as_str().unwrap();
        let built = match args[1].as_str() {
            Some(instance) => UnitName::instance_of(prefix, instance, unit_type),
            None => UnitName::plain(prefix, unit_type),
        };
        assert_eq!(built.ok().map(|name| name.to_string()).as_deref(), expected(&row), "{row}");
    }
}

#[test]
fn templates_have_no_plain_names() {
    for row in rows("systemd/unit_name", "u_n_t") {
        let template = UnitName::parse(field(&row, "name")).ok().and_then(|name| name.to_template());
        assert_eq!(template.map(|name| name.to_string()).as_deref(), expected(&row), "{row}");
    }
}

#[test]
fn slices_have_parents() {
    for row in rows("systemd/unit_name", "slice_is_valid") {
        assert_eq!(name::is_slice(field(&row, "input")), row["valid"] == true, "{row}");
    }
    for row in rows("systemd/unit_name", "parent_slice") {
        let expected = expected(&row).map(|name| name.replace("SPECIAL_ROOT_SLICE", "-.slice"));
        assert_eq!(name::parent_slice(field(&row, "name")), expected, "{row}");
    }
}

#[test]
fn bus_paths_become_names() {
    for row in rows("systemd/unit_name", "unit_name_from_dbus_path") {
        let name = name::from_bus_path(field(&row, "input"));
        assert_eq!(name.as_deref(), expected(&row), "{row}");
    }
}

#[test]
fn hashed_names_of_long_paths_are_known() {
    for row in rows("systemd/unit_name", "is_hashed") {
        assert_eq!(name::is_hashed(field(&row, "input")), row["valid"] == true, "{row}");
    }
}
