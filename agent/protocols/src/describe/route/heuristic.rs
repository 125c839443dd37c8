//! Routes guessed from paths: what looks like an identifier becomes `{id}`. Capped: a service whose paths are not of this
//! kind runs into [`MAX_ROUTES`], and what comes later has no route.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::Route;

/// Most routes that are guessed for a service.
pub const MAX_ROUTES: usize = 100;
/// Most services that routes are guessed for.
const MAX_SERVICES: usize = 1024;
/// Most segments of a path that is looked at.
const MAX_SEGMENTS: usize = 12;
/// Words of a path are shorter; what is longer is an identifier.
const LONG: usize = 32;
/// Shortest run of hexadecimal digits that is taken for an identifier (if it has a digit in it).
const HEX: usize = 8;

const PLACE: &str = "{id}";

/// The routes guessed so far, by service. They are few, so that names made to collide cost little.
#[derive(Debug, Default)]
pub(super) struct Guesses {
    services: FxHashMap<Box<str>, FxHashMap<Arc<str>, Arc<Route>>>,
    /// The guess being made.
    text: String,
}

impl Guesses {
    /// The route of a path, which is given without its first slash. `real`: the service has it, so that its route may be
    /// one of those that are kept.
    pub(super) fn route(&mut self, service: &str, path: &str, real: bool) -> Option<Arc<Route>> {
        self.text.clear();
        let mut rest = Some(path);
        let mut number = 0;
        while let Some(segments) = rest {
            if number == MAX_SEGMENTS {
                return None;
            }
            number += 1;
            let end = memchr::memchr(b'/', segments.as_bytes());
            let segment = segments.get(..end.unwrap_or(segments.len()))?;
            rest = end.and_then(|end| segments.get(end + 1..));
            self.text.push('/');
            self.text.push_str(if is_identifier(segment) { PLACE } else { segment });
        }
        let has_room = real && self.services.len() < MAX_SERVICES;
        let routes = match self.services.get_mut(service) {
            Some(routes) => routes,
            None if has_room => self.services.entry(service.into()).or_default(),
            None => return None,
        };
        if let Some(known) = routes.get(&*self.text) {
            return Some(Arc::clone(known));
        }
        if !real || routes.len() >= MAX_ROUTES {
            return None;
        }
        let pattern: Arc<str> = self.text.as_str().into();
        let route = Arc::new(Route::new(Arc::clone(&pattern), true));
        routes.insert(pattern, Arc::clone(&route));
        Some(route)
    }
}

/// Numbers, UUIDs, hexadecimal digests, what is long, and what mixes many digits with anything else.
fn is_identifier(segment: &str) -> bool {
    let bytes = segment.as_bytes();
    if bytes.len() > LONG {
        return true;
    }
    // An address, a name with spaces or the like is a value, and no part of a program.
    if bytes.iter().any(|byte| matches!(byte, b'%' | b'@' | b'+' | b'=' | b',' | b':' | b';')) {
        return true;
    }
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    if digits == 0 {
        return false;
    }
    let others = bytes.len() - digits;
    // `v1` and `oauth2` are names, `42`, `42.json`, `a1b2c3` and dates are not.
    let is_version = bytes[0] == b'v' && others == 1 && digits <= 2;
    let is_hex = bytes.len() >= HEX && bytes.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-');
    !is_version && (others == 0 || is_hex || digits >= 3 || bytes[0].is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(path: &str) -> String {
        Guesses::default()
            .route("any", path.strip_prefix('/').unwrap(), true)
            .map_or_else(String::new, |route| route.pattern.to_string())
    }

    #[test]
    fn identifiers_become_a_place() {
        for (path, route) in [
            ("/", "/"),
            ("/users", "/users"),
            ("/users/42", "/users/{id}"),
            ("/users/42/orders/7", "/users/{id}/orders/{id}"),
            ("/api/v1/items/", "/api/v1/items/"),
            ("/oauth2/token", "/oauth2/token"),
            ("/i/3f2a9c1b-0b7e-4d55-9c41-2f6f5f6d2a11", "/i/{id}"),
            ("/blob/deadbeef01", "/blob/{id}"),
            ("/facade/decade", "/facade/decade"),
            ("/2024-05-01/report", "/{id}/report"),
            ("/mail/a@b.example", "/mail/{id}"),
            ("/t/eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", "/t/{id}"),
            ("/search/caf%C3%A9", "/search/{id}"),
        ] {
            assert_eq!(guess(path), route, "{path}");
        }
        assert_eq!(guess(&"/a".repeat(13)), "");
    }

    #[test]
    fn a_service_has_a_hundred_at_most() {
        let mut guesses = Guesses::default();
        let word = |number: usize| {
            let letter =
                |place: usize| char::from(b'a' + u8::try_from(number / 26usize.pow(place as u32) % 26).unwrap());
            String::from_iter([letter(2), letter(1), letter(0)])
        };
        let found = (0..1000).filter(|number| guesses.route("shop", &word(*number), true).is_some()).count();
        assert_eq!(found, MAX_ROUTES);
        assert!(guesses.route("wiki", "wp-admin", false).is_none(), "who asks for what is not there teaches nothing");
        assert!(guesses.route("shop", &word(7), false).is_some(), "those that are known stay");
        assert!(guesses.route("blog", &word(999), true).is_some(), "each service has its own");
        let services = (0..5000).filter(|number| guesses.route(&number.to_string(), "a", true).is_some()).count();
        assert!(services <= MAX_SERVICES);
    }
}
