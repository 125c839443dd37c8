//! What the reader hands out goes to the engine, together with what is found of the processes that it tells of.

use super::engine::Engine;
use crate::capture::reader::Downstream;
use crate::event::{Event, Process};
use crate::export::Exporters;
use crate::process::ProcessTable;
use crate::resolve::Resolver;

/// As many spans go on before the turn is over, an exporter's batch: pipelined commands make fifty of a kilobyte.
const PORTION: usize = 512;

/// One turn of the main thread.
pub(super) struct Turn<'a, F> {
    pub(super) engine: &'a mut Engine,
    pub(super) resolver: &'a mut Resolver,
    pub(super) exporters: &'a Exporters,
    /// Sees each event, and what is known of processes after it.
    pub(super) tap: &'a mut F,
}

impl<F: FnMut(&Event<'_>, &mut ProcessTable)> Downstream for Turn<'_, F> {
    fn sighted(&mut self, process: &Process) {
        if let Some(ask) = self.engine.processes().look_at(process) {
            self.resolver.ask(ask);
        }
    }

    fn inserted(&mut self, header: &[u8]) {
        self.engine.put(header);
    }

    fn settle(&mut self, more: bool) {
        let Self { engine, resolver, .. } = self;
        resolver.settle(more, |found| engine.found(found));
        let looks = resolver.counters();
        engine.processes().count_looks(looks.hung, looks.refused);
        for ask in engine.processes().asked() {
            resolver.ask(ask);
        }
    }

    fn handle(&mut self, event: &Event<'_>) {
        self.engine.handle(event);
        (self.tap)(event, self.engine.processes());
        if self.engine.spans_waiting() >= PORTION {
            self.exporters.offer(self.engine.take_spans());
        }
    }
}
