//! Cron jobs: who owns the jobs that own pods. Each job is asked for once.

use std::collections::HashSet;

use kube::{Api, Client};
use tokio::sync::mpsc;

use super::objects::Job;
use super::pods::owner;
use crate::enrich::containers::facts::{News, OwnerOf};
use crate::enrich::containers::{Said, Sender};
use crate::process::container::Pod;

/// Most jobs that are remembered as asked for.
const MAX_ASKED: usize = 4096;
/// Most jobs that wait to be asked for.
const MAX_WAITING: usize = 1024;

/// Which jobs are to be asked for.
pub(super) struct Owners {
    asked: HashSet<OwnerOf>,
    waiting: mpsc::Sender<OwnerOf>,
}

impl Owners {
    /// And where they wait.
    pub(super) fn new() -> (Self, mpsc::Receiver<OwnerOf>) {
        let (waiting, asked) = mpsc::channel(MAX_WAITING);
        (Self { asked: HashSet::new(), waiting }, asked)
    }

    /// Asks for the owner of a pod's job, if it was not asked for. One that finds no room is asked for with the next pod.
    pub(super) fn ask(&mut self, pod: &Pod) {
        let Some(job) = pod.owner("Job") else { return };
        let job: OwnerOf = (pod.namespace.clone(), "Job".into(), job.into());
        if self.asked.contains(&job) {
            return;
        }
        if self.asked.len() >= MAX_ASKED {
            self.asked.clear();
        }
        if self.waiting.try_send(job.clone()).is_ok() {
            self.asked.insert(job);
        }
    }
}

/// Asks for what waits, one after the other.
pub(super) async fn serve(client: Client, mut waiting: mpsc::Receiver<OwnerOf>, news: Sender<News>, said: &Said) {
    while let Some(job) = waiting.recv().await {
        let (namespace, _, name) = &job;
        match Api::<Job>::namespaced(client.clone(), namespace).get_opt(name).await {
            Ok(found) => {
                if let Some(owner) = found.and_then(|found| owner(&found.metadata)) {
                    let _ = news.send(News::Owner(job, owner)).await;
                }
            }
            Err(error) => said.failed("jobs", &format!("the cron jobs of jobs are not known: {error}")),
        }
    }
}
