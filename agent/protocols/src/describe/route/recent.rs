//! The route that was found last: clients of a connection often ask for the same thing again.

use std::sync::Arc;

use super::Route;

/// Longest target that is remembered, bytes.
const MAX_TARGET: usize = 64;

/// A target of a service, and its route. A route that was found once stays that of its path.
#[derive(Debug, Default)]
pub struct Recent {
    target: String,
    found: Option<(Arc<str>, Arc<Route>)>,
}

impl Recent {
    /// The route of a target, if it is the one that was asked for last.
    #[must_use]
    pub fn get(&self, service: &Arc<str>, target: &str) -> Option<Arc<Route>> {
        let (known, route) = self.found.as_ref()?;
        (Arc::ptr_eq(known, service) && self.target == target).then(|| Arc::clone(route))
    }

    /// Remembers what was found, if it is short.
    pub fn set(&mut self, service: &Arc<str>, target: &str, route: Option<&Arc<Route>>) {
        self.found = route.filter(|_| target.len() <= MAX_TARGET).map(|route| (Arc::clone(service), Arc::clone(route)));
        if self.found.is_some() {
            self.target.clear();
            self.target.push_str(target);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_one_of_its_service_is_known() {
        let [shop, blog] = ["shop", "blog"].map(Arc::<str>::from);
        let route = Arc::new(Route::new("/a".into(), false));
        let mut recent = Recent::default();
        recent.set(&shop, "/a", Some(&route));
        assert!(recent.get(&shop, "/a").is_some_and(|found| Arc::ptr_eq(&found, &route)));
        assert!(recent.get(&shop, "/b").is_none() && recent.get(&blog, "/a").is_none());
        for (target, found) in [("/b", None), (&*"/a".repeat(MAX_TARGET), Some(&route))] {
            recent.set(&shop, target, found);
            assert!(recent.get(&shop, target).is_none() && recent.get(&shop, "/a").is_none(), "{target}");
        }
    }
}
