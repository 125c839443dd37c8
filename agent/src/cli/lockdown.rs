//! Locks a command in that attaches kernel programs ([`crate::lockdown`]).

use std::path::Path;

use crate::config::{Config, Lockdown, Uprobes};
use crate::lockdown::{self, Duty, Plan, Refused, Writable};

/// Before there are threads. `output`: the file that the command writes, if it does.
///
/// # Errors
/// If it must be, and the kernel cannot.
pub fn begin(config: &Config, output: Option<&Path>) -> Result<(), Refused> {
    if config.reads_secrets() {
        lockdown::secrecy::keep().iter().for_each(|line| tracing::warn!("{line}"));
    }
    if config.lockdown == Lockdown::Off {
        return Ok(());
    }
    let pins = config.profiles.then(|| Writable::Pins(config.bpf_fs.clone()));
    lockdown::begin(Plan {
        strict: config.lockdown == Lockdown::Strict,
        writable: output.map(|path| Writable::File(path.to_owned())).into_iter().chain(pins).collect(),
        attaches_later: config.uprobes != Uprobes::None,
        propagates: config.propagate,
    })
}

/// When all is attached: what only the start needed is given up.
///
/// # Errors
/// If it must be, and the kernel cannot.
pub fn attached() -> Result<(), Refused> {
    lockdown::narrow(&Duty::Trace)
}
