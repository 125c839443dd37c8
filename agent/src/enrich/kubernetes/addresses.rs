//! Whose addresses are, by what Kubernetes says: pods of this node by themselves, all others by the services that lead to them.
//!
//! Services and their end points say it for the whole cluster, and change far less often than pods do.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use kube::api::ObjectMeta;

use super::objects::{EndpointSlice, Service};
use super::pods::texts;
use crate::enrich::containers::facts::OfPod;
use crate::enrich::naming;
use crate::process::container::Pod;
use crate::trace::peers::{Claim, Claims, Name, Worth};

/// Label of an end point slice: the service that it is of.
const SERVICE: &str = "kubernetes.io/service-name";
/// Most services with ports of nodes that are kept.
const MAX_NODE_PORTS: usize = 4096;
/// For how long a connection may be older than the news of whom it leads to, ns.
const LATENCY_NS: u64 = 5_000_000_000;
/// Most claims of one object.
const MAX_OF_OBJECT: usize = 4096;

/// The clocks, read together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    /// Kernel time, ns.
    pub(super) ns: u64,
    /// Unix time, s.
    pub(super) unix: i64,
}

impl Now {
    pub(super) fn read() -> Self {
        let monotonic = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let unix = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
        let ns = u64::try_from(monotonic.tv_sec).unwrap_or_default() * 1_000_000_000
            + u64::try_from(monotonic.tv_nsec).unwrap_or_default();
        Self { ns, unix: unix.tv_sec }
    }

    /// The kernel's time at a Unix time of the past.
    fn at(self, unix: i64) -> u64 {
        let ago = u64::try_from(self.unix.saturating_sub(unix)).unwrap_or_default();
        self.ns.saturating_sub(ago.saturating_mul(1_000_000_000))
    }
}

/// What a service with ports of nodes is called, those ports, and what else it claims.
type OnNodes = (Arc<Name>, Vec<u16>, Vec<Claim>);

/// What was said of addresses that concerns more than one object.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    node: Vec<IpAddr>,
    /// Services with ports of nodes.
    node_ports: HashMap<Arc<str>, OnNodes>,
    /// Sources that were told, and are not gone.
    told: HashSet<Arc<str>>,
    /// Sources that a list has shown since it began.
    shown: HashSet<Arc<str>>,
    /// What a list shows was there before: connections to it may be old.
    is_listing: bool,
}

impl Addresses {
    /// A list of all objects of a kind begins.
    pub(super) fn begin(&mut self) {
        self.shown.clear();
        self.is_listing = true;
    }

    /// It is over: what it did not show is gone.
    pub(super) fn end(&mut self, now: Now) -> Vec<Claims> {
        self.is_listing = false;
        let gone: Vec<Arc<str>> = self.told.difference(&self.shown).cloned().collect();
        gone.into_iter().filter_map(|source| self.gone(&source, now)).collect()
    }

    /// An object is gone.
    pub(super) fn gone(&mut self, source: &str, now: Now) -> Option<Claims> {
        self.node_ports.remove(source);
        let source = self.told.take(source)?;
        Some(Claims { source, claims: Vec::new(), since_ns: now.ns, now_ns: now.ns })
    }

    fn told(&mut self, source: Arc<str>, mut claims: Vec<Claim>, now: Now) -> Claims {
        claims.truncate(MAX_OF_OBJECT);
        self.told.insert(Arc::clone(&source));
        if self.is_listing {
            self.shown.insert(Arc::clone(&source));
        }
        let since_ns = if self.is_listing { 0 } else { now.ns.saturating_sub(LATENCY_NS) };
        Claims { source, claims, since_ns, now_ns: now.ns }
    }

    /// A service: its own addresses, and its ports of this node.
    pub(super) fn service(&mut self, service: &Service, now: Now) -> Option<Claims> {
        let name = name(&service.metadata, service.metadata.name.as_deref()?)?;
        let source = source("service", &service.metadata)?;
        let own = service.spec.cluster_ips.iter().chain(&service.spec.external_ips);
        let leads = |address| Claim { address, port: None, name: Arc::clone(&name), worth: Worth::Leads };
        let mut claims: Vec<Claim> = own.filter_map(|address| address.parse().ok()).map(leads).collect();
        let ports = service.spec.ports.iter().filter(|port| tcp(port.protocol.as_deref()));
        let node_ports: Vec<u16> = ports.filter_map(|port| port.node_port).collect();
        self.node_ports.remove(&source);
        if !node_ports.is_empty() && self.node_ports.len() < MAX_NODE_PORTS {
            let before = claims.clone();
            claims.extend(on_node(&self.node, &name, &node_ports));
            self.node_ports.insert(Arc::clone(&source), (name, node_ports, before));
        }
        Some(self.told(source, claims, now))
    }

