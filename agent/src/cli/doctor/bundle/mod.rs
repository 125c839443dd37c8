//! What a bug report needs, in one archive: nothing that was sent or received, no value of a header, no password.
//!
//! Layout: [`agent`]: what an agent that runs tells; [`build`]: how the kernel was built; [`recording`]: events without payload.

mod agent;
mod build;
mod recording;

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::super::{args, environment, log, targets};
use crate::config::Config;
use crate::files;

/// Folder in the archive.
const FOLDER: &str = "wirespan-bundle";

/// A file of the archive, and what it is.
struct Part {
    name: &'static str,
    what: &'static str,
    bytes: Vec<u8>,
}

impl Part {
    fn new(name: &'static str, what: &'static str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name, what, bytes: bytes.into() }
    }
}

/// A new archive, or one in the place of the file that is there.
///
/// # Errors
/// When it cannot be made, or is there and must stay.
pub(super) fn create(path: &Path, replace: bool) -> anyhow::Result<File> {
    open(path, replace).with_context(|| format!("cannot create {}", path.display()))
}

/// Collects, writes, and tells what is in it.
///
/// # Errors
/// When the archive cannot be written.
pub(super) fn write(
    (path, file): (&Path, File),
    arguments: &args::Doctor,
    config: &Config,
    doctor: &str,
) -> anyhow::Result<()> {
    let mut left_out = Vec::new();
    let parts = collect(config, doctor, arguments.record, &mut left_out);
    pack(file, &parts).with_context(|| format!("cannot write {}", path.display()))?;
    let told = listing(path, &parts, &left_out);
    match arguments.output {
        args::Report::Text => log::answer(&format!("\n{told}")),
        // The answer is for programs.
        args::Report::Json => {
            log::lines(&told);
            Ok(())
        }
    }
}

/// For its owner alone; what is there stays, unless it is to be replaced.
fn open(path: &Path, replace: bool) -> io::Result<File> {
    if replace {
        let file = files::create(path)?;
        file.set_permissions(Permissions::from_mode(0o600))?;
        return Ok(file);
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => io::Error::other("there is a file of that name; --force replaces it"),
        _ => error,
    })
}

fn collect(config: &Config, doctor: &str, record: Option<Duration>, left_out: &mut Vec<String>) -> Vec<Part> {
    let mut parts = vec![
        Part::new("doctor.json", "what doctor found", doctor),
        Part::new("versions.txt", "versions of wirespan, the kernel and the system", build::versions()),
        Part::new("configuration.yaml", "the effective configuration without secrets", config.to_yaml()),
        Part::new("variables.txt", "names of the variables of wirespan and OpenTelemetry that are set", variables()),
        Part::new("kernel-config.txt", "how the kernel was built, as far as it matters", build::options()),
    ];
    match targets::found(config) {
        Ok(json) => parts.push(Part::new("targets.json", "processes that would be traced", json)),
        Err(why) => left_out.push(format!("processes that would be traced: {why:#}")),
    }
    let address = agent::address(config);
    match agent::own_metrics(address) {
        Ok(text) => {
            parts.push(Part::new("metrics.txt", "what the running agent counts of itself", text));
            match agent::ask(address, "/debug/targets") {
                Ok(json) => parts.push(Part::new("agent-targets.json", "processes that the running agent knows", json)),
                Err(why) => left_out.push(format!("processes that the running agent knows: {why}")),
            }
        }
        Err(why) => left_out.push(format!("what a running agent counts: nothing answers at {address} ({why})")),
    }
    if let Some(duration) = record {
        match recording::record(config, duration) {
            Ok(bytes) => parts.push(Part::new("recording.bin", "events without what was sent and received", bytes)),
            Err(why) => left_out.push(format!("a recording: {why:#}")),
        }
    }
    parts
}

fn variables() -> String {
    let is_ours = |name: &String| name.starts_with("WIRESPAN_") || name.starts_with("OTEL_");
    let mut names: Vec<_> = environment::names().filter(is_ours).collect();
    names.sort();
    names.into_iter().map(|name| name + "\n").collect()
}

