//! Why a process is traced, or not, and by which labels it could be chosen: for people who ask.

use std::collections::BTreeMap;

use super::ProcessTable;
use crate::process::{Process, selector};

impl ProcessTable {
    /// Why a process is traced, or is not.
    #[must_use]
    pub fn why(&self, process: &Process) -> String {
        self.rules.explain(process, &self.users)
    }

    /// The labels of a process, with their values.
    #[must_use]
    pub fn labels(&self, process: &Process) -> BTreeMap<String, Vec<String>> {
        selector::labels(process, &self.users)
    }
}
