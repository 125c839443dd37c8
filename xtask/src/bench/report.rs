//! What a measurement answers: rows of a table, and medians.

use std::fmt;

/// The head of the table.
pub const HEADER: &str = "| what | measured | goal | met |\n|---|---|---|---|";

/// A table that has columns of its own, as Markdown.
pub struct Table {
    text: String,
}

impl Table {
    /// Its columns; all but the first `texts` of them hold numbers.
    pub fn new(columns: &[&str], texts: usize) -> Self {
        let rules = (0..columns.len()).map(|at| if at < texts { "---" } else { "---:" });
        let mut table = Self { text: String::new() };
        table.row(columns.iter().copied());
        table.row(rules);
        table
    }

    /// One more line.
    pub fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) {
        for cell in cells {
            self.text.push_str("| ");
            self.text.push_str(cell.as_ref());
            self.text.push(' ');
        }
        self.text.push_str("|\n");
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// One line of the table.
pub struct Row {
    what: String,
    measured: String,
    goal: String,
    met: Option<bool>,
}

impl Row {
    /// A number that has a goal.
    pub fn goal(what: impl Into<String>, measured: impl Into<String>, goal: impl Into<String>, met: bool) -> Self {
        Self { what: what.into(), measured: measured.into(), goal: goal.into(), met: Some(met) }
    }

    /// A number that explains another.
    pub fn note(what: impl Into<String>, measured: impl Into<String>) -> Self {
        Self { what: what.into(), measured: measured.into(), goal: String::new(), met: None }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let met = match self.met {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "",
        };
        write!(f, "| {} | {} | {} | {met} |", self.what, self.measured, self.goal)
    }
}

/// The middle value; of none, not a number.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle), values.len() % 2) {
        (Some(&upper), 0) => (upper + values.get(middle.wrapping_sub(1)).copied().unwrap_or(upper)) / 2.0,
        (Some(&value), _) => value,
        (None, _) => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::{Table, median};

    #[test]
    fn a_table_is_markdown() {
        let mut table = Table::new(&["what", "µs"], 1);
        table.row(["a", "1"]);
        assert_eq!(table.to_string(), "| what | µs |\n| --- | ---: |\n| a | 1 |\n");
    }

    #[test]
    fn a_median_is_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median([]).is_nan());
    }
}
