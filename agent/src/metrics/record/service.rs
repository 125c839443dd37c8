//! Whose metrics they are: the service on this host, not each of its processes. A database that forks for every
//! connection, or a program that is started a thousand times, would else fill every limit with series of one value.
//!
//! A service is what its processes' resources have in common but `process.pid`. Its `service.instance.id` is a UUIDv5 of
//! all of that, unless the processes have one that wirespan did not make.

use std::fmt::Write as _;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use uuid::Uuid;
use wirespan_semconv as semconv;

use crate::trace::span::{Resource, Value};

/// Namespace of `service.instance.id` (semantic conventions, registry of `service.instance.id`).
const NAMESPACE: Uuid = Uuid::from_u128(0x4d63_009a_8d0f_11ee_aad7_4c79_6ed8_e320);
const INSTANCE: &str = semconv::SERVICE_INSTANCE_ID;
/// Most processes whose service is remembered, and most services. They are found again.
const MAX_PROCESSES: usize = 1024;
const MAX_SERVICES: usize = 4096;

/// Services of processes.
#[derive(Debug, Default)]
pub(super) struct Services {
    /// By the address of the process's resource, which is kept so that the address stays its own.
    of: FxHashMap<usize, (Arc<Resource>, Arc<Resource>)>,
    /// By instance.
    services: FxHashMap<Uuid, Arc<Resource>>,
}

impl Services {
    /// The resource of the service that a process belongs to.
    pub(super) fn of(&mut self, process: &Arc<Resource>) -> Arc<Resource> {
        let address = Arc::as_ptr(process).addr();
        if let Some((_, service)) = self.of.get(&address) {
            return Arc::clone(service);
        }
        if self.of.len() >= MAX_PROCESSES {
            self.of.clear();
        }
        if self.services.len() >= MAX_SERVICES {
            self.services.clear();
        }
        let (instance, service) = service(process);
        let service = Arc::clone(self.services.entry(instance).or_insert_with(|| Arc::new(service)));
        self.of.insert(address, (Arc::clone(process), Arc::clone(&service)));
        service
    }

    /// Lets go of processes that nobody else knows any more.
    pub(super) fn forget(&mut self) {
        self.of.retain(|_, (process, _)| Arc::strong_count(process) > 1);
        // Those of processes and of series have a second owner.
        self.services.retain(|_, service| Arc::strong_count(service) > 1);
    }
}

/// Whether an id is one that wirespan gave to a process.
fn is_ours(id: &str) -> bool {
    Uuid::parse_str(id).is_ok_and(|id| id.get_version_num() == 5)
}

fn service(process: &Resource) -> (Uuid, Resource) {
    let mut name = format!("{}:{};", process.service_name.len(), process.service_name);
    let mut attributes = Vec::with_capacity(process.attributes.len());
    for (key, value) in &process.attributes {
        let is_own = key == INSTANCE && value.as_str().is_some_and(is_ours);
        if key == semconv::PROCESS_PID || is_own {
            continue;
        }
        // Lengths keep one list of attributes from looking like another.
        let _ = write!(name, "{}:{key}{value:?};", key.len());
        attributes.push((key.clone(), value.clone()));
    }
    let instance = Uuid::new_v5(&NAMESPACE, name.as_bytes());
    if !attributes.iter().any(|(key, _)| key == INSTANCE) {
        attributes.push((INSTANCE.into(), Value::Text(instance.to_string().into())));
    }
    (instance, Resource { service_name: Arc::clone(&process.service_name), attributes, ..Resource::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: i64, instance: &str, more: &str) -> Arc<Resource> {
        let attributes = vec![
            ("service.name".into(), Value::Text("db".into())),
            (INSTANCE.into(), Value::Text(instance.into())),
            ("process.pid".into(), Value::Int(pid)),
            ("container.id".into(), Value::Text(more.into())),
        ];
        Arc::new(Resource { service_name: "db".into(), attributes, ..Resource::default() })
    }

    const ONE: &str = "a6c808df-e14f-5dc3-b2d6-5c5b654053ae";
    const OTHER: &str = "b6c808df-e14f-5dc3-b2d6-5c5b654053ae";

    fn instance(resource: &Resource) -> &str {
        resource.attributes.iter().find(|(key, _)| key == INSTANCE).and_then(|(_, value)| value.as_str()).unwrap()
    }

    #[test]
    fn processes_of_one_service_are_one() {
        let mut services = Services::default();
        let (first, second) = (process(1, ONE, "c1"), process(2, OTHER, "c1"));
        let service = services.of(&first);
        assert!(Arc::ptr_eq(&service, &services.of(&second)));
        assert!(Arc::ptr_eq(&service, &services.of(&first)));
        assert!(service.attributes.iter().all(|(key, _)| key != "process.pid"));
        let elsewhere = services.of(&process(3, ONE, "c2"));
        assert!(!Arc::ptr_eq(&service, &elsewhere), "another container is another instance");
        assert_ne!(instance(&service), instance(&elsewhere));
        assert_eq!(instance(&service), instance(&Services::default().of(&second)), "whoever looks, and whenever");
        services.forget();
        assert_eq!(services.of.len(), 2, "one was of nobody any more");
    }

    #[test]
    fn an_instance_that_was_given_is_kept() {
        let mut services = Services::default();
        assert_eq!(instance(&services.of(&process(1, "shop.pod-1.web", "c1"))), "shop.pod-1.web");
        let (one, other) = (process(1, "pod-1", "c1"), process(2, "pod-2", "c1"));
        assert!(!Arc::ptr_eq(&services.of(&one), &services.of(&other)));
    }

    #[test]
    fn any_number_of_processes_is_remembered_within_limits() {
        let mut services = Services::default();
        for pid in 0..10_000 {
            services.of(&process(pid, ONE, "c1"));
        }
        assert!(services.of.len() <= MAX_PROCESSES);
        assert_eq!(services.services.len(), 1);
    }
}
