//! The watches.

use std::cell::RefCell;
use std::fmt::Debug;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use kube::core::Status;
use kube::runtime::watcher::{self, Config as Watch, Event};
use kube::runtime::{WatchStreamExt as _, watcher as watching};
use kube::{Api, Client, Config, Resource};
use serde::de::DeserializeOwned;

use super::addresses::{self, Addresses, Now};
use super::objects::{EndpointSlice, Namespace, Node, Pod, Service};
use super::owners::{self, Owners};
use super::{client, pods};
use crate::enrich::containers::facts::News;
use crate::enrich::containers::{Said, Sender};
use crate::trace::peers::Claims;

/// How long the agent waits before it asks again for what it may not see.
const REFUSED: Duration = Duration::from_secs(300);
/// Time between two questions to the kubelet.
const KUBELET: Duration = Duration::from_secs(10);
/// Longest time for its answer.
const KUBELET_ANSWER: Duration = Duration::from_secs(5);
/// Most pods of a node in one answer: a page of a list.
const PAGE: u32 = 100;

/// All of them, and where they tell.
pub(super) struct Watches<'a> {
    client: Client,
    config: Config,
    node: String,
    news: Sender<News>,
    said: &'a Said,
    /// Pods do not come from the API server.
    needs_kubelet: tokio::sync::watch::Sender<bool>,
}

/// Why a watch cannot go on as it was.
enum Stop {
    /// The agent may not see these objects.
    Refused,
    /// The server does not send lists as streams (before 1.32, or by choice).
    NoStreams,
}

impl<'a> Watches<'a> {
    pub(super) fn new(client: Client, config: Config, node: String, news: Sender<News>, said: &'a Said) -> Self {
        let needs_kubelet = tokio::sync::watch::Sender::new(false);
        Self { client, config, node, news, said, needs_kubelet }
    }

    /// Runs them side by side.
    pub(super) async fn run(&self, peers: bool) {
        let (owners, jobs) = Owners::new();
        let services = RefCell::new(Addresses::default());
        let jobs = owners::serve(self.client.clone(), jobs, self.news.clone(), self.said);
        let all = async {
            tokio::join!(self.pods(owners), self.node(&services, peers), self.namespaces(), jobs, self.kubelet())
        };
        if peers {
            tokio::join!(all, self.services(&services), self.slices());
        } else {
            all.await;
        }
    }

    async fn tell(&self, news: News) {
        // The worker ends with the agent.
        let _ = self.news.send(news).await;
    }

    async fn claim(&self, claims: impl IntoIterator<Item = Claims>) {
        for claims in claims {
            self.tell(News::Claims(claims)).await;
        }
    }

    async fn pods(&self, owners: Owners) {
        let owners = RefCell::new(owners);
        let listed = RefCell::new(Vec::new());
        let fields = format!("spec.nodeName={}", self.node);
        self.follow::<Pod>("pods", Some(&fields), async |event| match event {
            Event::Init => listed.borrow_mut().clear(),
            Event::InitApply(pod) => {
                listed.borrow_mut().push(pod.metadata.uid.clone().unwrap_or_default().into());
                self.pod(pod, &owners).await;
            }
            Event::Apply(pod) => self.pod(pod, &owners).await,
            Event::InitDone => {
                let listed = listed.take();
                self.tell(News::Pods(listed)).await;
            }
            Event::Delete(pod) => {
                let uid = pod.metadata.uid.unwrap_or_default();
                self.claim([addresses::pod_gone(&uid, Now::read())]).await;
                self.tell(News::PodGone(uid.into())).await;
            }
        })
        .await;
    }

    async fn pod(&self, pod: Pod, owners: &RefCell<Owners>) {
        let facts = pods::facts(pod);
        owners.borrow_mut().ask(&facts.pod);
        let claims = addresses::pod(&facts, Now::read());
        self.tell(News::Pod(Box::new(facts))).await;
        self.claim([claims]).await;
    }

    async fn node(&self, services: &RefCell<Addresses>, peers: bool) {
        let fields = format!("metadata.name={}", self.node);
        self.follow::<Node>("nodes", Some(&fields), async |event| {
            let (Event::Apply(node) | Event::InitApply(node)) = event else { return };
            let own = node.status.addresses.iter().filter_map(|address| address.address.parse().ok()).collect();
            self.tell(News::Node(pods::texts(node.metadata.labels).into())).await;
            if peers {
                let claims = services.borrow_mut().node(&self.node, own, Now::read());
                self.claim(claims).await;
            }
        })
        .await;
    }

    async fn namespaces(&self) {
        self.follow::<Namespace>("namespaces", None, async |event| match event {
            Event::Apply(namespace) | Event::InitApply(namespace) => {
                if let (Some("kube-system"), Some(uid)) = (namespace.metadata.name.as_deref(), &namespace.metadata.uid)
                {
                    self.tell(News::Cluster(uid.as_str().into())).await;
                }
                let labels = pods::texts(namespace.metadata.labels).into();
                self.tell(News::Namespace(namespace.metadata.name.unwrap_or_default().into(), Some(labels))).await;
            }
            Event::Delete(namespace) => {
                self.tell(News::Namespace(namespace.metadata.name.unwrap_or_default().into(), None)).await;
            }
            Event::Init | Event::InitDone => {}
        })
        .await;
    }

    async fn services(&self, all: &RefCell<Addresses>) {
        self.addresses::<Service>("services", "service", all, Addresses::service).await;
    }

