//! The tables of `docs/metrics.md`.

use wirespan_semconv::instrument::{Instrument, Section};
use wirespan_semconv::registry::metrics::CATALOG;

use super::table::{Table, code, codes};

/// The metrics of a section.
pub fn of(section: Section) -> String {
    let metrics: Vec<&Instrument> = CATALOG.iter().filter(|one| one.section == section).collect();
    let common = section.attributes();
    let mut text = String::new();
    if !common.is_empty() {
        text = format!("Attributes of all of them: {}.\n\n", codes(common.iter().copied()));
    }
    let has_more = metrics.iter().any(|one| !one.attributes.is_empty());
    let mut titles = vec!["metric", "type", "unit", "stability", "meaning"];
    if has_more {
        titles.insert(4, if common.is_empty() { "attributes" } else { "further attributes" });
    }
    let mut table = Table::new(&titles);
    for one in metrics {
        let kind = one.kind.word().to_owned();
        let mut cells =
            vec![code(one.name), kind, one.unit.to_owned(), one.stability.to_string(), one.meaning.to_owned()];
        if has_more {
            cells.insert(4, codes(one.attributes.iter().copied()));
        }
        table.row(&cells);
    }
    text + &table.finish()
}
