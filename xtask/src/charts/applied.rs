//! What is tried on an API server: that it takes every object, that a second time changes nothing, upgrades, removal, and what the
//! agent's account may do.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::api::{Api, Run};
use super::chart::Chart;
use super::folder;
use super::objects::{Object, objects, pod};
use super::server::Server;
use super::tools;
use crate::sh;

/// Time that a definition may take until the API server serves it.
const SERVED: Duration = Duration::from_secs(20);

/// What the agent's account may do, and must not: a verb, a group, a resource.
const MAY: [(&str, &str, &str); 11] = [
    ("list", "", "pods"),
    ("watch", "", "pods"),
    ("list", "", "namespaces"),
    ("watch", "", "namespaces"),
    ("list", "", "nodes"),
    ("watch", "", "nodes"),
    ("get", "batch", "jobs"),
    ("list", "", "services"),
    ("watch", "", "services"),
    ("list", "discovery.k8s.io", "endpointslices"),
    ("watch", "discovery.k8s.io", "endpointslices"),
];
const MAY_NOT: [(&str, &str, &str); 11] = [
    ("get", "", "secrets"),
    ("list", "", "secrets"),
    ("list", "", "configmaps"),
    ("create", "", "pods"),
    ("delete", "", "pods"),
    ("create", "", "pods/exec"),
    ("get", "", "nodes/proxy"),
    ("patch", "", "nodes"),
    ("create", "", "serviceaccounts/token"),
    ("list", "apps", "daemonsets"),
    ("get", "apps", "replicasets"),
];

/// All of it.
pub fn everything(
    server: &Server,
    chart: &Chart,
    made: &[(String, Vec<Object>)],
    base: &[(String, Vec<Object>)],
) -> Result<()> {
    let mut api = Api::new(server);
    // The namespace of the base, but with a policy that nobody who needs the host meets.
    let text = std::fs::read_to_string(folder().join("base/namespace.yaml"))?;
    let [namespace, strict] =
        [text.clone(), text.replace("enforce: privileged", "enforce: baseline")].map(|text| objects(&text));
    for object in strict.iter().chain(&objects(&tools::definitions()?)) {
        api.apply(object, Run::Real)?;
    }
    served(&mut api, made)?;
    // These values need no priority class, which is not there yet.
    let least = made.iter().filter(|(name, _)| name == "least").flat_map(|(_, objects)| objects);
    for object in least.filter_map(pod) {
        let refused = api.apply(&object, Run::Dry).err().context("`baseline` lets the agent's pod in")?;
        ensure!(format!("{refused:#}").contains("violates PodSecurity"), "{refused:#}");
    }
    for object in &namespace {
        api.apply(object, Run::Real)?;
    }
    mistakes_are_seen(&mut api, made)?;
    for (name, objects) in made.iter().chain(base) {
        sh::step(format!("applied: {name}, {} objects", objects.len()));
        applied(&mut api, objects).with_context(|| format!("{name}: it was tried on an API server"))?;
    }
    sh::step("helm install, upgrade, rollback, uninstall");
    releases(&mut api, chart, server, made)
}

/// Waits until the definitions are served.
fn served(api: &mut Api<'_>, made: &[(String, Vec<Object>)]) -> Result<()> {
    let last = Instant::now() + SERVED;
    for object in made.iter().flat_map(|(_, objects)| objects) {
        while let Err(why) = api.get(object) {
            ensure!(Instant::now() < last, "{why:#}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }
    Ok(())
}

/// Strict means strict: a field that is spelt wrongly is refused, in each object.
fn mistakes_are_seen(api: &mut Api<'_>, made: &[(String, Vec<Object>)]) -> Result<()> {
    for object in made.iter().flat_map(|(_, objects)| objects) {
        let wrong = Object { yaml: format!("{}mistake: true\n", object.yaml), ..object.clone() };
        ensure!(api.apply(&wrong, Run::Dry).is_err(), "{object} is accepted with a field that nobody knows");
    }
    Ok(())
}

fn applied(api: &mut Api<'_>, objects: &[Object]) -> Result<()> {
    let mut versions = Vec::new();
    for object in objects {
        api.apply(object, Run::Dry)?;
        versions.push(version(&api.apply(object, Run::Real)?));
    }
    // What a controller would make of it: pods go through other checks (security, priority) than what they are made by.
    for object in objects.iter().filter_map(pod) {
        api.apply(&object, Run::Dry)?;
    }
    for (object, before) in objects.iter().zip(versions) {
        let again = version(&api.apply(object, Run::Real)?);
        ensure!(again == before, "{object} changes when it is applied again");
    }
    // The namespace stays for the next ones: there is no controller that would remove it.
    for object in objects.iter().filter(|object| object.kind != "Namespace") {
        api.delete(object)?;
        ensure!(api.get(object)?.is_none(), "{object} is still there after its removal");
    }
    Ok(())
}

fn releases(api: &mut Api<'_>, chart: &Chart, server: &Server, made: &[(String, Vec<Object>)]) -> Result<()> {
    let config = server.kubeconfig();
    let objects = |name: &str| -> Result<&Vec<Object>> {
        Ok(&made.iter().find(|(values, _)| values == name).with_context(|| format!("no values {name}"))?.1)
    };
    let daemon_set = objects("default")?.iter().find(|object| object.kind == "DaemonSet").context("no DaemonSet")?;
    let account =
        &objects("default")?.iter().find(|object| object.kind == "ServiceAccount").context("no account")?.name;

    chart.release("install", &config, Some(&chart.value("default")), &[])?;
    for (verb, group, resource) in MAY {
        ensure!(api.may(account, verb, group, resource)?, "the agent may not {verb} {resource}");
    }
    for (verb, group, resource) in MAY_NOT {
        ensure!(!api.may(account, verb, group, resource)?, "the agent may {verb} {resource}");
    }

    // A change of the agent's configuration alone restarts nothing: the pods' template stays.
    let before = generation(api, daemon_set)?;
    chart.release("upgrade", &config, Some(&chart.value("default")), &["--set", "config.log_level=debug"])?;
    ensure!(generation(api, daemon_set)? == before, "a change of the configuration restarts pods");

    for name in ["everything", "privileged", "default"] {
        chart.release("upgrade", &config, Some(&chart.value(name)), &[])?;
        exactly(api, objects(name)?, made).with_context(|| format!("after an upgrade to {name}-values.yaml"))?;
    }
    chart.release("rollback", &config, None, &["3"])?;
    exactly(api, objects("everything")?, made).context("after a rollback to everything-values.yaml")?;
    chart.release("uninstall", &config, None, &[])?;
    exactly(api, &[], made).context("after helm uninstall")
}

/// Of all objects that any values make, these are there, and no others.
fn exactly(api: &mut Api<'_>, wanted: &[Object], made: &[(String, Vec<Object>)]) -> Result<()> {
    let same = |one: &Object, other: &Object| (&one.kind, &one.name) == (&other.kind, &other.name);
    for object in made.iter().flat_map(|(_, objects)| objects) {
        let is_wanted = wanted.iter().any(|other| same(object, other));
        match (api.get(object)?.is_some(), is_wanted) {
            (true, false) => bail!("{object} is still there"),
            (false, true) => bail!("{object} is not there"),
            _ => {}
        }
    }
    Ok(())
}

fn generation(api: &mut Api<'_>, object: &Object) -> Result<Value> {
    Ok(api.get(object)?.with_context(|| format!("{object} is not there"))?["metadata"]["generation"].clone())
}

fn version(stored: &Value) -> Value {
    stored["metadata"]["resourceVersion"].clone()
}
