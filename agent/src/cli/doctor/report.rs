//! The answer of `doctor`.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Findings;
use super::check::{Answer, Check};
use crate::capture::capabilities::Held;
use crate::capture::hooks::Attach;
use crate::capture::report::HookReport;
use crate::capture::trial::Trial;
use crate::shown::{self, shown};

/// For people.
pub(super) fn text(findings: &Findings) -> String {
    let Findings { report, attached, checks, .. } = findings;
    let mut text = String::new();
    if let Some(elapsed) = attached {
        let _ = writeln!(text, "{}", shown(&report.line()));
        let _ = writeln!(text, "loaded and attached in {} ms", elapsed.as_millis());
    }
    for why in &report.passed_over {
        let _ = writeln!(text, "not the backend {}", shown(why));
    }
    let mut area = None;
    for check in checks {
        if area.replace(check.area) != Some(check.area) {
            let _ = writeln!(text, "\n{}", check.area.name());
        }
        line(&mut text, check);
    }
    let _ = writeln!(text, "\n{}", shown(&summary(findings)));
    text
}

fn line(text: &mut String, check: &Check) {
    let mark = match check.answer {
        Answer::Yes => "yes",
        Answer::No => "no ",
        Answer::Unused => " - ",
    };
    let _ = write!(text, "  {mark} {:<22} {}", shown(&check.name), shown(&check.what));
    let why = check.why.iter().map(|why| ("why", why));
    let cost = check.cost.iter().map(|cost| ("costs", cost));
    let cure = check.cure.iter().map(|cure| ("to get it", cure));
    if check.answer == Answer::Unused {
        let _ = check.why.iter().try_for_each(|why| write!(text, " ({})", shown(why)));
        text.push('\n');
        return;
    }
    text.push('\n');
    for (word, told) in why.chain(cost).chain(cure) {
        let _ = writeln!(text, "        {word}: {}", shown(told));
    }
}

/// The last line.
fn summary(findings: &Findings) -> String {
    let Findings { report, refused, checks, .. } = findings;
    let noes = checks.iter().filter(|check| check.answer == Answer::No).count();
    match refused {
        Some(why) => format!("cannot trace here: {why}"),
        None if noes == 0 => format!("can trace here, with the backend {}; nothing is missing", report.backend),
        None => format!(
            "can trace here, with the backend {}; {noes} of {} checks say no, none of which must be yes",
            report.backend,
            checks.len()
        ),
    }
}

/// For programs, whether capture is granted or not.
pub(super) fn json(findings: &Findings) -> String {
    let Findings { report, refused, attached, trial, checks } = findings;
    let capability =
        |held: &Held| json!({ "name": held.capability.name, "shows": held.capability.shows, "granted": held.granted });
    let granted = refused.is_none();
    let others = trial.iter().flat_map(|trial| &trial.hooks);
    let answer = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "kernel": report.kernel,
        "architecture": std::env::consts::ARCH,
        "ok": granted,
        "summary": summary(findings),
        "error": refused.as_ref().map(ToString::to_string),
        "backend": granted.then_some(report.backend),
        "price": granted.then_some(report.price),
        "not_used": report.passed_over,
        "attached_ms": attached.map(|elapsed| u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)),
        "pid_namespace": granted.then_some("host"),
        "capabilities": report.capabilities.iter().map(capability).collect::<Vec<_>>(),
        "hooks": report.hooks.iter().map(hook).collect::<Vec<_>>(),
        "other_hooks": others.map(hook).collect::<Vec<_>>(),
        "probes": trial.as_ref().map(probes),
        "propagation": trial.as_ref().map(|trial| outcome(&trial.propagation)),
        "absent_members": report.absent,
        "checks": checks.iter().map(Check::json).collect::<Vec<_>>(),
    });
    format!("{}\n", shown::json(&format!("{answer:#}")))
}

fn hook(report: &HookReport) -> Value {
    let HookReport { hook, granted } = report;
    json!({
        "name": hook.name,
        "place": hook.place,
        "kind": match hook.attach {
            Attach::Tracepoint => "tp_btf",
            Attach::FunctionEntry => "fentry",
            Attach::FunctionExit => "fexit",
        },
        "since": hook.since,
        "shows": hook.shows,
        "granted": granted.is_ok(),
        "reason": granted.as_ref().err(),
    })
}

fn probes(trial: &Trial) -> Value {
    trial
        .probes
        .iter()
        .map(|(name, tried)| json!({ "name": name, "granted": tried.is_ok(), "reason": tried.as_ref().err() }))
        .collect()
}

fn outcome(tried: &Result<(), String>) -> Value {
    json!({ "granted": tried.is_ok(), "reason": tried.as_ref().err() })
}

#[cfg(test)]
mod tests {
    use super::super::check::Area;
    use super::*;
    use crate::capture::StartError;
    use crate::capture::report::Report;

    fn findings(refused: Option<StartError>) -> Findings {
        let checks = vec![
            Check::yes(Area::Kernel, "BTF", "types").required(),
            Check::no(Area::Memory, "memory limit", "8 MiB", "the kernel ends it", "more").because("it is small"),
            Check::unused(Area::Memory, "RLIMIT", "old").because("new"),
        ];
        Findings {
            report: Report { backend: "sockets", ..Report::default() },
            refused,
            attached: None,
            trial: None,
            checks,
        }
    }

    #[test]
    fn every_no_is_explained_and_the_last_line_sums_up() {
        let told = text(&findings(None));
        let expected = "
kernel
  yes BTF                    types

memory
  no  memory limit           8 MiB
        why: it is small
        costs: the kernel ends it
        to get it: more
   -  RLIMIT                 old (new)

can trace here, with the backend sockets; 1 of 3 checks say no, none of which must be yes
";
        assert_eq!(told, expected);
        let told = text(&findings(Some(StartError::NoObject)));
        assert!(told.lines().last().unwrap().starts_with("cannot trace here: "), "{told}");
    }

    #[test]
    fn programs_are_told_the_same() {
        let told: Value = serde_json::from_str(&json(&findings(None))).unwrap();
        assert_eq!((told["ok"].as_bool(), told["checks"].as_array().unwrap().len()), (Some(true), 3));
        assert_eq!(told["checks"][1]["cure"], "more");
        let told: Value = serde_json::from_str(&json(&findings(Some(StartError::PidNamespace)))).unwrap();
        assert_eq!((told["ok"].as_bool(), told["backend"].is_null()), (Some(false), true));
    }
}
