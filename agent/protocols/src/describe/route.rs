//! `http.route` from configured patterns. The route of a path that matches none is guessed, unless that is switched off: see
//! [`heuristic`].

mod heuristic;
mod recent;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use heuristic::Guesses;
pub use recent::Recent;

/// Longest pattern and most segments that are looked at; a longer path has no route.
const MAX_SEGMENTS: usize = 64;

/// One segment of a pattern. The order is that of preference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    /// These very characters.
    Literal(Box<str>),
    /// `{name}`: exactly one segment, not empty.
    Parameter,
    /// `*` or `{name...}` at the end: the rest of the path, which may be empty.
    Rest,
}

/// A pattern and what to call it.
#[derive(Clone, Debug)]
struct Pattern {
    segments: Vec<Segment>,
    route: Arc<Route>,
}

/// Why a pattern cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("route pattern `{pattern}`: {problem}")]
pub struct PatternError {
    /// As it was given.
    pub pattern: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// The route of a path.
#[derive(Debug)]
pub struct Route {
    /// The pattern.
    pub pattern: Arc<str>,
    /// It was guessed from the path.
    pub is_guess: bool,
    /// What its requests are called, by method. Methods known at compile time are few, those of a route fewer.
    titles: Mutex<Vec<(&'static str, Arc<str>)>>,
}

impl Route {
    fn new(pattern: Arc<str>, is_guess: bool) -> Self {
        Self { pattern, is_guess, titles: Mutex::default() }
    }

    /// What its requests with a method are called: `GET /users/{id}`. Put together once.
    #[must_use]
    pub fn title(&self, method: &'static str) -> Arc<str> {
        let mut titles = self.titles.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, title)) = titles.iter().find(|(known, _)| *known == method) {
            return Arc::clone(title);
        }
        let title = Arc::from([method, &self.pattern].join(" "));
        titles.push((method, Arc::clone(&title)));
        title
    }
}

/// The patterns of all services.
///
/// A pattern is a path of segments: `/users/{id}/orders`. `{name}` stands for one segment, `*` (or `{name...}`) as the
/// last one for the rest. Where several match, the one that is literal further to the left wins.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    everywhere: Vec<Pattern>,
    of_service: HashMap<Box<str>, Vec<Pattern>>,
    /// What was guessed so far, if guessing is asked for; copies share it, so that spans and metrics say the same.
    guesses: Option<Arc<Mutex<Guesses>>>,
}

impl Routes {
    /// No patterns.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a pattern, for one service or for all. A service's own patterns are asked first.
    ///
    /// # Errors
    /// When the pattern does not begin with `/`, or is no sound pattern.
    pub fn add(&mut self, service: Option<&str>, pattern: &str) -> Result<(), PatternError> {
        let parsed = parse(pattern).map_err(|problem| PatternError { pattern: pattern.to_owned(), problem })?;
        let list = match service {
            None => &mut self.everywhere,
            Some(service) => self.of_service.entry(service.into()).or_default(),
        };
        let place = list.partition_point(|other| rank(other).le(rank(&parsed)));
        list.insert(place, parsed);
        Ok(())
    }

    /// Guesses the route of what matches no pattern.
    pub fn guess(&mut self) {
        self.guesses = Some(Arc::default());
    }

    /// Whether no path has a route.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.everywhere.is_empty() && self.of_service.is_empty() && self.guesses.is_none()
    }

    /// The route of a path (without query) of a service. Only a `real` path, one that the service has, makes a new guess.
    #[must_use]
    pub fn find(&self, service: &str, path: &str, real: bool) -> Option<Arc<Route>> {
        let path = path.strip_prefix('/')?;
        let own = self.of_service.get(service).map_or(&[][..], Vec::as_slice);
        let found = own.iter().chain(&self.everywhere).find(|pattern| matches(&pattern.segments, path));
        if let Some(found) = found {
            return Some(Arc::clone(&found.route));
        }
        let mut guesses = self.guesses.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        guesses.route(service, path, real)
    }
}

/// Literal before parameter before rest, segment by segment; which literal does not matter.
fn rank(pattern: &Pattern) -> impl Iterator<Item = u8> {
    pattern.segments.iter().map(|segment| match segment {
        Segment::Literal(_) => 0,
        Segment::Parameter => 1,
        Segment::Rest => 2,
    })
}

