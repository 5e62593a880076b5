//! Containers by their labels.

use super::ContainerError;
use super::engine::{Engine, Found};
use crate::run::dump::DumpError;
use crate::run::dump::start::Start;
use crate::source::{Label, Which};
use std::collections::BTreeSet;

/// The label by which docker-compose, and those that follow it, mark what belongs together.
const PROJECT: &str = "com.docker.compose.project";

impl Engine {
    /// The containers that are meant, sorted by name: one by its name, whatever its state; by a label those that run.
    pub(in crate::run::dump) fn which(&self, which: &Which, start: &Start<'_>) -> Result<Vec<Found>, DumpError> {
        match which {
            Which::Name(name) => Ok(vec![self.look(&start.expand(name)?, &start.limits)?]),
            Which::Label(label) => self.labelled(label, start),
        }
    }

    fn labelled(&self, label: &Label, start: &Start<'_>) -> Result<Vec<Found>, DumpError> {
        let Label { label, project, all: _ } = label;
        let label = start.expand(label)?;
        let project = project.as_ref().map(|project| start.expand(project)).transpose()?;
        let mut filters = vec![format!("label={label}")];
        filters.extend(project.as_ref().map(|project| format!("label={PROJECT}={project}")));
        let mut words = vec!["ps", "--quiet", "--no-trunc"];
        words.extend(filters.iter().flat_map(|filter| ["--filter", filter.as_str()]));
        let listed = self.call(&words, &start.limits)?;
        if !listed.ended.well() {
            return Err(self.trouble("ps", &label, &listed).into());
        }
        let text = String::from_utf8_lossy(&listed.stdout).into_owned();
        let mut found = vec![];
        for id in text.split_whitespace() {
            match self.look(id, &start.limits) {
                // Gone since it was listed.
                Err(ContainerError::Missing { .. }) => {}
                other => found.push(other?),
            }
        }
        let projects: BTreeSet<&str> = found.iter().map(|found| found.project.as_str()).collect();
        if projects.len() > 1 && project.is_none() {
            let projects = projects.iter().map(|name| if name.is_empty() { "none" } else { name }).collect::<Vec<_>>();
            return Err(ContainerError::SeveralProjects { label, projects: projects.join(", ") }.into());
        }
        found.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(found)
    }

    /// The one running container that is meant.
    pub(in crate::run::dump) fn one(&self, which: &Which, start: &Start<'_>) -> Result<Found, DumpError> {
        let label = match which {
            Which::Name(name) => return Ok(self.container(&start.expand(name)?, &start.limits)?),
            Which::Label(label) => label,
        };
        let found = self.labelled(label, start)?;
        match found.as_slice() {
            [one] => Ok(self.container(&one.id, &start.limits)?),
            [] => Err(ContainerError::NoneLabelled { label: start.expand(&label.label)? }.into()),
            several => {
                let names = several.iter().map(|found| format!("`{}`", found.name)).collect::<Vec<_>>().join(", ");
                Err(ContainerError::SeveralLabelled { label: start.expand(&label.label)?, names }.into())
            }
        }
    }
}
