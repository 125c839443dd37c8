//! Decisions in words.

use super::{Reason, Rule, Rules};
use crate::process::{Process, Selectors, Users};

impl Rules {
    /// Why a process is traced, or is not.
    #[must_use]
    pub fn explain(&self, process: &Process, users: &Users) -> String {
        let verdict = process.verdict;
        match verdict.reason {
            Reason::Default => "every process is traced".to_owned(),
            Reason::Selector(place) => {
                self.selectors.iter().nth(place).map_or_else(String::new, |selector| format!("selector `{selector}`"))
            }
            Reason::Rule(place) => self.rules.get(place).map_or_else(String::new, |rule| {
                let what = if rule.excludes { "takes it out" } else { "takes it in" };
                format!("{} {what}", described(rule))
            }),
            Reason::Opted if verdict.traced => "it opts in by a label".to_owned(),
            Reason::Opted => "it opts out by a label".to_owned(),
            Reason::Own => "wirespan does not trace itself".to_owned(),
            Reason::NoSelector => self.nearly(process, users, "no selector chooses it"),
            Reason::NoRule => self.nearly(process, users, "no rule takes it in"),
        }
    }

    /// What is missing, if it is only what may change while the process runs.
    fn nearly(&self, process: &Process, users: &Users, otherwise: &str) -> String {
        let of_rules = self.rules.iter().filter(|rule| !rule.excludes).flat_map(|rule| rule.selectors.iter());
        let could = |selector: &&crate::process::Selector| {
            Rules::from(Selectors::from_iter([(*selector).clone()])).could_match(process, users)
        };
        let uses_ports = |selector: &crate::process::Selector| {
            selector.requirements.iter().any(|requirement| requirement.label == super::Label::Port)
        };
        match self.selectors.iter().chain(of_rules).find(could) {
            Some(selector) if uses_ports(selector) => format!("`{selector}` would choose it if it used the port"),
            Some(selector) => format!("`{selector}` does not choose it as its container is labelled now"),
            None => otherwise.to_owned(),
        }
    }
}

fn described(rule: &Rule) -> String {
    let selectors: Vec<String> = rule.selectors.iter().map(|selector| format!("`{selector}`")).collect();
    match selectors.is_empty() {
        true => format!("rule {}", rule.name),
        false => format!("rule {} ({})", rule.name, selectors.join(", ")),
    }
}
