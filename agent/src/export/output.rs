//! Sinks that write: standard output or a file, one write for each batch, so that a line is never half there.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::Context;

use super::notice::{Notices, Reporter};
use super::queue::{Item, weight};
use super::worker::{Delivery, Sink};
use crate::trace::span::Span;

/// How spans, or other items, are written.
pub trait Format<T = Span>: Send + 'static {
    /// The batch as whole lines, or what is complete by it.
    fn render(&mut self, batch: &[T]) -> &[u8];

    /// How long after a batch it wants to be asked for what is complete by now; `None`: nothing waits.
    fn idle_after(&self) -> Option<Duration> {
        None
    }

    /// What is complete by now, as whole lines.
    fn idle(&mut self) -> &[u8] {
        b""
    }

    /// What waits, as whole lines: no more comes.
    fn finish(&mut self) -> &[u8] {
        b""
    }
}

/// Writes what a [`Format`] renders.
pub struct Output<F> {
    format: F,
    target: Box<dyn Write + Send>,
    notices: Notices,
    /// The last write failed, perhaps in the middle of a line.
    torn: bool,
}

impl<F: std::fmt::Debug> std::fmt::Debug for Output<F> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Output").field("format", &self.format).finish_non_exhaustive()
    }
}

impl<F> Output<F> {
    /// Writes to `target`, which should not buffer.
    pub fn new(format: F, target: Box<dyn Write + Send>, reporter: Reporter) -> Self {
        Self { format, target, notices: Notices::new(reporter), torn: false }
    }

    /// Writes to standard output.
    pub fn stdout(format: F, reporter: Reporter) -> Self {
        Self::new(format, Box::new(io::stdout()), reporter)
    }

    /// Appends to a file, which is created for its owner alone if need be.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn file(format: F, path: &Path, reporter: Reporter) -> anyhow::Result<Self> {
        let file =
            crate::files::append(path).with_context(|| format!("cannot open the output file {}", path.display()))?;
        Ok(Self::new(format, Box::new(file), reporter))
    }
}

/// Which lines are written.
enum Part<'a, T> {
    Batch(&'a [T]),
    Idle,
    Rest,
}

impl<F> Output<F> {
    fn write<T: Item>(&mut self, part: &Part<'_, T>) -> Delivery
    where
        F: Format<T>,
    {
        let (items, lines) = match part {
            Part::Batch(batch) => (weight(batch), self.format.render(batch)),
            Part::Idle => (0, self.format.idle()),
            Part::Rest => (0, self.format.finish()),
        };
        if lines.is_empty() {
            return Delivery { exported: items, ..Delivery::default() };
        }
        // After half a line, an end of line keeps the next one readable.
        let mend: &[u8] = if self.torn { b"\n" } else { b"" };
        match self.target.write_all(mend).and_then(|()| self.target.write_all(lines)).and_then(|()| self.target.flush())
        {
            Ok(()) => {
                self.torn = false;
                self.notices.works();
                Delivery { exported: items, ..Delivery::default() }
            }
            // The reader has seen enough (`| head`): not an error, the end.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                Delivery { failed: items, ended: true, ..Delivery::default() }
            }
            Err(error) => {
                self.torn = true;
                self.notices.fails(&format!("cannot write spans: {error}"));
                Delivery { failed: items, ..Delivery::default() }
            }
        }
    }
}

impl<T: Item, F: Format<T>> Sink<T> for Output<F> {
    async fn deliver(&mut self, batch: Vec<T>) -> Delivery {
        self.write(&Part::Batch(&batch))
    }

    fn idle_after(&self) -> Option<Duration> {
        self.format.idle_after()
    }

    async fn idle(&mut self) -> Delivery {
        self.write(&Part::<T>::Idle)
    }

    async fn finish(&mut self) -> Delivery {
        self.write(&Part::<T>::Rest)
    }
}
