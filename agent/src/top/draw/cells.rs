//! Texts in cells: how wide, how much of them, on which side; and small pictures of numbers.

use ratatui::style::Style as Look;
use ratatui::text::{Line, Span};

use crate::export::console::fit::{middle, width};
use crate::shown::clean;

/// Longest foreign text that is looked at, characters: a name of a megabyte costs no more than this.
const MAX_TEXT: usize = 512;

/// A line under construction.
#[derive(Debug, Default)]
pub struct Cells {
    spans: Vec<Span<'static>>,
}

impl Cells {
    /// A foreign text in `cells` cells, on the left.
    pub fn left(&mut self, text: &str, cells: usize, look: Look) -> &mut Self {
        let text = clean(text, MAX_TEXT);
        let short = middle(&text, cells);
        let blank = cells.saturating_sub(width(&short));
        self.raw(format!("{short}{:blank$}", ""), look)
    }

    /// A number in `cells` cells, on the right.
    pub fn right(&mut self, text: &str, cells: usize, look: Look) -> &mut Self {
        let blank = cells.saturating_sub(width(text));
        self.raw(format!("{:blank$}{text}", ""), look)
    }

    /// Our own text as it is.
    pub fn raw(&mut self, text: impl Into<String>, look: Look) -> &mut Self {
        self.spans.push(Span::styled(text.into(), look));
        self
    }

    /// Blank cells.
    pub fn gap(&mut self, cells: usize) -> &mut Self {
        self.raw(" ".repeat(cells), Look::new())
    }

    /// The line.
    #[must_use]
    pub fn line(self) -> Line<'static> {
        Line::from(self.spans)
    }
}

/// A rate with three digits: `0.2`, `12.4`, `1.2k`.
#[must_use]
pub fn rate(per_second: f64) -> String {
    match per_second {
        rate if rate >= 999_500.0 => format!("{:.1}M", rate / 1e6),
        rate if rate >= 9_995.0 => format!("{:.0}k", rate / 1e3),
        rate if rate >= 999.5 => format!("{:.1}k", rate / 1e3),
        rate if rate >= 99.95 => format!("{rate:.0}"),
        rate if rate >= 9.995 => format!("{rate:.1}"),
        rate => format!("{rate:.2}"),
    }
}

/// A share as `0`, `0.4%`, `12%`.
#[must_use]
pub fn percent(share: f64) -> String {
    match share * 100.0 {
        percent if percent <= 0.0 => "0".to_owned(),
        percent if percent < 0.1 => "<0.1%".to_owned(),
        percent if percent < 9.95 => format!("{percent:.1}%"),
        percent => format!("{percent:.0}%"),
    }
}

/// Bytes as `12.4 MiB`.
#[must_use]
pub fn bytes(bytes: f64) -> String {
    match bytes {
        bytes if bytes >= 1_073_741_824.0 => format!("{:.1} GiB", bytes / 1_073_741_824.0),
        bytes if bytes >= 1_048_576.0 => format!("{:.1} MiB", bytes / 1_048_576.0),
        bytes => format!("{:.0} KiB", bytes / 1024.0),
    }
}

/// A duration in as few cells as possible: `412µs`, `1.2ms`, `12s`.
#[must_use]
pub fn short(ns: u64) -> String {
    crate::view::text::duration(ns).replace(' ', "")
}

/// Counts of seconds in `cells` cells; the busiest is as high as a cell.
#[must_use]
pub fn sparkline(seconds: &[[u32; 2]], cells: usize) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    if cells == 0 || seconds.is_empty() {
        return String::new();
    }
    let each = seconds.len().div_ceil(cells);
    let sums: Vec<u64> =
        seconds.rchunks_exact(each).map(|part| part.iter().map(|[count, _]| u64::from(*count)).sum()).collect();
    let most = sums.iter().copied().max().unwrap_or_default().max(1);
    let bar = |sum: u64| match sum {
        0 => ' ',
        sum => BARS[((sum * 8).div_ceil(most) as usize).clamp(1, 8) - 1],
    };
    let text: String = sums.iter().rev().map(|sum| bar(*sum)).collect();
    format!("{text:>cells$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (number, expected) in [(0.0, "0.00"), (12.44, "12.4"), (999.4, "999"), (1_234.0, "1.2k"), (98_765.0, "99k")]
        {
            assert_eq!(rate(number), expected);
        }
        for (share, expected) in [(0.0, "0"), (0.0004, "<0.1%"), (0.014, "1.4%"), (0.96, "96%"), (1.0, "100%")] {
            assert_eq!(percent(share), expected);
        }
        assert_eq!((short(412_000), bytes(13_002_342.4)), ("412µs".to_owned(), "12.4 MiB".to_owned()));
    }

    #[test]
    fn a_sparkline_has_as_many_cells_as_asked_for() {
        let mut seconds = vec![[0, 0]; 60];
        seconds[59] = [8, 0];
        seconds[54] = [1, 0];
        assert_eq!(sparkline(&seconds, 12), "          ▁█");
        for cells in [1, 7, 20, 60] {
            assert_eq!(sparkline(&seconds, cells).chars().count(), cells);
        }
    }

    #[test]
    fn hostile_texts_cost_little_and_do_nothing() {
        let mut cells = Cells::default();
        cells.left(&format!("{}{}", crate::shown::testing::HOSTILE, "x".repeat(1 << 20)), 20, Look::new());
        let line = cells.line();
        assert_eq!(line.width(), 20);
        assert!(crate::shown::testing::is_harmless(&line.to_string()));
    }
}