fn parse(pattern: &str) -> Result<Pattern, &'static str> {
    let path = pattern.strip_prefix('/').ok_or("must begin with `/`")?;
    let texts: Vec<&str> = path.split('/').collect();
    if texts.len() > MAX_SEGMENTS {
        return Err("has too many segments");
    }
    let mut segments = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
        let segment = match inner {
            _ if *text == "*" => Segment::Rest,
            Some(name) if name.ends_with("...") => Segment::Rest,
            Some("") => return Err("a parameter needs a name"),
            Some(name) if name.contains(['{', '}']) => return Err("one parameter is a whole segment"),
            Some(_) => Segment::Parameter,
            None if text.contains(['{', '}', '*']) => return Err("one parameter is a whole segment"),
            None => Segment::Literal((*text).into()),
        };
        if segment == Segment::Rest && index + 1 != texts.len() {
            return Err("only the last segment can stand for the rest");
        }
        segments.push(segment);
    }
    Ok(Pattern { segments, route: Arc::new(Route::new(pattern.into(), false)) })
}

fn matches(segments: &[Segment], path: &str) -> bool {
    let mut parts = path.split('/');
    for segment in segments {
        if *segment == Segment::Rest {
            return true;
        }
        let Some(part) = parts.next() else { return false };
        let fits = match segment {
            Segment::Literal(text) => **text == *part,
            Segment::Parameter | Segment::Rest => !part.is_empty(),
        };
        if !fits {
            return false;
        }
    }
    parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(patterns: &[&str]) -> Routes {
        let mut routes = Routes::new();
        for pattern in patterns {
            routes.add(None, pattern).unwrap();
        }
        routes
    }

    fn found(routes: &Routes, path: &str) -> Option<&'static str> {
        routes.find("any", path, true).map(|route| &*String::leak(String::from(&*route.pattern)))
    }

    #[test]
    fn segments_match_whole() {
        let routes = routes(&["/users/{id}", "/users/me", "/users/{id}/orders", "/", "/static/*"]);
        assert_eq!(found(&routes, "/users/7"), Some("/users/{id}"));
        assert_eq!(found(&routes, "/users/me"), Some("/users/me"), "a literal wins, whatever the order");
        assert_eq!(found(&routes, "/users/7/orders"), Some("/users/{id}/orders"));
        assert_eq!(found(&routes, "/"), Some("/"));
        assert_eq!(found(&routes, "/static/a/b.css"), Some("/static/*"));
        for path in ["/users", "/users/", "/users/7/", "/users/7/orders/1", "/other", "*", "", "users/7"] {
            assert_eq!(found(&routes, path), None, "{path}");
        }
    }

    #[test]
    fn the_more_literal_pattern_wins() {
        let routes = routes(&["/{tenant}/users", "/*", "/a/{rest...}", "/a/{name}"]);
        assert_eq!(found(&routes, "/a/users"), Some("/a/{name}"));
        assert_eq!(found(&routes, "/b/users"), Some("/{tenant}/users"));
        assert_eq!(found(&routes, "/a/b/c"), Some("/a/{rest...}"));
        assert_eq!(found(&routes, "/x/y/z"), Some("/*"));
    }

    #[test]
    fn a_service_has_its_own() {
        let mut routes = routes(&["/users/{id}"]);
        routes.add(Some("shop"), "/users/{user}").unwrap();
        assert_eq!(&*routes.find("shop", "/users/1", true).unwrap().pattern, "/users/{user}");
        assert_eq!(&*routes.find("blog", "/users/1", true).unwrap().pattern, "/users/{id}");
    }

    #[test]
    fn a_title_is_put_together_once() {
        let route = routes(&["/users/{id}"]).find("any", "/users/1", true).unwrap();
        assert_eq!((&*route.title("GET"), &*route.title("POST")), ("GET /users/{id}", "POST /users/{id}"));
        assert!(Arc::ptr_eq(&route.title("GET"), &route.title("GET")));
    }

    #[test]
    fn unsound_patterns_are_refused() {
        for pattern in ["users", "", "/a/{}", "/a/x{id}", "/*/b", "/{a}{b}", "/a*"] {
            assert!(Routes::new().add(None, pattern).is_err(), "{pattern}");
        }
    }
}
