//! What programs that may be traced have in common, as far as a look at the moment of their exec shows it.

use super::Rules;
use crate::process::Users;
use crate::process::selector::{Label, Selector, Test, is_pattern};

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

impl Rules {
    /// A program that shows none of these when it is executed is not traced, unless it uses a port that is named. `None`:
    /// any program may be.
    #[must_use]
    pub fn shown(&self, users: &Users) -> Option<Vec<Shown>> {
        let mut takes_in = self.rules.iter().filter(|rule| !rule.excludes);
        let takes_all = takes_in.clone().any(|rule| rule.selectors.is_empty());
        let selectors: Vec<&Selector> = match self.selectors.is_empty() {
            true if takes_all => return None,
            true => takes_in.by_ref().flat_map(|rule| rule.selectors.iter()).collect(),
            false => self.selectors.iter().collect(),
        };
        if selectors.is_empty() || self.opt_in.is_some() {
            return None;
        }
        let mut shown = Vec::new();
        for selector in selectors {
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
        let is_literal = !values.iter().any(|value| is_pattern(value));
        match requirement.label {
            Label::Exe => {
                let values = values.iter().chain(&requirement.also);
                let names = values.map(|value| value.rsplit('/').next().filter(|name| !is_pattern(name)));
                if let Some(names) = names.collect::<Option<Vec<_>>>() {
                    return Some(names.into_iter().map(|name| Shown::Executable(name.into())).collect());
                }
            }
            Label::Comm if is_literal => {
                return Some(values.iter().map(|value| Shown::Command(value.clone())).collect());
            }
            Label::Pid => {
                return Some(values.iter().filter_map(|value| value.parse().ok().map(Shown::Process)).collect());
            }
            Label::User if is_literal => {
                let id = |value: &str| value.parse().ok().or_else(|| users.id(value)).map(Shown::User);
                // A user may be added later.
                return values.iter().map(|value| id(value)).collect();
            }
            Label::Port => needs_port = true,
            _ => {}
        }
    }
    needs_port.then(Vec::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::selector::Selectors;

    fn shown(texts: &[&str]) -> Option<Vec<Shown>> {
        let selectors: Selectors = texts.iter().map(|text| text.parse::<Selector>().unwrap()).collect();
        Rules::from(selectors).shown(&Users::default())
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
        assert_eq!(shown(&["exe=/srv/*/app"]), Some(vec![Executable("app".into())]));
        // Its ports are looked at when it uses them.
        assert_eq!(shown(&["port=8000,user!=root"]), Some(vec![]));
    }

    #[test]
    fn programs_that_may_be_any() {
        for text in [
            "!container",
            "env.A=b",
            "exe!=/bin/sh",
            "comm",
            "port",
            "user=nobody-knows",
            "systemd.unit=web",
            "exe=/srv/app-*",
            "comm=ng*",
        ] {
            assert_eq!(shown(&["exe=/usr/sbin/nginx", text]), None, "{text}");
        }
        assert_eq!(shown(&[]), None);
    }
}
