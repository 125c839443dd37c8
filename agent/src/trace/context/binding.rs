//! How a runtime's requests and threads belong together.

use wirespan_common::context::WAITS;
use wirespan_protocols::stream::Actor;
use wirespan_semconv as semconv;

use crate::trace::span::Resource;

/// What a runtime's threads say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// A thread handles what it received, from beginning to end, or it is an event loop and shows that.
    Thread,
    /// The same, but some of what it handles another thread has received: after an answer it may be at work for any request.
    Handed,
    /// The same as [`Thread`](Self::Thread), as far as a thread is seen to wait in its calls: a program that is no known runtime's.
    Waiting,
    /// The same, and the runtime shows which threads are event loops: what a thread does not wait for says nothing of it.
    Told,
    /// The process has one thread, which handles one request after the other and knows no events: what it does is for the one that
    /// it received last.
    Last,
    /// A thread of the operating system runs whatever the runtime gives it, and nothing shows what.
    Nothing,
}

impl Binding {
    /// That of a process. Interpreters have threads of the operating system, and a server either has a thread for each
    /// request or an event loop. Of a JVM the kernel programs tell virtual threads, threads that wait, and all else apart. Node.js
    /// runs timers and what others have waited for beside a request.
    #[must_use]
    pub fn of(resource: &Resource) -> Self {
        let runtime = resource.attributes.iter().find(|(key, _)| key == semconv::PROCESS_RUNTIME_NAME);
        match runtime.and_then(|(_, value)| value.as_str()) {
            Some("cpython" | "pypy") => Self::Thread,
            // Puma's reactor reads what is not there when a connection is accepted.
            Some("ruby") => Self::Handed,
            Some("fpm-fcgi" | "cgi-fcgi") => Self::Last,
            Some("java") => Self::Told,
            None => Self::Waiting,
            Some(_) => Self::Nothing,
        }
    }

    /// Who acts, where only the thread is seen: of a process that is one context, that one.
    #[must_use]
    pub fn acting(self, actor: Actor) -> Actor {
        let is_plain = matches!(actor.context, 0 | WAITS);
        if is_plain && self == Self::Last { Actor { context: 1, ..actor } } else { actor }
    }
}
