//! Look-ups by several resolvers, and what they were for.

use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;
use wirespan_tests::network::{Network, SERVER};
use wirespan_tests::spans::Spans;

use crate::harness::process::{Folder, Owned, eventually, free_port, run};
use crate::harness::setups::client_setups;
use crate::harness::{Agent, skipped, workload};

/// One way.
const DELAY: Duration = Duration::from_millis(5);

/// A network whose server's side resolves names.
pub(crate) struct Resolver {
    pub(crate) network: Network,
    _process: Owned,
    _folder: Folder,
}

impl Resolver {
    pub(crate) fn start(options: &str) -> Result<Self, String> {
        let network = Network::new(DELAY)?;
        network.client.etc("resolv.conf", &format!("nameserver {SERVER}\n{options}"));
        // Whatever this machine asks first, and its own names, are not part of it.
        network.client.etc("nsswitch.conf", "hosts: dns\n");
        let folder = Folder::new();
        let mut server = workload("dns_server.py");
        server.arg(SERVER).stdout(folder.output("stdout")).stderr(folder.output("stderr"));
        let process = network.server.inside(|| {
            let process = Owned::start(&mut server, Signal::TERM);
            eventually("the resolver listens", || std::net::TcpStream::connect((SERVER, 53)).is_ok());
            process
        });
        Ok(Self { network, _process: process, _folder: folder })
    }

    /// Runs a program in the client's namespace, with the files of its `/etc`; the spans of it alone.
    #[track_caller]
    fn trace(&self, program: &Command) -> Spans {
        self.trace_for(program, Duration::ZERO)
    }

    /// [`Resolver::trace`], which watches on for a while.
    #[track_caller]
    fn trace_for(&self, program: &Command, longer: Duration) -> Spans {
        let mark = format!("{}", free_port());
        let mut agent = Agent::run("sockets", &[format!("env.TESTED={mark}")], &[]);
        let mut inside = self.network.client.command(program.get_program().to_str().unwrap());
        inside.args(program.get_args()).env("TESTED", &mark);
        inside.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        println!("{}", run(&mut inside));
        std::thread::sleep(longer);
        let spans = agent.finish();
        println!("{}", agent.stderr());
        assert_eq!(agent.told("lost_exchanges"), 0, "datagrams are no turns of which the first call is missing");
        spans
    }
}

fn lookups(spans: &Spans) -> Spans {
    spans.pick(|span| span.name == "DNS lookup")
}

/// Types of the questions, in order.
fn questions(spans: &Spans) -> Vec<String> {
    let mut questions = spans.texts("wirespan.dns.question.type");
    questions.sort();
    questions
}

/// Both questions were answered, each after a round trip.
#[track_caller]
fn answered(spans: &Spans, name: &str, types: &[&str]) -> Spans {
    let found = lookups(spans);
    assert_eq!(questions(&found), types, "{spans:#?}");
    for span in found.iter() {
        span.failed(false).took(10..100).has(&json!({ "dns.question.name": name }));
    }
    found
}

macro_rules! resolver {
    ($options:expr) => {
        match Resolver::start($options) {
            Ok(resolver) => resolver,
            Err(why) => return skipped(&why),
        }
    };
}

/// A look-up belongs to the set-up of the connection that it was made for.
#[test]
fn glibc_and_the_connect_that_follows() {
    let resolver = resolver!("");
    ends_in_a_connect(&resolver, workload("lookups.py"), &[&["A", "AAAA"]]);
}

#[test]
fn go_and_the_connect_that_follows() {
    if crate::harness::servers::which("go").is_none() {
        return skipped("go is missing");
    }
    let resolver = resolver!("");
    // It asks from several threads: another thread's question may stand alone.
    ends_in_a_connect(&resolver, workload("lookups.go"), &[&["A", "AAAA"], &["A"]]);
}

#[track_caller]
fn ends_in_a_connect(resolver: &Resolver, mut program: Command, possible: &[&[&str]]) {
    let port = free_port();
    let listener = resolver.network.server.inside(|| std::net::TcpListener::bind((SERVER, port)).unwrap());
    let spans = resolver.trace(program.args(["shop.test", &port.to_string()]));
    drop(listener);
    let setups = client_setups(&spans);
    assert_eq!(setups.len(), 1, "{spans:#?}");
    let setup = &setups[0];
    setup.root.failed(false).has(&json!({
        "server.address": "shop.test",
        "network.peer.address": SERVER,
        "network.peer.port": port,
    }));
    let within = setup.phases.pick(|span| span.name == "DNS lookup");
    let told = questions(&within);
    assert!(possible.iter().any(|types| told == *types), "{spans:#?}");
    answered(&within, "shop.test", &told.iter().map(String::as_str).collect::<Vec<_>>());
    let connect = setup.has_phase("socket connect").took(10..100);
    assert!(within.iter().all(|lookup| lookup.end <= connect.start), "{setup:#?}");
}

#[test]
fn node() {
    let resolver = resolver!("");
    for (how, types) in [("getaddrinfo", &["A", "AAAA"][..]), ("c-ares", &["A"])] {
        let spans = resolver.trace(workload("lookups.js").args([how, "shop.test"]));
        let found = answered(&spans, "shop.test", types);
        for span in found.iter() {
            assert_eq!(span.parent, None);
            span.has(&json!({ "network.peer.address": SERVER, "network.peer.port": 53, "network.transport": "udp" }));
        }
        let with_address = found.pick(|span| span.text("wirespan.dns.question.type") == "A");
        with_address.only().has(&json!({ "dns.answers": [{ "stringValue": SERVER }] }));
    }
}

#[test]
fn names_that_do_not_exist() {
    let resolver = resolver!("");
    let mut programs = vec![workload("lookups.py"), workload("lookups.js")];
    programs[1].arg("getaddrinfo");
    if crate::harness::servers::which("go").is_some() {
        programs.push(workload("lookups.go"));
    }
    for program in &mut programs {
        let spans = resolver.trace(program.arg("nowhere.test"));
        let found = lookups(&spans);
        // Who searches asks for other names, too.
        let found = found.pick(|span| span.text("dns.question.name") == "nowhere.test");
        assert_eq!(questions(&found), ["A", "AAAA"], "{spans:#?}");
        for span in found.iter() {
            span.failed(true).took(10..100).has(&json!({ "error.type": "nxdomain" }));
        }
    }
}

/// The resolver says nothing; glibc gives up after a second, the agent some seconds later: nobody tells it of that.
#[test]
fn no_answer() {
    let resolver = resolver!("options timeout:1 attempts:1\n");
    let spans = resolver.trace_for(workload("lookups.py").arg("mute.test"), Duration::from_secs(15));
    let found = lookups(&spans);
    assert_eq!(questions(&found), ["A", "AAAA"], "{spans:#?}");
    for span in found.iter() {
        span.failed(true).has(&json!({ "dns.question.name": "mute.test" }));
        assert!(["timeout", "connection_closed"].contains(&span.text("error.type").as_str()), "{span:#?}");
    }
}

/// What is too long for a datagram is asked again over TCP.
#[test]
fn over_tcp() {
    let resolver = resolver!("");
    let spans = resolver.trace(workload("lookups.py").arg("big.test"));
    let found = lookups(&spans).pick(|span| span.text("network.transport") == "tcp");
    assert!(!found.is_empty(), "{spans:#?}");
    for span in found.iter() {
        span.failed(false).has(&json!({ "dns.question.name": "big.test", "network.peer.port": 53 }));
    }
    assert!(found.iter().any(|span| span.text("wirespan.dns.question.type") == "A"));
}
