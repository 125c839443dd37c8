//! What programs that selectors may choose have in common, as far as a look at the moment of their exec shows it.

use super::{Label, Selector, Selectors, Test};
use crate::process::Users;

/// What a program shows at its exec.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shown {
    /// File name of the executable.
    Executable(Box<str>),
    /// Command name.
    Command(Box<str>),
    /// Process id.
    Process(u32),
    /// Effective user id.
    User(u32),
}

impl Selectors {
    /// A program that shows none of these when it is executed is not selected, unless it uses a port that is named. `None`:
    /// any program may be.
    #[must_use]
    pub fn shown(&self, users: &Users) -> Option<Vec<Shown>> {
        if self.select_all() {
            return None;
        }
        let mut shown = Vec::new();
        for selector in self.iter() {
            shown.extend(of_selector(selector, users)?);
        }
        shown.sort_unstable();
        shown.dedup();
        Some(shown)
    }
}

/// What one selector requires; nothing if only its ports can make it match, `None` if nothing is required that shows.
fn of_selector(selector: &Selector, users: &Users) -> Option<Vec<Shown>> {
    let mut needs_port = false;
    for requirement in &selector.requirements {
        let Test::In(values) = &requirement.test else { continue };
        match requirement.label {
            Label::Exe => {
                let name = |value: &str| value.rsplit('/').next().map(|name| Shown::Executable(name.into()));
                return values.iter().map(|value| name(value)).collect();
            }
            Label::Comm => return Some(values.iter().map(|value| Shown::Command(value.clone())).collect()),
            Label::Pid => {
                return Some(values.iter().filter_map(|value| value.parse().ok().map(Shown::Process)).collect());
            }
            Label::User => {
                let id = |value: &str| value.parse().ok().or_else(|| users.id(value)).map(Shown::User);
                // A user may be added later.
                return values.iter().map(|value| id(value)).collect();
            }
            Label::Port => needs_port = true,
            Label::Container | Label::ContainerId | Label::ContainerName | Label::Unit | Label::Environment(_) => {}
        }
    }
    needs_port.then(Vec::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(texts: &[&str]) -> Option<Vec<Shown>> {
        let selectors: Selectors = texts.iter().map(|text| text.parse::<Selector>().unwrap()).collect();
        selectors.shown(&Users::default())
    }

    #[test]
    fn what_a_program_must_show() {
        use Shown::{Command, Executable, Process, User};
        assert_eq!(
            shown(&["exe=/usr/sbin/nginx", "exe=redis-server"]),
            Some(vec![Executable("nginx".into()), Executable("redis-server".into())])
        );
        assert_eq!(
            shown(&["comm in (node,python3),port=80", "pid=7"]),
            Some(vec![Command("node".into()), Command("python3".into()), Process(7)])
        );
        assert_eq!(shown(&["user=33,systemd.unit=web"]), Some(vec![User(33)]));
        // Its ports are looked at when it uses them.
        assert_eq!(shown(&["port=8000,user!=root"]), Some(vec![]));
    }

    #[test]
    fn programs_that_may_be_any() {
        for text in ["!container", "env.A=b", "exe!=/bin/sh", "comm", "port", "user=nobody-knows", "systemd.unit=web"] {
            assert_eq!(shown(&["exe=/usr/sbin/nginx", text]), None, "{text}");
        }
        assert_eq!(shown(&[]), None);
    }
}
