//! What all sources together say of the containers in which there are processes.
//!
//! Pods of this node are kept whether somebody lives in them or not: a process may come before its pod is known, or after.
//! What was said of a container holds until its last process has left, even if its pod is gone by then.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::facts::{News, OfPod, OfRuntime, OwnerOf};
use crate::process::container::{Container, Described, Labels, Placement, Pod};

/// Most pods of this node that are kept.
const MAX_PODS: usize = 2048;
/// Most namespaces whose labels are kept.
const MAX_NAMESPACES: usize = 4096;
/// Most owners whose own owner is kept.
const MAX_OWNERS: usize = 4096;

/// The knowledge.
#[derive(Debug, Default)]
pub(super) struct Knowledge {
    inhabited: HashMap<Arc<str>, Inhabited>,
    pods: HashMap<Box<str>, Known>,
    /// Container → UID of its pod.
    pod_of: HashMap<Arc<str>, Box<str>>,
    namespaces: HashMap<Box<str>, Arc<Labels>>,
    node: Arc<Labels>,
    cluster: Option<Arc<str>>,
    owners: HashMap<OwnerOf, (Box<str>, Box<str>)>,
    told: VecDeque<Described>,
    /// Pods and namespaces for which there was no room.
    pub(super) refused: u64,
}

/// A container in which there are processes.
#[derive(Debug)]
struct Inhabited {
    placement: Placement,
    runtime: Option<OfRuntime>,
    container: Option<Arc<Container>>,
}

/// A pod, and how it is told.
#[derive(Debug)]
struct Known {
    facts: OfPod,
    pod: Arc<Pod>,
}

impl Knowledge {
    /// The first process is in a container.
    pub(super) fn entered(&mut self, placement: Placement) {
        let id = Arc::clone(&placement.id);
        self.inhabited.insert(Arc::clone(&id), Inhabited { placement, runtime: None, container: None });
        self.tell(&id);
    }

    /// The last process has left a container.
    pub(super) fn left(&mut self, id: &str) {
        self.inhabited.remove(id);
    }

    /// What changed since the last call, for the table of processes.
    pub(super) fn told(&mut self) -> Option<Described> {
        self.told.pop_front()
    }

    /// Takes in news.
    pub(super) fn learn(&mut self, news: News) {
        match news {
            News::Runtime(id, said) => {
                if let Some(inhabited) = self.inhabited.get_mut(&id) {
                    inhabited.runtime = Some(said);
                    self.tell(&id);
                }
            }
            News::Pod(facts) => self.pod(*facts),
            News::PodGone(uid) => self.pod_gone(&uid),
            News::Pods(there) => {
                let gone = self.pods.keys().filter(|uid| !there.contains(uid)).cloned().collect::<Vec<_>>();
                gone.iter().for_each(|uid| self.pod_gone(uid));
            }
            News::Namespace(name, labels) => {
                match labels {
                    Some(_) if self.namespaces.len() >= MAX_NAMESPACES && !self.namespaces.contains_key(&name) => {
                        self.refused += 1;
                    }
                    Some(labels) => drop(self.namespaces.insert(name.clone(), labels)),
                    None => drop(self.namespaces.remove(&name)),
                }
                self.again(|pod| pod.namespace == name);
            }
            News::Node(labels) => {
                self.node = labels;
                self.again(|_| true);
            }
            News::Cluster(uid) => {
                self.cluster = Some(uid);
                self.again(|_| true);
            }
            News::Owner(of, owner) => {
                if self.owners.len() >= MAX_OWNERS {
                    self.owners.clear();
                }
                let above = (of.1.clone(), of.2.clone());
                let namespace = of.0.clone();
                self.owners.insert(of, owner);
                self.again(|pod| pod.namespace == namespace && pod.owners.contains(&above));
            }
            // They are of the tracer.
            News::Claims(_) => {}
        }
    }

    fn pod(&mut self, facts: OfPod) {
        let uid = facts.pod.uid.clone();
        if self.pods.get(&uid).is_some_and(|known| known.facts == facts) {
            return;
        }
        if self.pods.len() >= MAX_PODS && !self.pods.contains_key(&uid) {
            self.refused += 1;
            return;
        }
        self.pod_of.retain(|_, of| *of != uid);
        self.pod_of.extend(facts.containers.iter().filter_map(|container| Some((container.id.clone()?, uid.clone()))));
        let pod = self.dressed(&facts.pod);
        self.pods.insert(uid.clone(), Known { facts, pod });
        self.tell_of(&[uid]);
    }

    fn pod_gone(&mut self, uid: &str) {
        if self.pods.remove(uid).is_some() {
            self.pod_of.retain(|_, of| &**of != uid);
        }
    }

