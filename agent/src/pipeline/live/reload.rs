//! Another configuration, while the agent runs.

use super::Live;
use crate::capture::selection::Selection;
use crate::process::Rules;
use crate::trace;
use crate::trace::treatment::Treatment;
use std::sync::Arc;

/// What can change while the agent runs.
pub struct Change {
    /// Who is traced.
    pub rules: Rules,
    /// What the kernel programs must know of that.
    pub selection: Selection,
    /// What each rule says about the processes that it takes in.
    pub treatments: Vec<Arc<Treatment>>,
    /// What the trace stage needs.
    pub trace: trace::Config,
}

impl Live {
    /// Takes over another configuration, as a whole: events before it are seen in the old way, those after it in the new one.
    pub(super) fn adopt(&mut self, change: Change, note: &mut impl FnMut(&str)) {
        let Change { rules, selection, treatments, trace } = change;
        // Whoever is to be left alone from now on is told so before the rest is, and whoever is to be traced, after it: nobody who is
        // traced before and after is missed in between.
        let widens = selection.select_all;
        if widens {
            self.select(&selection, note);
        }
        self.engine.adopt(rules, treatments, trace);
        // The kernel has seen things of processes under the old rules, which a missing decision would not outdo.
        self.select_all = false;
        self.obey();
        if !widens {
            self.select(&selection, note);
        }
        self.resolver.follow(self.engine.processes().rules());
        self.rescan.always = self.engine.processes().drifts();
    }

    fn select(&mut self, selection: &Selection, note: &mut impl FnMut(&str)) {
        if let Err(why) = self.capture.select(selection) {
            note(&format!("the new selection holds for processes that are known only: {why}"));
        }
    }
}
