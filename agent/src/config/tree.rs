//! The table of settings as the tree of sections that the file is.

use super::setting::Setting;

/// What stands at a key.
pub(super) enum Branch {
    /// A setting.
    Leaf(&'static Setting),
    /// A section with settings, or a list of such sections.
    Section(Inner),
}

/// A section.
pub(super) struct Inner {
    /// Its key.
    pub(super) key: &'static str,
    /// Its path, without the `[]` of lists.
    pub(super) path: String,
    /// It is a list of sections.
    pub(super) is_list: bool,
    /// Its settings.
    pub(super) settings: Vec<&'static Setting>,
    /// Where in their paths its keys begin.
    pub(super) at: usize,
}

impl Inner {
    /// The setting whose value may stand in place of this section.
    pub(super) fn shorthand(&self) -> Option<&'static Setting> {
        self.settings.iter().copied().find(|setting| setting.shorthand && !setting.path[self.at..].contains('.'))
    }
}

/// What is in a section: its settings, with keys that begin `at` this byte of their paths. In the order of the table.
pub(super) fn branches(settings: &[&'static Setting], at: usize) -> Vec<Branch> {
    let mut branches: Vec<Branch> = Vec::new();
    for setting in settings.iter().filter(|setting| !setting.path.is_empty()) {
        let rest: &'static str = &setting.path[at..];
        let Some((key, _)) = rest.split_once('.') else {
            branches.push(Branch::Leaf(setting));
            continue;
        };
        let (name, is_list) = key.strip_suffix("[]").map_or((key, false), |name| (name, true));
        let known = branches.iter_mut().find_map(|branch| match branch {
            Branch::Section(inner) if inner.key == name => Some(inner),
            _ => None,
        });
        match known {
            Some(inner) => inner.settings.push(setting),
            None => branches.push(Branch::Section(Inner {
                key: name,
                path: setting.path[..at + key.len()].replace("[]", ""),
                is_list,
                settings: vec![setting],
                at: at + key.len() + 1,
            })),
        }
    }
    branches
}
