//! What a viewer looks for: requirements in the language of `--select` (`service=shop`, `http.route in (/pay, /cart)`,
//! `status!=error`), durations (`duration>100ms`), and words that may stand anywhere.

use super::said::{self, is_failed};
use super::traces::Trace;
use crate::process::selector::glob;
use crate::trace::span::{Kind, Span, Value};
use wirespan_semconv as semconv;

/// One requirement.
#[derive(Clone, Debug, PartialEq)]
enum Term {
    /// The key has one of these values (globs), or none of them.
    Is { key: String, values: Vec<String>, negated: bool },
    /// It took longer, or not so long, ns.
    Took { longer: bool, ns: u64 },
    /// Somewhere; in lower case.
    Word(String),
}

/// See the module's text. An empty one takes everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter(Vec<Term>);

/// What a filter is asked about.
pub trait Facts {
    /// Whether the key has a value for which `test` holds.
    fn any(&self, key: &str, test: &mut dyn FnMut(&str) -> bool) -> bool;
    /// How long it took, ns.
    fn took_ns(&self) -> Option<u64>;
    /// Whether a word (in lower case) stands in what is shown of it.
    fn has(&self, word: &str) -> bool;
}

/// Longest text of a filter, bytes.
const MAX_TEXT: usize = 1024;

impl Filter {
    /// Reads one. Whatever is no requirement is a word: nothing is refused while somebody types.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut end = text.len().min(MAX_TEXT);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Self(parts(&text[..end]).into_iter().filter_map(term).collect())
    }

    /// Whether it takes everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether something is looked for.
    #[must_use]
    pub fn matches(&self, facts: &dyn Facts) -> bool {
        self.0.iter().all(|term| match term {
            Term::Is { key, values, negated } => {
                let mut test = |value: &str| values.iter().any(|wanted| glob::matches(wanted, value));
                facts.any(key, &mut test) != *negated
            }
            Term::Took { longer, ns } => facts.took_ns().is_some_and(|took| (took > *ns) == *longer),
            Term::Word(word) => facts.has(word),
        })
    }
}

