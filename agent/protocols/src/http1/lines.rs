//! Lines out of segments (RFC 9112, section 2.2): CRLF, or a bare LF.

use super::newline::find_newline;

/// Longest line that is kept; of a longer one the beginning and the last [`KEPT_END`] bytes (an HTTP version).
pub(super) const MAX_LINE: usize = 8192;
const KEPT_END: usize = 16;

/// One line, without its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// From its beginning.
    Whole(&'a [u8]),
    /// From its beginning, with a part in the middle left out.
    Long(&'a [u8]),
    /// The end of a line whose beginning was lost in a gap.
    Cut(&'a [u8]),
}

/// Puts lines together. Copies only lines that are split over segments.
#[derive(Debug, Default)]
pub(super) struct Lines {
    carry: Vec<u8>,
    /// `carry` holds a line that was handed out: it goes with the next call.
    spent: bool,
    /// The beginning of the current line was lost.
    cut: bool,
    /// The middle of the current line was left out.
    long: bool,
}

impl Lines {
    /// The first line of `bytes` and how many of them it takes, its end included; or keeps them all for later.
    #[inline]
    pub(super) fn next<'a>(&'a mut self, bytes: &'a [u8]) -> Option<(Line<'a>, usize)> {
        if self.carry.is_empty()
            && !self.cut
            && let Some(at) = find_newline(bytes)
        {
            self.spent = false;
            return Some((Line::Whole(without_cr(bytes.get(..at).unwrap_or_default())), at + 1));
        }
        self.join(bytes)
    }

    /// The same for a line that is split over segments.
    fn join<'a>(&'a mut self, bytes: &'a [u8]) -> Option<(Line<'a>, usize)> {
        if self.spent {
            self.reset();
        }
        let Some(at) = find_newline(bytes) else {
            self.append(bytes);
            return None;
        };
        let line = bytes.get(..at).unwrap_or_default();
        if self.carry.is_empty() && !self.cut {
            return Some((Line::Whole(without_cr(line)), at + 1));
        }
        self.append(line);
        self.spent = true;
        let text = without_cr(&self.carry);
        let line = match (self.cut, self.long) {
            (true, _) => Line::Cut(text),
            (false, true) => Line::Long(text),
            (false, false) => Line::Whole(text),
        };
        Some((line, at + 1))
    }

    /// Whether the next byte is the first one of a line.
    pub(super) fn at_start(&self) -> bool {
        (self.carry.is_empty() || self.spent) && !self.cut
    }

    /// The beginning of a line that is not complete yet.
    pub(super) fn partial(&self) -> &[u8] {
        if self.spent || self.cut { &[] } else { &self.carry }
    }

    /// Bytes were lost: the rest of the current line will come as [`Line::Cut`].
    pub(super) fn cut(&mut self) {
        self.reset();
        self.cut = true;
    }

    /// Forgets the current line.
    pub(super) fn reset(&mut self) {
        self.carry.clear();
        self.spent = false;
        self.cut = false;
        self.long = false;
    }

    /// Heap bytes held.
    pub(super) fn heap_bytes(&self) -> usize {
        self.carry.capacity()
    }

    /// Gives the buffer back if no line is in it.
    pub(super) fn shrink(&mut self) {
        if self.spent || self.carry.is_empty() {
            let cut = self.cut && !self.spent;
            *self = Self { cut, ..Self::default() };
        }
    }

    fn append(&mut self, bytes: &[u8]) {
        if self.carry.len() + bytes.len() <= MAX_LINE {
            self.carry.extend_from_slice(bytes);
            return;
        }
        let room = (MAX_LINE - KEPT_END).saturating_sub(self.carry.len());
        let (head, tail) = bytes.split_at(room.min(bytes.len()));
        self.carry.extend_from_slice(head);
        self.long = true;
        // The last bytes of what is held beyond the fixed beginning and of what is new.
        let mut end = self.carry.split_off((MAX_LINE - KEPT_END).min(self.carry.len()));
        end.extend_from_slice(tail.get(tail.len().saturating_sub(KEPT_END)..).unwrap_or_default());
        self.carry.extend_from_slice(end.get(end.len().saturating_sub(KEPT_END)..).unwrap_or_default());
    }
}

/// A line without its CRLF or LF.
pub(super) fn without_end(line: &[u8]) -> &[u8] {
    without_cr(line.strip_suffix(b"\n").unwrap_or(line))
}

fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_out_the_same_however_they_are_split() {
        for split in 0..13 {
            let (mut lines, mut got) = (Lines::default(), Vec::new());
            for mut bytes in [&b"ab\r\n\r\nc\nrest"[..split], &b"ab\r\n\r\nc\nrest"[split..]] {
                while let Some((line, used)) = lines.next(bytes) {
                    let Line::Whole(line) = line else { panic!("{line:?}") };
                    got.push(line.to_vec());
                    bytes = &bytes[used..];
                }
            }
            assert_eq!(got, [&b"ab"[..], b"", b"c"], "split at {split}");
            assert_eq!(lines.partial(), b"rest");
        }
    }

    #[test]
    fn a_long_line_keeps_its_beginning_and_its_end() {
        let mut long = b"GET /".to_vec();
        long.resize(MAX_LINE * 3, b'a');
        long.extend_from_slice(b" HTTP/1.0\r\n");
        for size in [1, 7, 1000, MAX_LINE * 2] {
            let (mut lines, mut seen) = (Lines::default(), false);
            for bytes in long.chunks(size) {
                if let Some((Line::Long(text), _)) = lines.next(bytes) {
                    assert!(text.starts_with(b"GET /aaa") && text.ends_with(b" HTTP/1.0") && text.len() <= MAX_LINE);
                    seen = true;
                }
            }
            assert!(seen, "in pieces of {size}");
        }
    }
}
