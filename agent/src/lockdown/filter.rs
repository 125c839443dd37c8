//! Filters of system calls (seccomp(2)): one for the process, of what is allowed, and smaller ones for single threads, of what
//! is refused.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Length, SeccompCmpOp as Op, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

use super::calls::{ALLOWED, Call, Test};

/// For all threads, those that are there and those to come.
pub(super) fn everywhere() -> Result<(), String> {
    let calls: Vec<&Call> = ALLOWED.iter().copied().flatten().collect();
    let missing = SeccompAction::Errno(libc::ENOSYS as u32);
    let program = program(&calls, missing, SeccompAction::Allow)?;
    seccompiler::apply_filter_all_threads(&program).map_err(failed)
}

/// For the calling thread, beyond that.
pub(super) fn here(refused: &[&Call]) -> Result<(), String> {
    let program = program(refused, SeccompAction::Allow, SeccompAction::Errno(libc::EPERM as u32))?;
    seccompiler::apply_filter(&program).map_err(failed)
}

/// What happens to calls that are listed, and to `others`.
fn program(calls: &[&Call], others: SeccompAction, listed: SeccompAction) -> Result<BpfProgram, String> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    for (number, alternatives) in calls {
        let alternatives = alternatives.iter().map(|tests| rule(tests)).collect::<Result<Vec<_>, _>>();
        rules.entry(*number).or_default().extend(alternatives.map_err(|error| failed(error.into()))?);
    }
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(|error| failed(error.into()))?;
    let filter = SeccompFilter::new(rules, others, listed, arch).map_err(|error| failed(error.into()))?;
    filter.try_into().map_err(|error: seccompiler::BackendError| failed(error.into()))
}

fn rule(tests: &[Test]) -> Result<SeccompRule, seccompiler::BackendError> {
    // Half a word: so the kernel reads the flags, domains and process ids that are tested here.
    let condition = |test: &Test| match *test {
        Test::Is(at, value) => SeccompCondition::new(at, Length::Dword, Op::Eq, value),
        Test::IsNot(at, value) => SeccompCondition::new(at, Length::Dword, Op::Ne, value),
        Test::Bits(at, mask, value) => SeccompCondition::new(at, Length::Dword, Op::MaskedEq(mask), value),
        Test::IsSelf(at) => SeccompCondition::new(at, Length::Dword, Op::Eq, u64::from(std::process::id())),
    };
    SeccompRule::new(tests.iter().map(condition).collect::<Result<_, _>>()?)
}

fn failed(error: seccompiler::Error) -> String {
    format!("filter of system calls: {error}")
}
