//! Keeps the memory of the agent from others, for as long as secrets of TLS lie in it: out of core dumps (core(5)), out of reach of
//! debuggers that have no privilege (prctl(2), `PR_SET_DUMPABLE`), and out of swap (mlock(2)).

use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

/// Does all of it for the whole process, before there are threads. What could not be done, a line each.
pub fn keep() -> Vec<String> {
    let no_core = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })
        .and_then(|()| set_dumpable_behavior(DumpableBehavior::NotDumpable));
    let mut missing = Vec::new();
    if let Err(error) = no_core {
        missing.push(format!("secrets of TLS may come into core dumps: {error}"));
    }
    if let Err(why) = lock() {
        missing.push(format!("secrets of TLS may come into swap: {why}"));
    }
    missing
}

/// Memory that is used from now on stays in memory. With a limit on that, what is allocated beyond it would be refused.
fn lock() -> Result<(), String> {
    let unlimited = Rlimit { current: None, maximum: None };
    if getrlimit(Resource::Memlock).current.is_some() && setrlimit(Resource::Memlock, unlimited).is_err() {
        return Err("locked memory is limited (LimitMEMLOCK=infinity in a unit, ulimit -l unlimited in a shell)".into());
    }
    mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT).map_err(|error| error.to_string())
}
