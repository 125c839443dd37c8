//! Building a resource: the rules of the semantic conventions for `service.*`, and the attributes of the process.

use std::borrow::Cow;
use uuid::Uuid;
use wirespan_semconv as semconv;

use std::sync::Arc;

use super::{Host, attributes, contained};
use crate::process::{Process, runtime};
use crate::trace::span::{Resource, Value};
use crate::trace::treatment::Treatment;

/// Namespace of `service.instance.id` (semantic conventions, registry of `service.instance.id`).
const INSTANCE_NAMESPACE: Uuid = Uuid::from_u128(0x4d63_009a_8d0f_11ee_aad7_4c79_6ed8_e320);
/// What no name is known for.
const UNKNOWN_SERVICE: &str = "unknown_service";
/// The agent observes from outside: it is no SDK within the target, and says so.
const AGENT: &str = env!("CARGO_PKG_NAME");
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Attributes in the order of their first setting; a later setting replaces the value.
#[derive(Default)]
pub(super) struct Builder(Vec<(Cow<'static, str>, Value)>);

impl Builder {
    pub(super) fn set(&mut self, key: impl Into<Cow<'static, str>>, value: Value) {
        let key = key.into();
        match self.0.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => *known = value,
            None => self.0.push((key, value)),
        }
    }

    pub(super) fn text(&mut self, key: &'static str, value: Option<&str>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.set(key, Value::Text(value.into()));
        }
    }

    fn build(self) -> Resource {
        let name = self.0.iter().find(|(key, _)| key == semconv::SERVICE_NAME).and_then(|(_, value)| value.as_str());
        Resource { service_name: name.unwrap_or(UNKNOWN_SERVICE).into(), attributes: self.0, treatment: None }
    }
}

/// The resource of a process. `treatment`: what a rule says about it.
pub(super) fn build(process: &Process, host: &Host, treatment: Option<&Arc<Treatment>>) -> Resource {
    let mut builder = Builder::default();
    builder.text(semconv::SERVICE_NAME, Some(service_name(process)));
    builder.text(semconv::SERVICE_INSTANCE_ID, instance_id(process, host).as_deref());
    of_host(&mut builder, host);
    builder.set(semconv::PROCESS_PID, Value::Int(process.pid.into()));
    builder.text(semconv::PROCESS_EXECUTABLE_NAME, process.executable_name());
    builder.text(semconv::PROCESS_EXECUTABLE_PATH, process.exe.as_deref().filter(|path| path.starts_with('/')));
    if let Some(runtime) = runtime::detect(process) {
        builder.text(semconv::PROCESS_RUNTIME_NAME, Some(runtime.name));
        builder.text(semconv::PROCESS_RUNTIME_VERSION, runtime.version);
    }
    contained::describe(&mut builder, process);
    of_target(&mut builder, process);
    if let Some(treatment) = treatment {
        of_rule(&mut builder, treatment);
    }
    of_agent(&mut builder);
    Resource { treatment: treatment.map(Arc::clone), ..builder.build() }
}

/// The resource of what no process is known of.
pub(super) fn unknown(host: &Host) -> Resource {
    let mut builder = Builder::default();
    builder.set(semconv::SERVICE_NAME, Value::Static(UNKNOWN_SERVICE));
    of_host(&mut builder, host);
    of_agent(&mut builder);
    builder.build()
}

/// The resource of the agent itself. `variable` finds the agent's own environment variables.
pub(super) fn agent(host: &Host, variable: &dyn Fn(&str) -> Option<String>) -> Resource {
    let own = ["OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"];
    let environment = own.into_iter().filter_map(|name| Some((name.into(), variable(name)?.into())));
    let process = Process { pid: std::process::id(), environment: environment.collect(), ..Process::default() };
    let mut builder = Builder::default();
    builder.set(semconv::SERVICE_NAME, Value::Static(AGENT));
    builder.set(semconv::SERVICE_VERSION, Value::Static(VERSION));
    builder.text(semconv::SERVICE_INSTANCE_ID, host.id.as_deref().or(host.boot_id.as_deref()));
    of_host(&mut builder, host);
    builder.set(semconv::PROCESS_PID, Value::Int(process.pid.into()));
    of_target(&mut builder, &process);
    of_agent(&mut builder);
    builder.build()
}

