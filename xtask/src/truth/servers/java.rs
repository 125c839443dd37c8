//! The JDK's own server, Jetty, Undertow, and Spring Boot on Tomcat, with pools of threads and with virtual threads.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::{PLAIN, Server, sources};
use crate::{parts, paths, sh};

const JARS: &[&str] = &[
    "org.springframework.boot:spring-boot-starter-web:3.5.7",
    "org.postgresql:postgresql:42.7.7",
    "redis.clients:jedis:5.2.0",
    "io.undertow:undertow-core:2.3.27.Final",
    "org.eclipse.jetty:jetty-server:12.0.34",
    // The driver of Redis asks for an older one than Spring Boot.
    "org.slf4j:slf4j-api:2.0.17",
];

/// Those in Java.
pub const SERVERS: &[Server] = &[
    Server { name: "java", install, command: |dir, _| own(dir, false, "Plain"), ..PLAIN },
    Server { name: "java-virtual", install, command: |dir, _| own(dir, true, "Plain"), ..PLAIN },
    Server { name: "jetty", install, command: |dir, _| own(dir, false, "OnJetty"), ..PLAIN },
    Server { name: "undertow", install, command: |dir, _| own(dir, false, "OnUndertow"), ..PLAIN },
    Server { name: "spring", install, command: |dir, port| spring(dir, port, false), ..PLAIN },
    Server { name: "spring-virtual", install, command: |dir, port| spring(dir, port, true), ..PLAIN },
];

fn install() -> Result<PathBuf> {
    let dir = parts::part("truth-java", JARS, |dir, name| parts::maven(dir, name, JARS))?;
    let mut javac = Command::new("javac");
    javac.args(["--release", "17", "-d"]).arg(dir.join("classes")).arg("-cp").arg(dir.join("*"));
    javac.args(
        ["Calls.java", "Plain.java", "OnJetty.java", "OnUndertow.java", "Spring.java"]
            .map(|file| sources("java").join(file)),
    );
    sh::run_logged(&mut javac, &paths::log("truth-java-build"))?;
    Ok(dir)
}

/// Virtual threads need a Java of 21 or later: the last one where Debian keeps them, else the usual one.
fn java(virtual_threads: bool) -> Result<PathBuf> {
    let usual = sh::which("java").context("java is missing")?;
    if !virtual_threads {
        return Ok(usual);
    }
    let folders = std::fs::read_dir("/usr/lib/jvm").into_iter().flatten().flatten().map(|entry| entry.path());
    let version = |dir: &PathBuf| -> Option<u32> {
        let release = std::fs::read_to_string(dir.join("release")).ok()?;
        let version = release.lines().find_map(|line| line.strip_prefix("JAVA_VERSION=\""))?;
        version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    };
    let newest = folders.filter_map(|dir| Some((version(&dir)?, dir))).max();
    Ok(newest.filter(|(version, _)| *version >= 21).map_or(usual, |(_, dir)| dir.join("bin/java")))
}

fn program(dir: &Path, virtual_threads: bool) -> Result<Command> {
    let mut cmd = Command::new(java(virtual_threads)?);
    cmd.args(["-Xmx256m", "-Dsun.net.httpserver.nodelay=true"]).arg(format!("-Dvirtual={virtual_threads}"));
    cmd.arg("-cp").arg(format!("{0}/classes:{0}/*", dir.display()));
    Ok(cmd)
}

/// A program of ours that starts its server itself.
fn own(dir: &Path, virtual_threads: bool, class: &str) -> Result<Command> {
    let mut cmd = program(dir, virtual_threads)?;
    cmd.arg(format!("truth.{class}"));
    Ok(cmd)
}

fn spring(dir: &Path, port: u16, virtual_threads: bool) -> Result<Command> {
    let mut cmd = program(dir, virtual_threads)?;
    cmd.arg("truth.Spring").args(["--server.address=127.0.0.1", "--spring.main.banner-mode=off"]);
    // Tomcat closes a connection after a hundred requests by default.
    cmd.arg("--server.tomcat.max-keep-alive-requests=-1").arg(format!("--server.port={}", port));
    cmd.arg(format!("--spring.threads.virtual.enabled={virtual_threads}"));
    Ok(cmd)
}
