//! What `doctor` finds out: one thing each, whether it is so, what it is for; and where it is not, what that costs and how to get it.

use serde_json::{Value, json};

/// What a check is about; the parts of the report, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Area {
    /// The kernel and how it was built and locked.
    Kernel,
    /// What this process may do.
    Capabilities,
    /// Kernel programs that `run` uses here.
    Hooks,
    /// Kernel programs that it would use elsewhere.
    Others,
    /// Memory.
    Memory,
    /// Processes and containers.
    Processes,
    /// Where telemetry goes.
    Export,
    /// Clocks.
    Time,
}

impl Area {
    /// As a word.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Capabilities => "capabilities",
            Self::Hooks => "hooks",
            Self::Others => "hooks that are not used here",
            Self::Memory => "memory",
            Self::Processes => "processes and containers",
            Self::Export => "export",
            Self::Time => "time",
        }
    }
}

/// Whether it is so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Yes.
    Yes,
    /// No.
    No,
    /// It is not so, and nobody needs it here; or it cannot be known.
    Unused,
}

/// One thing that was looked at.
#[derive(Clone, Debug)]
pub(super) struct Check {
    /// The part of the report.
    pub(super) area: Area,
    /// What is looked at, a few words.
    pub(super) name: String,
    /// Whether it is so.
    pub(super) answer: Answer,
    /// What it is for, or what was seen.
    pub(super) what: String,
    /// Why it is not so, where somebody else says that: the kernel, a receiver.
    pub(super) why: Option<String>,
    /// What is lost without it.
    pub(super) cost: Option<String>,
    /// How to get it.
    pub(super) cure: Option<String>,
    /// Without it nothing can be traced.
    pub(super) is_required: bool,
}

impl Check {
    fn new(area: Area, name: impl Into<String>, answer: Answer, what: impl Into<String>) -> Self {
        let (name, what) = (name.into(), what.into());
        Self { area, name, answer, what, why: None, cost: None, cure: None, is_required: false }
    }

    /// It is so.
    pub(super) fn yes(area: Area, name: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(area, name, Answer::Yes, what)
    }

    /// It is not so, and nobody needs it; or nobody can tell.
    pub(super) fn unused(area: Area, name: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(area, name, Answer::Unused, what)
    }

    /// It is not so: what that costs, and how to get it.
    pub(super) fn no(
        area: Area,
        name: impl Into<String>,
        what: impl Into<String>,
        cost: impl Into<String>,
        cure: impl Into<String>,
    ) -> Self {
        let check = Self::new(area, name, Answer::No, what);
        Self { cost: Some(cost.into()), cure: Some(cure.into()), ..check }
    }

    /// Why it is not so.
    pub(super) fn because(self, why: impl Into<String>) -> Self {
        Self { why: Some(why.into()), ..self }
    }

    /// Without it nothing can be traced.
    pub(super) fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        json!({
            "area": self.area.name(),
            "name": self.name,
            "answer": match self.answer {
                Answer::Yes => "yes",
                Answer::No => "no",
                Answer::Unused => "unused",
            },
            "what": self.what,
            "why": self.why,
            "cost": self.cost,
            "cure": self.cure,
            "required": self.is_required,
        })
    }
}
