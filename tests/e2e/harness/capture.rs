//! A packet capture beside the agent, and what tshark reads out of it: the truth about handshakes.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use rustix::process::Signal;
use wirespan_tests::network::Namespace;

use super::process::{Folder, Owned, eventually, run};

/// Captures what passes an interface.
pub struct Capture {
    process: Owned,
    folder: Folder,
    port: u16,
}

/// A connection as the packets show it. Times are Unix time in nanoseconds.
#[derive(Clone, Debug, Default)]
pub struct Wire {
    /// First SYN, and the SYN that answers.
    pub syn: Option<u64>,
    pub syn_ack: Option<u64>,
    /// First payload of the client: its `ClientHello`.
    pub hello: Option<u64>,
    /// Last packet of the handshake: it holds the last Finished.
    pub finished: Option<u64>,
    /// First `ChangeCipherSpec` of the client.
    pub client_cipher_spec: Option<u64>,
    /// `1.2` or `1.3`, of the `ServerHello`.
    pub version: Option<&'static str>,
    /// Number of the cipher suite that the server chose.
    pub cipher: Option<u16>,
    pub server_name: Option<String>,
    pub resumed: Option<bool>,
    certificate: bool,
    /// Whether a client, a server has sent its `ChangeCipherSpec`, but no Finished yet.
    before_finished: [bool; 2],
}

impl Capture {
    /// Starts to capture TCP of a server's port, in a namespace.
    #[track_caller]
    pub fn start(namespace: &Namespace, interface: &str, port: u16) -> Self {
        let folder = Folder::new();
        // It gives up root's rights before it opens the file.
        run(Command::new("chmod").arg("777").arg(folder.path()));
        let mut command = Command::new("dumpcap");
        command.args(["-q", "-i", interface, "-f", &format!("tcp port {port}"), "-w"]).arg(folder.join("capture"));
        command.stdout(folder.output("stdout")).stderr(folder.output("stderr"));
        let mut process = namespace.inside(|| Owned::start(&mut command, Signal::INT));
        let said = || fs::read_to_string(folder.join("stderr")).unwrap_or_default();
        eventually("dumpcap captures", || {
            assert!(!process.has_ended(), "{}", said());
            said().contains("File: ")
        });
        Self { process, folder, port }
    }

    /// Ends it; the connections in the order of their beginnings.
    #[track_caller]
    pub fn finish(mut self) -> Vec<Wire> {
        // What passed last lies in the kernel's buffer for a moment.
        std::thread::sleep(std::time::Duration::from_millis(300));
        self.process.stop();
        let fields = [
            "tcp.stream",
            "frame.time_epoch",
            "tcp.srcport",
            "tcp.flags",
            "tcp.len",
            "tls.record.content_type",
            "tls.record.opaque_type",
            "tls.handshake.type",
            "tls.handshake.ciphersuite",
            "tls.handshake.extension.type",
            "tls.handshake.extensions_server_name",
        ];
        let mut tshark = Command::new("tshark");
        tshark.arg("-r").arg(self.folder.join("capture")).args(["-d", &format!("tcp.port=={},tls", self.port)]);
        tshark.args(["-T", "fields"]).args(fields.iter().flat_map(|field| ["-e", field]));
        let told = run(&mut tshark);
        let mut connections: BTreeMap<u32, Wire> = BTreeMap::new();
        for line in told.lines() {
            let columns: Vec<&str> = line.split('\t').collect();
            assert_eq!(columns.len(), fields.len(), "{line}");
            connections.entry(columns[0].parse().unwrap()).or_default().packet(&columns, self.port);
        }
        connections.into_values().collect()
    }
}

impl Wire {
    fn packet(&mut self, columns: &[&str], server: u16) {
        let time = nanoseconds(columns[1]);
        let flags = number(columns[3]);
        let from_client = columns[2].parse::<u16>().unwrap() != server;
        if flags & 0x02 != 0 {
            let slot = if from_client { &mut self.syn } else { &mut self.syn_ack };
            slot.get_or_insert(time);
        }
        if columns[4] == "0" {
            return;
        }
        if from_client {
            self.hello.get_or_insert(time);
        }
        let list = |column: usize| columns[column].split(',').filter(|text| !text.is_empty()).map(number);
        let has_type = |kind: u16| list(7).any(|found| found == kind);
        if from_client && has_type(1) {
            if !columns[10].is_empty() {
                self.server_name = Some(columns[10].to_owned());
            }
        } else if !from_client && has_type(2) {
            // RFC 8446, 4.2: `supported_versions` (43) makes it 1.3, `pre_shared_key` (41) a resumed session. Before, a server
            // that resumes sends no certificate (RFC 5246, 7.3).
            let modern = list(9).any(|kind| kind == 43);
            self.version = Some(if modern { "1.3" } else { "1.2" });
            self.cipher = list(8).next();
            self.resumed = Some(list(9).any(|kind| kind == 41));
        }
        self.certificate |= !from_client && has_type(11);
        if self.version == Some("1.2") && !self.certificate && self.cipher.is_some() {
            self.resumed = Some(true);
        } else if self.certificate && self.version == Some("1.2") {
            self.resumed = Some(false);
        }
        self.handshake_packet(time, from_client, &list(5).collect::<Vec<_>>(), &list(6).collect::<Vec<_>>());
    }

    /// Content types (RFC 8446, 5.1): 20 `change_cipher_spec`, 22 `handshake`, 23 `application_data`.
    fn handshake_packet(&mut self, time: u64, from_client: bool, plain: &[u16], opaque: &[u16]) {
        if from_client && plain.contains(&20) {
            self.client_cipher_spec.get_or_insert(time);
        }
        match self.version {
            // Each direction ends with a Finished that follows its ChangeCipherSpec; whichever comes last ends the handshake.
            Some("1.2") => {
                for kind in plain {
                    let before_finished = &mut self.before_finished[usize::from(from_client)];
                    match kind {
                        20 => *before_finished = true,
                        22 if std::mem::take(before_finished) => self.finished = Some(time),
                        _ => {}
                    }
                }
            }
            Some("1.3") if from_client && opaque.contains(&23) => _ = self.finished.get_or_insert(time),
            _ => {}
        }
    }

    /// SYN to its answer.
    pub fn connect_ns(&self) -> Option<u64> {
        Some(self.syn_ack? - self.syn?)
    }

    /// `ClientHello` to the last Finished.
    pub fn handshake_ns(&self) -> Option<u64> {
        Some(self.finished? - self.hello?)
    }
}

/// `seconds.nanoseconds` without rounding.
fn nanoseconds(text: &str) -> u64 {
    let (seconds, fraction) = text.split_once('.').unwrap();
    seconds.parse::<u64>().unwrap() * 1_000_000_000 + format!("{fraction:0<9}")[..9].parse::<u64>().unwrap()
}

fn number(text: &str) -> u16 {
    let parsed = text.strip_prefix("0x").map_or_else(|| text.parse(), |digits| u16::from_str_radix(digits, 16));
    parsed.unwrap_or_else(|_| panic!("a number was expected: {text}"))
}
