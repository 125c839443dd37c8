//! Capabilities, and kernel programs: what `run` got, and what became of all others.

use super::check::{Area, Check};
use crate::capture::capabilities::{Capability, Held};
use crate::capture::hooks::{Hook, REQUIRED};
use crate::capture::report::{HookReport, Report};
use crate::capture::trial::Trial;

/// Of each capability.
pub(super) fn capabilities(held: &[Held]) -> Vec<Check> {
    let of = |Held { capability, granted }: &Held| {
        let (area, name) = (Area::Capabilities, capability.name);
        let short = name.trim_start_matches("CAP_");
        let cure = format!(
            "run as root; or systemd: AmbientCapabilities={name}; Kubernetes: capabilities.add: [{short}]; docker run --cap-add {short}"
        );
        match (granted, capability.optional) {
            (true, _) => Check::yes(area, name, capability.shows),
            (false, true) => Check::unused(area, name, capability.shows),
            (false, false) => Check::no(area, name, capability.shows, cost(capability), cure),
        }
    };
    held.iter().map(of).collect()
}

/// Of each hook that a start tried.
pub(super) fn used(report: &Report) -> Vec<Check> {
    let of = |HookReport { hook, granted }: &HookReport| match granted {
        Ok(()) => Check::yes(Area::Hooks, hook.name, hook.shows),
        Err(why) if report.is_replaced(hook) => {
            Check::unused(Area::Hooks, hook.name, format!("{} (another hook shows it)", hook.shows)).because(why)
        }
        Err(why) => {
            Check::no(Area::Hooks, hook.name, hook.shows, format!("not shown: {}", hook.shows), cure(hook, why))
                .because(why)
        }
    };
    let is_required = |hook: &Hook| REQUIRED.contains(hook);
    report.hooks.iter().map(|hook| if is_required(&hook.hook) { of(hook).required() } else { of(hook) }).collect()
}

fn cost(capability: &Capability) -> String {
    match capability.name {
        "CAP_BPF" | "CAP_PERFMON" => "nothing can be traced".to_owned(),
        _ => format!("not there: {}", capability.shows),
    }
}

fn cure(hook: &Hook, why: &str) -> String {
    if why.contains("does not have it") {
        format!("Linux {} or newer", hook.since)
    } else {
        "a kernel that permits it; `--log-level debug` shows what the verifier says".to_owned()
    }
}

/// Of everything else. `propagates`: headers are to be put into requests; `backend`: the one in use.
pub(super) fn others(trial: &Trial, propagates: bool, backend: &str) -> Vec<Check> {
    let area = Area::Others;
    let of = |HookReport { hook, granted }: &HookReport| match granted {
        Ok(()) => Check::yes(area, hook.name, hook.shows),
        Err(why) => Check::unused(area, hook.name, format!("{} (Linux {})", hook.shows, hook.since)).because(why),
    };
    let mut checks: Vec<Check> = trial.hooks.iter().map(of).collect();
    checks.push(probes(trial, backend));
    let shows = "`traceparent` in requests (wirespan.propagate)";
    checks.push(match &trial.propagation {
        Ok(()) => Check::yes(area, "propagate", shows),
        Err(why) if propagates => {
            let cure = "CAP_NET_ADMIN, control groups of version 2, and a kernel whose sockets stay as they are";
            Check::no(Area::Hooks, "propagate", shows, "no header is put into requests", cure).because(why)
        }
        Err(why) => Check::unused(area, "propagate", shows).because(why),
    });
    checks
}

/// All probes together: there are many, and they stand or fall together.
fn probes(trial: &Trial, backend: &str) -> Check {
    let refused: Vec<_> = trial.probes.iter().filter_map(|(name, tried)| Some((name, tried.as_ref().err()?))).collect();
    let granted = trial.probes.len() - refused.len();
    let what = format!(
        "{granted} of {} programs that run in programs of Go and Python: which request a call belongs to",
        trial.probes.len()
    );
    match refused.first() {
        None => Check::yes(Area::Others, "uprobes", what),
        Some((name, why)) if backend == "sockets" => Check::no(
            Area::Hooks,
            "uprobes",
            what,
            "calls of these runtimes have the parent of their thread, or none",
            "a kernel with CONFIG_UPROBES=y that permits them",
        )
        .because(format!("{name}: {why}")),
        Some((name, why)) => Check::unused(Area::Others, "uprobes", what).because(format!("{name}: {why}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::Answer;
    use super::*;

    #[test]
    fn every_no_says_what_it_costs_and_how_to_get_it() {
        let hook = |name, shows, granted: Result<(), &str>| HookReport {
            hook: Hook::tracepoint(name, "6.3", shows),
            granted: granted.map_err(str::to_owned),
        };
        let report = Report {
            hooks: vec![
                HookReport { hook: REQUIRED[0], granted: Ok(()) },
                hook("old", "waits", Err("this kernel does not have it")),
                hook("new", "ends", Err("refused")),
                hook("first", "sends", Err("refused")),
                hook("second", "sends", Ok(())),
            ],
            ..Report::default()
        };
        let checks = used(&report);
        let answers: Vec<_> = checks.iter().map(|check| check.answer).collect();
        assert_eq!(answers, [Answer::Yes, Answer::No, Answer::No, Answer::Unused, Answer::Yes]);
        assert!(checks[0].is_required && !checks[1].is_required);
        assert_eq!(checks[1].cure.as_deref(), Some("Linux 6.3 or newer"));
        let noes = checks
            .iter()
            .chain(&capabilities(&crate::capture::capabilities::held()))
            .filter(|check| check.answer == Answer::No)
            .all(|check| check.cost.is_some() && check.cure.is_some());
        assert!(noes);
    }

    #[test]
    fn probes_are_told_together() {
        let trial = Trial {
            hooks: Vec::new(),
            probes: vec![("a".into(), Ok(())), ("b".into(), Err("no".into()))],
            propagation: Err("no map".into()),
        };
        let checks = others(&trial, false, "sockets");
        assert_eq!((checks[0].answer, checks[1].answer), (Answer::No, Answer::Unused));
        let checks = others(&trial, true, "syscalls");
        assert_eq!((checks[0].answer, checks[1].answer), (Answer::Unused, Answer::No));
        assert!(checks[0].what.starts_with("1 of 2 "));
    }
}
