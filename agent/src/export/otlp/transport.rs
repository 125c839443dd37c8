//! The connection pool: hyper's client, over TCP or TLS. Plain HTTP and gRPC share it, so there is one TLS set-up.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::config::otlp::{Otlp, Protocol};

/// A client whose requests have bodies of type `B`.
pub type HttpClient<B> = Client<HttpsConnector<HttpConnector>, B>;

/// Longest time that an unused connection is kept.
const IDLE: Duration = Duration::from_secs(60);
/// Most bytes of a response's head.
const MAX_HEAD: usize = 64 * 1024;
/// Most bytes of a file with certificates or a key.
const MAX_PEM: u64 = 8 << 20;
/// An HTTP/2 connection whose peer is silently gone is noticed after these.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// A client for an end point.
///
/// # Errors
/// When a certificate or key cannot be read or used.
pub fn client<B>(config: &Otlp) -> anyhow::Result<HttpClient<B>>
where
    B: http_body::Body + Send,
    B::Data: Send,
{
    let secure = config.endpoint.scheme_str() == Some("https");
    let connector = HttpsConnectorBuilder::new().with_tls_config(tls(config, secure)?).https_or_http();
    let grpc = config.protocol == Protocol::Grpc;
    let connector = if grpc { connector.enable_http2().build() } else { connector.enable_http1().build() };
    Ok(Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(1)
        .http1_max_buf_size(MAX_HEAD)
        .http2_only(grpc)
        .http2_keep_alive_interval(PING_INTERVAL)
        .http2_keep_alive_timeout(PING_TIMEOUT)
        .build(connector))
}

fn tls(config: &Otlp, secure: bool) -> anyhow::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = config.certificate.as_deref().filter(|_| secure) {
        for certificate in certificates("OTEL_EXPORTER_OTLP_CERTIFICATE", path)? {
            roots.add(certificate).with_context(|| format!("{}: not an authority's certificate", path.display()))?;
        }
    } else if secure {
        let (usable, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if usable == 0 {
            bail!(
                "no trusted certificates on this system for {}: install ca-certificates or set OTEL_EXPORTER_OTLP_CERTIFICATE",
                config.endpoint
            );
        }
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .context("TLS is not available")?
        .with_root_certificates(roots);
    let Some((chain, key_path)) = config.client_identity.as_ref().filter(|_| secure) else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = certificates("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", chain)?;
    let key = PrivateKeyDer::from_pem_slice(&pem("OTEL_EXPORTER_OTLP_CLIENT_KEY", key_path)?)
        .map_err(|error| unreadable("OTEL_EXPORTER_OTLP_CLIENT_KEY", key_path, &error))?;
    builder
        .with_client_auth_cert(chain, key)
        .context("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY do not fit")
}

fn certificates(name: &str, path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let certificates = CertificateDer::pem_slice_iter(&pem(name, path)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unreadable(name, path, &error))?;
    if certificates.is_empty() {
        bail!("{name}: {} holds no certificate in PEM form", path.display());
    }
    Ok(certificates)
}

/// A whole file, within reason.
fn pem(name: &str, path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_PEM + 1).read_to_end(&mut bytes))
        .with_context(|| format!("{name}: cannot read {}", path.display()))?;
    if bytes.len() as u64 > MAX_PEM {
        bail!("{name}: {} is larger than {} MiB", path.display(), MAX_PEM >> 20);
    }
    Ok(bytes)
}

fn unreadable(name: &str, path: &Path, error: &rustls::pki_types::pem::Error) -> anyhow::Error {
    anyhow::anyhow!("{name}: cannot read {}: {error}", path.display())
}