    /// A part of the end points of a service: who listens where.
    pub(super) fn slice(&mut self, slice: &EndpointSlice, now: Now) -> Option<Claims> {
        let service = slice.metadata.labels.as_ref()?.get(SERVICE)?;
        let name = name(&slice.metadata, service)?;
        let ports: Vec<u16> =
            slice.ports.iter().filter(|port| tcp(port.protocol.as_deref())).filter_map(|port| port.port).collect();
        let addresses = slice.endpoints.iter().flat_map(|endpoint| &endpoint.addresses);
        let claims = addresses.filter_map(|address| address.parse().ok()).flat_map(|address| {
            let name = &name;
            ports.iter().map(move |port| Claim {
                address,
                port: Some(*port),
                name: Arc::clone(name),
                worth: Worth::Listens,
            })
        });
        let claims = claims.take(MAX_OF_OBJECT).collect();
        Some(self.told(source("slice", &slice.metadata)?, claims, now))
    }

    /// The addresses of this node: its name, and the ports that services have on it.
    pub(super) fn node(&mut self, node: &str, addresses: Vec<IpAddr>, now: Now) -> Vec<Claims> {
        if self.node == addresses {
            return Vec::new();
        }
        self.node = addresses;
        let name = Arc::new(Name { name: node.into(), namespace: None });
        let leads =
            |address: &IpAddr| Claim { address: *address, port: None, name: Arc::clone(&name), worth: Worth::Leads };
        let own = self.node.iter().map(leads).collect();
        let ports = self.node_ports.iter().map(|(service, (name, ports, before))| {
            let claims = before.iter().cloned().chain(on_node(&self.node, name, ports)).collect();
            Claims { source: Arc::clone(service), claims, since_ns: 0, now_ns: now.ns }
        });
        let mut told: Vec<Claims> = ports.collect();
        told.push(Claims { source: "node".into(), claims: own, since_ns: 0, now_ns: now.ns });
        told
    }
}

/// The addresses of a pod of this node: its own, or ports of those that it shares. From when it was started.
pub(super) fn pod(facts: &OfPod, now: Now) -> Claims {
    let Pod { uid, .. } = &facts.pod;
    let container = facts.containers.first().map(|container| &*container.name);
    let namespace = naming::namespace(&facts.pod).map(Into::into);
    let claims = naming::service(&facts.pod, container).map(|name| {
        let name = Arc::new(Name { name: name.into(), namespace });
        let claim = |address: &IpAddr, port, worth| Claim { address: *address, port, name: Arc::clone(&name), worth };
        let addresses = facts.addresses.iter();
        match &facts.host_ports {
            None => addresses.map(|address| claim(address, None, Worth::Owns)).collect(),
            Some(ports) => addresses
                .flat_map(|address| ports.iter().map(move |port| (address, *port)))
                .map(|(address, port)| claim(address, Some(port), Worth::Listens))
                .collect(),
        }
    });
    let since_ns = facts.started.map_or(now.ns, |started| now.at(started));
    Claims { source: pod_source(uid), claims: claims.unwrap_or_default(), since_ns, now_ns: now.ns }
}

/// A pod that is gone.
pub(super) fn pod_gone(uid: &str, now: Now) -> Claims {
    Claims { source: pod_source(uid), claims: Vec::new(), since_ns: now.ns, now_ns: now.ns }
}

fn pod_source(uid: &str) -> Arc<str> {
    format!("pod/{uid}").into()
}

/// What a service is called: as its pods, where its labels tell.
fn name(metadata: &ObjectMeta, name: &str) -> Option<Arc<Name>> {
    let labels = texts(metadata.labels.clone());
    let name = naming::labelled(&labels).unwrap_or(name);
    Some(Arc::new(Name { name: name.into(), namespace: Some(metadata.namespace.as_deref()?.into()) }))
}

/// The name of an object among all that claim addresses.
pub(super) fn source(kind: &str, metadata: &ObjectMeta) -> Option<Arc<str>> {
    Some(format!("{kind}/{}/{}", metadata.namespace.as_deref()?, metadata.name.as_deref()?).into())
}

