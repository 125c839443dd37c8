//! Which columns a line has, and how wide they are, for a terminal of some width.
//!
//! The narrower the terminal, the less stands beside what was done: first columns shrink, then the milliseconds of the clock go, then
//! the words for the kind of span, then the time and the service.

use super::fit::Row;

/// Cells of an address and its port that every IPv4 address fits, with its arrow.
const PEER: usize = 23;
/// Cells of an address on the loopback interface.
const SHORT_PEER: usize = 16;
/// Fewest cells for what was done beside a peer.
const LEAST_OPERATION: usize = 16;
/// Cells of a trace id and the gap before it.
const TRACE_ID: usize = 34;

/// The columns of every line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Cells of a line; without a terminal there is no end to it.
    pub width: Option<usize>,
    /// Cells of the start time: with milliseconds, without, or none.
    pub time: usize,
    /// Cells of the service's name.
    pub service: usize,
    /// Cells of the kind.
    pub kind: usize,
    /// Cells of the status.
    pub status: usize,
    /// Cells of a bar of the span's time in its trace; 0: there is none.
    pub bar: usize,
    /// Cells between columns.
    pub gap: usize,
    /// Cells of what was done where nothing needs more; the peer stands after it.
    pub operation: usize,
    /// Where trace ids are told.
    pub trace: TraceIds,
}

/// Where trace ids are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceIds {
    /// Nowhere.
    Hidden,
    /// At the end of the line.
    Inline,
    /// In a line of their own below.
    Below,
}

/// Cells of the time with milliseconds.
const FULL_TIME: usize = 12;
/// Cells of the time in seconds.
const SHORT_TIME: usize = 8;
/// Cells of a duration.
pub const DURATION: usize = 8;
/// Cells of a bar of time, brackets included; narrower terminals have none.
pub const BAR: usize = 12;
const BAR_FROM: usize = 100;
/// Cells of the mark of a failure.
pub const MARK: usize = 2;

impl Layout {
    /// The columns for a width.
    pub fn new(limit: Option<usize>, trace_ids: bool) -> Self {
        Self::of(limit, trace_ids, 0)
    }

    /// The same with a bar of time, where there is room for it.
    pub fn with_bar(limit: Option<usize>, trace_ids: bool) -> Self {
        Self::of(limit, trace_ids, if limit.is_none_or(|limit| limit >= BAR_FROM) { BAR } else { 0 })
    }

    fn of(limit: Option<usize>, trace_ids: bool, bar: usize) -> Self {
        let (time, service, kind, status, gap) = match limit.unwrap_or(usize::MAX) {
            110.. => (FULL_TIME, 16, 6, 9, 2),
            100.. => (FULL_TIME, 12, 6, 6, 1),
            80.. => (SHORT_TIME, 11, 6, 6, 1),
            60.. => (SHORT_TIME, 8, 1, 5, 1),
            40.. => (0, 8, 1, 5, 1),
            _ => (0, 0, 1, 5, 1),
        };
        let mut layout = Self {
            width: limit,
            time,
            service,
            kind,
            status,
            bar,
            gap,
            operation: 48,
            trace: if trace_ids { TraceIds::Inline } else { TraceIds::Hidden },
        };
        let Some(limit) = limit else { return layout };
        let mut room = limit.saturating_sub(layout.fixed());
        if trace_ids {
            if room >= TRACE_ID + PEER + 2 + LEAST_OPERATION {
                room -= TRACE_ID;
            } else {
                layout.trace = TraceIds::Below;
            }
        }
        layout.operation = match room {
            room if room >= PEER + 2 + LEAST_OPERATION => room - PEER - 2,
            room if room >= SHORT_PEER + 2 + LEAST_OPERATION => room - SHORT_PEER - 2,
            room => room,
        };
        layout
    }

    /// Cells before what was done.
    fn fixed(&self) -> usize {
        let column = |cells: usize| if cells == 0 { 0 } else { cells + self.gap };
        let fixed = self.kind + self.gap + MARK + self.status + 1 + DURATION + self.gap;
        column(self.time) + column(self.service) + fixed + column(self.bar)
    }

    /// Cells for what was done, the peer, and what went wrong, together.
    pub fn room(&self) -> usize {
        let limit = self.width.unwrap_or(usize::MAX);
        let trace = if self.trace == TraceIds::Inline && self.width.is_some() { TRACE_ID } else { 0 };
        limit.saturating_sub(self.fixed() + trace)
    }

