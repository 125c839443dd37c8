//! Attribute sets, each with its resource, kept once however many metrics have a series for it.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::catalog::Metric;
use super::label::{self, Label};
use crate::trace::span::{Attribute, Resource};

/// Place of a set.
pub(super) type SetId = u32;
/// Tells a set from those that were at its place before.
pub(super) type Serial = u64;
/// Place of a series.
pub(super) type SeriesId = u32;

/// One set, and the series that have it.
#[derive(Debug)]
pub(super) struct Set {
    pub(super) hash: u64,
    pub(super) serial: Serial,
    pub(super) resource: Arc<Resource>,
    pub(super) attributes: Arc<[Attribute]>,
    /// Few: the metrics of one recorder.
    pub(super) series: Vec<(Metric, SeriesId)>,
}

impl Set {
    /// Whether it is the set of these.
    pub(super) fn is(&self, resource: &Arc<Resource>, labels: &[Label<'_>]) -> bool {
        Arc::ptr_eq(&self.resource, resource) && label::equal(labels, &self.attributes)
    }
}

/// Every set, by resource and attributes.
#[derive(Debug, Default)]
pub(super) struct Sets {
    /// Seeded: values come from the network, and nobody should be able to make them collide.
    hasher: DefaultHashBuilder,
    table: HashTable<SetId>,
    sets: Vec<Option<Set>>,
    free: Vec<SetId>,
    /// Sets so far.
    begun: Serial,
}

impl Sets {
    pub(super) fn hash(&self, resource: &Arc<Resource>, labels: &[Label<'_>]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write_usize(Arc::as_ptr(resource).addr());
        label::hash(labels, &mut hasher);
        hasher.finish()
    }

    pub(super) fn find(&self, hash: u64, resource: &Arc<Resource>, labels: &[Label<'_>]) -> Option<SetId> {
        let same = |id: &SetId| self.get(*id).is_some_and(|set| set.hash == hash && set.is(resource, labels));
        self.table.find(hash, same).copied()
    }

    /// Keeps a set that is not there yet. The resource is kept with it, so that its address stays its own.
    pub(super) fn insert(&mut self, hash: u64, resource: &Arc<Resource>, labels: &[Label<'_>]) -> SetId {
        self.begun += 1;
        let set = Set {
            hash,
            serial: self.begun,
            resource: Arc::clone(resource),
            attributes: label::keep(labels),
            series: Vec::with_capacity(1),
        };
        let id = match self.free.pop() {
            Some(id) => id,
            None => {
                self.sets.push(None);
                (self.sets.len() - 1) as SetId
            }
        };
        self.sets[id as usize] = Some(set);
        let sets = &self.sets;
        self.table.insert_unique(hash, id, |id| sets[*id as usize].as_ref().map_or(0, |set| set.hash));
        id
    }

    pub(super) fn get(&self, id: SetId) -> Option<&Set> {
        self.sets.get(id as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, id: SetId) -> Option<&mut Set> {
        self.sets.get_mut(id as usize)?.as_mut()
    }

    /// Takes a series out of its set, which goes with its last one.
    pub(super) fn release(&mut self, id: SetId, metric: Metric) {
        let Some(set) = self.get_mut(id) else { return };
        set.series.retain(|(other, _)| *other != metric);
        if !set.series.is_empty() {
            return;
        }
        let hash = set.hash;
        if let Ok(entry) = self.table.find_entry(hash, |other| *other == id) {
            entry.remove();
        }
        self.sets[id as usize] = None;
        self.free.push(id);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }
}
