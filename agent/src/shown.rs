//! Foreign text made fit for people: the one place that decides what may reach a terminal, a log or a report.
//!
//! Names of services, paths, statements and error messages come from programs that nobody here wrote. Shown as they are,
//! an escape sequence could rename the terminal or hide text, a line feed could forge a line of the log, and marks of
//! writing direction could turn a name around.

use std::borrow::Cow;
use std::fmt::Write as _;

/// What stands in for a character that is not shown.
pub const HIDDEN: char = '·';

/// Whether a character does something else than show itself: moves the cursor, ends a line, turns text around, or is
/// invisible.
#[must_use]
pub fn is_unsafe(char: char) -> bool {
    char.is_control()
        || matches!(
            char,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// The text in one line, with [`HIDDEN`] for each character that is not safe.
#[must_use]
pub fn shown(text: &str) -> Cow<'_, str> {
    if text.contains(is_unsafe) { Cow::Owned(text.replace(is_unsafe, "·")) } else { Cow::Borrowed(text) }
}

/// Serialised JSON that says the same and can be shown: what is unsafe in its strings is written as an escape. Serialisers
/// do that for the control characters of ASCII alone.
#[must_use]
pub fn json(text: &str) -> Cow<'_, str> {
    let is_odd = |char: char| (!char.is_ascii() || char == '\u{7f}') && is_unsafe(char);
    if !text.contains(is_odd) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 64);
    for char in text.chars() {
        if is_odd(char) {
            for unit in char.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(char);
        }
    }
    Cow::Owned(out)
}

/// Appends at most `limit` characters of a text. White space is collapsed; what is cut is marked with `…`.
pub fn append(out: &mut String, text: &str, limit: usize) {
    let mut written = 0;
    let mut space = false;
    for char in text.trim().chars() {
        if char.is_whitespace() {
            space = true;
            continue;
        }
        if written + usize::from(space) >= limit {
            out.push('…');
            return;
        }
        if std::mem::take(&mut space) {
            out.push(' ');
            written += 1;
        }
        out.push(if is_unsafe(char) { HIDDEN } else { char });
        written += 1;
    }
}

/// [`append`] to a new string.
#[must_use]
pub fn clean(text: &str, limit: usize) -> String {
    let mut out = String::new();
    append(&mut out, text, limit);
    out
}

#[cfg(test)]
pub(crate) mod testing {
    /// A name that a hostile program could give itself: escape sequences of both kinds, forged lines, marks of direction.
    pub(crate) const HOSTILE: &str = "a\u{1b}[2J\u{9b}31m\u{7}\r\nwirespan: forged\u{2028}\u{202e}\u{2066}\u{200b}z";

    /// Whether a text, which may have lines, would leave a terminal alone.
    pub(crate) fn is_harmless(text: &str) -> bool {
        text.split('\n').all(|line| !line.contains(super::is_unsafe) && !line.starts_with("wirespan: forged"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testing::{HOSTILE, is_harmless};

    #[test]
    fn foreign_text_cannot_touch_the_terminal() {
        assert_eq!(clean("a\u{1b}[2J\u{7}b\u{9b}31m\u{202e}c", 80), "a·[2J·b·31m·c");
        assert_eq!(clean("  SELECT\n\t *  FROM t ", 80), "SELECT * FROM t");
        assert_eq!(clean("abcdef", 3), "abc…");
        assert_eq!(clean("abc", 3), "abc");
        assert_eq!(clean("żółw", 4), "żółw");
        assert_eq!(shown("a\nb\u{1b}c\u{2067}"), "a·b·c·");
        assert!(matches!(shown("żółw 🐢 → ok"), Cow::Borrowed("żółw 🐢 → ok")));
        assert!(!is_harmless(HOSTILE) && is_harmless(&shown(HOSTILE)) && is_harmless(&clean(HOSTILE, 200)));
    }

    #[test]
    fn json_stays_the_same_and_is_harmless() {
        let value = serde_json::json!({ "name": format!("{HOSTILE}\u{7f}\u{e0041}żółw") });
        for text in [format!("{value}"), format!("{value:#}")] {
            let shown = json(&text);
            assert!(is_harmless(&shown), "{shown:?}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
        }
    }

    #[test]
    fn every_mark_of_direction_and_every_control_character_is_unsafe() {
        let marks = "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}";
        let controls: String = ('\0'..' ').chain('\u{7f}'..='\u{9f}').collect();
        for char in marks.chars().chain(controls.chars()) {
            assert!(is_unsafe(char), "{char:?}");
        }
    }
}
