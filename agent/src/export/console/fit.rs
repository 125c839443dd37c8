//! Text in the cells of a terminal: how wide it is, shortening, and a row that never grows past its width.

use std::borrow::Cow;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

const RESET: &str = "\x1b[0m";

/// Cells that a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text in at most `limit` cells. What is too long loses its middle, since both ends of a path, an address or a statement tell it
/// from its neighbours.
pub fn middle(text: &str, limit: usize) -> Cow<'_, str> {
    if width(text) <= limit {
        return Cow::Borrowed(text);
    }
    let Some(room) = limit.checked_sub(1) else { return Cow::Borrowed("") };
    let head = room.div_ceil(2);
    let (start, used) = prefix(text, head);
    let end = suffix(text, room - used.min(room));
    Cow::Owned(format!("{}…{}", start.trim_end(), end.trim_start()))
}

/// As much of the beginning as `limit` cells hold, and how many it takes.
fn prefix(text: &str, limit: usize) -> (&str, usize) {
    let mut used = 0;
    for (at, char) in text.char_indices() {
        let cells = char.width().unwrap_or(0);
        if used + cells > limit {
            return (&text[..at], used);
        }
        used += cells;
    }
    (text, used)
}

fn suffix(text: &str, limit: usize) -> &str {
    let mut used = 0;
    let mut from = text.len();
    for (at, char) in text.char_indices().rev() {
        used += char.width().unwrap_or(0);
        if used > limit {
            break;
        }
        from = at;
    }
    &text[from..]
}

/// One line under construction.
#[derive(Debug)]
pub struct Row<'a> {
    out: &'a mut String,
    colour: bool,
    left: usize,
    /// Blank cells that are written once something follows them.
    pending: usize,
}

impl<'a> Row<'a> {
    /// A row of at most `limit` cells.
    pub fn new(out: &'a mut String, colour: bool, limit: usize) -> Self {
        Self { out, colour, left: limit, pending: 0 }
    }

    /// Cells that are still free.
    pub fn left(&self) -> usize {
        self.left
    }

    /// Blank cells that nothing followed yet.
    pub fn waiting(&self) -> usize {
        self.pending
    }

    /// Text in a colour; what finds no room is cut off.
    pub fn put(&mut self, colour: &str, text: &str) {
        if text.is_empty() {
            return;
        }
        let (text, used) = prefix(text, self.left.saturating_sub(self.pending));
        if text.is_empty() {
            return;
        }
        self.left -= self.pending + used;
        for _ in 0..std::mem::take(&mut self.pending) {
            self.out.push(' ');
        }
        let coloured = self.colour && !colour.is_empty();
        if coloured {
            self.out.push_str(colour);
        }
        self.out.push_str(text);
        if coloured {
            self.out.push_str(RESET);
        }
    }

    /// Blank cells, unless nothing follows.
    pub fn gap(&mut self, cells: usize) {
        self.pending += cells;
    }

    /// A column: text on the left of `cells`, blank cells after it. Text that is too long pushes what follows.
    pub fn column(&mut self, colour: &str, text: &str, cells: usize) {
        self.put(colour, text);
        self.gap(cells.saturating_sub(width(text)));
    }

    /// The end of the line.
    pub fn end(self) {
        self.out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_left_out() {
        for (text, limit, expected) in [
            ("/api/v1/users/42", 16, "/api/v1/users/42"),
            ("/api/v1/users/42", 11, "/api/…rs/42"),
            ("abcdef", 2, "a…"),
            ("abcdef", 1, "…"),
            ("abcdef", 0, ""),
            ("SELECT a FROM b", 14, "SELECT…FROM b"),
            ("日本語テキスト", 9, "日本…スト"),
        ] {
            let short = middle(text, limit);
            assert_eq!(short, expected, "{text} in {limit}");
            assert!(width(&short) <= limit, "{short}");
        }
    }

    #[test]
    fn a_row_does_not_outgrow_its_width() {
        let mut out = String::new();
        let mut row = Row::new(&mut out, false, 8);
        row.column("", "ab", 4);
        row.put("", "日本語");
        row.put("", "x");
        row.gap(9);
        row.put("", "y");
        row.end();
        assert_eq!(out, "ab  日本\n");
        let mut out = String::new();
        let mut row = Row::new(&mut out, true, 80);
        row.column("\x1b[2m", "ab", 4);
        row.put("", "c");
        row.gap(3);
        row.end();
        assert_eq!(out, "\x1b[2mab\x1b[0m  c\n");
    }
}
