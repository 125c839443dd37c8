//! Rules of the configuration file, and their change while the agent runs.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use wirespan_tests::span::{self, Span};

use crate::harness::agent::granted;
use crate::harness::process::{Folder, eventually};
use crate::harness::servers::{self, Server};
use crate::harness::{Agent, workload};

/// How long a change may take to have effect.
const SOON: Duration = Duration::from_secs(2);

fn file(folder: &Folder, rules: &str) -> std::path::PathBuf {
    folder.write("wirespan.yaml", format!("file_format: \"1.0\"\nwirespan:\n  rules:\n{rules}"))
}

fn agent(backend: &str, file: &Path) -> Agent {
    Agent::run(backend, &[], &["--config", file.to_str().unwrap()])
}

/// Names of the services whose spans are there by now.
fn services(agent: &Agent) -> Vec<String> {
    let raw = agent.raw();
    // The last line may not be whole yet.
    let whole = raw.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let name = |span: &Span| span.resource.get("service.name")?.as_str().map(str::to_owned);
    let mut names: Vec<String> = span::parse(whole).iter().filter_map(name).collect();
    names.sort();
    names.dedup();
    names
}

fn ask(server: &Server) {
    servers::curl(server.port, "/orders/1", &[]);
}

#[test]
fn each_rule_says_what_is_special() {
    for backend in granted() {
        let (web, redis) = (servers::nginx(None), servers::redis());
        let folder = Folder::new();
        let rules = format!(
            "    - exclude: comm=curl\n    - {{name: web, select: [port={}], service_name: shop-web, attributes: {{team: shop}}, \
             routes: [\"/orders/{{number}}\"]}}\n    - {{select: [port={}], protocols: {{redis: false}}}}\n",
            web.port, redis.port
        );
        let mut agent = agent(backend, &file(&folder, &rules));
        ask(&web);
        crate::harness::process::run(std::process::Command::new("redis-cli").args([
            "-p",
            &redis.port.to_string(),
            "set",
            "a",
            "1",
        ]));
        let spans = agent.finish();
        let server = spans.servers();
        let told = server.only();
        assert_eq!(told.name, "GET /orders/{number}");
        assert_eq!(told.resource["service.name"], "shop-web");
        assert_eq!(told.resource["team"], "shop");
        assert!(spans.clients().names().is_empty(), "curl and redis-cli are not traced: {:?}", spans.names());
        assert!(agent.told("protocol_off") > 0, "{}", agent.stderr());
    }
}

#[test]
fn another_file_takes_effect_and_a_bad_one_does_not() {
    for backend in granted() {
        let (one, two) = (servers::nginx(None), servers::nginx(None));
        let folder = Folder::new();
        let of =
            |server: &Server, name: &str| format!("    - {{select: [port={}], service_name: {name}}}\n", server.port);
        let path = file(&folder, &of(&one, "first"));
        let mut agent = agent(backend, &path);
        let all = || [&one, &two].into_iter().for_each(ask);
        all();
        eventually("the first one is traced", || services(&agent) == ["first"]);
        let changed = Instant::now();
        file(&folder, &of(&two, "second"));
        eventually("the second one is traced", || {
            ask(&two);
            services(&agent) == ["first", "second"]
        });
        assert!(changed.elapsed() < SOON, "{:?}", changed.elapsed());
        let before = agent.raw().matches("\"first\"").count();
        all();
        // With a mistake, everything stays as it was.
        file(&folder, "    - {select: prot=1}\n");
        eventually("the mistake is told", || agent.stderr().contains("did you mean `port`?"));
        assert!(agent.stderr().contains("the configuration stays as it was: "), "{}", agent.stderr());
        all();
        // SIGHUP asks at once; another name for the same process.
        file(&folder, &(of(&two, "third") + "    - {name: rest, exclude: comm=none}\n"));
        agent.signal(Signal::HUP);
        eventually("the third name is used", || {
            ask(&two);
            services(&agent).contains(&"third".to_owned())
        });
        assert_eq!(agent.raw().matches("\"first\"").count(), before, "it is left alone now");
        agent.stop();
    }
}

