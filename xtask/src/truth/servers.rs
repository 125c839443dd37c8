//! The servers of the matrix: `tests/truth` has their programs.

mod go;
mod java;
mod node;
mod proxies;
mod python;
mod rust;
mod scripts;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::plan::{KINDS, Kind};
use crate::paths;

/// One server.
pub struct Server {
    /// In the table, in `--only`, in the limits.
    pub name: &'static str,
    /// Installs it unless it is there, compiles it, and answers with its folder.
    pub install: fn() -> Result<PathBuf>,
    /// How it is started, to serve on that port of 127.0.0.1. Its environment says the same (`PORT`), and whom it asks
    /// (`POSTGRES_PORT`, `REDIS_PORT`, `LEAF_PORT`).
    pub command: fn(&Path, u16) -> Result<Command>,
    /// What stands before it: how it is started in that folder, to listen on the first port and pass on to the second.
    pub proxy: Option<Proxy>,
    /// What its requests do.
    pub kinds: &'static [Kind],
    /// A program that nothing here installs; continuous integration does without the server where it is missing.
    pub needs: Option<&'static str>,
    /// Whether the short form for continuous integration has it.
    pub in_ci: bool,
}

/// See [`Server::proxy`].
pub type Proxy = fn(&Path, u16, u16) -> Result<Command>;

/// A server without a proxy that does everything.
const PLAIN: Server = Server {
    name: "",
    install: || Ok(PathBuf::new()),
    command: |_, _| anyhow::bail!("no command"),
    proxy: None,
    kinds: &KINDS,
    needs: None,
    in_ci: false,
};

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Server> {
    [rust::SERVERS, python::SERVERS, node::SERVERS, go::SERVERS, java::SERVERS, scripts::SERVERS, proxies::SERVERS]
        .into_iter()
        .flatten()
}

/// The folder of their sources.
fn sources(language: &str) -> PathBuf {
    paths::root().join("tests/truth").join(language)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::all;

    #[test]
    fn each_name_is_there_once() {
        let names: BTreeSet<_> = all().map(|server| server.name).collect();
        assert_eq!(names.len(), all().count());
        assert!(all().any(|server| server.in_ci));
    }
}
