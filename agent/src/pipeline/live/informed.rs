//! Who is informed at each turn: the advisor, metrics, whoever looks.

use super::super::advising::Advising;
use super::super::governor::Governor;
use super::super::own::Outside;
use super::Live;
use crate::capture::reader::monotonic_ns;
use crate::capture::{Capture, Reader};
use crate::export::Exporters;
use crate::view::ask::Source;

impl Live {
    /// Asks the advisor if it is time to.
    pub(super) fn advise(&mut self, is_last: bool, note: &mut dyn FnMut(&str)) {
        if let Some(advising) = &mut self.advising {
            advising.turn(self.engine.tracer().clock(), monotonic_ns(), is_last, note);
        }
    }

    /// Collects metrics if it is time to.
    pub(super) fn meter(&mut self, exporters: &Exporters, is_last: bool) {
        let Self { capture, reader, engine, metering: Some(metering), advising, ring_bytes, governor, .. } = self
        else {
            return;
        };
        metering.turn(engine, is_last, &mut || {
            let fill = reader.take_peak() as f64 / f64::from(*ring_bytes);
            outside((capture, reader, fill), exporters, advising.as_ref(), governor.as_ref())
        });
    }

    /// Asks what was seen lately, at the end.
    pub fn ask<T>(&mut self, question: impl FnOnce(&mut Source<'_>) -> T) -> Option<T> {
        let Self { capture, reader, engine, viewing, advising, ring_bytes, governor, .. } = self;
        let exporters = Exporters::default();
        let fill = reader.peak() as f64 / f64::from(*ring_bytes);
        let mut outside = || outside((capture, reader, fill), &exporters, None, governor.as_ref());
        let viewing = viewing.as_ref()?;
        Some(viewing.ask(engine, &capture.report, advising.as_mut(), &mut outside, question))
    }

    /// Answers those who look.
    pub(super) fn show(&mut self, exporters: &Exporters) {
        let Self { capture, reader, engine, viewing: Some(viewing), advising, ring_bytes, governor, .. } = self else {
            return;
        };
        // Whoever measures begins anew with each collection; whoever looks does not disturb that.
        let fill = reader.peak() as f64 / f64::from(*ring_bytes);
        let mut outside = || outside((capture, reader, fill), exporters, None, governor.as_ref());
        viewing.answer(engine, &capture.report, advising.as_mut(), &mut outside);
    }
}

/// What the stages outside the engine have counted.
fn outside(
    (capture, reader, fill): (&Capture, &Reader, f64),
    exporters: &Exporters,
    advising: Option<&Advising>,
    governor: Option<&Governor>,
) -> Outside {
    Outside {
        kernel: capture.counters(),
        undecodable: reader.undecodable,
        ring_fill: fill.min(1.0),
        exporters: exporters.counts().chain(advising.and_then(Advising::counts)).collect(),
        governor: governor.map(Governor::standing),
        advice: advising.map(|advising| advising.standing().clone()),
    }
}
