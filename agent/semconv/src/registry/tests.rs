use std::collections::BTreeSet;

use super::attributes::ATTRIBUTES;
use super::metrics::{CATALOG, Metric};
use super::{resources, spans};
use crate::attribute::Stability;
use crate::instrument::Kind;

#[test]
fn names_are_unique_and_follow_the_rules() {
    let names: BTreeSet<_> = ATTRIBUTES.iter().map(|one| one.name).collect();
    assert_eq!(names.len(), ATTRIBUTES.len());
    for one in ATTRIBUTES {
        let is_lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._<>".contains(c);
        assert!(one.name.chars().all(is_lower), "{}", one.name);
        assert!(one.brief.trim().ends_with('.') && !one.example.is_empty() && !one.source.is_empty(), "{}", one.name);
        if one.name.starts_with("wirespan.") {
            assert_eq!((one.stability, one.source), (Stability::Own, "wirespan"), "{}", one.name);
        }
        assert_eq!(one.stability == Stability::Own, !one.source.ends_with('/'), "{}: {}", one.name, one.source);
    }
}

#[test]
fn metrics_are_unique_and_bounds_ascend() {
    let names: BTreeSet<_> = CATALOG.iter().map(|one| one.name).collect();
    assert_eq!((names.len(), Metric::ALL.len()), (CATALOG.len(), CATALOG.len()));
    for one in CATALOG {
        assert!(one.description.ends_with('.') && !one.meaning.is_empty(), "{}", one.name);
        assert_eq!(
            one.name.starts_with("wirespan."),
            one.stability == Stability::Own && !one.name.starts_with("traces_")
        );
        if let Kind::Histogram(bounds) = one.kind {
            assert!(bounds.windows(2).all(|pair| pair[0] < pair[1]), "{}", one.name);
        }
    }
}

/// Everything that carries attributes names some that there are, each once; and each attribute is carried by something.
#[test]
fn what_is_carried_is_defined_and_what_is_defined_is_carried() {
    let mut carried = BTreeSet::from([crate::OTEL_METRIC_OVERFLOW]);
    let mut check = |by: &str, names: Vec<&'static str>| {
        let unique: BTreeSet<_> = names.iter().copied().collect();
        assert_eq!(unique.len(), names.len(), "{by}: an attribute stands twice");
        carried.extend(unique);
    };
    spans::SPANS.iter().chain(spans::OWN).for_each(|span| check(span.id, span.all().map(|one| one.name).collect()));
    resources::RESOURCES.iter().for_each(|one| check(one.id, one.uses.iter().map(|one| one.name).collect()));
    resources::EVENTS.iter().for_each(|one| check(one.name, one.uses.iter().map(|one| one.name).collect()));
    CATALOG.iter().for_each(|one| check(one.name, one.all_attributes().collect()));
    assert_eq!(carried, ATTRIBUTES.iter().map(|one| one.name).collect());
}
