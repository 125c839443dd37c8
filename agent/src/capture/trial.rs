//! Tries what `run` did not need, for `doctor`: each program of the kernel object is loaded, attached and taken out again.
//!
//! Nobody is disturbed: no process is a target meanwhile, so that each program returns at once, and probes are put into this process
//! alone.

use aya::programs::uprobe::UProbeScope;
use aya::programs::{BtfTracePoint, FEntry, FExit, Program, ProgramError, UProbe};
use aya::{Btf, Ebpf};

use super::attach::{ABSENT, Present, describe_kernel, refused};
use super::hooks::{self, Attach, Hook};
use super::load::object as kernel_object;
use super::load::{Options, StartError};
use super::propagate;
use super::report::HookReport;

/// What became of programs that are no hooks of a backend.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Hooks that were not tried yet: of the other backend, of other kernels.
    pub hooks: Vec<HookReport>,
    /// Programs that run in other programs (uprobes), by name: attached, or why not.
    pub probes: Vec<(String, Result<(), String>)>,
    /// What puts headers into requests: attached, or why not.
    pub propagation: Result<(), String>,
}

/// Tries every program but those of `known`.
///
/// # Errors
/// When the object cannot be loaded, as [`Capture::start`](super::Capture::start).
pub fn run(options: &Options, known: &[HookReport]) -> Result<Trial, StartError> {
    let (layout, present) = describe_kernel()?;
    let kernel = Btf::from_sys_fs().map_err(|error| StartError::BadBtf(error.to_string()))?;
    let load = |propagate| {
        let options = Options { propagate, profiles: None, ..options.clone() };
        kernel_object::load(&options, (present.has(&hooks::QUEUE_TIME), None), &layout, &kernel)
    };
    let (mut ebpf, propagation) = match load(true) {
        Ok(mut ebpf) => {
            let propagation = propagate::attach(&mut ebpf).map(drop);
            (ebpf, propagation)
        }
        // A map of sockets needs more privileges than all others.
        Err(error) => (load(false)?, Err(error.to_string())),
    };
    let is_known = |hook: &&Hook| known.iter().any(|report| report.hook.name == hook.name);
    let hooks = hooks::all()
        .filter(|hook| !is_known(hook))
        .map(|hook| HookReport { hook: *hook, granted: try_hook(&mut ebpf, &present, &kernel, hook) });
    let hooks = hooks.collect();
    Ok(Trial { hooks, probes: try_probes(&mut ebpf), propagation })
}

fn try_hook(ebpf: &mut Ebpf, present: &Present, kernel: &Btf, hook: &Hook) -> Result<(), String> {
    if !present.has(hook) {
        return Err("this kernel does not have it".to_owned());
    }
    let program = ebpf.program_mut(hook.name).ok_or(ABSENT)?;
    let tried = match hook.attach {
        Attach::Tracepoint => <&mut BtfTracePoint>::try_from(program).and_then(|program| {
            program.load(hook.place, kernel)?;
            program.attach()?;
            program.unload()
        }),
        Attach::FunctionEntry => <&mut FEntry>::try_from(program).and_then(|program| {
            program.load(hook.place, kernel)?;
            program.attach()?;
            program.unload()
        }),
        Attach::FunctionExit => <&mut FExit>::try_from(program).and_then(|program| {
            program.load(hook.place, kernel)?;
            program.attach()?;
            program.unload()
        }),
    };
    tried.map_err(|error| refused(hook.name, &error))
}

/// Probes the first instruction of this program, which was over long ago.
fn try_probes(ebpf: &mut Ebpf) -> Vec<(String, Result<(), String>)> {
    let entry = entry();
    let probes = ebpf.programs_mut().filter_map(|(name, program)| match program {
        Program::UProbe(program) => Some((name, program)),
        _ => None,
    });
    let tried = probes.map(|(name, program)| {
        let tried = entry.clone().and_then(|at| try_probe(program, at).map_err(|error| refused(name, &error)));
        (name.to_owned(), tried)
    });
    let mut tried: Vec<_> = tried.collect();
    tried.sort();
    tried
}

fn try_probe(program: &mut UProbe, at: u64) -> Result<(), ProgramError> {
    program.load()?;
    program.attach(at, "/proc/self/exe", UProbeScope::CallingProcess)?;
    program.unload()
}

/// Where the first instruction of this program lies in its file.
fn entry() -> Result<u64, String> {
    use std::os::unix::fs::FileExt as _;
    let file = std::fs::File::open("/proc/self/exe").map_err(|error| format!("/proc/self/exe: {error}"))?;
    // The tables of segments of all linkers lie behind the header.
    let mut head = [0; 4096];
    let len = file.read_at(&mut head, 0).map_err(|error| format!("/proc/self/exe: {error}"))?;
    entry_in(head.get(..len).unwrap_or_default()).ok_or_else(|| "this program has no entry".to_owned())
}

/// By the header and the table of segments of a 64-bit file of this byte order (elf(5)).
fn entry_in(head: &[u8]) -> Option<u64> {
    const LOAD: u32 = 1;
    let word = |of: &[u8], at: usize| Some(u64::from_ne_bytes(*of.get(at..)?.first_chunk()?));
    let half = |at: usize| Some(usize::from(u16::from_ne_bytes(*head.get(at..)?.first_chunk()?)));
    let (entry, table) = (word(head, 24)?, usize::try_from(word(head, 32)?).ok()?);
    let (size, count) = (half(54)?, half(56)?);
    (0..count).find_map(|number| {
        let segment = head.get(table.checked_add(number.checked_mul(size)?)?..)?;
        let kind = u32::from_ne_bytes(*segment.first_chunk()?);
        let (offset, address, length) = (word(segment, 8)?, word(segment, 16)?, word(segment, 32)?);
        let inside = entry.checked_sub(address)?;
        (kind == LOAD && inside < length).then(|| offset.checked_add(inside)).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_lies_in_the_segment_of_code() {
        use object::{Object as _, ObjectSection as _};
        let at = usize::try_from(entry().unwrap()).unwrap();
        let bytes = std::fs::read("/proc/self/exe").unwrap();
        let file = object::File::parse(&*bytes).unwrap();
        let code = file.section_by_name(".text").unwrap();
        let (from, size) = code.file_range().unwrap();
        assert_eq!(at as u64 - from, file.entry() - code.address());
        assert!(at as u64 >= from && (at as u64) < from + size);
    }

    #[test]
    fn a_damaged_header_has_none() {
        assert_eq!(entry_in(&[]), None);
        assert_eq!(entry_in(&[0xff; 4096]), None);
        assert_eq!(entry_in(&[0; 100]), None);
    }
}
