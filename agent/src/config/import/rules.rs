//! Their selectors of processes as rules.

use serde_json::{Map, Value as Json};

use super::super::yaml::{Content, Node};
use super::{Import, is_off, keys, text, texts};

/// How patterns are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// With `*` for anything.
    Glob,
    /// As a regular expression, which may match anywhere in a text.
    Regex,
}

/// Most ports that a range may stand for.
const MOST_PORTS: usize = 64;
/// Every process has one.
const EVERY: &str = "exe";

/// What is known of the service of a rule.
#[derive(Debug, Default)]
pub(super) struct Service {
    pub(super) name: Option<String>,
    pub(super) namespace: Option<String>,
}

impl Service {
    /// Adds what is known to a rule.
    pub(super) fn add(&self, rule: &mut Map<String, Json>) {
        if let Some(name) = &self.name {
            rule.insert("service_name".to_owned(), name.clone().into());
        }
        if let Some(namespace) = &self.namespace {
            rule.insert("attributes".to_owned(), serde_json::json!({"service.namespace": namespace}));
        }
    }
}

/// A rule that chooses what all of these terms hold for.
pub(super) fn rule(key: &str, terms: &[String]) -> Map<String, Json> {
    Map::from_iter([(key.to_owned(), Json::from(terms.join(",")))])
}

/// A selector at the top of the file: all of them together are one.
pub(super) fn single(import: &mut Import<'_>, path: &str, node: &Node, kind: Kind) {
    if is_off(node) {
        return;
    }
    let key = match path {
        "executable_name" | "executable_path" | "auto_target_exe" => "exe_path",
        "open_port" => "open_ports",
        _ => "target_pids",
    };
    if let Some(term) = term(import, path, key, node, kind) {
        import.out.single.push(term);
    }
}

/// `discovery.services` and its kin: each entry is a rule.
pub(super) fn list(import: &mut Import<'_>, path: &str, node: &Node, kind: Kind, chooses: bool) {
    let Content::Sequence(items) = &node.value else {
        return import.lose(path, node.place, "not a list");
    };
    for item in items {
        let mut service = Service::default();
        let mut found = Some(Vec::new());
        let mut more = Map::new();
        for (key, _, value) in item.entries().unwrap_or_default() {
            let path = format!("{path}.{key}");
            match key {
                "name" => service.name = text(value).map(str::to_owned),
                "namespace" => service.namespace = text(value).map(str::to_owned),
                "routes" => routes(import, &path, value, &mut more),
                _ if is_off(value) => {}
                "exports" | "sampler" | "metrics" => import.lose(&path, value.place, "for all processes alike"),
                _ => take(import, &path, key, value, kind, &mut found),
            }
        }
        put(import, path, item, found, chooses, |rule| {
            service.add(rule);
            rule.extend(more);
        });
    }
}

/// `extensions.obi.capture.rules`.
pub(super) fn second(import: &mut Import<'_>, path: &str, node: &Node) {
    let Content::Sequence(items) = &node.value else {
        return import.lose(path, node.place, "not a list");
    };
    for item in items {
        let mut chooses = true;
        let mut found = Some(Vec::new());
        for (key, _, value) in item.entries().unwrap_or_default() {
            let path = format!("{path}.{key}");
            match key {
                "action" => chooses = text(value) != Some("exclude"),
                "name" | "description" => {}
                "match" => {
                    let groups = value.entries().unwrap_or_default();
                    for (key, _, value) in groups.iter().flat_map(|(.., group)| group.entries().unwrap_or_default()) {
                        if !is_off(value) {
                            take(import, &format!("{path}.{key}"), key, value, Kind::Glob, &mut found);
                        }
                    }
                }
                _ if is_off(value) => {}
                _ => import.lose(&path, value.place, ""),
            }
        }
        put(import, path, item, found, chooses, |_| {});
    }
    import.out.takes_others.get_or_insert(true);
}

/// `policy.default_action`: whether processes that no rule names are traced.
pub(super) fn policy(import: &mut Import<'_>, _: &str, node: &Node) {
    import.out.takes_others = Some(text(node) != Some("exclude"));
}

/// Every process that no rule has chosen so far.
pub(super) fn others() -> Map<String, Json> {
    rule("select", &[EVERY.to_owned()])
}

/// Adds a term; a selector with one that cannot be written is none: it would choose too much.
fn take(import: &mut Import<'_>, path: &str, key: &str, value: &Node, kind: Kind, found: &mut Option<Vec<String>>) {
    let labels = ["k8s_pod_labels", "pod_labels", "k8s_pod_annotations", "pod_annotations"];
    if labels.contains(&key) {
        let prefix = if key.ends_with("labels") { "k8s.pod.label" } else { "k8s.pod.annotation" };
        for (name, _, value) in value.entries().unwrap_or_default() {
            let term = written(import, path, &format!("{prefix}.{name}"), value, kind);
            push(found, term);
        }
        return;
    }
    let term = term(import, path, key, value, kind);
    push(found, term);
}

fn push(found: &mut Option<Vec<String>>, term: Option<String>) {
    match (found.as_mut(), term) {
        (Some(terms), Some(term)) => terms.push(term),
        _ => *found = None,
    }
}

