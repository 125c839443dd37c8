//! Why a process is traced, or not: for people who ask.

use super::ProcessTable;
use crate::process::{Process, Selector, Selectors};

impl ProcessTable {
    /// The selectors that choose a process.
    #[must_use]
    pub fn chosen_by(&self, process: &Process) -> Vec<String> {
        let choosing = self.selectors.iter().filter(|selector| selector.matches(process, &self.users));
        choosing.map(ToString::to_string).collect()
    }

    /// Why one is not traced.
    #[must_use]
    pub fn why_not(&self, process: &Process) -> String {
        if process.pid == self.own {
            return "wirespan does not trace itself".to_owned();
        }
        let may = |selector: &&Selector| Selectors::new(vec![(*selector).clone()]).could_match(process, &self.users);
        match self.selectors.iter().find(may) {
            Some(selector) => format!("`{selector}` would choose it if it used the port"),
            None => "no selector chooses it".to_owned(),
        }
    }
}
