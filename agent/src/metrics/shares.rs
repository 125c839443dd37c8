//! Who has how many series: one service must not take what others need.
//!
//! A metric of one service has a limit, as in the SDKs of OpenTelemetry, and all series together have one. While less
//! than a quarter of the latter is left, it is for those services that have less than their share: whatever a service does
//! with its attributes, others still find room.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::catalog::Metric;
use super::settings::Settings;
use crate::trace::span::Resource;

/// Part of all series that is kept for services with less than their share.
const KEPT: u32 = 4;
/// That share, as a part of all series.
const SHARE: u32 = 64;

/// What a service has.
#[derive(Debug)]
struct Holding {
    /// Kept, so that its address stays its own.
    _service: Arc<Resource>,
    series: u32,
    of_metric: FxHashMap<Metric, u32>,
}

/// Series of every service.
#[derive(Debug, Default)]
pub(super) struct Shares {
    /// By the address of the service's resource.
    services: FxHashMap<usize, Holding>,
    /// All series but overflow series.
    series: u32,
}

impl Shares {
    /// Takes room for one more series of a service, if there is some.
    pub(super) fn take(&mut self, service: &Arc<Resource>, metric: Metric, settings: &Settings) -> bool {
        let address = Arc::as_ptr(service).addr();
        let holding = self.services.get(&address);
        let own = holding.map_or(0, |holding| holding.series);
        let of_metric = holding.and_then(|holding| holding.of_metric.get(&metric)).copied().unwrap_or(0);
        let all = settings.max_series;
        let is_scarce = self.series >= all - all / KEPT;
        if self.series >= all || of_metric >= settings.cardinality_limit || is_scarce && own >= (all / SHARE).max(1) {
            return false;
        }
        let fresh = || Holding { _service: Arc::clone(service), series: 0, of_metric: FxHashMap::default() };
        let holding = self.services.entry(address).or_insert_with(fresh);
        holding.series += 1;
        *holding.of_metric.entry(metric).or_default() += 1;
        self.series += 1;
        true
    }

    /// A series of a service is gone.
    pub(super) fn give_back(&mut self, service: &Arc<Resource>, metric: Metric) {
        let address = Arc::as_ptr(service).addr();
        let Some(holding) = self.services.get_mut(&address) else { return };
        self.series = self.series.saturating_sub(1);
        holding.series = holding.series.saturating_sub(1);
        if let Some(count) = holding.of_metric.get_mut(&metric) {
            *count -= 1;
            if *count == 0 {
                holding.of_metric.remove(&metric);
            }
        }
        if holding.series == 0 {
            self.services.remove(&address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Metric = Metric::GraphRequests;
    const OTHER: Metric = Metric::GraphFailed;

    fn service(name: &str) -> Arc<Resource> {
        Arc::new(Resource { service_name: name.into(), attributes: Vec::new(), ..Resource::default() })
    }

    fn taken(shares: &mut Shares, settings: &Settings, service: &Arc<Resource>, metric: Metric, tries: u32) -> u32 {
        (0..tries).filter(|_| shares.take(service, metric, settings)).map(|_| 1).sum()
    }

    #[test]
    fn greedy_services_leave_room_for_others() {
        let settings = Settings { cardinality_limit: 2000, max_series: 6400, ..Settings::default() };
        let mut shares = Shares::default();
        let greedy: Vec<_> = (0..8).map(|number| service(&number.to_string())).collect();
        assert_eq!(taken(&mut shares, &settings, &greedy[0], ONE, 4000), 2000, "of one metric");
        assert_eq!(taken(&mut shares, &settings, &greedy[0], OTHER, 4000), 2000, "and of another one");
        let more: u32 = greedy[1..].iter().map(|one| taken(&mut shares, &settings, one, ONE, 4000)).sum();
        assert_eq!(more, 4800 - 4000 + 6 * 100, "then their share alone");
        let modest: Vec<_> = (0..20).map(|number| service(&format!("modest {number}"))).collect();
        let found = modest.iter().map(|one| taken(&mut shares, &settings, one, ONE, 60)).collect::<Vec<_>>();
        assert_eq!(found[..16], [60; 16]);
        assert_eq!(found.iter().sum::<u32>(), 1000, "up to the limit of all");
    }

    #[test]
    fn what_is_given_back_is_there_again() {
        let settings = Settings { cardinality_limit: 2, ..Settings::default() };
        let mut shares = Shares::default();
        let (shop, blog) = (service("shop"), service("blog"));
        assert_eq!(taken(&mut shares, &settings, &shop, ONE, 5), 2);
        assert_eq!(taken(&mut shares, &settings, &blog, ONE, 5), 2);
        shares.give_back(&shop, ONE);
        assert_eq!(taken(&mut shares, &settings, &shop, ONE, 5), 1);
        for one in [&shop, &shop, &blog, &blog, &blog] {
            shares.give_back(one, ONE);
        }
        assert!(shares.services.is_empty() && shares.series == 0);
    }
}
