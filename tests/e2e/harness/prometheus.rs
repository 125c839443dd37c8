//! The agent's Prometheus end point, as a scraper sees it.

use std::collections::BTreeMap;
use std::process::Command;

use wirespan_tests::registered;

use super::process::run;

/// One sample.
#[derive(Clone, Debug)]
pub struct Sample {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

impl Sample {
    /// A label's value; empty if there is none.
    pub fn label(&self, key: &str) -> &str {
        self.labels.get(key).map_or("", String::as_str)
    }
}

/// One scrape.
pub struct Scrape {
    pub text: String,
    pub samples: Vec<Sample>,
}

impl Scrape {
    /// Asks an agent that was started with `--prometheus-listen`; `kind` is what the scraper accepts.
    #[track_caller]
    pub fn of(port: u16, kind: &str) -> Self {
        let mut curl = Command::new("curl");
        curl.args(["-sf", "--noproxy", "*", "--max-time", "20", "-H", &format!("Accept: {kind}")]);
        let text = run(curl.arg(format!("http://127.0.0.1:{port}/metrics")));
        let samples = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(Sample::parse);
        let samples: Vec<Sample> = samples.collect();
        samples.iter().for_each(|one| registered::sample(&one.name, one.labels.keys().map(String::as_str)));
        Self { samples, text }
    }

    /// The samples of a name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Sample> {
        self.samples.iter().filter(move |sample| sample.name == name)
    }

    /// The sum of a name's samples that a condition picks.
    pub fn sum(&self, name: &str, pick: impl Fn(&Sample) -> bool) -> f64 {
        self.all(name).filter(|sample| pick(sample)).map(|sample| sample.value).sum()
    }
}

impl Sample {
    /// `name{key="value",…} number`, and whatever comes after it.
    fn parse(line: &str) -> Self {
        let (head, rest) = match line.split_once('{') {
            Some((name, rest)) => {
                let (labels, rest) = labels(rest);
                ((name, labels), rest)
            }
            None => {
                let (name, rest) = line.split_once(' ').unwrap_or_else(|| panic!("no sample: {line}"));
                ((name, BTreeMap::new()), rest)
            }
        };
        let number = rest.split_whitespace().next().and_then(|word| word.parse().ok());
        let value = number.unwrap_or_else(|| panic!("no number: {line}"));
        Self { name: head.0.to_owned(), labels: head.1, value }
    }
}

/// Labels up to the closing brace, and what follows it.
fn labels(mut text: &str) -> (BTreeMap<String, String>, &str) {
    let mut labels = BTreeMap::new();
    loop {
        text = text.trim_start_matches(',');
        if let Some(rest) = text.strip_prefix('}') {
            return (labels, rest);
        }
        let (key, rest) = text.split_once("=\"").unwrap_or_else(|| panic!("no label: {text}"));
        let (mut value, mut escaped, mut end) = (String::new(), false, rest.len());
        for (at, c) in rest.char_indices() {
            match (escaped, c) {
                (true, 'n') => value.push('\n'),
                (true, c) => value.push(c),
                (false, '"') => {
                    end = at;
                    break;
                }
                (false, '\\') => {}
                (false, c) => value.push(c),
            }
            escaped = !escaped && c == '\\';
        }
        labels.insert(key.to_owned(), value);
        text = &rest[(end + 1).min(rest.len())..];
    }
}
