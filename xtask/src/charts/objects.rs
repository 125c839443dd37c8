//! Documents of YAML, as helm and kustomize write them: split, and named by what stands in them.

use std::fmt;

/// An object of Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// As it was written.
    pub yaml: String,
    /// `apps/v1`.
    pub api_version: String,
    /// `DaemonSet`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its namespace, if it says one.
    pub namespace: Option<String>,
}

impl fmt::Display for Object {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.kind, self.name)
    }
}

/// The objects of a stream of documents. What is no object is left out.
pub fn objects(stream: &str) -> Vec<Object> {
    documents(stream).into_iter().filter_map(|yaml| object(&yaml)).collect()
}

/// The documents of a stream, without the lines between them.
pub fn documents(stream: &str) -> Vec<String> {
    let mut documents = vec![String::new()];
    for line in stream.lines() {
        if line == "---" {
            documents.push(String::new());
        } else if let Some(last) = documents.last_mut() {
            last.push_str(line);
            last.push('\n');
        }
    }
    documents.retain(|text| text.lines().any(|line| !line.is_empty() && !line.starts_with('#')));
    documents
}

/// The pod that a DaemonSet would make.
pub fn pod(daemon_set: &Object) -> Option<Object> {
    let (_, template) = daemon_set.yaml.split_once("\n  template:\n")?;
    let lines = template.lines().map_while(|line| line.strip_prefix("    "));
    let body: String = lines.flat_map(|line| [line, "\n"]).collect();
    let named = body.replacen("metadata:\n", "metadata:\n  name: trial\n", 1);
    object(&format!("apiVersion: v1\nkind: Pod\n{named}"))
}

fn object(yaml: &str) -> Option<Object> {
    let top = |key: &str| yaml.lines().find_map(|line| value(line, key));
    let metadata =
        || yaml.lines().skip_while(|line| *line != "metadata:").skip(1).take_while(|line| line.starts_with(' '));
    let within = |key: &str| metadata().find_map(|line| value(line.strip_prefix("  ")?, key));
    Some(Object {
        yaml: yaml.to_owned(),
        api_version: top("apiVersion")?,
        kind: top("kind")?,
        name: within("name")?,
        namespace: within("namespace"),
    })
}

fn value(line: &str, key: &str) -> Option<String> {
    let value = line.strip_prefix(key)?.strip_prefix(": ")?;
    Some(value.trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_split_and_named() {
        let stream = "---\n# Source: a\n\n---\n# Source: b\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  labels:\n    name: no\n  \
                      name: \"yes\"\n  namespace: here\ndata:\n  name: neither\n---\nkind: Nothing\n";
        let found = objects(stream);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].kind.as_str(), found[0].name.as_str()), ("ConfigMap", "yes"));
        assert_eq!((found[0].api_version.as_str(), found[0].namespace.as_deref()), ("v1", Some("here")));
        assert_eq!(documents(stream).len(), 2);
    }

    #[test]
    fn a_pod_is_taken_out_of_its_daemon_set() {
        let yaml =
            "kind: DaemonSet\nspec:\n  template:\n    metadata:\n      labels: {}\n    spec:\n      hostPID: true\n"
                .to_owned();
        let set =
            Object { yaml, api_version: String::new(), kind: String::new(), name: String::new(), namespace: None };
        let wanted = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: trial\n  labels: {}\nspec:\n  hostPID: true\n";
        assert_eq!(pod(&set).unwrap().yaml, wanted);
    }
}
