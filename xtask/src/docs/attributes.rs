//! The table of every attribute.

use wirespan_semconv::registry::attributes::ATTRIBUTES;

use super::table::{Table, code};

/// Each attribute with what is said of it wherever it stands.
pub fn all() -> String {
    let mut table = Table::new(&["attribute", "what it is", "type", "stability", "values", "example", "source"]);
    for one in ATTRIBUTES {
        table.row(&[
            code(one.name),
            one.brief.trim().trim_end_matches('.').to_owned(),
            one.kind.to_string(),
            one.stability.to_string(),
            one.values.to_owned(),
            code(one.example),
            source(one.source),
        ]);
    }
    table.finish()
}

/// A page of the OpenTelemetry specifications, as a link; else a name.
fn source(source: &str) -> String {
    match source.trim_end_matches('/').rsplit_once('/') {
        Some((_, page)) => format!("[{page}](https://opentelemetry.io/docs/specs/{source})"),
        None => source.to_owned(),
    }
}
