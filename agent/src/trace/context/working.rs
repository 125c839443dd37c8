//! Which request each thread works for now, for readers outside of the agent: of runtimes whose threads handle one request each.

use rustc_hash::FxHashSet;

use wirespan_common::propagate::Ids;

use super::{Contexts, Id, Owner};
use crate::trace::sampler::Decision;

/// Threads of which something has changed; nothing is noted where nobody wants to know.
#[derive(Debug, Default)]
pub(super) struct Touched(Option<FxHashSet<Id>>);

impl Touched {
    pub(super) fn note(&mut self, ids: impl IntoIterator<Item = Id>) {
        if let Some(touched) = &mut self.0 {
            touched.extend(ids);
        }
    }
}

impl Contexts {
    /// From now on notes which threads change their work.
    pub fn watch(&mut self) {
        self.touched.0.get_or_insert_default();
    }

    /// Threads (with their processes) whose work may have changed since the last call, and for which span they work; `None`: for none
    /// that is certain.
    pub fn take_working(&mut self) -> Vec<((u32, u32), Option<Ids>)> {
        let Some(touched) = &mut self.touched.0 else { return Vec::new() };
        let touched = std::mem::take(touched);
        let ids = |Owner { trace_id, span_id, .. }| Ids { trace_id, span_id };
        touched.into_iter().map(|id| (id, self.works_for(id).map(ids))).collect()
    }

    /// The only request that a thread handles, if its span will be exported.
    fn works_for(&self, id: Id) -> Option<Owner> {
        let (thread, process) = (self.threads.get(&id)?, self.processes.get(&id.0)?);
        let is_certain = thread.is_bound && !thread.is_loop && thread.in_flight == 1;
        if !is_certain || process.is_crowded || process.exited_ns.is_some() {
            return None;
        }
        let owner = thread.requests.iter().find(|handled| handled.end_ns.is_none())?.owner;
        (owner.decision == Decision::Sample).then_some(owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::context::{Binding, RequestKey};
    use wirespan_protocols::stream::Actor;

    const ACTOR: Actor = Actor { pid: 7, tid: 8, context: 0 };

    fn request(connection: u64) -> Owner {
        let request = RequestKey { connection, stream: 0, pos: 0 };
        Owner { request, trace_id: [1; 16], span_id: [connection as u8; 8], parent: None, decision: Decision::Sample }
    }

    /// For which spans threads work, by what changed since the last look.
    fn told(contexts: &mut Contexts) -> Vec<(u32, Option<u8>)> {
        contexts.take_working().iter().map(|((_, tid), ids)| (*tid, ids.map(|ids| ids.span_id[0]))).collect()
    }

    #[test]
    fn a_thread_works_for_its_request_until_that_is_answered() {
        let mut contexts = Contexts::default();
        contexts.watch();
        contexts.begin(request(1), ACTOR, (100, 100), Binding::Thread);
        assert_eq!(told(&mut contexts), [(8, Some(1))]);
        assert_eq!(told(&mut contexts), [], "told once");
        contexts.end(request(1).request, 200);
        assert_eq!(told(&mut contexts), [(8, None)]);
    }

    #[test]
    fn what_is_not_certain_is_not_told() {
        let mut contexts = Contexts::default();
        contexts.watch();
        contexts.begin(request(1), ACTOR, (100, 100), Binding::Thread);
        contexts.begin(request(2), ACTOR, (110, 110), Binding::Thread);
        assert_eq!(told(&mut contexts), [(8, None)], "an event loop");
        contexts.end(request(2).request, 200);
        assert_eq!(told(&mut contexts), [(8, None)], "it stays one");
        let other = Actor { tid: 9, ..ACTOR };
        contexts.begin(request(3), other, (300, 300), Binding::Waiting);
        contexts.end(request(3).request, 400);
        assert!(told(&mut contexts).iter().all(|(_, ids)| ids.is_none()));
        let unsampled = Owner { decision: Decision::Drop, ..request(4) };
        contexts.begin(unsampled, Actor { tid: 10, ..ACTOR }, (500, 500), Binding::Thread);
        assert_eq!(told(&mut contexts), [(10, None)], "there will be no such span");
    }

    #[test]
    fn with_its_process_a_thread_is_gone() {
        let mut contexts = Contexts::default();
        contexts.watch();
        contexts.begin(request(1), ACTOR, (100, 100), Binding::Thread);
        told(&mut contexts);
        contexts.exited(7, 200);
        assert_eq!(told(&mut contexts), [(8, None)]);
    }

    #[test]
    fn nothing_is_noted_where_nobody_asks() {
        let mut contexts = Contexts::default();
        contexts.begin(request(1), ACTOR, (100, 100), Binding::Thread);
        assert!(contexts.take_working().is_empty() && contexts.touched.0.is_none());
    }
}
