//! Who is traced, as the configuration says it, and what the kernel must know of that.

use std::sync::Arc;

use crate::capture::selection::Selection;
use crate::config::{self, Config};
use crate::pipeline::live::reload::Change;
use crate::process::rules::Shown;
use crate::process::selector::Unfit;
use crate::process::{Rules, Users};
use crate::trace::treatment::Treatment;
use wirespan_common::record::{WANTED_COMM, WANTED_EXE, WANTED_PID, WANTED_USER, Wanted};

/// The rules of a configuration, and what each says about the processes that it takes in.
pub struct Chosen {
    /// The rules.
    pub rules: Rules,
    /// In their order.
    pub treatments: Vec<Arc<Treatment>>,
}

/// The rules on this host.
#[must_use]
pub fn chosen(config: &Config) -> Chosen {
    Chosen {
        rules: config.rules(config.containers().are_answered()).with_real_paths(),
        treatments: config.treatments(),
    }
}

/// Sees whether the selectors select anything on this host. Rules are for many hosts: what does not apply here is no mistake.
pub(super) fn fits(config: &Config) -> Result<(), config::Error> {
    let unfit = |unfit: Unfit| config::Error::new(format!("selector `{}`", unfit.selector), unfit.message);
    let notes = config.selectors.check(&Users::read()).map_err(unfit)?;
    notes.iter().for_each(|note| tracing::info!("{note}"));
    Ok(())
}

/// What the kernel programs must know of rules.
#[must_use]
pub fn for_kernel(rules: &Rules) -> Selection {
    Selection { select_all: rules.select_all(), ports: rules.ports().into_iter().collect(), wanted: wanted(rules) }
}

/// What of a configuration can change while the agent runs.
#[must_use]
pub fn change(config: &Config) -> Change {
    let Chosen { rules, treatments } = chosen(config);
    Change { selection: for_kernel(&rules), rules, treatments, trace: config.trace() }
}

/// What programs that may be traced show to the kernel when they are executed.
fn wanted(rules: &Rules) -> Option<Vec<Wanted>> {
    let shown = rules.shown(&Users::read())?;
    let key = |shown: &Shown| match shown {
        Shown::Executable(name) => Wanted::new(WANTED_EXE, name.as_bytes()),
        Shown::Command(name) => Wanted::new(WANTED_COMM, name.as_bytes()),
        Shown::Process(pid) => Wanted::new(WANTED_PID, &pid.to_ne_bytes()),
        Shown::User(id) => Wanted::new(WANTED_USER, &id.to_ne_bytes()),
    };
    Some(shown.iter().map(key).collect())
}
