//! Every series, within limits: measurements in, snapshots out. No clock: times are those of the events.
//!
//! A measurement costs one look-up of its attributes, whatever the number of metrics that it goes to: see [`Key`].
//! What finds no room goes to the series of its resource that has the attribute `otel.metric.overflow`, so that sums stay
//! right whatever the attributes do.

use std::sync::Arc;

use wirespan_semconv as semconv;

use super::catalog::Metric;
use super::instrument::Kind;
use super::label::{Label, Text};
use super::series::{Data, Series};
use super::sets::{Serial, SeriesId, SetId, Sets};
use super::settings::{Reading, Settings};
use super::shares::Shares;
use super::snapshot::{Exemplar, Family, Group, Point, Snapshot, Temporality, Value};
use crate::trace::clock::Clock;
use crate::trace::span::Resource;

/// Most overflow series of a metric: one for each resource, and one of nobody for all others.
const MAX_OVERFLOWS: u32 = 128;
const OVERFLOW: [Label<'static>; 1] = [(semconv::OTEL_METRIC_OVERFLOW, Text::Bool(true))];
/// Most attributes of a measurement.
const MAX_LABELS: usize = 16;

/// Attributes of a measurement, looked up once for all metrics that it goes to.
#[derive(Clone, Copy, Debug)]
pub struct Key<'a> {
    resource: &'a Arc<Resource>,
    labels: &'a [Label<'a>],
    hash: u64,
    set: Option<SetId>,
    /// The service in whose share a new series counts.
    payer: &'a Arc<Resource>,
    /// How often the measurement counts.
    times: u64,
}

impl<'a> Key<'a> {
    /// New series count in the share of `service`, whosever resource they stand under.
    #[must_use]
    pub fn paid_by(self, service: &'a Arc<Resource>) -> Self {
        Self { payer: service, ..self }
    }

    /// The measurement stands for so many.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self { times, ..self }
    }
}

/// Where attributes were found last: for whoever measures the same ones again and again.
#[derive(Clone, Copy, Debug, Default)]
pub struct Near(Option<(SetId, Serial)>);

/// What a store has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Series now.
    pub series: u64,
    /// Measurements that went to an overflow series.
    pub overflows: u64,
    /// Series that were forgotten because nothing came.
    pub expired: u64,
}

/// See the module's text.
#[derive(Debug)]
pub struct Store {
    settings: Settings,
    sets: Sets,
    series: Vec<Option<Series>>,
    free: Vec<SeriesId>,
    shares: Shares,
    /// Overflow series of each metric.
    overflows: Vec<u32>,
    /// Whom series belong to that have no room under their own resource.
    nobody: Arc<Resource>,
    counts: Counts,
}

impl Store {
    /// An empty store. `nobody`: the resource of what overflows without having one of its own in the store.
    #[must_use]
    pub fn new(settings: Settings, nobody: Arc<Resource>) -> Self {
        Self {
            settings,
            sets: Sets::default(),
            series: Vec::new(),
            free: Vec::new(),
            shares: Shares::default(),
            overflows: vec![0; Metric::ALL.len()],
            nobody,
            counts: Counts::default(),
        }
    }

