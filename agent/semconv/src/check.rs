//! Is what was emitted in the registry, and as the registry has it? For tests, which say what is wrong.

use crate::attribute::{self, Type};
use crate::group::{Event, Sign, Span, SpanKind, Use};
use crate::instrument::{Instrument, Kind};
use crate::registry::{metrics, resources, spans};

/// An attribute that was emitted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Emitted<'a> {
    /// Its name.
    pub name: &'a str,
    /// The type of its value.
    pub kind: Type,
    /// Its value, if it is a text.
    pub text: Option<&'a str>,
}

/// What OTLP says a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A sum.
    Sum {
        /// Whether it only grows.
        is_monotonic: bool,
    },
    /// The last value.
    Gauge,
    /// A distribution.
    Histogram,
}

impl From<Kind> for Shape {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Counter | Kind::Total | Kind::UpDown => Self::Sum { is_monotonic: kind.is_monotonic() },
            Kind::Gauge => Self::Gauge,
            Kind::Histogram(_) => Self::Histogram,
        }
    }
}

/// The entry of a span.
///
/// # Errors
/// When there is none, or when an attribute is not in it, or has another type.
pub fn span(kind: SpanKind, name: &str, attributes: &[Emitted<'_>]) -> Result<&'static Span, String> {
    let is_signed = |span: &Span| match span.sign {
        Sign::Name(names) => names.contains(&name),
        Sign::Attribute(key) => attributes.iter().any(|one| one.name == key),
        Sign::Value(key, value) => attributes.iter().any(|one| one.name == key && one.text == Some(value)),
    };
    let found = spans::SPANS.iter().chain(spans::OWN).find(|span| span.kinds.contains(&kind) && is_signed(span));
    let span = *found.ok_or_else(|| format!("no span of the registry: {kind:?} {name:?}"))?;
    let at_this_end = |one: &Use| match kind {
        SpanKind::Server => !one.server.is_empty(),
        SpanKind::Client => !one.client.is_empty(),
        SpanKind::Internal => true,
    };
    let allowed: Vec<&str> = span.all().filter(|one| at_this_end(one)).map(|one| one.name).collect();
    attributes
        .iter()
        .try_for_each(|one| listed(one, &allowed))
        .map_err(|error| format!("{kind:?} {name:?}: {error}"))?;
    Ok(span)
}

/// The entry of a metric; `attributes`: of one of its points.
///
/// # Errors
/// When there is none, or when its unit, its shape, the type of its values or an attribute is another.
pub fn metric(
    name: &str,
    unit: &str,
    shape: Shape,
    is_integer: Option<bool>,
    attributes: &[Emitted<'_>],
) -> Result<&'static Instrument, String> {
    let metric = metrics::CATALOG.iter().find(|one| one.name == name);
    let metric = metric.ok_or_else(|| format!("no metric of the registry: {name:?}"))?;
    // Of a distribution only the sum is told, which is no integer.
    let is_integer = is_integer.unwrap_or(metric.is_integer);
    let (there, expected) = ((unit, shape, is_integer), (metric.unit, Shape::from(metric.kind), metric.is_integer));
    if there != expected {
        return Err(format!("metric {name:?}: {there:?}, the registry has {expected:?}"));
    }
    let allowed: Vec<&str> = metric.all_attributes().chain([crate::OTEL_METRIC_OVERFLOW]).collect();
    attributes.iter().try_for_each(|one| listed(one, &allowed)).map_err(|error| format!("metric {name:?}: {error}"))?;
    Ok(metric)
}

/// The entry of a log record.
///
/// # Errors
/// When there is none, or when an attribute is not in it, or has another type.
pub fn event(name: &str, attributes: &[Emitted<'_>]) -> Result<&'static Event, String> {
    let event = resources::EVENTS.iter().find(|event| event.name == name);
    let event = *event.ok_or_else(|| format!("no log record of the registry: {name:?}"))?;
    let allowed: Vec<&str> = event.uses.iter().map(|one| one.name).collect();
    attributes.iter().try_for_each(|one| listed(one, &allowed)).map_err(|error| format!("log {name:?}: {error}"))?;
    Ok(event)
}

/// Whether attributes are those of a resource. A target may have others in its `OTEL_RESOURCE_ATTRIBUTES`, which are texts,
/// and replace some that wirespan would set; but none whose name begins like wirespan's own.
///
/// # Errors
/// When one has another type than the registry says, or is wirespan's and not in it.
pub fn resource(attributes: &[Emitted<'_>]) -> Result<(), String> {
    let allowed: Vec<&str> = resources::RESOURCES.iter().flat_map(|one| one.uses).map(|one| one.name).collect();
    for one in attributes {
        let is_foreign = !one.name.starts_with("wirespan.") && !allowed.contains(&one.name);
        if !(is_foreign && one.kind == Type::String) {
            listed(one, &allowed).map_err(|error| format!("resource: {error}"))?;
        }
    }
    Ok(())
}

/// One of those that are allowed, with the type that it must have.
fn listed(emitted: &Emitted<'_>, allowed: &[&str]) -> Result<(), String> {
    let Emitted { name, kind, .. } = *emitted;
    let entry = attribute::find(name).ok_or_else(|| format!("attribute {name:?} is not in the registry"))?;
    if entry.kind != kind {
        return Err(format!("attribute {name:?} is {kind}, the registry has {}", entry.kind));
    }
    if !allowed.contains(&entry.name) {
        return Err(format!("attribute {name:?} does not belong here by the registry"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text<'a>(name: &'a str, text: &'a str) -> Emitted<'a> {
        Emitted { name, kind: Type::String, text: Some(text) }
    }

    #[test]
    fn what_is_in_the_registry_passes_and_what_is_not_is_named() {
        let method = text("http.request.method", "GET");
        assert_eq!(span(SpanKind::Server, "GET", &[method, text("http.route", "/")]).map(|span| span.id), Ok("http"));
        let error = |kind, name, attributes: &[Emitted<'_>]| span(kind, name, attributes).unwrap_err();
        assert!(error(SpanKind::Client, "GET", &[method, text("http.route", "/")]).contains("\"http.route\" does not"));
        assert!(
            error(SpanKind::Server, "GET", &[method, text("http.toute", "/")]).contains("\"http.toute\" is not in")
        );
        let number = Emitted { name: "http.route", kind: Type::Int, text: None };
        assert!(error(SpanKind::Server, "GET", &[method, number]).contains("is int, the registry has string"));
        assert!(error(SpanKind::Server, "GET", &[]).contains("no span"));
        assert!(error(SpanKind::Internal, "GET", &[method]).contains("no span"));
        let redis = span(SpanKind::Client, "GET", &[text("db.system.name", "redis")]);
        assert_eq!(redis.map(|span| span.id), Ok("redis"));
        assert_eq!(span(SpanKind::Internal, "TLS server handshake", &[]).map(|span| span.id), Ok("TLS handshake"));
    }

    #[test]
    fn metrics_have_their_unit_shape_and_attributes() {
        let grows = Shape::Sum { is_monotonic: true };
        assert!(metric("wirespan.tcp.io", "By", grows, Some(true), &[text("wirespan.role", "client")]).is_ok());
        assert!(metric("wirespan.tcp.oi", "By", grows, Some(true), &[]).is_err());
        assert!(metric("wirespan.tcp.io", "s", grows, Some(true), &[]).is_err());
        assert!(metric("wirespan.tcp.io", "By", Shape::Gauge, Some(true), &[]).is_err());
        assert!(metric("wirespan.tcp.io", "By", grows, Some(false), &[]).is_err());
        assert!(metric("wirespan.tcp.io", "By", grows, Some(true), &[text("http.route", "/")]).is_err());
    }

    #[test]
    fn numbers_of_findings_have_any_name() {
        let number = |name| Emitted { name, kind: Type::Double, text: None };
        assert!(event("wirespan.advice", &[number("wirespan.advice.setup_share")]).is_ok());
        assert!(event("wirespan.advice", &[number("wirespan.advice.")]).is_err());
        assert!(event("wirespan.advice", &[number("wirespan.advice.kind")]).is_err(), "an exact name comes first");
        assert!(event("wirespan.other", &[]).is_err());
    }

    #[test]
    fn a_target_may_say_what_it_likes_of_itself() {
        assert_eq!(resource(&[text("team", "shop"), text("service.name", "web")]), Ok(()));
        assert!(resource(&[text("process.pid", "7")]).is_err());
        assert!(resource(&[text("wirespan.team", "shop")]).is_err());
        assert!(resource(&[Emitted { name: "team", kind: Type::Int, text: None }]).is_err());
    }
}
