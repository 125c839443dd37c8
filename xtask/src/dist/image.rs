//! `cargo xtask image`: a container image without a container engine. One layer on nothing ("scratch"): the static binary, certificates of
//! the authorities that an OTLP endpoint may be signed by, and a name for the user that it can run as.
//!
//! What is written is an [OCI image layout](https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md), as a folder and as one
//! tar file. The tar file has the manifest of `docker save` in it as well, so that `docker load`, `podman load` and `skopeo` all take it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::archive::{Entry, gzip, tar};
use super::release::Release;
use crate::arch::Arch;
use crate::{apt, build, paths, sh};

/// Where programs that know nothing of the system's layout look for certificates first.
const CERTIFICATES: &str = "etc/ssl/certs/ca-certificates.crt";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// Distributions' word for nobody.
const NOBODY: u32 = 65532;

/// Arguments of `cargo xtask image`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Put this binary in instead of building one; it must be static
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// For another processor
    #[arg(long, value_enum, default_value_t = Arch::HERE)]
    arch: Arch,
    /// Where to write; the layout is a folder in it
    #[arg(long, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

/// Builds the binary if none is given, and writes both forms of the image.
pub fn image(args: &Args) -> Result<()> {
    let binary = match &args.binary {
        Some(path) => path.clone(),
        None => build::build(&build::Args::release(args.arch))?,
    };
    build::ensure_static(&binary)?;
    let output = args.output.clone().unwrap_or_else(|| paths::target().join("dist"));
    let release = Release::of(args.arch)?;
    for path in write(&release, &binary, &output)? {
        sh::step(format!("{} is ready", path.display()));
    }
    Ok(())
}

/// Writes the layout and its tar file into `output`; both paths.
pub fn write(release: &Release, binary: &Path, output: &Path) -> Result<[PathBuf; 2]> {
    let certificates = certificates()?;
    let files = layout(release, &layer(&fs::read(binary)?, &certificates))?;
    let name = format!("wirespan-{}-{}.oci", release.version, release.arch.debian());
    let (folder, file) = (output.join(&name), output.join(format!("{name}.tar")));
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    for entry in &files {
        let path = folder.join(&entry.name);
        match &entry.content {
            None => fs::create_dir_all(&path)?,
            Some(content) => fs::write(&path, content)?,
        }
    }
    fs::write(&file, tar(&files, release.time)?)?;
    Ok([folder, file])
}

/// The certificates of this system's package, from which those of the image come.
fn certificates() -> Result<Vec<u8>> {
    let path = Path::new("/").join(CERTIFICATES);
    if !path.is_file() {
        apt::install(&["ca-certificates"])?;
    }
    fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
}

/// What the container sees. `/proc` and `/sys` are mounted by whoever runs it; nothing is ever written.
fn layer(binary: &[u8], certificates: &[u8]) -> Vec<Entry> {
    let folders = ["etc", "etc/ssl", "etc/ssl/certs", "etc/wirespan", "usr", "usr/bin"];
    let mut entries: Vec<Entry> = folders.map(Entry::folder).to_vec();
    let passwd = format!("root:x:0:0:root:/:\nnonroot:x:{NOBODY}:{NOBODY}:nonroot:/:\n");
    entries.push(Entry::file("etc/passwd", passwd));
    entries.push(Entry::file("etc/group", format!("root:x:0:\nnonroot:x:{NOBODY}:\n")));
    entries.push(Entry::file(CERTIFICATES, certificates));
    entries.push(Entry::program("usr/bin/wirespan", binary));
    entries
}

