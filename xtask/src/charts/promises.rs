//! What must be true of what the chart makes.

use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use super::chart;
use super::objects::Object;
use crate::{paths, sh};

/// Texts that the objects of these values have, and lack. They are lines of the chart's own templates.
struct Promise {
    values: &'static str,
    has: &'static [&'static str],
    lacks: &'static [&'static str],
}

const PROMISES: [Promise; 6] = [
    Promise {
        values: "default",
        has: &[
            "hostPID: true",
            "drop: [ALL]",
            "readOnlyRootFilesystem: true",
            "type: RuntimeDefault",
            "path: /readyz",
            "name: doctor",
        ],
        lacks: &[
            "privileged: true",
            "hostNetwork: true",
            "hostPath",
            "_ADMIN",
            "SYS_RESOURCE",
            "checksum",
            "Secret",
            "subPath",
        ],
    },
    Promise { values: "none", has: &["hostPID: true"], lacks: &["OTEL_EXPORTER_OTLP_ENDPOINT", "- port: 4318"] },
    Promise {
        values: "privileged",
        has: &[
            "privileged: true",
            "hostNetwork: true",
            "host: 127.0.0.1",
            "127.0.0.1:9464",
            "readOnlyRootFilesystem: true",
        ],
        lacks: &["capabilities", "NetworkPolicy", "allowPrivilegeEscalation"],
    },
    Promise {
        values: "opted-in",
        has: &[
            "k8s.pod.label.wirespan.io/enabled=true",
            "OTEL_EXPORTER_OTLP_CLIENT_KEY",
            "secretKeyRef",
            "@sha256:",
            "{port: 443,",
        ],
        lacks: &["0.1.0@", "privileged: true"],
    },
    Promise {
        values: "least",
        has: &[
            "automountServiceAccountToken: false",
            "WIRESPAN_KUBERNETES_ENABLED",
            "[::]:9999",
            "priorityClassName: system-node-critical",
        ],
        lacks: &[
            "kind: Cluster",
            "NetworkPolicy",
            "doctor",
            "automountServiceAccountToken: true",
            "appArmorProfile",
            "tolerations",
        ],
    },
    Promise {
        values: "old",
        has: &["apparmor.security.beta.kubernetes.io/doctor: unconfined"],
        lacks: &["appArmorProfile"],
    },
];

/// Compares what was made of some values with what is promised of them.
pub fn check(values: &str, objects: &[Object]) -> Result<()> {
    let lines = objects.iter().flat_map(|object| object.yaml.lines());
    let lines: Vec<&str> = lines.filter(|line| !line.trim_start().starts_with('#')).collect();
    let all = lines.join("\n");
    for promise in PROMISES.iter().filter(|promise| promise.values == values) {
        for text in promise.has {
            ensure!(all.contains(text), "with {values}-values.yaml the chart lacks `{text}`");
        }
        for text in promise.lacks {
            ensure!(!all.contains(text), "with {values}-values.yaml the chart has `{text}`");
        }
    }
    Ok(())
}

/// docs/chart.md counts the verbs of the cluster role, and has a row for each capability.
pub fn documented(made: &[(String, Vec<Object>)]) -> Result<()> {
    let text = std::fs::read_to_string(paths::root().join("docs/chart.md"))?;
    let find = |values: &str, kind: &str| -> Result<String> {
        let objects = &made.iter().find(|(name, _)| name == values).with_context(|| format!("no values {values}"))?.1;
        let object = objects.iter().find(|object| object.kind == kind);
        Ok(object.with_context(|| format!("no {kind} with {values}"))?.yaml.clone())
    };
    let (verbs, resources) = counted(&find("default", "ClusterRole")?);
    let sentence = format!("{verbs} verbs on {resources} resources");
    ensure!(text.contains(&sentence), "docs/chart.md does not say `{sentence}`");
    for line in find("everything", "DaemonSet")?.lines().filter_map(|line| line.trim().strip_prefix("- ")) {
        if let Some((capability, _)) = line.split_once(" # ") {
            let row = format!("| `{capability}` |");
            ensure!(text.contains(&row), "docs/chart.md has no row `{row}`");
        }
    }
    Ok(())
}

/// Verbs of a cluster role (one on two resources is two), and resources.
fn counted(role: &str) -> (usize, usize) {
    let list = |line: &str, key: &str| {
        let list = line.trim_start_matches([' ', '-']).strip_prefix(key)?;
        Some(list.split(", ").count())
    };
    let (mut verbs, mut resources, mut here) = (0, 0, 0);
    for line in role.lines() {
        if let Some(number) = list(line, "resources: ") {
            (here, resources) = (number, resources + number);
        } else if let Some(number) = list(line, "verbs: ") {
            verbs += here * number;
        }
    }
    (verbs, resources)
}

/// The agent itself has nothing against the configurations that the chart writes, if an agent has been built.
pub fn configurations(made: &[(String, Vec<Object>)]) -> Result<()> {
    let built = ["release", "debug"].map(|profile| paths::target().join(profile).join("wirespan"));
    let Some(agent) = built.iter().find(|path| path.is_file()) else {
        sh::step("skipped: `wirespan config validate` (no agent has been built)");
        return Ok(());
    };
    for (values, objects) in made {
        let Some(file) = objects.iter().find_map(configuration) else { bail!("no configuration with {values}") };
        let path = paths::target().join("charts/wirespan.yaml");
        std::fs::write(&path, &file)?;
        chart::output(Command::new(agent).args(["config", "validate"]).arg(&path))
            .with_context(|| format!("with {values}-values.yaml:\n{file}"))?;
    }
    Ok(())
}

/// The file in a ConfigMap.
fn configuration(object: &Object) -> Option<String> {
    let block = object.yaml.split_once("\n  wirespan.yaml: |\n")?.1;
    let lines = block.lines().map_while(|line| line.strip_prefix("    ").or(line.is_empty().then_some("")));
    Some(lines.flat_map(|line| [line, "\n"]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_are_counted_for_each_resource() {
        let role = "rules:\n  - apiGroups: [\"\"]\n    resources: [pods, nodes]\n    verbs: [list, watch]\n  - resources: [jobs]\n    \
                    verbs: [get]\n";
        assert_eq!(counted(role), (5, 3));
    }

    #[test]
    fn a_file_is_taken_out_of_its_map() {
        let yaml = "data:\n  wirespan.yaml: |\n    a:\n      b: 1\n\n    c: 2\n  other: x\n".to_owned();
        let object =
            Object { yaml, api_version: String::new(), kind: String::new(), name: String::new(), namespace: None };
        assert_eq!(configuration(&object).unwrap(), "a:\n  b: 1\n\nc: 2\n");
    }
}