    /// What was counted.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Looks attributes up. They are kept only if a series of theirs begins.
    #[must_use]
    pub fn key<'a>(&self, resource: &'a Arc<Resource>, labels: &'a [Label<'a>]) -> Key<'a> {
        let hash = self.sets.hash(resource, labels);
        Key { resource, labels, hash, set: self.sets.find(hash, resource, labels), payer: resource, times: 1 }
    }

    /// As [`key`](Self::key), but looks first where they were the last time.
    #[must_use]
    pub fn key_near<'a>(&self, near: &mut Near, resource: &'a Arc<Resource>, labels: &'a [Label<'a>]) -> Key<'a> {
        if let Some((id, _)) = near.0
            && let Some(set) = self.sets.get(id)
            && set.is(resource, labels)
        {
            near.0 = Some((id, set.serial));
            return Key { resource, labels, hash: set.hash, set: Some(id), payer: resource, times: 1 };
        }
        let key = self.key(resource, labels);
        near.0 = key.set.and_then(|id| Some((id, self.sets.get(id)?.serial)));
        key
    }

    /// The key of what was measured last, for whoever knows that its attributes are the same as then: nothing is put together
    /// or compared but the resource. `None` where they have to be given.
    #[must_use]
    #[inline]
    pub fn key_again<'a>(&self, near: Near, resource: &'a Arc<Resource>) -> Option<Key<'a>> {
        let (id, serial) = near.0?;
        let set = self.sets.get(id)?;
        // Another set may have come to this place.
        let is_same = set.serial == serial && Arc::ptr_eq(&set.resource, resource);
        // Where a metric keeps few of its attributes, it asks for them.
        if !is_same || self.settings.keeps_few() {
            return None;
        }
        Some(Key { resource, labels: &[], hash: set.hash, set: Some(id), payer: resource, times: 1 })
    }

    /// Adds to a sum, sets a gauge, or puts a value into a distribution.
    #[inline]
    pub fn record(&mut self, metric: Metric, key: &mut Key<'_>, value: f64, at_ns: u64, exemplar: Option<Exemplar>) {
        // Nearly always there, and as it is.
        let id = match self.known(metric, key.set) {
            Some(id) if !self.settings.keeps_few() => id,
            _ => self.place(metric, key, at_ns),
        };
        if let Some(series) = self.series_mut(id) {
            series.updated_ns = series.updated_ns.max(at_ns);
            series.record(value, key.times, exemplar);
        }
    }

    /// Sets a sum to what it is.
    pub fn set(&mut self, metric: Metric, key: &mut Key<'_>, value: f64, at_ns: u64) {
        let id = self.place(metric, key, at_ns);
        if let Some(series) = self.series_mut(id) {
            series.updated_ns = series.updated_ns.max(at_ns);
            series.data = match series.data {
                Data::Last(_) => Data::Last(value),
                _ => Data::Sum(value),
            };
        }
    }

    /// Sets every series of a metric to zero, before what is there is counted anew.
    pub fn zero(&mut self, metric: Metric) {
        for series in self.series.iter_mut().flatten().filter(|series| series.metric == metric) {
            series.data = Data::new(metric.instrument().kind, self.settings.exponential);
        }
    }

    /// The series of a measurement: its own, a new one, or the overflow series.
    fn place(&mut self, metric: Metric, key: &mut Key<'_>, at_ns: u64) -> SeriesId {
        match self.settings.attributes_of(metric) {
            None => self.find_or_begin(metric, key, at_ns),
            Some(allowed) => {
                // Configured, so rare: it costs a second look-up.
                let mut few = [OVERFLOW[0]; MAX_LABELS];
                let mut count = 0;
                for label in key.labels.iter().filter(|(name, _)| allowed.iter().any(|one| **one == **name)) {
                    if let Some(place) = few.get_mut(count) {
                        *place = *label;
                        count += 1;
                    }
                }
                let mut key = self.key(key.resource, &few[..count]).paid_by(key.payer);
                self.find_or_begin(metric, &mut key, at_ns)
            }
        }
    }

    fn series_mut(&mut self, id: SeriesId) -> Option<&mut Series> {
        self.series.get_mut(id as usize)?.as_mut()
    }

    fn find_or_begin(&mut self, metric: Metric, key: &mut Key<'_>, at_ns: u64) -> SeriesId {
        if let Some(id) = self.known(metric, key.set) {
            return id;
        }
        if self.shares.take(key.payer, metric, &self.settings) {
            let payer = Some(Arc::clone(key.payer));
            return self.begin(metric, key, payer, at_ns);
        }
        self.counts.overflows += 1;
        let resource = Arc::clone(key.resource);
        let mut own = self.key(&resource, &OVERFLOW);
        if let Some(id) = self.known(metric, own.set) {
            return id;
        }
        if self.overflows[metric as usize] < MAX_OVERFLOWS - 1 {
            self.overflows[metric as usize] += 1;
            return self.begin(metric, &mut own, None, at_ns);
        }
        let nobody = Arc::clone(&self.nobody);
        let mut last = self.key(&nobody, &OVERFLOW);
        match self.known(metric, last.set) {
            Some(id) => id,
            None => {
                self.overflows[metric as usize] += 1;
                self.begin(metric, &mut last, None, at_ns)
            }
        }
    }

    #[inline]
    fn known(&self, metric: Metric, set: Option<SetId>) -> Option<SeriesId> {
        let set = self.sets.get(set?)?;
        set.series.iter().find(|(known, _)| *known == metric).map(|(_, id)| *id)
    }

    fn begin(&mut self, metric: Metric, key: &mut Key<'_>, payer: Option<Arc<Resource>>, at_ns: u64) -> SeriesId {
        let set = *key.set.get_or_insert_with(|| self.sets.insert(key.hash, key.resource, key.labels));
        let series = Series {
            metric,
            set,
            payer,
            start_ns: at_ns,
            updated_ns: at_ns,
            data: Data::new(metric.instrument().kind, self.settings.exponential),
            told: None,
            exemplars: Vec::new(),
        };
        let id = match self.free.pop() {
            Some(id) => id,
            None => {
                self.series.push(None);
                (self.series.len() - 1) as SeriesId
            }
        };
        self.series[id as usize] = Some(series);
        if let Some(set) = self.sets.get_mut(set) {
            set.series.push((metric, id));
        }
        self.counts.series += 1;
        id
    }

    /// Forgets series for which nothing came for too long. A sum that goes up and down lives as long as it is not zero.
    pub fn expire(&mut self, now_ns: u64) {
        let limit_ns = u64::try_from(self.settings.expiry.as_nanos()).unwrap_or(u64::MAX);
        let before_ns = now_ns.saturating_sub(limit_ns);
        for id in 0..self.series.len() {
            let Some(series) = &self.series[id] else { continue };
            let metric = series.metric;
            let holds = metric.instrument().kind == Kind::UpDown && series.data != Data::Sum(0.0);
            if series.updated_ns >= before_ns || holds {
                continue;
            }
            let set = series.set;
            match &series.payer {
                Some(payer) => self.shares.give_back(payer, metric),
                None => self.overflows[metric as usize] = self.overflows[metric as usize].saturating_sub(1),
            }
            self.sets.release(set, metric);
            self.series[id] = None;
            self.free.push(id as SeriesId);
            self.counts.series -= 1;
            self.counts.expired += 1;
        }
    }

    /// The values now.
    #[must_use]
    pub fn collect(&mut self, now_ns: u64, clock: Clock, reading: Reading) -> Snapshot {
        let mut order: Vec<(usize, Metric, SeriesId)> = Vec::with_capacity(self.counts.series as usize);
        for (id, series) in (0..).zip(&self.series) {
            if let Some(series) = series
                && let Some(set) = self.sets.get(series.set)
            {
                order.push((Arc::as_ptr(&set.resource).addr(), series.metric, id));
            }
        }
        order.sort_unstable();
        let mut snapshot = Snapshot::default();
        for (_, metric, id) in order {
            let Some(series) = self.series[id as usize].as_mut() else { continue };
            let Some(set) = self.sets.get(series.set) else { continue };
            let temporality = reading.of(metric.instrument().kind);
            let Some(mut point) = point(series, temporality, now_ns, clock) else { continue };
            point.attributes = Arc::clone(&set.attributes);
            if snapshot.groups.last().is_none_or(|group| !Arc::ptr_eq(&group.resource, &set.resource)) {
                snapshot.groups.push(Group { resource: Arc::clone(&set.resource), families: Vec::new() });
            }
            let Some(group) = snapshot.groups.last_mut() else { continue };
            let instrument = metric.instrument();
            match group.families.last_mut() {
                Some(family) if std::ptr::eq(family.instrument, instrument) => family.points.push(point),
                _ => group.families.push(Family { instrument, temporality, points: vec![point] }),
            }
        }
        snapshot
    }
}

/// A series as a point; `None` if nothing came since the last collection (delta).
fn point(series: &mut Series, temporality: Temporality, now_ns: u64, clock: Clock) -> Option<Point> {
    let (data, start_ns) = match temporality {
        Temporality::Cumulative => (series.data.clone(), series.start_ns),
        Temporality::Delta => match series.told.replace((series.data.clone(), now_ns)) {
            None => (series.data.clone(), series.start_ns),
            Some((before, _)) if before == series.data => return None,
            Some((before, at_ns)) => (series.data.since(&before), at_ns),
        },
    };
    let exemplars = series.exemplars.iter().filter(|(_, exemplar)| exemplar.at_ns >= start_ns);
    let exemplars = exemplars.map(|(_, one)| Exemplar { at_ns: clock.unix(one.at_ns), ..*one }).collect();
    let (start_unix_ns, at_unix_ns) = clock.interval(start_ns, now_ns.max(series.updated_ns));
    let value = match data {
        Data::Sum(value) | Data::Last(value) => Value::Number(value),
        Data::Distribution(distribution) => Value::Distribution(distribution),
    };
    Some(Point { attributes: Arc::default(), start_unix_ns, at_unix_ns, value, exemplars })
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
