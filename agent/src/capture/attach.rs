//! Attaches hooks: those that are needed, those that are there, and of the backends the first that is granted.

use super::btf;
use super::hooks::{self, Attach, BACKENDS, Backend, Hook};
use super::load::{KERNEL_BTF, Options, StartError};
use super::report::{HookReport, Report};
use crate::threads;
use aya::programs::{BtfTracePoint, FEntry, FExit, Program, ProgramError};
use aya::{Btf, Ebpf};
use wirespan_common::layout::Layout;

/// Why a program that the tables name cannot be loaded: a build of other kernel programs.
pub(super) const ABSENT: &str = "not in the kernel object";
/// Most lines of what the verifier said that are told.
const VERIFIER_LINES: usize = 60;

/// Attaches the best backend that is granted, or the one that is asked for.
pub(super) fn choose(
    context: &Context<'_>,
    ebpf: &mut Ebpf,
    options: &Options,
    report: &mut Report,
) -> Result<(), StartError> {
    let forced = options.backend.as_deref();
    let candidates: Vec<&Backend> = candidates(forced).collect();
    if candidates.is_empty() {
        return Err(StartError::UnknownBackend(forced.unwrap_or_default().to_owned()));
    }
    let mut reasons = Vec::new();
    for backend in candidates {
        // All are loaded before any is attached, so that a backend that fails leaves nothing attached.
        let refused = backend.required.iter().find_map(|hook| Some((hook, context.load(ebpf, hook).err()?)));
        if let Some((hook, why)) = refused {
            reasons.push(format!("{} needs {} (Linux {}): {why}", backend.name, hook.name, hook.since));
            continue;
        }
        for hook in backend.required {
            report.hooks.push(HookReport { hook: *hook, granted: attach_loaded(ebpf, hook) });
        }
        // After the first ones: that is the order in which the kernel runs them.
        let again = backend.again.iter().filter(|_| is_preemptible(&report.kernel));
        for hook in again.chain(backend.beside) {
            report.hooks.push(HookReport { hook: *hook, granted: context.attach(ebpf, hook) });
        }
        for group in backend.refinements {
            for hook in *group {
                let granted = context.attach(ebpf, hook);
                let done = granted.is_ok();
                report.hooks.push(HookReport { hook: *hook, granted });
                if done {
                    break;
                }
            }
        }
        for hook in backend.for_ports.iter().filter(|_| !options.selection.ports.is_empty()) {
            report.hooks.push(HookReport { hook: *hook, granted: context.attach(ebpf, hook) });
        }
        report.backend = backend.name;
        report.price = backend.price;
        report.passed_over = reasons;
        return Ok(());
    }
    Err(StartError::NoBackend(reasons.join("; ")))
}

/// The backends that may be used, best first.
fn candidates(forced: Option<&str>) -> impl Iterator<Item = &'static Backend> {
    BACKENDS.iter().copied().filter(move |backend| forced.is_none_or(|name| backend.name == name))
}

/// The hooks that take the verifier longest: of the backend that will be chosen, unless the kernel refuses it, and those without which
/// nothing works.
pub(super) fn heaviest(context: &Context<'_>, forced: Option<&str>) -> impl Iterator<Item = &'static Hook> {
    let is_there = |backend: &&Backend| backend.required.iter().all(|hook| context.present.has(hook));
    let backend = candidates(forced).find(is_there);
    backend.into_iter().flat_map(|backend| backend.required).chain(hooks::REQUIRED)
}

/// What the running kernel has.
pub(super) struct Context<'a> {
    pub(super) present: Present,
    pub(super) kernel: &'a Btf,
}

/// The hooks of all tables whose place the running kernel declares, by name.
pub(super) struct Present(Vec<&'static str>);

impl Present {
    /// Looks for each.
    pub(super) fn of(types: &btf::Btf<'_>) -> Self {
        let is_there = |hook: &&Hook| match hook.attach {
            Attach::Tracepoint => types.has_tracepoint(hook.place),
            Attach::FunctionEntry | Attach::FunctionExit => types.has_function(hook.place),
        };
        Self(hooks::all().filter(is_there).map(|hook| hook.name).collect())
    }

    pub(super) fn has(&self, hook: &Hook) -> bool {
        self.0.contains(&hook.name)
    }
}

/// What the running kernel's BTF says. It is let go of before aya reads it for itself: each takes some 10 MiB.
pub(super) fn describe_kernel() -> Result<(Layout, Present), StartError> {
    let blob = std::fs::read(KERNEL_BTF).map_err(StartError::NoBtf)?;
    let types = btf::Btf::parse(&blob).map_err(|error| StartError::BadBtf(error.to_string()))?;
    Ok((Layout::resolve(|structure, path| types.offset(structure, path)), Present::of(&types)))
}

/// The best backend whose hooks the running kernel declares. Whether it grants them is not tried.
#[must_use]
pub fn declared_backend() -> Option<&'static str> {
    let (_, present) = describe_kernel().ok()?;
    let is_there = |backend: &&&Backend| backend.required.iter().all(|hook| present.has(hook));
    BACKENDS.iter().find(is_there).map(|backend| backend.name)
}