    /// A pod with the labels of its namespace and node.
    fn dressed(&self, pod: &Pod) -> Arc<Pod> {
        let namespace_labels = self.namespaces.get(&pod.namespace).cloned().unwrap_or_default();
        let above = owner_of(pod).and_then(|of| self.owners.get(&of)).cloned();
        let (node_labels, cluster_uid) = (Arc::clone(&self.node), self.cluster.clone());
        let mut pod = Pod { namespace_labels, node_labels, cluster_uid, ..pod.clone() };
        pod.owners.extend(above);
        Arc::new(pod)
    }

    /// Labels beside some pods have changed.
    fn again(&mut self, concerns: impl Fn(&Pod) -> bool) {
        let concerned: Vec<Box<str>> =
            self.pods.iter().filter(|(_, known)| concerns(&known.pod)).map(|(uid, _)| uid.clone()).collect();
        for uid in &concerned {
            let Some(pod) = self.pods.get(uid).map(|known| self.dressed(&known.facts.pod)) else { continue };
            if let Some(known) = self.pods.get_mut(uid) {
                known.pod = pod;
            }
        }
        self.tell_of(&concerned);
    }

    /// Tells of all inhabited containers of these pods.
    fn tell_of(&mut self, uids: &[Box<str>]) {
        let is_of = |id: &Arc<str>, inhabited: &Inhabited| {
            let named = inhabited.placement.pod_uid.as_deref();
            uids.iter().any(|uid| self.pod_of.get(id) == Some(uid) || named == Some(&**uid))
        };
        let ids: Vec<Arc<str>> = self
            .inhabited
            .iter()
            .filter(|(id, inhabited)| is_of(id, inhabited))
            .map(|(id, _)| Arc::clone(id))
            .collect();
        ids.iter().for_each(|id| self.tell(id));
    }

    /// Tells what is known of a container, if that is news.
    fn tell(&mut self, id: &Arc<str>) {
        let Some(inhabited) = self.inhabited.get(id) else { return };
        let container = self.known(inhabited);
        if container.as_ref() == inhabited.container.as_deref() {
            return;
        }
        let container = container.map(Arc::new);
        self.told.push_back(Described { id: Arc::clone(id), container: container.clone() });
        if let Some(inhabited) = self.inhabited.get_mut(id) {
            inhabited.container = container;
        }
    }

    /// What is known of a container: what Kubernetes says comes before what its runtime says.
    fn known(&self, inhabited: &Inhabited) -> Option<Container> {
        let Placement { id, pod_uid } = &inhabited.placement;
        let uid = self.pod_of.get(id).or_else(|| self.pods.get_key_value(pod_uid.as_deref()?).map(|(uid, _)| uid));
        let known = uid.and_then(|uid| self.pods.get(uid));
        let in_pod =
            known.and_then(|known| known.facts.containers.iter().find(|container| container.id.as_ref() == Some(id)));
        let runtime = inhabited.runtime.as_ref();
        let labelled = runtime.and_then(OfRuntime::pod);
        let before = inhabited.container.as_deref();
        if known.is_none() && runtime.is_none() {
            return before.cloned();
        }
        let (labelled_pod, labelled_name) = labelled.map(|(pod, name)| (Arc::new(pod), name)).unzip();
        Some(Container {
            name: in_pod
                .map(|container| container.name.clone())
                .or(labelled_name)
                .or_else(|| runtime?.name.clone())
                .or_else(|| before?.name.clone()),
            image: runtime
                .and_then(|runtime| runtime.image.clone())
                .or_else(|| in_pod?.image.clone())
                .or_else(|| before?.image.clone()),
            runtime: runtime.map(|runtime| runtime.runtime.into()).or_else(|| in_pod?.runtime.clone()),
            labels: runtime.map(|runtime| runtime.labels.clone()).unwrap_or_default(),
            pod: known.map(|known| Arc::clone(&known.pod)).or_else(|| before?.pod.clone()).or(labelled_pod),
        })
    }
}

/// The last known owner of a pod.
fn owner_of(pod: &Pod) -> Option<OwnerOf> {
    let (kind, name) = pod.owners.last()?;
    Some((pod.namespace.clone(), kind.clone(), name.clone()))
}

#[cfg(test)]
mod tests {
    use super::super::facts::PodContainer;
    use super::*;

