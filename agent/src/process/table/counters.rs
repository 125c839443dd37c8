//! What the table, and whoever looks for it, could not do.

/// What the table could not do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Processes that were not entered because the table was full.
    pub refused: u64,
    /// Processes of events that neither the table nor `/proc` knew.
    pub unknown: u64,
    /// Processes of which only what the kernel says was entered, because the texts of all had no more room.
    pub texts_refused: u64,
    /// Processes of containers that could not be followed: there are too many.
    pub containers_refused: u64,
    /// Looks at processes that took too long and were given up.
    pub looks_given_up: u64,
    /// Looks at processes that found no room in the queue.
    pub looks_refused: u64,
}

impl Counters {
    /// What was lost, by the names that metrics and the account at the end use.
    #[must_use]
    pub fn losses(&self) -> [(&'static str, u64); 6] {
        [
            ("process_limit", self.refused),
            ("process_unknown", self.unknown),
            ("process_texts", self.texts_refused),
            ("container_limit", self.containers_refused),
            ("look_given_up", self.looks_given_up),
            ("look_refused", self.looks_refused),
        ]
    }
}
