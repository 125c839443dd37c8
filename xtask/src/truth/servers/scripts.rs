//! Puma, and PHP-FPM behind nginx, as Debian has them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::{PLAIN, Server, proxies, sources};
use crate::truth::plan::Kind;
use crate::truth::stack::folder;
use crate::{apt, sh};

/// Those in Ruby and PHP.
pub const SERVERS: &[Server] = &[
    Server { name: "puma", install: install_ruby, command: puma, ..PLAIN },
    Server {
        name: "php-fpm",
        install: install_php,
        command: php,
        proxy: Some(proxies::nginx_php),
        kinds: &PHP,
        ..PLAIN
    },
];

/// PHP does one thing after the other.
const PHP: [Kind; 4] = [Kind::Sequential, Kind::Timer, Kind::Stream, Kind::Late];

fn install_ruby() -> Result<PathBuf> {
    apt::install(&["puma", "ruby", "ruby-pg", "ruby-redis", "ruby-rack"])?;
    folder()
}

/// One process, threads for all that come at once but the largest number.
fn puma(_: &Path, port: u16) -> Result<Command> {
    let mut cmd = Command::new(sh::which("puma").context("puma is missing")?);
    cmd.current_dir(sources("ruby")).args(["--threads", "16:16", "--quiet", "--environment", "production"]);
    cmd.args(["--bind", &format!("tcp://127.0.0.1:{}", port), "config.ru"]);
    Ok(cmd)
}

fn install_php() -> Result<PathBuf> {
    apt::install(&["php-fpm", "php-pgsql", "php-redis", "php-curl"])?;
    folder()
}

/// Four workers.
fn php(dir: &Path, port: u16) -> Result<Command> {
    // Its name has a version, of which Debian has one.
    let programs = std::fs::read_dir("/usr/sbin")?.filter_map(|entry| Some(entry.ok()?.path()));
    let is_fpm = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("php-fpm"));
    let program = programs.filter(is_fpm).max().context("php-fpm is missing")?;
    let file = dir.join("php-fpm.conf");
    std::fs::write(
        &file,
        format!(
            "[global]\nerror_log = /dev/stderr\ndaemonize = no\n\
             [www]\nuser = www-data\nlisten = 127.0.0.1:{}\nlisten.backlog = 511\npm = static\npm.max_children = 4\n\
             clear_env = no\n",
            port
        ),
    )?;
    let mut cmd = Command::new(program);
    cmd.arg("--nodaemonize").arg("--fpm-config").arg(file);
    Ok(cmd)
}
