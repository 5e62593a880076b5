//! JSON Schema of a spec.
//!
//! Draft-07: the YAML server behind VS Code, Neovim and others knows it wholly, and of later ones only parts
//! (redhat-developer/yaml-language-server #856). There, keys beside a `$ref` are ignored, so that references stand in an `allOf`.

use super::{Key, Keys, REFERENCE, Rule, SPEC, Shape, Takes};
use serde_json::{Map, Value, json};

/// What a schema is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A whole spec.
    Whole,
    /// A file that others include: whatever is needed may be elsewhere.
    Included,
}

/// The schema as JSON.
#[must_use]
pub fn schema(part: Part) -> Value {
    let mut definitions = Map::new();
    define(&SPEC, &mut definitions);
    define(&REFERENCE, &mut definitions);
    let mut root = Map::new();
    root.insert("$schema".into(), json!("http://json-schema.org/draft-07/schema#"));
    root.insert("title".into(), json!("Eight Bells spec"));
    if let Some(Value::Object(spec)) = definitions.shift_remove(&name(&SPEC)) {
        root.extend(spec);
    }
    root.insert("patternProperties".into(), json!({"^x-": {}}));
    if let Some(Value::Object(job)) = definitions.get_mut("job") {
        // Defaults, or another file, may have them: told below, where neither is there.
        job.shift_remove("required");
    }
    match part {
        Part::Whole => whole(&mut root),
        Part::Included => drop(root.shift_remove("required")),
    }
    root.insert("definitions".into(), Value::Object(definitions));
    Value::Object(root)
}

/// What is needed, where no other file may have it.
fn whole(root: &mut Map<String, Value>) {
    let needed = |keys: &'static [Key]| keys.iter().filter(|key| key.needed).map(|key| key.name).collect::<Vec<_>>();
    let of_job = SPEC.keys.iter().find(|key| key.name == "jobs").and_then(|key| key.takes.maps().pop());
    let of_job = of_job.map(|(_, job)| needed(job.keys)).unwrap_or_default();
    root.insert("required".into(), json!(["version"]));
    root.insert("if".into(), json!({"not": {"required": ["include"]}}));
    root.insert(
        "then".into(),
        json!({
            "required": needed(SPEC.keys),
            "if": {"not": {"required": ["defaults"]}},
            "then": {"properties": {"jobs": {"additionalProperties": {"required": of_job}}}},
        }),
    );
}

fn name(keys: &Keys) -> String {
    keys.title.replace(' ', "-")
}

fn to(name: &str) -> Value {
    json!({"$ref": format!("#/definitions/{name}")})
}

/// Adds the definition of a map, and those of the maps below it.
fn define(keys: &'static Keys, definitions: &mut Map<String, Value>) {
    let name = name(keys);
    if definitions.contains_key(&name) {
        return;
    }
    definitions.insert(name.clone(), Value::Null); // It is on its way.
    for key in keys.keys {
        for (_, inner) in key.takes.maps() {
            define(inner, definitions);
        }
    }
    let properties: Map<String, Value> = keys.keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let mut map = json!({"type": "object", "additionalProperties": false, "properties": properties});
    let needed: Vec<&str> = keys.keys.iter().filter(|key| key.needed).map(|key| key.name).collect();
    if let Value::Object(map) = &mut map {
        if !needed.is_empty() {
            map.insert("required".into(), json!(needed));
        }
        rules(keys, map);
    }
    definitions.insert(name, map);
}

