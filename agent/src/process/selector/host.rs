//! What only this host can tell of selectors: users that it does not have, executables that are not there or have another
//! name.

use std::path::{Path, PathBuf};

use super::{Label, Requirement, Selector, Test, is_pattern};
use crate::process::{Users, spelling};

/// Where programs lie that are named without their folder.
const FOLDERS: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// A selector that selects nothing on this host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unfit {
    /// The selector.
    pub selector: String,
    /// What is wrong, and what to write instead.
    pub message: String,
}

impl Selector {
    /// Sees what is wrong with it on this host. Returns what the user should know about it.
    ///
    /// # Errors
    /// When it selects nothing.
    pub fn check(&self, users: &Users) -> Result<Vec<String>, Unfit> {
        let mut notes = Vec::new();
        for requirement in &self.requirements {
            let Test::In(values) = &requirement.test else { continue };
            for value in values.iter().filter(|value| !is_pattern(value)) {
                let unfit = |message| Unfit { selector: self.to_string(), message };
                notes.extend(self.fits(requirement, value, users).map_err(unfit)?);
            }
        }
        Ok(notes)
    }

    /// Adds the real path of each executable that is named by a symbolic link on this host.
    pub(in crate::process) fn add_real_paths(&mut self) {
        for requirement in &mut self.requirements {
            if requirement.label == Label::Exe {
                let real = requirement.values().iter().filter_map(|value| real(value)?.to_str().map(Box::from));
                requirement.also = real.filter(|path| !requirement.values().contains(path)).collect();
            }
        }
    }

    fn fits(&self, requirement: &Requirement, value: &str, users: &Users) -> Result<Option<String>, String> {
        match requirement.label {
            Label::User if value.parse::<u32>().is_err() && !users.has(value) => {
                let hint = match spelling::nearest(value, users.names()) {
                    Some(name) => format!("did you mean `{name}`?"),
                    None => "a user that /etc/passwd does not have is named by its number".to_owned(),
                };
                Err(format!("there is no user `{value}`; {hint}"))
            }
            Label::Exe if value.starts_with('/') && !Path::new(value).exists() => {
                let in_container = |one: &Requirement| {
                    (one.label.is_told() || matches!(one.label, Label::Container | Label::ContainerId))
                        && matches!(one.test, Test::In(_) | Test::Exists)
                };
                if self.requirements.iter().any(in_container) || is_running(value) {
                    return Ok(None);
                }
                Err(format!(
                    "there is no `{value}` on this host; for a program in a container write `exe={value},container`"
                ))
            }
            Label::Exe if value.contains('/') && !value.starts_with('/') => {
                Err(format!("`{value}` is neither a file name nor a whole path; write it from `/` on"))
            }
            Label::Exe => Ok(real(value).filter(|real| other_name(value, real)).map(|real| {
                format!("`{value}` is a link: what runs is {}, by whatever name it is started", real.display())
            })),
            _ => Ok(None),
        }
    }
}

/// Where an executable that is a link leads to; nothing for one that is none.
fn real(value: &str) -> Option<PathBuf> {
    let path = if value.starts_with('/') {
        PathBuf::from(value)
    } else {
        let candidates = FOLDERS.iter().map(|folder| Path::new(folder).join(value));
        candidates.into_iter().find(|path| path.is_symlink())?
    };
    let real = std::fs::canonicalize(&path).ok()?;
    (real != path && (value.starts_with('/') || other_name(value, &real))).then_some(real)
}

/// Whether a file has another name than the one it was asked for by.
fn other_name(value: &str, real: &Path) -> bool {
    real.file_name() != Path::new(value).file_name()
}

/// Whether somebody runs it, in a mount namespace where it exists.
fn is_running(path: &str) -> bool {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    processes
        .into_iter()
        .any(|process| std::fs::read_link(process.path().join("exe")).is_ok_and(|exe| exe.as_os_str() == path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::selector::Selectors;

    fn check(text: &str) -> Result<Vec<String>, String> {
        let selectors: Selectors = [text.parse::<Selector>().unwrap()].into_iter().collect();
        selectors.check(&Users::read()).map_err(|unfit| unfit.to_string())
    }

    #[test]
    fn what_this_host_does_not_have() {
        assert_eq!(check("user=root,user in (0,4711),user!=nobody-knows"), Ok(vec![]));
        assert_eq!(check("user=rot"), Err("there is no user `rot`; did you mean `root`?".to_owned()));
        let own = std::env::current_exe().unwrap();
        assert_eq!(check(&format!("exe={}", own.display())), Ok(vec![]));
        let missing = check("exe=/usr/bin/no-such-program").unwrap_err();
        assert!(missing.contains("write `exe=/usr/bin/no-such-program,container`"), "{missing}");
        assert_eq!(check("exe=/usr/bin/no-such-program,container"), Ok(vec![]));
        assert_eq!(check("exe=no-such-program"), Ok(vec![]), "it may lie anywhere");
        assert!(check("exe=bin/program").is_err());
    }

    #[test]
    fn a_link_with_another_name_is_told() {
        let folder = std::env::temp_dir().join(format!("wirespan-names-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let folder = folder.canonicalize().unwrap();
        std::fs::write(folder.join("check-rdb"), "").unwrap();
        std::os::unix::fs::symlink("check-rdb", folder.join("server")).unwrap();
        let notes = check(&format!("exe={}", folder.join("server").display())).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(notes.len(), 1);
        assert!(notes[0].contains("check-rdb"), "{notes:?}");
    }
}
