//! Attributes of resources, and log records.

use crate::group::{Event, Resource, Use};
use crate::registry::attributes::keys::*;

/// Of a process and its program; metrics have that of all processes of a service, without `process.pid`.
pub static TARGET: Resource = Resource {
    id: "resource",
    uses: &[
        Use::new(
            SERVICE_NAME,
            "what its SDK publishes, else the target's `OTEL_SERVICE_NAME`, else `service.name` in its `OTEL_RESOURCE_ATTRIBUTES`, else what \
             Kubernetes calls it, else its systemd service or its container, else what an interpreter runs, else the name of its executable, else `unknown_service`: [the \
             rules](naming.md)",
            "",
        ),
        Use::new(
            SERVICE_NAMESPACE,
            "what its SDK publishes, else the target's `OTEL_RESOURCE_ATTRIBUTES`, else the namespace of its pod",
            "",
        ),
        Use::new(
            SERVICE_VERSION,
            "what its SDK publishes, else the target's `OTEL_RESOURCE_ATTRIBUTES`, else the label `app.kubernetes.io/version`, else \
             the tag of its image, else the image's digest",
            "",
        ),
        Use::new(
            SERVICE_INSTANCE_ID,
            "what its SDK publishes, else namespace, pod and container in Kubernetes, else UUIDv5 of host id (or boot id), process id and start",
            "",
        ),
        HOST[0],
        HOST[1],
        HOST[2],
        Use::new(PROCESS_PID, "`/proc`", ""),
        Use::new(PROCESS_EXECUTABLE_NAME, "`/proc`", ""),
        Use::new(PROCESS_EXECUTABLE_PATH, "`/proc`", ""),
        Use::new(PROCESS_RUNTIME_NAME, "the program: CPython, PyPy, Ruby, Node.js, Java, Go", ""),
        Use::new(PROCESS_RUNTIME_VERSION, "Go (build info) and Java (its `release` file)", ""),
        Use::new(CONTAINER_ID, "control group", ""),
        Use::new(CONTAINER_NAME, "Kubernetes, else the container's runtime", ""),
        Use::new(CONTAINER_IMAGE_NAME, "the container's runtime, else Kubernetes", ""),
        Use::new(CONTAINER_IMAGE_TAGS, "the container's runtime, else Kubernetes", ""),
        Use::new(K8S_CLUSTER_UID, "Kubernetes, if the agent may see namespaces", ""),
        Use::new(K8S_NAMESPACE_NAME, "Kubernetes, else labels that the kubelet gives to containers", ""),
        Use::new(K8S_POD_NAME, "Kubernetes, else labels that the kubelet gives to containers", ""),
        Use::new(K8S_POD_UID, "Kubernetes, else labels that the kubelet gives to containers", ""),
        Use::new(K8S_CONTAINER_NAME, "Kubernetes, else labels that the kubelet gives to containers", ""),
        Use::new(K8S_NODE_NAME, "Kubernetes", ""),
        Use::new(K8S_DEPLOYMENT_NAME, "the pod's owner", ""),
        Use::new(K8S_REPLICASET_NAME, "the pod's owner", ""),
        Use::new(K8S_STATEFULSET_NAME, "the pod's owner", ""),
        Use::new(K8S_DAEMONSET_NAME, "the pod's owner", ""),
        Use::new(K8S_JOB_NAME, "the pod's owner", ""),
        Use::new(K8S_CRONJOB_NAME, "the owner of the pod's job, if the agent may see jobs", ""),
        MAKER[0],
        MAKER[1],
        MAKER[2],
        MAKER[3],
        MAKER[4],
    ],
};

/// Of the agent itself.
pub static AGENT: Resource = Resource {
    id: "agent-resource",
    uses: &[
        Use::new(SERVICE_NAME, "`wirespan`", ""),
        Use::new(SERVICE_VERSION, "the version", ""),
        Use::new(SERVICE_INSTANCE_ID, "host id, or boot id", ""),
        HOST[0],
        HOST[1],
        HOST[2],
        Use::new(PROCESS_PID, "its own", ""),
        MAKER[0],
        MAKER[1],
        MAKER[2],
        MAKER[3],
        MAKER[4],
    ],
};

const HOST: [Use; 3] = [
    Use::new(HOST_NAME, "`/proc/sys/kernel/hostname`", ""),
    Use::new(HOST_ID, "`/etc/machine-id`", ""),
    Use::new(OS_TYPE, "`linux`", ""),
];
const MAKER: [Use; 5] = [
    Use::new(TELEMETRY_SDK_NAME, "`wirespan`", ""),
    Use::new(TELEMETRY_SDK_LANGUAGE, "`rust`", ""),
    Use::new(TELEMETRY_SDK_VERSION, "the version", ""),
    Use::new(TELEMETRY_DISTRO_NAME, "`wirespan`", ""),
    Use::new(TELEMETRY_DISTRO_VERSION, "the version", ""),
];

/// Every resource.
pub static RESOURCES: &[&Resource] = &[&TARGET, &AGENT];

/// A finding of the advisor.
pub static ADVICE: Event = Event {
    name: "wirespan.advice",
    brief: "a finding of the advisor",
    uses: &[
        Use::new(WIRESPAN_ADVICE_KIND, "always", ""),
        Use::new(WIRESPAN_ADVICE_SERVICE, "always", ""),
        Use::new(WIRESPAN_ADVICE_COST, "always", "s"),
        Use::new(WIRESPAN_ADVICE_REMEDY, "always", ""),
        Use::new(WIRESPAN_ADVICE_ROUTE, "if it is about a route", ""),
        Use::new(WIRESPAN_ADVICE_STATEMENT, "if it is about a statement", ""),
        Use::new(SERVER_ADDRESS, "if it is about a server", ""),
        Use::new(SERVER_PORT, "if it is about a server", ""),
        Use::new(WIRESPAN_ADVICE_PROTOCOL, "if it is about a server", ""),
        Use::new(DB_NAMESPACE, "if it is about a database", ""),
        Use::new(WIRESPAN_ADVICE_NUMBER, "each number of the finding", ""),
    ],
};

/// Every log record.
pub static EVENTS: &[&Event] = &[&ADVICE];
