//! Markdown tables.

/// A table being written.
pub struct Table(String);

impl Table {
    /// With the titles of its columns.
    pub fn new(titles: &[&str]) -> Self {
        let mut table = Self(String::new());
        table.line(titles);
        table.0.push_str(&"|---".repeat(titles.len()));
        table.0.push_str("|\n");
        table
    }

    /// Adds a row.
    pub fn row(&mut self, cells: &[String]) {
        self.line(cells);
    }

    fn line(&mut self, cells: &[impl AsRef<str>]) {
        for cell in cells {
            let text = cell.as_ref().trim().replace('|', "\\|");
            self.0.push_str("| ");
            self.0.push_str(&text);
            if !text.is_empty() {
                self.0.push(' ');
            }
        }
        self.0.push_str("|\n");
    }

    /// What was written.
    pub fn finish(self) -> String {
        self.0
    }
}

/// A name as code.
pub fn code(name: &str) -> String {
    format!("`{name}`")
}

/// Names as code, between commas.
pub fn codes<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(code).collect::<Vec<_>>().join(", ")
}