#[test]
fn from_everything_to_a_few_and_back() {
    let backend = granted()[0];
    let (one, two) = (servers::nginx(None), servers::nginx(None));
    let folder = Folder::new();
    let named =
        |server: &Server, name: &str| format!("    - {{select: [port={}], service_name: {name}}}\n", server.port);
    let everything = format!("{}{}    - {{name: all}}\n", named(&one, "one"), named(&two, "two"));
    let path = file(&folder, &everything);
    let mut agent = agent(backend, &path);
    let count = |name: &str| agent.raw().matches(&format!("\"{name}\"")).count();
    ask(&two);
    eventually("everything is traced", || services(&agent).contains(&"two".to_owned()));
    file(&folder, &named(&one, "one"));
    eventually("the change is told", || agent.stderr().contains("was read again: the processes that 1 rule choose"));
    eventually("it has effect", || {
        let before = count("two");
        ask(&two);
        ask(&one);
        std::thread::sleep(Duration::from_millis(200));
        count("two") == before
    });
    // A program that starts now is none of its business; one that comes back is.
    file(&folder, &everything);
    eventually("the second one is back", || {
        let before = count("two");
        ask(&two);
        std::thread::sleep(Duration::from_millis(200));
        count("two") > before
    });
    agent.stop();
}

/// The same file, again and again, while requests come as fast as they can.
#[test]
fn a_reload_under_load_loses_nothing() {
    let backend = granted()[0];
    let server = servers::nginx(None);
    let folder = Folder::new();
    let rules = |name: &str| format!("    - {{select: \"port={},exe=nginx\", service_name: {name}}}\n", server.port);
    let path = file(&folder, &rules("name-0"));
    let mut agent = agent(backend, &path);
    let (is_over, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    ask(&server);
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for round in 1..=5 {
            file(&folder, &rules(&format!("name-{round}")));
            agent.signal(Signal::HUP);
            eventually("it is taken over", || services(&agent).contains(&format!("name-{round}")));
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let spans = agent.finish();
    assert_eq!(spans.servers().names().len(), asked.load(Ordering::Relaxed), "{}", agent.stderr());
}

/// As Kubernetes changes the file of a `ConfigMap`: a link to a folder is replaced.
#[test]
fn a_swapped_link_is_another_file() {
    let backend = granted()[0];
    let server = servers::nginx(None);
    let folder = Folder::new();
    let write = |version: &str, name: &str| {
        std::fs::create_dir_all(folder.join(version)).unwrap();
        let rules = format!("    - {{select: [port={}], service_name: {name}}}\n", server.port);
        std::fs::write(
            folder.join(version).join("w.yaml"),
            format!("file_format: \"1.0\"\nwirespan:\n  rules:\n{rules}"),
        )
        .unwrap();
        let _ = std::fs::remove_file(folder.join("..next"));
        std::os::unix::fs::symlink(version, folder.join("..next")).unwrap();
        std::fs::rename(folder.join("..next"), folder.join("..data")).unwrap();
    };
    write("..v1", "old");
    std::os::unix::fs::symlink("..data/w.yaml", folder.join("w.yaml")).unwrap();
    let mut agent = agent(backend, &folder.join("w.yaml"));
    ask(&server);
    let changed = Instant::now();
    write("..v2", "new");
    eventually("the new name is used", || {
        ask(&server);
        services(&agent).contains(&"new".to_owned())
    });
    assert!(changed.elapsed() < SOON, "{:?}", changed.elapsed());
    agent.stop();
}

#[test]
fn labels_choose_by_language_and_command_line() {
    let backend = granted()[0];
    let server = servers::command_at(workload("fast_api.py"), &["--marked"]);
    let folder = Folder::new();
    let rules = "    - {select: \"language=python,cmdline=*--marked*\", service_name: marked}\n";
    let mut agent = agent(backend, &file(&folder, rules));
    eventually("it is traced", || {
        ask(&server);
        services(&agent) == ["marked"]
    });
    // What starts later, too.
    let later = servers::command_at(workload("fast_api.py"), &["--marked"]);
    ask(&later);
    let port = later.port;
    let spans = agent.finish();
    assert!(spans.servers().iter().any(|span| span.attributes["server.port"] == port), "{:?}", spans.names());
}
