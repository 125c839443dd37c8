//! Files in which places are probed: the executable of a process, or a library that it has mapped.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::super::elf::Elf;
use super::super::files;
use super::Cache;
use crate::process::{Held, Site};

/// A file of another program.
pub(super) struct Probed<'a> {
    pub(super) elf: Elf<'a>,
    held: Arc<Held>,
}

impl Probed<'_> {
    /// The place in the file at which a kernel program is to run, by its address.
    pub(super) fn site(&self, program: &'static str, address: u64) -> Option<Site> {
        let (offset, _) = self.elf.place(address, true)?;
        Some(Site { program, file: Arc::clone(&self.held), offset, cookie: None })
    }
}

impl<T: Clone> Cache<Option<T>> {
    /// What is found in a file: it is looked through once for all processes that use it.
    pub(super) fn in_file(&mut self, held: OwnedFd, find: impl FnOnce(&Probed<'_>) -> Option<T>) -> Option<T> {
        self.get_or(files::identity(&held)?, || {
            let file = files::open(&held)?;
            let elf = Elf::read(&file)?;
            find(&Probed { elf, held: Arc::new(files::hold(held)?) })
        })
    }
}

/// The first path among the mappings of a process that `is_it`.
pub(super) fn mapped(maps: &str, is_it: impl Fn(&str) -> bool) -> Option<&str> {
    maps.lines().filter_map(|line| line.find('/').map(|at| &line[at..])).find(|path| is_it(path))
}
