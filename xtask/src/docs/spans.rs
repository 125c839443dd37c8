//! The tables of `docs/spans.md`: attributes of spans and resources.

use anyhow::{Context as _, Result};
use wirespan_semconv::group::{Sign, Span, SpanKind, Use};
use wirespan_semconv::registry::{resources::RESOURCES, spans};

use super::table::{Table, code, codes};

/// What all spans of requests have.
pub fn request() -> String {
    uses(spans::REQUEST)
}

/// A span's own attributes.
pub fn of(id: &str) -> Result<String> {
    let span = spans::SPANS.iter().find(|span| span.id == id);
    Ok(uses(span.with_context(|| format!("there is no span {id:?}"))?.uses))
}

/// The parts of a connection's set-up.
pub fn children() -> String {
    let is_child = |span: &&&Span| span.kinds == [SpanKind::Internal] && span.id != "connection_setup";
    listed("child", spans::SPANS.iter().filter(is_child))
}

/// Spans of wirespan's own work.
pub fn own() -> String {
    listed("span", spans::OWN.iter())
}

/// A line for each span.
fn listed<'a>(what: &str, spans: impl Iterator<Item = &'a &'static Span>) -> String {
    let mut table = Table::new(&[what, "what it is", "attributes besides times"]);
    for span in spans {
        let attribute = |one: &Use| match one.note {
            "" => code(one.name),
            note => format!("{} ({note})", code(one.name)),
        };
        let attributes: Vec<String> = span.uses.iter().map(attribute).collect();
        let names = match span.sign {
            Sign::Name(names) => codes(names.iter().copied()),
            Sign::Attribute(_) | Sign::Value(..) => code(span.id),
        };
        table.row(&[names, span.brief.to_owned(), attributes.join(", ")]);
    }
    table.finish()
}

/// Attributes of a resource, and where they come from.
pub fn resource(id: &str) -> Result<String> {
    let found = RESOURCES.iter().find(|one| one.id == id).with_context(|| format!("there is no resource {id:?}"))?;
    let mut table = Table::new(&["attribute", "from"]);
    for one in found.uses {
        table.row(&[code(one.name), one.server.to_owned()]);
    }
    Ok(table.finish())
}

/// Two columns where an attribute is set for different reasons at the ends of a connection.
fn uses(uses: &[Use]) -> String {
    let differs = |one: &Use| one.server != one.client && !one.server.is_empty() && !one.client.is_empty();
    if uses.iter().any(differs) {
        let mut table = Table::new(&["attribute", "SERVER", "CLIENT", "note"]);
        for one in uses {
            table.row(&[code(one.name), one.server.to_owned(), one.client.to_owned(), one.note.to_owned()]);
        }
        return table.finish();
    }
    let mut table = Table::new(&["attribute", "when", "note"]);
    for one in uses {
        let when = match (one.server, one.client) {
            ("", client) => format!("CLIENT: {client}"),
            (server, "") => format!("SERVER: {server}"),
            (both, _) => both.to_owned(),
        };
        table.row(&[code(one.name), when, one.note.to_owned()]);
    }
    table.finish()
}