fn put(
    import: &mut Import<'_>,
    path: &str,
    item: &Node,
    found: Option<Vec<String>>,
    chooses: bool,
    more: impl FnOnce(&mut Map<String, Json>),
) {
    let Some(terms) = found.filter(|terms| !terms.is_empty()) else {
        return import.lose(path, item.place, "this selector is left out: write a rule by hand");
    };
    let mut made = rule(if chooses { "select" } else { "exclude" }, &terms);
    more(&mut made);
    if chooses { &mut import.out.chosen } else { &mut import.out.left_out }.push(made.into());
}

/// A term of a selector.
fn term(import: &mut Import<'_>, path: &str, key: &str, node: &Node, kind: Kind) -> Option<String> {
    let name = key.strip_prefix("k8s_").unwrap_or(key);
    let (name, kind) = match name.rsplit_once('_') {
        Some((name, "glob")) => (name, Kind::Glob),
        Some((name, "regex" | "regexp")) => (name, Kind::Regex),
        _ => (name, kind),
    };
    let label = match name {
        "open_ports" => return ports(import, path, node),
        "containers_only" if keys::truth(node) => return Some("container".to_owned()),
        "target_pids" => return one_of("pid", texts(node, ',')),
        "exe_path" => "exe",
        "cmd_args" => "cmdline",
        "languages" => "language",
        "container_name" => "container.name",
        "namespace" => "k8s.namespace",
        "pod_name" => "k8s.pod.name",
        "deployment_name" => "k8s.deployment",
        "replicaset_name" => "k8s.replicaset",
        "statefulset_name" => "k8s.statefulset",
        "daemonset_name" => "k8s.daemonset",
        "cronjob_name" => "k8s.cronjob",
        "job_name" => "k8s.job",
        "owner_name" => {
            import.lose(path, node.place, "name the kind of the owner, as in `k8s.deployment=NAME`");
            return None;
        }
        _ => {
            import.lose(path, node.place, "no label for it");
            return None;
        }
    };
    written(import, path, label, node, kind)
}

/// A label with the patterns that stand there.
fn written(import: &mut Import<'_>, path: &str, label: &str, node: &Node, kind: Kind) -> Option<String> {
    let patterns: Vec<String> = match &node.value {
        Content::Sequence(items) => items.iter().filter_map(text).map(str::to_owned).collect(),
        _ => text(node).map(str::to_owned).into_iter().collect(),
    };
    let mut values = Vec::new();
    for pattern in patterns {
        let globs = match kind {
            Kind::Glob => braces(&pattern),
            Kind::Regex => globs(&pattern),
        };
        match globs {
            Some(globs) => values.extend(globs),
            None => {
                import.lose(path, node.place, &format!("`{pattern}` cannot be written with `*` alone"));
                return None;
            }
        }
    }
    one_of(label, values)
}

fn one_of(label: &str, mut values: Vec<String>) -> Option<String> {
    match values.len() {
        0 => None,
        1 => values.pop().map(|value| format!("{label}={value}")),
        _ => Some(format!("{label} in ({})", values.join(","))),
    }
}

/// `80,8000-8009`.
fn ports(import: &mut Import<'_>, path: &str, node: &Node) -> Option<String> {
    let mut all = Vec::new();
    for part in texts(node, ',') {
        let (first, last) = part.split_once('-').unwrap_or((&part, &part));
        match (first.trim().parse::<u16>(), last.trim().parse::<u16>()) {
            (Ok(first), Ok(last)) if usize::from(last.saturating_sub(first)) + all.len() < MOST_PORTS => {
                all.extend((first..=last).map(|port| port.to_string()));
            }
            _ => {
                import.lose(path, node.place, &format!("`{part}`: too many ports; select by something else"));
                return None;
            }
        }
    }
    one_of("port", all)
}

/// What a selector can have as a value.
fn is_plain(value: &str) -> bool {
    !value.is_empty()
        && !value.contains(|letter: char| letter.is_whitespace() || "(){}[]<>,=!?\\^$|+\"'".contains(letter))
}

/// A glob, with `{a,b}` written out.
fn braces(pattern: &str) -> Option<Vec<String>> {
    let all = match pattern.split_once('{').and_then(|(head, rest)| Some((head, rest.split_once('}')?))) {
        Some((head, (inner, tail))) => inner.split(',').map(|part| format!("{head}{part}{tail}")).collect(),
        None => vec![pattern.to_owned()],
    };
    all.iter().all(|glob| is_plain(glob)).then_some(all)
}

/// A regular expression of letters, `.*`, ends and alternatives, as globs. A dot alone is taken for itself: so it is meant.
fn globs(pattern: &str) -> Option<Vec<String>> {
    let whole = pattern.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(pattern);
    whole.split('|').map(glob).collect()
}

fn glob(pattern: &str) -> Option<String> {
    let (begin, rest) = pattern.strip_prefix('^').map_or(("*", pattern), |rest| ("", rest));
    let (rest, end) = rest.strip_suffix('$').map_or((rest, "*"), |rest| (rest, ""));
    let text = rest.replace(".*", "*").replace("\\.", ".").replace("\\-", "-").replace("\\/", "/");
    let glob = format!("{begin}{text}{end}").replace("**", "*");
    is_plain(&glob).then_some(glob)
}

/// `routes.incoming` of a service.
fn routes(import: &mut Import<'_>, path: &str, node: &Node, rule: &mut Map<String, Json>) {
    for (key, _, value) in node.entries().unwrap_or_default() {
        match key {
            "incoming" => drop(rule.insert("routes".to_owned(), texts(value, ',').into())),
            _ if is_off(value) => {}
            _ => import.lose(&format!("{path}.{key}"), value.place, "routes are those of the server"),
        }
    }
}
