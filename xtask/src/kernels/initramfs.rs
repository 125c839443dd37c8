//! The few files with which a kernel finds the host's file system: busybox, drivers in the order of their dependencies,
//! a script, and the command.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::cpio::Archive;
use super::debian;
use super::image::Image;
use super::machine::{EXIT_MARK, command_port};
use crate::{paths, sh};

/// What the script needs: a bus, the file system of the host, one to write to over it.
const DRIVERS: [&str; 4] = ["virtio_pci", "9pnet_virtio", "9p", "overlay"];
/// Mounted by name in the guest, so that it can load more (conntrack, tls …) with `modprobe`.
const GUEST: &str = include_str!("guest.sh");

/// Writes the archive for one run; its path.
pub fn write(image: &Image, userland: Option<&Path>, command: &[String]) -> Result<PathBuf> {
    let path = debian::folder(image.arch).join(format!("{}.{}.cpio", image.release, std::process::id()));
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut archive = Archive::new(BufWriter::new(file));
    for dir in ["bin", "dev", "proc", "sys", "host", "rw", "newroot", "drivers"] {
        archive.directory(dir)?;
    }
    archive.device("dev/console", (5, 1))?;
    let busybox = match userland {
        Some(root) => root.join("usr/bin/busybox"),
        None => sh::which("busybox").context("busybox is missing (package busybox-static)")?,
    };
    archive.file("bin/busybox", 0o755, &fs::read(busybox)?)?;
    let dependencies = fs::read_to_string(image.modules.join("modules.dep")).or_else(|_| depmod(image))?;
    let mut order = String::new();
    for relative in closure(&dependencies, &DRIVERS) {
        let name = stem(&relative).to_owned();
        archive.file(&format!("drivers/{name}.ko"), 0o644, &plain(&image.modules.join(&relative))?)?;
        order.push_str(&format!("{name}\n"));
    }
    archive.file("drivers/order", 0o644, order.as_bytes())?;
    archive.file("command", 0o755, command_script(command).as_bytes())?;
    let init = GUEST
        .replace("@MODULES@", &quote(&image.modules.to_string_lossy()))
        .replace("@RELEASE@", &image.release)
        .replace("@PORT@", command_port(image.arch))
        .replace("@USERLAND@", &userland.map(|root| quote(&root.to_string_lossy())).unwrap_or_default())
        .replace("@SHARED@", &shared(userland))
        .replace("@MARK@", EXIT_MARK);
    archive.file("init", 0o755, init.as_bytes())?;
    archive.finish()?;
    Ok(path)
}

/// Runs the command in the clone's root, with this process's search path and `WIRESPAN_*` variables.
fn command_script(command: &[String]) -> String {
    let mut script = String::from("#!/bin/sh\nexport HOME=/root TERM=dumb\n");
    for (name, value) in std::env::vars() {
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if plain && (name == "PATH" || name.starts_with("WIRESPAN_") || name == "RUST_BACKTRACE") {
            script.push_str(&format!("export {name}={}\n", quote(&value)));
        }
    }
    let words: Vec<String> = command.iter().map(|w| quote(w)).collect();
    script.push_str(&format!("cd {} || exit 126\nexec {}\n", quote(&paths::root().to_string_lossy()), words.join(" ")));
    script
}

/// Folders that the guest sees where the host has them, besides its own file system.
fn shared(userland: Option<&Path>) -> String {
    let (root, target) = (paths::root(), paths::target());
    let apart = (!target.starts_with(&root)).then_some(target);
    let folders = userland.map(|_| std::iter::once(root).chain(apart)).into_iter().flatten();
    folders.map(|folder| quote(&folder.to_string_lossy())).collect::<Vec<_>>().join(" ")
}

/// A word for the shell, whatever is in it.
fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Packages carry no `modules.dep`: it is made on installation. `depmod` (package kmod) makes it.
fn depmod(image: &Image) -> Result<String> {
    // …/lib/modules/RELEASE: depmod wants the folder above `lib`.
    let base = image.modules.ancestors().nth(3).context("the modules lie nowhere")?;
    let depmod = sh::which("depmod").context("depmod is missing (package kmod)")?;
    sh::run(Command::new(depmod).arg("-b").arg(base).arg(&image.release))?;
    Ok(fs::read_to_string(image.modules.join("modules.dep"))?)
}

/// The drivers and everything they need, each after what it needs. One that is built into the kernel is in no list.
fn closure(dependencies: &str, wanted: &[&str]) -> Vec<String> {
    let mut needs: HashMap<&str, Vec<&str>> = HashMap::new();
    let mut by_name: HashMap<String, &str> = HashMap::new();
    for line in dependencies.lines() {
        if let Some((module, list)) = line.split_once(':') {
            needs.insert(module, list.split_whitespace().collect());
            by_name.insert(stem(module).replace('-', "_"), module);
        }
    }
    let mut order = Vec::new();
    let mut seen = HashSet::new();
    for name in wanted {
        let Some(module) = by_name.get(&name.replace('-', "_")) else { continue };
        // A line lists all that a module needs, the last first.
        for part in needs.get(module).into_iter().flatten().rev().chain([module]) {
            if seen.insert(*part) {
                order.push((*part).to_owned());
            }
        }
    }
    order
}

/// `kernel/fs/9p/9p.ko.xz` → `9p`.
fn stem(module: &str) -> &str {
    let name = module.rsplit('/').next().unwrap_or(module);
    name.split(".ko").next().unwrap_or(name)
}

/// A driver as the kernel wants it: not compressed.
fn plain(path: &Path) -> Result<Vec<u8>> {
    let program = match path.extension().and_then(|e| e.to_str()) {
        Some("xz") => "xz",
        Some("zst") => "zstd",
        Some("gz") => "gzip",
        _ => return fs::read(path).with_context(|| format!("cannot read {}", path.display())),
    };
    let out = Command::new(program).arg("-dc").arg(path).output().with_context(|| format!("cannot run {program}"))?;
    anyhow::ensure!(out.status.success(), "{program} cannot unpack {}", path.display());
    Ok(out.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drivers_come_after_what_they_need() {
        let dep = "kernel/fs/9p/9p.ko.xz: kernel/net/9p/9pnet.ko.xz kernel/fs/netfs/netfs.ko.xz\n\
                   kernel/net/9p/9pnet.ko.xz:\nkernel/fs/netfs/netfs.ko.xz:\n\
                   kernel/net/9p/9pnet_virtio.ko.xz: kernel/net/9p/9pnet.ko.xz kernel/drivers/virtio/virtio.ko.xz\n";
        let order: Vec<String> = closure(dep, &["9pnet-virtio", "9p", "built_in"]);
        let order: Vec<&str> = order.iter().map(|m| stem(m)).collect();
        assert_eq!(order, ["virtio", "9pnet", "9pnet_virtio", "netfs", "9p"]);
    }

    #[test]
    fn any_word_survives_the_shell() {
        let out = Command::new("sh").args(["-c", &format!("printf %s {}", quote("it's $HOME \"`x`\\n"))]).output();
        assert_eq!(String::from_utf8(out.unwrap().stdout).unwrap(), "it's $HOME \"`x`\\n");
    }
}