    /// Divides the room among texts of these widths.
    pub fn share(&self, operation: usize, peer: usize, trouble: usize) -> Shares {
        if self.width.is_none() {
            return Shares { operation: operation.max(self.operation), peer, trouble };
        }
        let room = self.room();
        let apart = |cells: usize| if cells == 0 { 0 } else { cells + 2 };
        if trouble == 0 {
            if room < SHORT_PEER + 2 + LEAST_OPERATION {
                return Shares { operation: room, peer: 0, trouble: 0 };
            }
            // Half of the room is the peer's at most, unless the other half is not needed.
            let peer = peer.min((room / 2).max(room.saturating_sub(operation + 2)));
            let most = room.saturating_sub(apart(peer));
            return Shares { operation: operation.max(self.operation).min(most), peer, trouble };
        }
        let rest = apart(peer) + apart(trouble);
        if rest <= room && operation <= room - rest {
            let operation = self.operation.min(room - rest).max(operation);
            return Shares { operation, peer, trouble };
        }
        // What went wrong is worth more than with whom.
        let operation = operation.min(room.saturating_sub(trouble + 2).max(room / 2));
        Shares { operation, peer: 0, trouble: room.saturating_sub(operation + 2) }
    }

    /// The names of the columns.
    pub fn header(&self, out: &mut String, colour: bool) {
        const BOLD: &str = "\x1b[1m";
        let mut row = Row::new(out, colour, self.width.unwrap_or(usize::MAX));
        if self.time > 0 {
            row.column(BOLD, if self.time == FULL_TIME { "START (UTC)" } else { "UTC" }, self.time);
            row.gap(self.gap);
        }
        if self.service > 0 {
            row.column(BOLD, "SERVICE", self.service);
            row.gap(self.gap);
        }
        row.column(BOLD, if self.kind > 1 { "KIND" } else { "" }, self.kind);
        row.gap(self.gap + MARK);
        row.column(BOLD, if self.status > 5 { "STATUS" } else { "CODE" }, self.status);
        row.gap(1);
        row.column(BOLD, "DURATION", DURATION);
        row.gap(self.gap);
        if self.bar > 0 {
            row.column(BOLD, "IN TRACE", self.bar);
            row.gap(self.gap);
        }
        let shares = self.share(1, if self.width.is_none() { PEER } else { SHORT_PEER }, 0);
        row.column(BOLD, "OPERATION", shares.operation);
        if shares.peer > 0 {
            row.gap(2);
            row.column(BOLD, "PEER", shares.peer);
        }
        if self.trace == TraceIds::Inline
            && let Some(limit) = self.width
        {
            let at = limit.saturating_sub(TRACE_ID - 2);
            let used = limit - row.left() + row.waiting();
            row.gap(at.saturating_sub(used));
            row.put(BOLD, "TRACE ID");
        }
        row.end();
    }
}

/// Cells of the flexible part of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shares {
    /// For what was done.
    pub operation: usize,
    /// For the peer, its arrow included; 0: it is left out.
    pub peer: usize,
    /// For what went wrong.
    pub trouble: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::console::fit::width;

    #[test]
    fn shares_fit_at_any_width() {
        for limit in (1..160).chain([300]) {
            for trace_ids in [false, true] {
                let layout = Layout::new(Some(limit), trace_ids);
                let room = layout.room();
                for natural in [0, 1, 15, 40, 90, 500] {
                    for peer in [0, 16, 23, 60] {
                        for trouble in [0, 10, 120] {
                            let shares = layout.share(natural, peer, trouble);
                            let apart = |cells: usize| if cells == 0 { 0 } else { cells + 2 };
                            let all = shares.operation + apart(shares.peer) + apart(shares.trouble);
                            assert!(all <= room.max(2), "{limit} {natural} {peer} {trouble}: {shares:?} in {room}");
                        }
                    }
                }
                let mut header = String::new();
                layout.header(&mut header, false);
                assert!(width(header.trim_end_matches('\n')) <= limit, "{limit}: {header}");
            }
        }
    }

    #[test]
    fn a_wide_terminal_shows_peers_in_a_column() {
        let layout = Layout::new(Some(120), false);
        assert_eq!(layout.share(10, 16, 0), layout.share(30, 16, 0));
        let long = layout.share(500, 16, 0);
        assert_eq!((long.peer, long.operation), (16, layout.room() - 18));
    }
}