fn pack(file: impl Write, parts: &[Part]) -> io::Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let mut archive = tar::Builder::new(GzEncoder::new(file, Compression::default()));
    for part in parts {
        let mut header = tar::Header::new_gnu();
        header.set_size(part.bytes.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(now);
        archive.append_data(&mut header, format!("{FOLDER}/{}", part.name), part.bytes.as_slice())?;
    }
    archive.into_inner()?.finish()?.flush()
}

/// File by file, so that whoever sends it knows what is sent.
fn listing(path: &Path, parts: &[Part], left_out: &[String]) -> String {
    let mut told = format!("{} holds:\n", path.display());
    for Part { name, what, bytes } in parts {
        told += &format!("  {:>9} B  {name:<20} {what}\n", bytes.len());
    }
    for why in left_out {
        told += &format!("  not in it: {why}\n");
    }
    told + "Look at it before you send it: names of programs, services, hosts and files are in it.\n"
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;
    use crate::config::{self, Layer};

    /// Nothing answers there.
    const NOBODY: &str = "127.0.0.1:9";

    fn folder(name: &str) -> std::path::PathBuf {
        let folder = std::env::temp_dir().join(format!("wirespan-bundle-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn no_secret_of_the_configuration_is_in_it() {
        let folder = folder("secrets");
        let file = folder.join("wirespan.yaml");
        let yaml = "file_format: \"1.0\"\ntracer_provider:\n  processors:\n    - batch:\n        exporter:\n          otlp_http:\n            \
                    endpoint: http://user:hunter2@127.0.0.1:9/v1/traces?token=hunter3\n            \
                    headers:\n              - {name: authorization, value: hunter4}\n";
        std::fs::write(&file, yaml).unwrap();
        let get = |name: &str| match name {
            "WIRESPAN_CONFIG" => Some(file.to_string_lossy().into_owned()),
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT" => Some("http://me:hunter5@127.0.0.1:9/".to_owned()),
            "OTEL_EXPORTER_OTLP_LOGS_HEADERS" => Some("api-key=hunter6".to_owned()),
            "OTEL_METRICS_EXPORTER" => Some("otlp".to_owned()),
            "WIRESPAN_PROMETHEUS_LISTEN" => Some(NOBODY.to_owned()),
            _ => None,
        };
        let config = config::load(Layer::default(), &get).unwrap();
        let checks: Vec<_> =
            super::super::export::checks(&config).iter().map(|check| check.json().to_string()).collect();
        assert!(!checks.is_empty());
        let parts = collect(&config, &checks.concat(), None, &mut Vec::new());
        for Part { name, bytes, .. } in &parts {
            assert!(!String::from_utf8_lossy(bytes).contains("hunter"), "{name}: {}", String::from_utf8_lossy(bytes));
        }
        let of = |name: &str| parts.iter().find(|part| part.name == name).unwrap();
        assert!(String::from_utf8_lossy(&of("configuration.yaml").bytes).contains("REDACTED"));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn an_archive_is_for_its_owner_and_replaces_nothing() {
        let folder = folder("file");
        let path = folder.join("report.tar.gz");
        let parts = [Part::new("a.txt", "a text", "hello"), Part::new("b.txt", "another", vec![7; 3000])];
        pack(open(&path, false).unwrap(), &parts).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(open(&path, false).unwrap_err().to_string().contains("--force"));
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        pack(open(&path, true).unwrap(), &parts).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(File::open(&path).unwrap()));
        let read: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let mut entry = entry.unwrap();
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes).unwrap();
                (entry.path().unwrap().to_string_lossy().into_owned(), bytes.len())
            })
            .collect();
        assert_eq!(read, [("wirespan-bundle/a.txt".to_owned(), 5), ("wirespan-bundle/b.txt".to_owned(), 3000)]);
        let told = listing(&path, &parts, &["a recording: refused".to_owned()]);
        assert!(
            told.contains("     3000 B  b.txt                another\n") && told.contains("not in it: a recording"),
            "{told}"
        );
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
