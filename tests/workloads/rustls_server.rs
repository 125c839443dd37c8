//! TLS with rustls: `rustls-server ADDRESS PORT CERTIFICATE KEY VERSION`
//!
//! Answers one request on each connection, one connection after the other, and closes it.

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, Stream, version};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, port, certificate, key, version] = &arguments[..] else {
        return Err("ADDRESS PORT CERTIFICATE KEY VERSION".into());
    };
    let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<_, _>>()?;
    let version = if version == "1.2" { &version::TLS12 } else { &version::TLS13 };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[version])?;
    let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, PrivateKeyDer::from_pem_file(key)?)?);
    for plain in TcpListener::bind((address.as_str(), port.parse()?))?.incoming() {
        // Whoever only looks whether it listens makes no handshake.
        let _ = serve(plain?, &config);
    }
    Ok(())
}

fn serve(mut plain: TcpStream, config: &Arc<ServerConfig>) -> Result<(), Box<dyn Error>> {
    let mut connection = ServerConnection::new(Arc::clone(config))?;
    let mut stream = Stream::new(&mut connection, &mut plain);
    let mut request = Vec::new();
    let mut piece = [0; 1024];
    while !request.ends_with(b"\r\n\r\n") {
        let length = stream.read(&mut piece)?;
        if length == 0 {
            return Ok(());
        }
        request.extend_from_slice(&piece[..length]);
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n")?;
    stream.conn.send_close_notify();
    stream.flush()?;
    Ok(())
}
