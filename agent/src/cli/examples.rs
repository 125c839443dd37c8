//! What `--help` shows below the flags: how selectors are written, and examples. A test runs each example through the parser.

/// How selectors are written.
macro_rules! selectors {
    () => {
        "\
Selectors have the syntax of Kubernetes label selectors:
  --select exe=/usr/sbin/nginx        the path of the executable, or its file name
  --select 'comm in (python3,node)'   the command name
  --select port=8000,user!=root       listening on or connected to the port, and not of that user
  --select pid=4711                   the process and the workers that it forks; as -p 4711
  --select '!container'               outside of containers
  --select 'exe=/srv/*,language=go'   wildcards; the language of the runtime
  --select systemd.unit=web.service   also container.name=NAME, env.NAME=VALUE
  --select k8s.namespace=shop,k8s.pod.label.app=web
A comma is \"and\"; several --select are alternatives. Without any, every process but wirespan itself is traced."
    };
}

/// Below `run`.
pub const RUN: &str = concat!(
    "\
Examples:
  wirespan run                                     every process of this host
  wirespan run -p 4711 --errors                    what fails in one process
  wirespan run --select exe=nginx --slower-than 100ms
  wirespan run --select port=8000,user!=root --trace-id
  wirespan run --duration 5m -o otlp-json --output-file spans.jsonl
  wirespan run --otlp-endpoint http://localhost:4318 --prometheus-listen 127.0.0.1:9464

",
    selectors!()
);

/// Below `top`.
pub const TOP: &str = concat!(
    "\
Examples:
  wirespan top                                     everything on this host
  wirespan top --select exe=nginx --tls            one program, what it encrypts too
  wirespan top incident.wsp                        a recording

",
    selectors!()
);

/// Below `mcp`.
pub const MCP: &str = concat!(
    "\
Examples:
  wirespan mcp                                     about this host
  wirespan mcp incident.wsp                        about a recording

",
    selectors!()
);

/// Below `report`.
pub const REPORT: &str = concat!(
    "\
Examples:
  wirespan report -o report.html                   this host, for 30 s
  wirespan report --for 2m --select exe=nginx -o nginx.html
  wirespan report incident.wsp -o incident.html    a recording
  wirespan report --diff before.wsp after.wsp -o difference.html

",
    selectors!()
);

/// Below `replay`.
pub const REPLAY: &str = "\
Examples:
  wirespan replay capture.pcap                     spans of a packet capture of plain traffic
  wirespan replay bug.wsrec -o otlp-json --output-file spans.jsonl
  wirespan replay - --errors                       from standard input, only what failed";

/// Below `record`.
pub const RECORD: &str = concat!(
    "\
Examples:
  wirespan record -o bug.wsrec --select exe=nginx  until Ctrl-C
  wirespan record -o bug.wsrec -p 4711 --duration 30s

",
    selectors!()
);

/// Below `advise`.
pub const ADVISE: &str = concat!(
    "\
Examples:
  wirespan advise --for 5m --select comm=shop      watch a service, then say what to change
  wirespan advise capture.pcap                     look at a packet capture instead
  wirespan advise --for 60s --report before.json
  wirespan advise --diff before.json after.json    what a change has brought

",
    selectors!()
);

/// Below `targets`.
pub const TARGETS: &str = concat!(
    "\
Examples:
  wirespan targets                                 every process that `wirespan run` would trace
  wirespan targets --select exe=nginx --all        and why others are not
  wirespan targets -p 4711 -o json

",
    selectors!()
);

/// Below `doctor`.
pub const DOCTOR: &str = "\
Examples:
  wirespan doctor                                  exit status 1 where nothing can be traced
  wirespan doctor --config wirespan.yaml -o json   with its end points, for programs
  wirespan doctor --bundle report.tar.gz --record 5s";

/// Below `config validate`.
pub const VALIDATE: &str = "\
Examples:
  wirespan config validate wirespan.yaml           every mistake with its place; exit status 2 if there is one";

/// Below `config print`.
pub const PRINT: &str = "\
Examples:
  wirespan config print                            defaults and what the environment says
  wirespan config print --config wirespan.yaml --select exe=nginx";

/// Below `config import`.
pub const IMPORT: &str = "\
Examples:
  wirespan config import beyla.yaml > wirespan.yaml     what has no equivalent is told, and noted in the file
  wirespan config import --env                          the variables BEYLA_* and OTEL_EBPF_*";

/// Below `config schema`.
pub const SCHEMA: &str = "\
Examples:
  wirespan config schema                           as JSON, for editors and other tools";