impl Context<'_> {
    /// Loads and attaches one hook, or says why it cannot be.
    pub(super) fn attach(&self, ebpf: &mut Ebpf, hook: &Hook) -> Result<(), String> {
        self.load(ebpf, hook)?;
        attach_loaded(ebpf, hook)
    }

    /// Loads the programs of these hooks at once, as far as there are processors: the verifier looks at each for itself. What it refuses is
    /// tried again, and told, when it is [attached](Self::attach).
    pub(super) fn load_at_once<'h>(&self, ebpf: &mut Ebpf, hooks: impl Iterator<Item = &'h Hook>) {
        let hooks: Vec<&Hook> = hooks.filter(|hook| self.present.has(hook)).collect();
        let kernel = self.kernel;
        let programs = ebpf.programs_mut().filter_map(|(name, program)| {
            let hook = *hooks.iter().find(|hook| hook.name == name)?;
            Some(move || _ = load_program(program, hook, kernel))
        });
        threads::at_once(programs);
    }

    fn load(&self, ebpf: &mut Ebpf, hook: &Hook) -> Result<(), String> {
        if !self.present.has(hook) {
            return Err("this kernel does not have it".to_owned());
        }
        let program = ebpf.program_mut(hook.name).ok_or(ABSENT)?;
        if program.fd().is_ok() {
            return Ok(());
        }
        load_program(program, hook, self.kernel).map_err(|error| refused(hook.name, &error))
    }
}

fn load_program(program: &mut Program, hook: &Hook, kernel: &Btf) -> Result<(), ProgramError> {
    match hook.attach {
        Attach::Tracepoint => <&mut BtfTracePoint>::try_from(program)?.load(hook.place, kernel),
        Attach::FunctionEntry => <&mut FEntry>::try_from(program)?.load(hook.place, kernel),
        Attach::FunctionExit => <&mut FExit>::try_from(program)?.load(hook.place, kernel),
    }
}

/// Why the kernel refused a program, one line. What its verifier said is told at the level `debug`.
pub(super) fn refused(name: &str, error: &ProgramError) -> String {
    if let ProgramError::LoadError { verifier_log, .. } = error {
        let said = verifier_log.to_string();
        let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
        if lines.is_empty() {
            tracing::debug!("{name}: refused before the verifier looked at it");
        }
        // The reason is at the end.
        for line in lines.iter().skip(lines.len().saturating_sub(VERIFIER_LINES)) {
            tracing::debug!("{name}: verifier: {line}");
        }
    }
    reason(error).0
}

fn attach_loaded(ebpf: &mut Ebpf, hook: &Hook) -> Result<(), String> {
    let program = ebpf.program_mut(hook.name).ok_or(ABSENT)?;
    match hook.attach {
        Attach::Tracepoint => <&mut BtfTracePoint>::try_from(program).and_then(|program| program.attach().map(drop)),
        Attach::FunctionEntry => <&mut FEntry>::try_from(program).and_then(|program| program.attach().map(drop)),
        Attach::FunctionExit => <&mut FExit>::try_from(program).and_then(|program| program.attach().map(drop)),
    }
    .map_err(|error| reason(&error).0)
}

/// Whether programs at tracepoints can be preempted on this kernel: since Linux 7.0.
pub(super) fn is_preemptible(release: &str) -> bool {
    release.split('.').next().and_then(|major| major.parse::<u32>().ok()).is_some_and(|major| major >= 7)
}

/// The first line of an error and its causes, and whether the kernel refused for lack of privilege.
pub(super) fn reason(error: &(dyn std::error::Error + 'static)) -> (String, bool) {
    let mut text = error.to_string();
    let mut source = error.source();
    let mut refused = false;
    while let Some(inner) = source {
        refused |= inner
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied);
        // Many errors tell their cause themselves.
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        source = inner.source();
    }
    // The verifier's log is for developers.
    let line = text.lines().next().unwrap_or_default();
    (line.split(". Verifier output:").next().unwrap_or(line).to_owned(), refused)
}
