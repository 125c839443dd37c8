//! TLS with rustls: `rustls-client ADDRESS PORT NAME CA VERSION full|resumed COUNT`
//!
//! Prints one line of JSON for each connection, by this program's own clock.

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Instant;

use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore, Stream, version};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, port, name, authority, version, mode, count] = &arguments[..] else {
        return Err("ADDRESS PORT NAME CA VERSION full|resumed COUNT".into());
    };
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority)?)?;
    let version = if version == "1.2" { &version::TLS12 } else { &version::TLS13 };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version])?;
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    if mode == "full" {
        config.resumption = Resumption::disabled();
    }
    let config = Arc::new(config);
    for _ in 0..count.parse::<u32>()? {
        let begin = Instant::now();
        let mut plain = TcpStream::connect((address.as_str(), port.parse()?))?;
        let connected = Instant::now();
        let mut connection = ClientConnection::new(Arc::clone(&config), ServerName::try_from(name.clone())?)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut plain)?;
        }
        let ready = Instant::now();
        let resumed = connection.handshake_kind() == Some(HandshakeKind::Resumed);
        let mut stream = Stream::new(&mut connection, &mut plain);
        stream.write_all(b"GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n")?;
        stream.read_to_end(&mut Vec::new())?;
        let seconds = |from: Instant, to: Instant| to.duration_since(from).as_secs_f64();
        println!(
            "{{\"connect\": {:.9}, \"handshake\": {:.9}, \"resumed\": {resumed}}}",
            seconds(begin, connected),
            seconds(connected, ready),
        );
    }
    Ok(())
}