    fn id(number: u8) -> Arc<str> {
        format!("{number:064}").into()
    }

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
    }

    fn pod(uid: &str, app: &str, container: Option<u8>) -> News {
        let pod = Pod {
            namespace: "shop".into(),
            name: format!("web-{uid}").into(),
            uid: uid.into(),
            labels: labels(&[("app", app)]),
            ..Pod::default()
        };
        let container = PodContainer { id: container.map(id), name: "c".into(), ..PodContainer::default() };
        News::Pod(Box::new(OfPod { pod, containers: vec![container], ..OfPod::default() }))
    }

    fn enter(knowledge: &mut Knowledge, number: u8, uid: Option<&str>) {
        knowledge.entered(Placement { id: id(number), pod_uid: uid.map(Into::into) });
    }

    fn told(knowledge: &mut Knowledge) -> Option<Arc<Container>> {
        knowledge.told().and_then(|described| described.container)
    }

    #[test]
    fn a_pod_is_known_by_its_uid_then_by_the_ids_of_its_containers() {
        let mut knowledge = Knowledge::default();
        enter(&mut knowledge, 1, Some("a"));
        assert_eq!(knowledge.told(), None, "nobody knows it yet");
        knowledge.learn(pod("a", "web", None));
        let first = told(&mut knowledge).unwrap();
        assert_eq!((first.name.as_deref(), &*first.pod.as_ref().unwrap().name), (None, "web-a"));
        knowledge.learn(pod("a", "web", Some(1)));
        assert_eq!(told(&mut knowledge).unwrap().name.as_deref(), Some("c"));
        knowledge.learn(pod("a", "web", Some(1)));
        assert_eq!(knowledge.told(), None, "nothing new");
        enter(&mut knowledge, 2, None);
        knowledge.learn(pod("b", "job", Some(2)));
        assert_eq!(&*told(&mut knowledge).unwrap().pod.as_ref().unwrap().uid, "b");
    }

    #[test]
    fn labels_around_a_pod_are_told_when_they_change() {
        let mut knowledge = Knowledge::default();
        knowledge.learn(pod("a", "web", Some(1)));
        enter(&mut knowledge, 1, None);
        assert!(told(&mut knowledge).unwrap().pod.as_ref().unwrap().namespace_labels.is_empty());
        let team = Arc::new(labels(&[("team", "a")]));
        knowledge.learn(News::Namespace("other".into(), Some(Arc::clone(&team))));
        assert_eq!(knowledge.told(), None);
        knowledge.learn(News::Namespace("shop".into(), Some(Arc::clone(&team))));
        assert_eq!(told(&mut knowledge).unwrap().pod.as_ref().unwrap().namespace_labels, team);
        knowledge.learn(News::Node(Arc::clone(&team)));
        assert_eq!(told(&mut knowledge).unwrap().pod.as_ref().unwrap().node_labels, team);
        knowledge.learn(pod("a", "canary", Some(1)));
        let pod = told(&mut knowledge).unwrap().pod.clone().unwrap();
        assert_eq!((&*pod.labels["app"], &pod.namespace_labels), ("canary", &team));
    }

    #[test]
    fn what_was_said_holds_until_the_last_process_has_left() {
        let mut knowledge = Knowledge::default();
        knowledge.learn(pod("a", "web", Some(1)));
        enter(&mut knowledge, 1, None);
        let container = told(&mut knowledge).unwrap();
        knowledge.learn(News::Pods(vec!["b".into()]));
        assert_eq!(knowledge.told(), None);
        knowledge.learn(News::Runtime(id(1), OfRuntime { runtime: "containerd", ..OfRuntime::default() }));
        let now = told(&mut knowledge).unwrap();
        assert_eq!((&now.pod, &now.name), (&container.pod, &container.name));
        knowledge.left(&id(1));
        knowledge.learn(News::Runtime(id(1), OfRuntime::default()));
        assert_eq!(knowledge.told(), None);
        assert!(knowledge.pod_of.is_empty());
    }

    #[test]
    fn without_kubernetes_the_labels_of_the_kubelet_tell() {
        let mut knowledge = Knowledge::default();
        enter(&mut knowledge, 1, None);
        let labels = labels(&[
            ("io.kubernetes.pod.namespace", "shop"),
            ("io.kubernetes.pod.name", "web-1"),
            ("io.kubernetes.pod.uid", "a"),
            ("io.kubernetes.container.name", "c"),
        ]);
        let said = OfRuntime { name: Some("k8s_c_web".into()), labels, runtime: "containerd", image: None };
        knowledge.learn(News::Runtime(id(1), said));
        let container = told(&mut knowledge).unwrap();
        assert_eq!((container.name.as_deref(), &*container.pod.as_ref().unwrap().name), (Some("c"), "web-1"));
    }

    #[test]
    fn pods_have_a_limit() {
        let mut knowledge = Knowledge::default();
        for number in 0..MAX_PODS + 5 {
            knowledge.learn(pod(&number.to_string(), "web", None));
        }
        assert_eq!((knowledge.pods.len(), knowledge.refused), (MAX_PODS, 5));
    }
}