fn tcp(protocol: Option<&str>) -> bool {
    protocol.is_none_or(|protocol| protocol == "TCP")
}

fn on_node(addresses: &[IpAddr], name: &Arc<Name>, ports: &[u16]) -> impl Iterator<Item = Claim> {
    addresses.iter().flat_map(move |address| {
        ports.iter().map(move |port| Claim {
            address: *address,
            port: Some(*port),
            name: Arc::clone(name),
            worth: Worth::Listens,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Now = Now { ns: 100_000_000_000, unix: 1000 };

    fn at(claims: &Claims) -> Vec<(String, Option<u16>, &str, Worth)> {
        claims.claims.iter().map(|c| (c.address.to_string(), c.port, &*c.name.name, c.worth)).collect()
    }

    fn service() -> Service {
        serde_json::from_str(
            r#"{"metadata":{"name":"web","namespace":"shop"},"spec":{"clusterIPs":["10.96.0.7"],
            "ports":[{"port":80,"nodePort":30080},{"port":53,"protocol":"UDP","nodePort":30053}]}}"#,
        )
        .unwrap()
    }

    #[test]
    fn services_by_their_addresses_and_on_this_node() {
        let mut addresses = Addresses::default();
        let web = addresses.service(&service(), NOW).unwrap();
        assert_eq!(at(&web), [("10.96.0.7".into(), None, "web", Worth::Leads)]);
        let told = addresses.node("n1", vec!["192.168.0.1".parse().unwrap()], NOW);
        assert_eq!(at(&told[0])[1], ("192.168.0.1".into(), Some(30080), "web", Worth::Listens));
        assert_eq!(at(&told[1]), [("192.168.0.1".into(), None, "n1", Worth::Leads)]);
        assert_eq!(at(&addresses.service(&service(), NOW).unwrap()).len(), 2);
    }

    #[test]
    fn end_points_have_the_name_of_their_service_or_of_its_labels() {
        let mut addresses = Addresses::default();
        let text = r#"{"metadata":{"name":"web-x","namespace":"shop","labels":{"kubernetes.io/service-name":"web"LABEL}},
            "endpoints":[{"addresses":["10.1.0.7"]},{"addresses":["10.1.1.8"]}],"ports":[{"port":8080},{"port":53,"protocol":"UDP"}]}"#;
        let slice = serde_json::from_str(&text.replace("LABEL", "")).unwrap();
        let told = addresses.slice(&slice, NOW).unwrap();
        assert_eq!(at(&told)[1], ("10.1.1.8".into(), Some(8080), "web", Worth::Listens));
        assert_eq!((told.claims.len(), told.since_ns), (2, NOW.ns - LATENCY_NS));
        let slice = serde_json::from_str(&text.replace("LABEL", r#","app.kubernetes.io/name":"shop""#)).unwrap();
        assert_eq!(&*addresses.slice(&slice, NOW).unwrap().claims[0].name.name, "shop");
    }

    #[test]
    fn what_a_list_does_not_show_is_gone() {
        let mut addresses = Addresses::default();
        addresses.service(&service(), NOW);
        addresses.begin();
        let told = addresses.end(NOW);
        assert_eq!((&*told[0].source, told[0].claims.len()), ("service/shop/web", 0));
        assert!(addresses.gone("service/shop/web", NOW).is_none());
        addresses.begin();
        assert_eq!(addresses.service(&service(), NOW).unwrap().since_ns, 0, "it was there before");
        assert!(addresses.end(NOW).is_empty());
    }

    #[test]
    fn pods_own_addresses_or_share_those_of_the_node() {
        let mut facts = OfPod { addresses: vec!["10.1.0.7".parse().unwrap()], started: Some(990), ..OfPod::default() };
        facts.pod = Pod { name: "web-1".into(), namespace: "shop".into(), uid: "u".into(), ..Pod::default() };
        let told = pod(&facts, NOW);
        assert_eq!(at(&told), [("10.1.0.7".into(), None, "web-1", Worth::Owns)]);
        assert_eq!(told.since_ns, 90_000_000_000);
        facts.host_ports = Some(vec![9100]);
        assert_eq!(at(&pod(&facts, NOW)), [("10.1.0.7".into(), Some(9100), "web-1", Worth::Listens)]);
    }
}
