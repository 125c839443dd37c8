//! Files and ports out of reach (landlock(7)): a thread that is confined writes nowhere but where it must, and asks only those
//! ports that it is there for. What is open stays open.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, LandlockStatus, NetPort, PathBeneath, PathFd,
    RestrictionStatus, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, RulesetError,
};

use super::{Duty, Plan};

/// The newest set of rights that is asked for (Linux 6.10); an older kernel has some of them.
const RIGHTS: ABI = ABI::V5;
/// Name servers: answers that do not fit a datagram come over TCP.
const DOMAIN: u16 = 53;

/// A place where the main thread may write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Writable {
    /// A file; its folder, too, as long as it is not there.
    File(PathBuf),
    /// A folder in which something is pinned that is taken away at the end.
    Pins(PathBuf),
}

/// Confines the calling thread as its duty has it.
pub(super) fn confine(plan: &Plan, duty: &Duty) -> Result<(), String> {
    if !duty.is_confined() {
        return Ok(());
    }
    restrict(plan, duty).map(drop).map_err(|error| format!("Landlock: {error}"))
}

fn restrict(plan: &Plan, duty: &Duty) -> Result<RestrictionStatus, RulesetError> {
    let writes = AccessFs::from_write(RIGHTS) | AccessFs::Execute;
    let mut ruleset = Ruleset::default().set_compatibility(CompatLevel::BestEffort).handle_access(writes)?;
    ruleset = match duty {
        // It may start threads that ask others than those that are known now.
        Duty::Trace => ruleset,
        Duty::Ask(ports) if ports.is_empty() => ruleset.handle_access(AccessNet::BindTcp)?,
        _ => ruleset.handle_access(AccessNet::BindTcp | AccessNet::ConnectTcp)?,
    };
    let mut created = ruleset.create()?;
    if *duty == Duty::Trace {
        for (path, rights) in plan.writable.iter().map(Writable::rights) {
            // What is not there cannot be written to either.
            if let Ok(place) = PathFd::new(path) {
                created = created.add_rule(PathBeneath::new(place, rights))?;
            }
        }
    }
    if let Duty::Ask(ports) = duty
        && !ports.is_empty()
    {
        for port in ports.iter().chain(&[DOMAIN]) {
            created = created.add_rule(NetPort::new(*port, AccessNet::ConnectTcp))?;
        }
    }
    created.restrict_self()
}

impl Writable {
    fn rights(&self) -> (&Path, BitFlags<AccessFs>) {
        let write = AccessFs::WriteFile | AccessFs::Truncate;
        match self {
            Self::File(path) if path.exists() => (path, write),
            Self::File(path) => (folder(path), write | AccessFs::MakeReg),
            Self::Pins(path) => (path, AccessFs::RemoveFile | AccessFs::RemoveDir),
        }
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// The version of Landlock that this kernel has, or why there is none.
pub(super) fn version() -> Result<u32, String> {
    // A thread that ends at once finds out by confining itself.
    let tried = std::thread::scope(|scope| {
        let thread = scope.spawn(|| restrict(&Plan::default(), &Duty::Write).map(|status| status.landlock));
        thread.join().map_err(|_| "cannot be tried".to_owned())
    })?;
    match tried.map_err(|error| error.to_string())? {
        LandlockStatus::Available { effective_abi, kernel_abi } => {
            Ok(kernel_abi.and_then(|abi| u32::try_from(abi).ok()).unwrap_or(effective_abi as u32))
        }
        LandlockStatus::NotEnabled => Err("is not switched on (`lsm=` of the kernel's command line)".to_owned()),
        LandlockStatus::NotImplemented => {
            Err("is not in this kernel (Linux 5.13, CONFIG_SECURITY_LANDLOCK)".to_owned())
        }
    }
}
