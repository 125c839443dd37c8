//! A full node under churn: what its pods cost the agent, and the API server.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use serde_json::json;

use crate::harness::agent::granted;
use crate::harness::kubernetes::Cluster;
use crate::harness::{Agent, skipped};
use crate::kubernetes::ALL;

/// Pods of a node at most, by the default of the kubelet more than twice.
const PODS: u32 = 250;
/// Rounds in which each fifth pod is replaced.
const ROUNDS: u32 = 5;
/// Most memory that the metadata may take, KiB.
const MOST: u64 = 20 << 10;
/// Threads that change pods.
const HANDS: u32 = 4;

/// A pod with the labels and annotations of a usual one, running.
fn pod(cluster: &Cluster, name: &str, number: u32) {
    let labels = json!({"app.kubernetes.io/name": name, "app.kubernetes.io/instance": name, "pod-template-hash": "5d8f",
        "app.kubernetes.io/version": "1.2.3", "app.kubernetes.io/managed-by": "Helm", "team": "blue"});
    let annotations =
        json!({"prometheus.io/scrape": "true", "checksum/config": "0".repeat(64), "note": "x".repeat(500)});
    cluster.pod("shop", "n1", &json!({"name": name, "labels": labels, "annotations": annotations}));
    let address = format!("10.20.{}.{}", number / 250, number % 250 + 1);
    cluster.runs("shop", name, &address, &format!("{number:08x}").repeat(8));
}

fn by_many(numbers: impl Iterator<Item = u32>, work: impl Fn(u32) + Sync) {
    let numbers: Vec<u32> = numbers.collect();
    std::thread::scope(|scope| {
        for hand in 0..HANDS as usize {
            let (numbers, work) = (&numbers, &work);
            scope.spawn(move || numbers.iter().skip(hand).step_by(HANDS as usize).for_each(|number| work(*number)));
        }
    });
}

/// Anonymous memory of a process, KiB.
fn memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_full_node_under_churn_costs_little() {
    let Some(cluster) = Cluster::start() else { return skipped("no kube-apiserver, or no etcd") };
    cluster.grant(&ALL);
    cluster.node("n1", &json!({}), "10.254.1.1");
    cluster.namespace("shop", &json!({}));
    let select = ["comm=nobody".to_owned()];
    let mut agent = Agent::start_with("run", granted()[0], &select, &[], &cluster.variables("n1"));
    sleep(Duration::from_secs(3));
    let before = memory(agent.pid());
    let name = |number: u32| format!("web-{number}");
    by_many(0..PODS, |number| pod(&cluster, &name(number), number));
    let full = memory(agent.pid());
    let mut most = full;
    for round in 0..ROUNDS {
        by_many((round..PODS).step_by(ROUNDS as usize), |number| {
            cluster.delete(&format!("/api/v1/namespaces/shop/pods/{}", name(number)));
            pod(&cluster, &name(number), number);
        });
        most = most.max(memory(agent.pid()));
    }
    sleep(Duration::from_secs(2));
    let asked = cluster.asked();
    println!("before {before} KiB, {PODS} pods {full} KiB, at most {most} KiB; asked: {asked:?}");
    agent.stop();
    assert!(most - before < MOST, "{before} KiB, then {most} KiB");
    // Of each of five kinds a list as a stream, where that is refused a list, and a watch that is begun anew after five minutes.
    assert!(asked.values().sum::<usize>() <= 20, "{asked:?}");
}
