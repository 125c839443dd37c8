//! `wirespan targets`: what would be traced, why, and what would be known.

use std::process::Output;

use serde_json::Value;

use crate::harness::agent::{granted, wirespan};
use crate::harness::process::eventually;
use crate::harness::{Agent, servers, skipped};

#[track_caller]
fn run(arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = wirespan().arg("targets").args(arguments).output().unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

#[track_caller]
fn told(arguments: &[&str]) -> Value {
    serde_json::from_str(&run(&[arguments, &["--output", "json"]].concat())).unwrap()
}

#[test]
fn a_process_is_told_with_what_chose_it_and_what_will_be_known() {
    let server = servers::program("fast_api.py", &[]);
    let (port, pid) = (format!("port={}", server.port), server.pid().to_string());
    let answer = told(&["--select", &port, "--select", "comm=no-such-name", "--all"]);
    let target = &answer["targets"][0];
    assert_eq!(answer["targets"].as_array().unwrap().len(), 1, "{answer:#}");
    assert_eq!(target["pid"], server.pid());
    assert_eq!(target["service"], "fast_api");
    assert_eq!(target["why"], format!("selector `{port}`"));
    assert_eq!(target["listening"], serde_json::json!([server.port]));
    assert_eq!(target["runtime"]["name"], "cpython");
    assert!(target["runtime"]["version"].as_str().is_some_and(|version| version.starts_with("3.")), "{target:#}");
    let own = answer["others"].as_array().unwrap().iter().find(|other| other["pid"] == std::process::id());
    assert_eq!(own.map(|own| &own["why"]), Some(&Value::from(format!("`{port}` would choose it if it used the port"))));
    let text = run(&["-p", &pid]);
    for part in [
        &format!("{pid} fast_api"),
        "cpython 3.",
        &format!("traced as   selector `pid={pid}`"),
        &server.port.to_string(),
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// An agent of its own sets the probes; from outside it is seen that they are, and that they are hit.
#[test]
fn what_an_agent_has_probed_is_seen_from_outside() {
    if granted()[0] != "sockets" {
        return skipped("the backend sockets is not granted");
    }
    let server = servers::program("fast_api.py", &[]);
    let pid = server.pid().to_string();
    let probes = || told(&["-p", &pid])["targets"][0]["probes"].as_array().unwrap().clone();
    let before = probes();
    assert!(
        !before.is_empty() && before.iter().all(|probe| probe["path"].as_str().unwrap().starts_with('/')),
        "{before:#?}"
    );
    assert!(before.iter().all(|probe| probe["set"] != true), "{before:#?}");
    let mut agent = Agent::run("sockets", &[format!("pid={pid}")], &[]);
    let shows = probes().iter().all(|probe| !probe["set"].is_null());
    if shows {
        assert!(probes().iter().all(|probe| probe["set"] == true), "{:#?}", probes());
        let hits = |probe: &Value| probe["hits_per_second"].as_u64().unwrap_or(0);
        eventually("hits are counted", || {
            let asked = std::thread::scope(|scope| {
                let asking = scope.spawn(probes);
                while !asking.is_finished() {
                    servers::curl(server.port, "/orders/1", &[]);
                }
                asking.join().unwrap()
            });
            asked.iter().any(|probe| hits(probe) > 0)
        });
    }
    agent.stop();
    let text = run(&["-p", &pid]);
    assert!(text.contains("  probe       /"), "{text}");
}

#[test]
fn what_is_switched_off_is_said() {
    let server = servers::program("fast_api.py", &[]);
    let output = wirespan().args(["targets", "-p", &server.pid().to_string()]).env("WIRESPAN_UPROBES", "none").output();
    let text = String::from_utf8(output.unwrap().stdout).unwrap();
    assert!(text.contains("`wirespan.uprobes` is `none`") && !text.contains("probe "), "{text}");
}
