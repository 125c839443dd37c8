//! Real connections: a client and a server of rustls that talk over memory, and what they tell a log of keys.

use std::sync::{Arc, Mutex};

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, KeyLog, RootCertStore, ServerConfig, ServerConnection, SupportedCipherSuite,
    SupportedProtocolVersion,
};

use crate::plain::{Random, Secret, SecretKind};
use crate::stream::Direction::{self, ToClient, ToServer};

/// What was logged, with the number of calls that had passed.
type Logged = Arc<Mutex<Vec<(Random, Secret)>>>;

#[derive(Debug, Default)]
struct Log(Logged);

impl KeyLog for Log {
    fn log(&self, label: &str, random: &[u8], secret: &[u8]) {
        if let Some(kind) = SecretKind::labelled(label.as_bytes()) {
            let secret = Secret::new(kind, secret).unwrap();
            self.0.lock().unwrap().push((random.try_into().unwrap(), secret));
        }
    }
}

/// A call: what one side wrote, the plaintext in it.
#[derive(Clone, Debug)]
pub(in super::super) struct Call {
    pub direction: Direction,
    pub bytes: Vec<u8>,
}

/// A conversation as it passed.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Conversation {
    pub calls: Vec<Call>,
    /// Each with the number of calls before it.
    pub secrets: Vec<(usize, Secret)>,
    pub random: Random,
    /// Plaintext of each direction.
    pub plain: [Vec<u8>; 2],
}

/// Both ends' settings; sessions are kept between connections.
pub(in super::super) struct Ends {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    log: Logged,
}

impl Ends {
    pub fn new(suite: SupportedCipherSuite, version: &'static SupportedProtocolVersion, asks: bool) -> Self {
        let provider = Arc::new(CryptoProvider { cipher_suites: vec![suite], ..ring::default_provider() });
        let made = rcgen::generate_simple_self_signed(vec!["shop.test".to_owned()]).unwrap();
        let certificate = made.cert.der().clone();
        let key = || PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let roots = Arc::new(roots);
        let log = Logged::default();
        let server =
            ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(&[version]).unwrap();
        let server = if asks {
            let verifier =
                rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider));
            server.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            server.with_no_client_auth()
        };
        let mut server = server.with_single_cert(vec![certificate.clone()], key()).unwrap();
        server.max_early_data_size = 4096;
        let client = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
        let client = client.with_root_certificates(roots);
        let mut client = if asks {
            client.with_client_auth_cert(vec![certificate], key()).unwrap()
        } else {
            client.with_no_client_auth()
        };
        client.enable_early_data = true;
        client.key_log = Arc::new(Log(Arc::clone(&log)));
        Self { client: Arc::new(client), server: Arc::new(server), log }
    }
}

/// A connection that goes on.
pub(in super::super) struct Pair<'a> {
    ends: &'a Ends,
    pub client: ClientConnection,
    pub server: ServerConnection,
    pub so_far: Conversation,
}

impl<'a> Pair<'a> {
    pub fn new(ends: &'a Ends) -> Self {
        let name = ServerName::try_from("shop.test").unwrap();
        ends.log.lock().unwrap().clear();
        Self {
            ends,
            client: ClientConnection::new(Arc::clone(&ends.client), name).unwrap(),
            server: ServerConnection::new(Arc::clone(&ends.server)).unwrap(),
            so_far: Conversation::default(),
        }
    }

    /// Lets all pass that both have to say.
    pub fn settle(&mut self) -> &mut Self {
        loop {
            let up = self.pass(ToServer);
            let down = self.pass(ToClient);
            if !up && !down {
                return self;
            }
        }
    }

    fn pass(&mut self, direction: Direction) -> bool {
        let mut bytes = Vec::new();
        match direction {
            ToServer => {
                while self.client.wants_write() {
                    self.client.write_tls(&mut bytes).unwrap();
                }
            }
            ToClient => {
                while self.server.wants_write() {
                    self.server.write_tls(&mut bytes).unwrap();
                }
            }
        }
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let mut plain = Vec::new();
            let read = |plain: &mut Vec<u8>, reader: &mut rustls::Reader<'_>| {
                let _ = std::io::Read::read_to_end(reader, plain);
            };
            match direction {
                ToServer => {
                    self.server.read_tls(&mut rest).unwrap();
                    self.server.process_new_packets().unwrap();
                    if let Some(mut early) = self.server.early_data() {
                        let _ = std::io::Read::read_to_end(&mut early, &mut plain);
                    }
                    read(&mut plain, &mut self.server.reader());
                }
                ToClient => {
                    self.client.read_tls(&mut rest).unwrap();
                    self.client.process_new_packets().unwrap();
                    read(&mut plain, &mut self.client.reader());
                }
            }
            self.so_far.plain[direction as usize].extend(plain);
        }
        let logged: Vec<_> = self.ends.log.lock().unwrap().drain(..).collect();
        for (random, secret) in logged {
            self.so_far.random = random;
            self.so_far.secrets.push((self.so_far.calls.len() + usize::from(!bytes.is_empty()), secret));
        }
        let some = !bytes.is_empty();
        if some {
            self.so_far.calls.push(Call { direction, bytes });
        }
        some
    }

    /// One side writes, in one call.
    pub fn say(&mut self, direction: Direction, plain: &[u8]) -> &mut Self {
        use std::io::Write as _;
        for part in plain.chunks(32 * 1024) {
            match direction {
                ToServer => self.client.writer().write_all(part).unwrap(),
                ToClient => self.server.writer().write_all(part).unwrap(),
            }
            self.pass(direction);
        }
        self
    }

    /// A side says that it says no more.
    pub fn bye(&mut self, direction: Direction) -> &mut Self {
        match direction {
            ToServer => self.client.send_close_notify(),
            ToClient => self.server.send_close_notify(),
        }
        self.pass(direction);
        self
    }

    /// A side changes its keys before what it says next.
    pub fn update(&mut self, direction: Direction) -> &mut Self {
        match direction {
            ToServer => self.client.refresh_traffic_keys().unwrap(),
            ToClient => self.server.refresh_traffic_keys().unwrap(),
        }
        self
    }
}