fn of_host(builder: &mut Builder, host: &Host) {
    builder.text(semconv::HOST_NAME, host.name.as_deref());
    builder.text(semconv::HOST_ID, host.id.as_deref());
    builder.set(semconv::OS_TYPE, Value::Static("linux"));
}

fn of_agent(builder: &mut Builder) {
    builder.set(semconv::TELEMETRY_SDK_NAME, Value::Static(AGENT));
    builder.set(semconv::TELEMETRY_SDK_LANGUAGE, Value::Static("rust"));
    builder.set(semconv::TELEMETRY_SDK_VERSION, Value::Static(VERSION));
    builder.set(semconv::TELEMETRY_DISTRO_NAME, Value::Static(AGENT));
    builder.set(semconv::TELEMETRY_DISTRO_VERSION, Value::Static(VERSION));
}

/// What the target says about itself. It may name what it likes but its process, which the kernel knows better. What its SDK
/// publishes has taken the environment into account, and is what its own telemetry says.
fn of_target(builder: &mut Builder, process: &Process) {
    let pairs = process.variable("OTEL_RESOURCE_ATTRIBUTES").and_then(attributes::parse).unwrap_or_default();
    for (key, value) in pairs {
        let empty_name = &*key == semconv::SERVICE_NAME && value.is_empty();
        if &*key != semconv::PROCESS_PID && !empty_name {
            builder.set(String::from(key), Value::Text(value));
        }
    }
    builder.text(semconv::SERVICE_NAME, process.variable("OTEL_SERVICE_NAME"));
    for (key, value) in process.published.iter().flat_map(|published| &published.attributes) {
        builder.set(String::from(&**key), Value::Text(value.clone()));
    }
}

/// What a rule says counts most: whoever runs the agent wrote it.
fn of_rule(builder: &mut Builder, treatment: &Treatment) {
    for (key, value) in &treatment.attributes {
        builder.set(String::from(&**key), Value::Shared(Arc::clone(value)));
    }
    if let Some(name) = &treatment.service_name {
        builder.set(semconv::SERVICE_NAME, Value::Shared(Arc::clone(name)));
    }
}

/// The name without the target's own word: by Kubernetes, else systemd unit or container, else what an interpreter runs, else
/// the executable's name (`docs/naming.md`).
///
/// In a container the unit is that of the container runtime. Scopes, sessions and users' managers are not services.
fn service_name(process: &Process) -> &str {
    let group = &process.group;
    let unit = group.unit.as_deref().filter(|unit| group.container_id.is_none() && !unit.starts_with("user@"));
    contained::service(process)
        .or_else(|| unit.and_then(|unit| unit.strip_suffix(".service")))
        .or(process.program.runs.as_deref())
        .or_else(|| process.executable_name().and_then(runtime::family))
        .or(process.program.started_as.as_deref())
        .or_else(|| process.executable_name())
        .or_else(|| Some(&*process.comm).filter(|comm| !comm.is_empty()))
        .unwrap_or(UNKNOWN_SERVICE)
}