    async fn slices(&self) {
        let all = RefCell::new(Addresses::default());
        self.addresses::<EndpointSlice>("endpointslices", "slice", &all, Addresses::slice).await;
    }

    /// Follows objects that claim addresses.
    async fn addresses<K>(
        &self,
        what: &'static str,
        kind: &str,
        all: &RefCell<Addresses>,
        said: impl Fn(&mut Addresses, &K, Now) -> Option<Claims>,
    ) where
        K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
    {
        self.follow::<K>(what, None, async |event| {
            let now = Now::read();
            let claims: Vec<Claims> = match event {
                Event::Init => return all.borrow_mut().begin(),
                Event::InitApply(object) | Event::Apply(object) => {
                    said(&mut all.borrow_mut(), &object, now).into_iter().collect()
                }
                Event::InitDone => all.borrow_mut().end(now),
                Event::Delete(object) => {
                    let source = addresses::source(kind, object.meta());
                    source.and_then(|source| all.borrow_mut().gone(&source, now)).into_iter().collect()
                }
            };
            self.claim(claims).await;
        })
        .await;
    }

    /// Follows objects of a kind for ever.
    async fn follow<K>(&self, what: &'static str, fields: Option<&str>, mut take: impl AsyncFnMut(Event<K>))
    where
        K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
    {
        let mut streams = true;
        loop {
            // Out of the server's cache either way; as a stream no list is ever in memory as a whole.
            let config = Watch { field_selector: fields.map(Into::into), ..Watch::default() };
            let config = if streams { config.streaming_lists() } else { config.any_semantic().page_size(PAGE) };
            match self.watch::<K>(what, config, &mut take).await {
                Stop::NoStreams => streams = false,
                Stop::Refused => tokio::time::sleep(REFUSED).await,
            }
        }
    }

    async fn watch<K>(&self, what: &'static str, config: Watch, take: &mut impl AsyncFnMut(Event<K>)) -> Stop
    where
        K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
    {
        let streams = config.initial_list_strategy == watcher::InitialListStrategy::StreamingList;
        let api = Api::<K>::all(self.client.clone());
        let mut events = pin!(watching(api, config).default_backoff());
        let (mut is_listing, mut has_listed) = (false, false);
        while let Some(event) = events.next().await {
            let error = match event {
                Ok(event) => {
                    // A list that comes as a stream has no beginning.
                    let is_of_list = matches!(event, Event::Init | Event::InitApply(_) | Event::InitDone);
                    if is_of_list && !std::mem::replace(&mut is_listing, true) {
                        take(Event::Init).await;
                    }
                    if matches!(event, Event::InitDone) {
                        (is_listing, has_listed) = (false, true);
                    }
                    if what == "pods" && !matches!(event, Event::Init) {
                        self.needs_kubelet.send_if_modified(std::mem::take);
                    }
                    take(event).await;
                    continue;
                }
                Err(error) => error,
            };
            is_listing = false;
            let code = status(&error).map(|status| status.code);
            // 500: the server's etcd is too old for that (before 3.4.25 and 3.5.8).
            if streams && !has_listed && matches!(code, Some(400 | 422 | 500)) {
                return Stop::NoStreams;
            }
            // The place from which it was to go on is too old: it begins anew.
            if code == Some(410) {
                continue;
            }
            if what == "pods" {
                self.needs_kubelet.send_replace(true);
            }
            self.said.failed(
                what,
                &format!("{what} of Kubernetes are not known: {}", crate::shown::clean(&error.to_string(), 300)),
            );
            if matches!(code, Some(403 | 404)) {
                return Stop::Refused;
            }
        }
        Stop::Refused
    }

    /// Asks the kubelet while the API server does not tell.
    async fn kubelet(&self) {
        let mut needed = self.needs_kubelet.subscribe();
        let client = match client::kubelet(&self.config) {
            Ok(client) => client,
            Err(error) => return self.said.failed("kubelet", &format!("the kubelet is not asked: {error:#}")),
        };
        while needed.wait_for(|is_needed| *is_needed).await.is_ok() {
            match tokio::time::timeout(KUBELET_ANSWER, pods_of_kubelet(&client)).await {
                Ok(Ok(all)) => {
                    let mut there = Vec::new();
                    for facts in all.into_iter().map(pods::facts) {
                        there.push(facts.pod.uid.clone());
                        self.tell(News::Pod(Box::new(facts))).await;
                    }
                    self.tell(News::Pods(there)).await;
                }
                Ok(Err(error)) => {
                    self.said.failed("kubelet", &format!("the kubelet does not tell of pods either: {error}"));
                }
                Err(_) => self.said.failed("kubelet", "the kubelet does not answer"),
            }
            tokio::time::sleep(KUBELET).await;
        }
    }
}

/// All pods of the node, as its kubelet knows them.
async fn pods_of_kubelet(client: &Client) -> kube::Result<Vec<Pod>> {
    let request = http::Request::get("/pods").body(Vec::new()).map_err(kube::Error::HttpError)?;
    Ok(client.request::<kube::core::ObjectList<Pod>>(request).await?.items)
}

/// What the server said, where an error is its answer.
fn status(error: &watcher::Error) -> Option<&Status> {
    match error {
        watcher::Error::WatchError(status) => Some(status),
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status)) => Some(status),
        _ => None,
    }
}
