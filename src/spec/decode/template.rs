//! Texts with placeholders, and where which placeholder means something.

use super::Decoder;
use super::cursor::At;
use super::words::shown;
use crate::value::{Placeholder, Template};

/// Where a text stands, which decides what may stand in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope {
    /// The placeholders that mean something there.
    allowed: &'static [&'static str],
    /// In what, for messages.
    place: &'static str,
    /// Whether it becomes a value of a unit.
    unit: bool,
    /// Whether the job has instances.
    pub(super) instances: bool,
}

impl Scope {
    /// A value of a unit.
    pub(super) fn unit(instances: bool) -> Self {
        Self { allowed: &["instance", "job"], place: "a unit's value", unit: true, instances }
    }

    /// What the runner fills in for any source.
    pub(super) fn run(instances: bool) -> Self {
        Self { allowed: &["instance", "job", "host", "source", "time"], place: "a source", unit: false, instances }
    }

    /// The same, with a scratch folder.
    pub(super) fn container(instances: bool) -> Self {
        let allowed = &["instance", "job", "host", "source", "time", "scratch"];
        Self { allowed, place: "a container's dump", unit: false, instances }
    }

    /// A destination, which jobs with and without instances may share; a job without them refuses it at its `store`.
    pub(super) fn destination() -> Self {
        Self { allowed: &["instance", "job", "host"], place: "a destination", unit: false, instances: true }
    }

    /// What is the same for all jobs.
    pub(super) fn top() -> Self {
        Self { allowed: &["host"], place: "what all jobs share", unit: false, instances: true }
    }

    /// An archive's name.
    pub(super) fn name(instances: bool) -> Self {
        let allowed = &["instance", "job", "host", "source", "time"];
        Self { allowed, place: "an archive's name", unit: false, instances }
    }
}

fn word(placeholder: &Placeholder) -> &'static str {
    match placeholder {
        Placeholder::Instance => "instance",
        Placeholder::Job => "job",
        Placeholder::Host => "host",
        Placeholder::Source => "source",
        Placeholder::Scratch => "scratch",
        Placeholder::Time(_) => "time",
    }
}

impl Decoder {
    /// A text with placeholders that mean something where it stands; not empty.
    pub(super) fn template(&mut self, at: &At<'_>, scope: Scope) -> Option<Template> {
        let text = self.some_text(at)?;
        self.template_of(at, text, scope)
    }

    /// The same, where an empty text is one too.
    pub(super) fn template_or_empty(&mut self, at: &At<'_>, scope: Scope) -> Option<Template> {
        let text = self.text(at)?;
        self.template_of(at, text, scope)
    }

    /// A path with placeholders, absolute.
    pub(super) fn path_template(&mut self, at: &At<'_>, scope: Scope) -> Option<Template> {
        let template = self.template(at, scope)?;
        let text = template.to_string();
        (text.starts_with("{scratch}") || self.absolute(at, &text)).then_some(template)
    }

    fn template_of(&mut self, at: &At<'_>, text: &str, scope: Scope) -> Option<Template> {
        if scope.unit && !self.fits_unit(at, text) {
            return None;
        }
        let template = match Template::parse(text) {
            Ok(template) => template,
            Err(error) => {
                let place = at.node.part(error.range.clone());
                let found = self.faults.error("placeholder", &place, error.message);
                found.help(format!("there are {}; `{{{{` is a brace", listed(scope)));
                return None;
            }
        };
        self.specifiers(at, text, scope);
        self.placeholders_fit(at, text, &template, scope).then_some(template)
    }

    fn placeholders_fit(&mut self, at: &At<'_>, text: &str, template: &Template, scope: Scope) -> bool {
        let means_nothing = |p: &&Placeholder| {
            let name = word(p);
            !scope.allowed.contains(&name) || (name == "instance" && !scope.instances)
        };
        let Some(placeholder) = template.placeholders().find(means_nothing) else { return true };
        let shown = placeholder.to_string();
        let start = text.find(&shown).unwrap_or(0);
        let place = at.node.part(start..start + shown.len());
        if scope.allowed.contains(&word(placeholder)) {
            let found = self.faults.error("placeholder", &place, "`{instance}` in a job without instances");
            found.help("give the job `instances: [\"80\"]`, or write the value out");
        } else {
            let message = format!("`{shown}` has no meaning in {}", scope.place);
            self.faults.error("placeholder", &place, message).help(format!("there are {}", listed(scope)));
        }
        false
    }

    /// Warns of systemd's specifiers typed by habit: a `%` stays a `%`.
    fn specifiers(&mut self, at: &At<'_>, text: &str, scope: Scope) {
        let known: &[(&str, &str)] =
            if scope.unit { &[("%i", "{instance}"), ("%I", "{instance}"), ("%p", "{job}"), ("%P", "{job}")] } else { &[("%i", "{instance}")] };
        let Some((specifier, placeholder)) = known.iter().find(|(s, _)| text.contains(s)) else { return };
        let start = text.find(specifier).unwrap_or(0);
        if text.get(..start).is_some_and(|before| before.ends_with('%') || before.ends_with("{time:")) {
            return;
        }
        let message = format!("`{specifier}` stays as it is: systemd's specifiers are not used here");
        let place = at.node.part(start..start + specifier.len());
        self.faults.warning("specifier", &place, message).label(format!("did you mean `{placeholder}`?"));
    }
}

fn listed(scope: Scope) -> String {
    let braced: Vec<String> = scope
        .allowed
        .iter()
        .map(|name| if *name == "time" { "{time:%Y-%m-%d}".to_owned() } else { format!("{{{}}}", shown(name)) })
        .collect();
    super::words::either(&braced.iter().map(String::as_str).collect::<Vec<_>>(), "and")
}