/// The files of an image layout with one image of one layer, whose tar file is what `docker load` takes, too.
fn layout(release: &Release, layer: &[Entry]) -> Result<Vec<Entry>> {
    let plain = tar(layer, release.time)?;
    let packed = gzip(&plain)?;
    let created = release.date();
    let version = &release.version;
    let labels = json!({
        "org.opencontainers.image.title": "wirespan",
        "org.opencontainers.image.description": "Traces the requests of unmodified programs as OpenTelemetry spans",
        "org.opencontainers.image.version": version,
        "org.opencontainers.image.revision": release.commit,
        "org.opencontainers.image.created": created,
        "org.opencontainers.image.licenses": "Apache-2.0",
    });
    let config = json!({
        "created": created,
        "architecture": release.arch.debian(),
        "os": "linux",
        // Root, with the capabilities that the container is given and no others: those of another user would have to be ambient, and no
        // container engine sets these.
        "config": {
            "User": "0:0",
            "Env": ["PATH=/usr/bin", format!("SSL_CERT_FILE=/{CERTIFICATES}")],
            "Entrypoint": ["/usr/bin/wirespan"],
            "Cmd": ["run"],
            "WorkingDir": "/",
            "Labels": labels,
            "StopSignal": "SIGTERM",
        },
        "rootfs": {"type": "layers", "diff_ids": [digest(&plain)]},
        "history": [{"created": created, "created_by": "cargo xtask image"}],
    });
    let config = serde_json::to_vec(&config)?;
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor(CONFIG, &config),
        "layers": [descriptor(LAYER, &packed)],
        "annotations": labels,
    });
    let manifest = serde_json::to_vec(&manifest)?;
    let mut image = descriptor(MANIFEST, &manifest);
    image["platform"] = json!({"architecture": release.arch.debian(), "os": "linux"});
    image["annotations"] = json!({
        "org.opencontainers.image.ref.name": version,
        "io.containerd.image.name": format!("wirespan:{version}"),
    });
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [image],
    });
    let docker = json!([{
        "Config": blob(&config),
        "RepoTags": [format!("wirespan:{version}")],
        "Layers": [blob(&packed)],
    }]);
    Ok(vec![
        Entry::folder("blobs"),
        Entry::folder("blobs/sha256"),
        Entry::file(blob(&config), config.clone()),
        Entry::file(blob(&manifest), manifest.clone()),
        Entry::file(blob(&packed), packed.clone()),
        Entry::file("index.json", serde_json::to_vec(&index)?),
        Entry::file("manifest.json", serde_json::to_vec(&docker)?),
        Entry::file("oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#),
    ])
}

fn descriptor(kind: &str, content: &[u8]) -> Value {
    json!({"mediaType": kind, "digest": digest(content), "size": content.len()})
}

fn blob(content: &[u8]) -> String {
    format!("blobs/sha256/{}", sha256(content))
}

fn digest(content: &[u8]) -> String {
    format!("sha256:{}", sha256(content))
}

/// SHA-256 in hexadecimal digits.
pub fn sha256(content: &[u8]) -> String {
    Sha256::digest(content).iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> Vec<Entry> {
        let release = Release {
            version: "1.2.3".to_owned(),
            commit: "0123456789ab".to_owned(),
            time: 1_700_000_000,
            arch: Arch::Amd64,
        };
        layout(&release, &layer(b"\x7fELF", b"certificates")).unwrap()
    }

    fn read<'a>(files: &'a [Entry], name: &str) -> &'a [u8] {
        files.iter().find(|entry| entry.name == name).unwrap().content.as_deref().unwrap()
    }

    /// Follows every reference, and sees that what it leads to is what it says.
    fn follow(files: &[Entry], descriptor: &Value) -> Vec<u8> {
        let digest = descriptor["digest"].as_str().unwrap();
        let content = read(files, &format!("blobs/{}", digest.replace(':', "/")));
        assert_eq!((descriptor["size"].as_u64(), digest), (Some(content.len() as u64), &*super::digest(content)));
        content.to_vec()
    }

    #[test]
    fn every_digest_and_size_is_that_of_its_blob() {
        let files = made();
        let index: Value = serde_json::from_slice(read(&files, "index.json")).unwrap();
        let manifest: Value = serde_json::from_slice(&follow(&files, &index["manifests"][0])).unwrap();
        let config: Value = serde_json::from_slice(&follow(&files, &manifest["config"])).unwrap();
        let packed = follow(&files, &manifest["layers"][0]);
        let mut plain = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*packed), &mut plain).unwrap();
        assert_eq!(config["rootfs"]["diff_ids"], json!([digest(&plain)]));
        assert_eq!((&config["architecture"], &config["created"]), (&json!("amd64"), &json!("2023-11-14T22:13:20Z")));
        let docker: Value = serde_json::from_slice(read(&files, "manifest.json")).unwrap();
        assert_eq!(read(&files, docker[0]["Layers"][0].as_str().unwrap()), packed);
        assert_eq!(docker[0]["RepoTags"], json!(["wirespan:1.2.3"]));
    }

    #[test]
    fn there_is_no_shell_in_it() {
        let names: Vec<String> = layer(b"", b"").into_iter().map(|entry| entry.name).collect();
        assert!(names.contains(&"usr/bin/wirespan".to_owned()) && !names.iter().any(|name| name.ends_with("/sh")));
    }
}