/// What holds of several keys of a map.
fn rules(keys: &Keys, map: &mut Map<String, Value>) {
    let each = |keys: &[&str]| keys.iter().map(|key| json!({"required": [key]})).collect::<Vec<_>>();
    let mut all = vec![];
    let mut dependencies: Vec<(&str, Vec<Value>)> = vec![];
    for rule in keys.rules {
        match rule {
            Rule::OneOf(keys) => all.push(json!({"oneOf": each(keys)})),
            Rule::Some(keys) => all.push(json!({"anyOf": each(keys)})),
            Rule::NoTwo(keys) => all.extend(pairs(keys).map(|pair| json!({"not": {"required": pair}}))),
            Rule::Needs(key, others) => dependencies.push((*key, each(others))),
        }
    }
    let goes_with = keys.keys.iter().filter(|key| !key.with.is_empty());
    dependencies.extend(goes_with.map(|key| (key.name, each(key.with))));
    if !all.is_empty() {
        map.insert("allOf".into(), json!(all));
    }
    if !dependencies.is_empty() {
        let mut merged: Map<String, Value> = Map::new();
        for (key, others) in dependencies {
            let condition = json!({"anyOf": others});
            match merged.get_mut(key).and_then(|known| known.get_mut("allOf")).and_then(Value::as_array_mut) {
                Some(known) => known.push(condition),
                None => drop(merged.insert(key.to_owned(), json!({"allOf": [condition]}))),
            }
        }
        map.insert("dependencies".into(), Value::Object(merged));
    }
}

fn pairs<'k>(keys: &'k [&'k str]) -> impl Iterator<Item = [&'k str; 2]> {
    let after = |at: usize| keys.iter().skip(at + 1);
    keys.iter().enumerate().flat_map(move |(at, one)| after(at).map(move |other| [*one, *other]))
}

/// A key's schema: what its value may be, and what editors show of it.
fn property(key: &Key) -> Value {
    let mut property = match value(&key.takes) {
        Value::Object(map) if map.contains_key("$ref") => {
            Map::from_iter([("allOf".to_owned(), json!([Value::Object(map)]))])
        }
        Value::Object(map) => map,
        other => Map::from_iter([("allOf".to_owned(), json!([other]))]),
    };
    property.insert("description".into(), json!(description(key)));
    if let Some(default) = key.default.and_then(read) {
        property.insert("default".into(), default);
    }
    if let Some(example) = read(key.example) {
        property.insert("examples".into(), json!([example]));
    }
    Value::Object(property)
}

fn description(key: &Key) -> String {
    let mut text = key.meaning.to_owned();
    if let Some(without) = key.without {
        text = format!("{text}. Without it: {without}");
    }
    if let Some(default) = key.default {
        text = format!("{text}. Default: {default}");
    }
    if !key.with.is_empty() {
        text = format!("{text}. Goes with {}", key.with.join(", "));
    }
    text
}

/// Flow YAML as JSON.
fn read(text: &str) -> Option<Value> {
    serde_yaml::from_str(text).ok()
}

fn value(takes: &Takes) -> Value {
    match takes {
        Takes::Text(shape) => text(*shape),
        Takes::Switch => json!({"type": "boolean"}),
        Takes::Whole(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
        Takes::Words(words) => json!({"enum": words}),
        Takes::Value(shape) => json!({"anyOf": [text(*shape), to(&name(&REFERENCE))]}),
        Takes::Secret => to(&name(&REFERENCE)),
        Takes::Map(keys) | Takes::SomeOf(keys) => to(&name(keys)),
        Takes::Named(shape, least, inner) => {
            let mut map = json!({"type": "object", "additionalProperties": value(inner)});
            if let (Value::Object(map), Some(pattern)) = (&mut map, shape.pattern()) {
                map.insert("propertyNames".into(), json!({"pattern": pattern}));
            }
            if let (Value::Object(map), 1..) = (&mut map, *least) {
                map.insert("minProperties".into(), json!(least));
            }
            map
        }
        Takes::List(least, inner) => list(*least, inner),
        Takes::Several(least, inner) => json!({"anyOf": [value(inner), list(*least, inner)]}),
        Takes::Any(forms) => json!({"anyOf": forms.iter().map(value).collect::<Vec<_>>()}),
    }
}

fn list(least: u8, inner: &Takes) -> Value {
    let mut list = json!({"type": "array", "items": value(inner)});
    if let (Value::Object(list), 1..) = (&mut list, least) {
        list.insert("minItems".into(), json!(least));
    }
    list
}

fn text(shape: Shape) -> Value {
    let kinds = if shape.takes_numbers() { json!(["string", "number"]) } else { json!("string") };
    match shape.pattern() {
        Some(pattern) => json!({"type": kinds, "pattern": pattern}),
        None => json!({"type": kinds}),
    }
}