/// The text at its commas and blanks, but for those in parentheses and around `=` and `in`.
fn parts(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let (mut one, mut depth) = (String::new(), 0_u32);
    for char in text.chars() {
        match char {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && (char == ',' || char.is_whitespace()) {
            all.push(std::mem::take(&mut one));
        } else {
            one.push(char);
        }
    }
    all.push(one);
    all.retain(|part| !part.is_empty());
    let mut joined: Vec<String> = Vec::new();
    for part in all {
        let is_open =
            |last: &String| last.ends_with(['=', '<', '>']) || last.ends_with(" in") || last.ends_with(" notin");
        let goes_on = part.starts_with(['=', '!', '<', '>']) || part == "in" || part == "notin";
        match joined.last_mut() {
            Some(last) if is_open(last) => last.push_str(&part),
            Some(last) if goes_on => {
                last.push_str(if part.starts_with(char::is_alphabetic) { " " } else { "" });
                last.push_str(&part);
            }
            _ => joined.push(part),
        }
    }
    joined
}

fn term(part: String) -> Option<Term> {
    for (word, negated) in [(" notin(", true), (" in(", false)] {
        if let Some((key, list)) = part.split_once(word) {
            let values = list.trim_end_matches(')').split(',').map(|value| value.trim().to_owned()).collect();
            return Some(Term::Is { key: key.to_owned(), values, negated });
        }
    }
    for (sign, longer) in [(">", true), ("<", false)] {
        if let Some((key, value)) = part.split_once(sign)
            && key == "duration"
        {
            return nanoseconds(value.trim_start_matches('=')).map(|ns| Term::Took { longer, ns });
        }
    }
    if let Some((key, value)) = part.split_once('=').filter(|(key, _)| !key.is_empty()) {
        let negated = key.ends_with('!');
        let value = value.trim_start_matches('=').to_owned();
        // Half typed.
        if value.is_empty() {
            return None;
        }
        return Some(Term::Is { key: key.trim_end_matches('!').to_owned(), values: vec![value], negated });
    }
    Some(Term::Word(part.to_lowercase()))
}

/// `250ms`, `1.5s`, `80us`; a number alone counts milliseconds.
fn nanoseconds(text: &str) -> Option<u64> {
    let digits = text.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(text.len());
    let number: f64 = text[..digits].parse().ok()?;
    let factor = match &text[digits..] {
        "ns" => 1.0,
        "us" | "µs" => 1e3,
        "ms" | "" => 1e6,
        "s" => 1e9,
        "m" => 60e9,
        _ => return None,
    };
    Some((number * factor) as u64)
}

fn contains(text: &str, word: &str) -> bool {
    text.to_lowercase().contains(word)
}

impl Facts for Span {
    fn any(&self, key: &str, test: &mut dyn FnMut(&str) -> bool) -> bool {
        match key {
            "service" | semconv::SERVICE_NAME => test(&self.resource.service_name),
            "name" | "operation" => test(&self.name),
            "status" => test(if is_failed(self) { "error" } else { "ok" }),
            "kind" => test(match self.kind {
                Kind::Server => "server",
                Kind::Client => "client",
                Kind::Internal => "internal",
            }),
            "peer" => said::peer(self).is_some_and(|peer| test(peer.trim_start_matches(['←', '→', ' ']))),
            "trace" => test(&said::hex(&self.trace_id)),
            _ => {
                let own = self.attributes.iter().filter(|(name, _)| *name == key).map(|(_, value)| value);
                let process = self.resource.attributes.iter().filter(|(name, _)| name == key).map(|(_, value)| value);
                own.chain(process).any(|value| match value {
                    Value::Int(number) => test(&number.to_string()),
                    Value::Double(number) => test(&number.to_string()),
                    Value::Bool(truth) => test(if *truth { "true" } else { "false" }),
                    Value::List(items) => items.iter().any(|item| test(item)),
                    text => text.as_str().is_some_and(&mut *test),
                })
            }
        }
    }

    fn took_ns(&self) -> Option<u64> {
        Some(self.duration_ns())
    }

    fn has(&self, word: &str) -> bool {
        contains(&self.resource.service_name, word)
            || contains(&self.name, word)
            || self.attributes.iter().any(|(_, value)| value.as_str().is_some_and(|text| contains(text, word)))
            || said::hex(&self.trace_id).starts_with(word)
    }
}

/// A trace has what one of its spans has; it took as long as all of it.
impl Facts for Trace {
    fn any(&self, key: &str, test: &mut dyn FnMut(&str) -> bool) -> bool {
        match key {
            "status" => test(if self.spans.iter().any(is_failed) { "error" } else { "ok" }),
            _ => self.spans.iter().any(|span| span.any(key, test)),
        }
    }

    fn took_ns(&self) -> Option<u64> {
        let (start, end) = self.interval();
        Some(end.saturating_sub(start))
    }

    fn has(&self, word: &str) -> bool {
        self.spans.iter().any(|span| span.has(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::testing;

    #[test]
    fn requirements_durations_and_words_are_told_apart() {
        let is = |key: &str, values: &[&str], negated| Term::Is {
            key: key.to_owned(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
            negated,
        };
        assert_eq!(
            Filter::new("service=shop, checkout").0,
            [is("service", &["shop"], false), Term::Word("checkout".into())]
        );
        assert_eq!(Filter::new("service == shop").0, [is("service", &["shop"], false)]);
        assert_eq!(
            Filter::new("a!=b x in (1, 2) y notin (3)").0,
            [is("a", &["b"], true), is("x", &["1", "2"], false), is("y", &["3"], true)]
        );
        assert_eq!(Filter::new("duration > 1.5s").0, [Term::Took { longer: true, ns: 1_500_000_000 }]);
        assert_eq!(Filter::new("duration<20").0, [Term::Took { longer: false, ns: 20_000_000 }]);
        for half in ["", " , ", "service=", "duration>", "duration>x"] {
            assert!(Filter::new(half).is_empty(), "{half}");
        }
        assert!(Filter::new(&"é(".repeat(4000)).0.len() <= 1);
    }

    #[test]
    fn a_trace_is_found_by_any_of_its_spans() {
        let trace = testing::trace(3);
        for (text, expected) in [
            ("", true),
            ("service=web", true),
            ("service=w*", true),
            ("service=other", false),
            ("service!=other", true),
            ("status=ok", true),
            ("WEB", true),
            ("nothing-like-it", false),
            ("duration>1ns kind=server", true),
            ("duration>1h", true),
            ("duration>100s", false),
        ] {
            assert_eq!(Filter::new(text).matches(&trace), expected, "{text}");
        }
    }
}