/// In Kubernetes the container; else UUID version 5 of host, process id and start: stable as long as the process lives, whoever observes it from the
/// same host. Without a host id the boot id stands for it; with neither there is none.
fn instance_id(process: &Process, host: &Host) -> Option<String> {
    if let Some(instance) = contained::instance(process) {
        return Some(instance);
    }
    let host = host.id.as_deref().or(host.boot_id.as_deref())?;
    let start = match process.start_time {
        Some(ticks) => ticks.to_string(),
        None => format!("{}ns", process.seen_ns),
    };
    Some(Uuid::new_v5(&INSTANCE_NAMESPACE, format!("{host}/{}/{start}", process.pid).as_bytes()).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::container::{Container, Pod};
    use crate::process::{Group, Published};
    use std::sync::Arc;

    fn host() -> Host {
        Host { name: Some("web1".into()), id: Some("3d12".into()), boot_id: None }
    }

    fn process(environment: &[(&str, &str)], cgroup: &str) -> Process {
        Process {
            pid: 7,
            comm: "nginx".into(),
            exe: Some("/usr/sbin/nginx".into()),
            start_time: Some(99),
            group: Arc::new(Group::parse(cgroup)),
            environment: environment.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            ..Process::default()
        }
    }

    fn text<'a>(resource: &'a Resource, key: &str) -> Option<&'a str> {
        resource.attributes.iter().find(|(candidate, _)| candidate == key).and_then(|(_, value)| value.as_str())
    }

    fn name(environment: &[(&str, &str)], cgroup: &str) -> Arc<str> {
        let resource = build(&process(environment, cgroup), &host(), None);
        assert_eq!(text(&resource, "service.name"), Some(&*resource.service_name));
        resource.service_name
    }

    #[test]
    fn the_name_of_the_service() {
        let unit = "0::/system.slice/web.service";
        assert_eq!(
            &*name(&[("OTEL_SERVICE_NAME", "shop"), ("OTEL_RESOURCE_ATTRIBUTES", "service.name=x")], unit),
            "shop"
        );
        assert_eq!(&*name(&[("OTEL_SERVICE_NAME", ""), ("OTEL_RESOURCE_ATTRIBUTES", "service.name=x")], unit), "x");
        assert_eq!(&*name(&[("OTEL_RESOURCE_ATTRIBUTES", "service.name=x,broken")], unit), "web");
        assert_eq!(&*name(&[("OTEL_RESOURCE_ATTRIBUTES", "service.name=")], unit), "web");
        for none in [
            "0::/",
            "0::/init.scope",
            "0::/user.slice/user-0.slice/session-1.scope",
            "0::/user.slice/user-0.slice/user@0.service/init.scope",
            "0::/user.slice/user-0.slice/user@0.service",
            &format!("0::/system.slice/containerd.service/x:cri-containerd:{}", "a1".repeat(32)),
        ] {
            assert_eq!(&*name(&[], none), "nginx", "{none}");
        }
        let nameless = Process { comm: "x".into(), ..Process::default() };
        assert_eq!(&*build(&nameless, &host(), None).service_name, "x");
        assert_eq!(&*build(&Process::default(), &host(), None).service_name, "unknown_service");
    }

    #[test]
    fn attributes_once_each_and_the_targets_own_merged() {
        let own = [(
            "OTEL_RESOURCE_ATTRIBUTES",
            "service.version=1%2E2,team=a,host.name=me,process.pid=1,telemetry.sdk.name=x",
        )];
        let resource = build(&process(&own, &format!("0::/docker/{}", "a1".repeat(32))), &host(), None);
        for (key, value) in [
            ("service.version", "1.2"),
            ("team", "a"),
            ("host.name", "me"),
            ("host.id", "3d12"),
            ("os.type", "linux"),
            ("process.executable.name", "nginx"),
            ("process.executable.path", "/usr/sbin/nginx"),
            ("telemetry.sdk.name", "wirespan"),
            ("telemetry.distro.name", "wirespan"),
            ("container.id", &"a1".repeat(32)),
        ] {
            assert_eq!(text(&resource, key), Some(value), "{key}");
        }
        assert!(resource.attributes.contains(&("process.pid".into(), Value::Int(7))));
        let mut keys: Vec<_> = resource.attributes.iter().map(|(key, _)| key.clone()).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), resource.attributes.len());
        assert!(!keys.iter().any(|key| key.contains("command")), "command lines hold secrets");
    }

    #[test]
    fn what_an_sdk_publishes_names_the_process() {
        let own = [("OTEL_SERVICE_NAME", "of-environment"), ("OTEL_RESOURCE_ATTRIBUTES", "service.version=1,team=a")];
        let published = Published::new(
            1,
            [
                ("service.name", "shop"),
                ("service.version", "2"),
                ("service.instance.id", "627cc493"),
                ("deployment.environment.name", "production"),
            ],
        );
        let process = Process { published: Some(Arc::new(published)), ..process(&own, "0::/system.slice/web.service") };
        let resource = build(&process, &host(), None);
        assert_eq!(&*resource.service_name, "shop");
        for (key, value) in [
            ("service.name", "shop"),
            ("service.version", "2"),
            ("service.instance.id", "627cc493"),
            ("deployment.environment.name", "production"),
            ("team", "a"),
            ("telemetry.sdk.name", "wirespan"),
        ] {
            assert_eq!(text(&resource, key), Some(value), "{key}");
        }
        let nameless = Published::new(1, [("service.name", "unknown_service:python")]);
        let process = Process { published: Some(Arc::new(nameless)), ..process };
        assert_eq!(&*build(&process, &host(), None).service_name, "of-environment");
    }

    #[test]
    fn kubernetes_names_the_process_unless_it_does_so_itself() {
        let map = |pairs: &[(&str, &str)]| pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        let pod = Pod {
            namespace: "shop".into(),
            name: "web-5d8f-x".into(),
            uid: "1-2".into(),
            node: Some("n1".into()),
            labels: map(&[("app.kubernetes.io/version", "2.1")]),
            annotations: map(&[("resource.opentelemetry.io/team", "a"), ("other", "b")]),
            owners: vec![("ReplicaSet".into(), "web-5d8f".into()), ("Deployment".into(), "web".into())],
            ..Pod::default()
        };
        let container = Container {
            name: Some("c".into()),
            image: Some("docker.io/shop/web:1.0".into()),
            pod: Some(Arc::new(pod)),
            ..Container::default()
        };
        let id = format!("0::/kubepods/pod1-2/{}", "a1".repeat(32));
        let contained = Process { container: Some(Arc::new(container)), ..process(&[], &id) };
        let resource = build(&contained, &host(), None);
        for (key, value) in [
            ("service.name", "web"),
            ("service.namespace", "shop"),
            ("service.version", "2.1"),
            ("service.instance.id", "shop.web-5d8f-x.c"),
            ("container.name", "c"),
            ("container.image.name", "docker.io/shop/web"),
            ("k8s.namespace.name", "shop"),
            ("k8s.pod.name", "web-5d8f-x"),
            ("k8s.pod.uid", "1-2"),
            ("k8s.container.name", "c"),
            ("k8s.node.name", "n1"),
            ("k8s.deployment.name", "web"),
            ("k8s.replicaset.name", "web-5d8f"),
            ("team", "a"),
        ] {
            assert_eq!(text(&resource, key), Some(value), "{key}");
        }
        assert!(resource.attributes.contains(&("container.image.tags".into(), Value::List(["1.0".into()].into()))));
        let own = [("OTEL_SERVICE_NAME", "mine"), ("OTEL_RESOURCE_ATTRIBUTES", "team=b")];
        let contained = Process { container: contained.container, ..process(&own, &id) };
        let resource = build(&contained, &host(), None);
        assert_eq!((&*resource.service_name, text(&resource, "team")), ("mine", Some("b")));
    }

    #[test]
    fn a_container_is_called_as_its_service_or_itself() {
        let mut container = Container { name: Some("shop-web-1".into()), ..Container::default() };
        let id = format!("0::/docker/{}", "a1".repeat(32));
        let named = |container: &Container| {
            let process = Process { container: Some(Arc::new(container.clone())), ..process(&[], &id) };
            build(&process, &host(), None).service_name
        };
        assert_eq!(&*named(&container), "shop-web-1");
        container.labels.insert("com.docker.compose.service".into(), "web".into());
        assert_eq!(&*named(&container), "web");
    }

    #[test]
    fn the_instance_is_the_same_for_every_observer() {
        let id = |process: &Process| instance_id(process, &host()).unwrap();
        let first = process(&[], "0::/");
        // python3: uuid.uuid5(uuid.UUID("4d63009a-8d0f-11ee-aad7-4c796ed8e320"), "3d12/7/99")
        assert_eq!(id(&first), "a6c808df-e14f-5dc3-b2d6-5c5b654053ae");
        assert_ne!(id(&Process { start_time: Some(100), ..first.clone() }), id(&first));
        assert_ne!(id(&Process { pid: 8, ..first.clone() }), id(&first));
        assert_eq!(instance_id(&first, &Host::default()), None);
        let own = process(&[("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=mine")], "0::/");
        assert_eq!(text(&build(&own, &host(), None), "service.instance.id"), Some("mine"));
    }
}
