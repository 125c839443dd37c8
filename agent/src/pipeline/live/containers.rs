//! Which containers there are goes to whoever asks about them, and what is found out comes to the stages.

use std::sync::Arc;

use super::Live;
use crate::enrich::containers::Answer;

impl Live {
    /// Hands over containers that came or went, and takes what was found out since the last turn.
    pub(super) fn hear_of_containers(&mut self) {
        let Self { engine, containers, .. } = self;
        let processes = engine.processes();
        let left: Vec<Arc<str>> = processes.left().collect();
        let entered = processes.placements();
        let Some(containers) = containers else { return drop(entered) };
        containers.moved(entered, left.into_iter());
        engine.unanswered(containers.failures());
        for answer in containers.answers() {
            match answer {
                Answer::Described(described) => engine.described(described),
                Answer::Claims(claims) => engine.peers().learn(claims),
            }
        }
    }
}
