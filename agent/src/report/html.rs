//! HTML in which text stays text: everything that comes from elsewhere is escaped, cut to a length, and shown without characters that
//! do something else than show themselves.

use std::fmt::{Display, Write as _};

use crate::shown::clean;

/// Longest text, characters.
const MAX_TEXT: usize = 2000;

/// A page under construction.
#[derive(Debug)]
pub struct Html {
    out: String,
}

/// Escapes text for elements and quoted attributes.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in clean(text, MAX_TEXT).chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            char => out.push(char),
        }
    }
    out
}

/// A cell of a table.
#[derive(Clone, Debug)]
pub struct Cell {
    text: String,
    class: &'static str,
}

impl Cell {
    /// Text, on the left.
    #[must_use]
    pub fn text(text: impl Display) -> Self {
        Self { text: text.to_string(), class: "" }
    }

    /// A number, on the right.
    #[must_use]
    pub fn number(text: impl Display) -> Self {
        Self { text: text.to_string(), class: "number" }
    }

    /// In red, if it is bad.
    #[must_use]
    pub fn bad(self, is_bad: bool) -> Self {
        let class = match (is_bad, self.class) {
            (false, class) => class,
            (true, "number") => "number bad",
            (true, _) => "bad",
        };
        Self { class, ..self }
    }
}

impl Html {
    /// A page with a title.
    #[must_use]
    pub fn new(title: &str) -> Self {
        let style = include_str!("style.css");
        let out = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n",
            escaped(title)
        );
        Self { out }
    }

    /// Our own markup.
    pub fn raw(&mut self, markup: &str) {
        self.out.push_str(markup);
    }

    /// A heading.
    pub fn heading(&mut self, level: u8, text: &str) {
        let _ = writeln!(self.out, "<h{level}>{}</h{level}>", escaped(text));
    }

    /// A paragraph.
    pub fn paragraph(&mut self, text: &str) {
        let _ = writeln!(self.out, "<p>{}</p>", escaped(text));
    }

    /// A part of the page with a name to link to.
    pub fn section(&mut self, id: &'static str, title: &str, body: impl FnOnce(&mut Self)) {
        let _ = writeln!(self.out, "<section id=\"{id}\">\n<h2>{}</h2>", escaped(title));
        body(self);
        self.raw("</section>\n");
    }

    /// A part that is closed at first.
    pub fn details(&mut self, summary: &str, body: impl FnOnce(&mut Self)) {
        let _ = writeln!(self.out, "<details>\n<summary>{}</summary>", escaped(summary));
        body(self);
        self.raw("</details>\n");
    }

    /// A table.
    pub fn table(&mut self, titles: &[&str], rows: impl Iterator<Item = Vec<Cell>>) {
        self.raw("<div class=\"wide\"><table>\n<thead><tr>");
        for title in titles {
            let _ = write!(self.out, "<th scope=\"col\">{}</th>", escaped(title));
        }
        self.raw("</tr></thead>\n<tbody>\n");
        for row in rows {
            self.raw("<tr>");
            for cell in row {
                let _ = match cell.class {
                    "" => write!(self.out, "<td>{}</td>", escaped(&cell.text)),
                    class => write!(self.out, "<td class=\"{class}\">{}</td>", escaped(&cell.text)),
                };
            }
            self.raw("</tr>\n");
        }
        self.raw("</tbody></table></div>\n");
    }

    /// The whole page.
    #[must_use]
    pub fn finish(mut self) -> String {
        self.raw("</main>\n</body>\n</html>\n");
        self.out
    }
}
