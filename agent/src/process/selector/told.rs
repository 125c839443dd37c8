//! All labels of a process, for people to choose from.

use std::collections::BTreeMap;

use super::kinds::{KEYED, NAMED};
use super::{Label, kinds};
use crate::process::{Process, Users};

/// The labels that a process has, with their values. Of its environment, only the variables that somebody has asked for.
#[must_use]
pub fn labels(process: &Process, users: &Users) -> BTreeMap<String, Vec<String>> {
    let mut labels = BTreeMap::new();
    let mut put = |label: &Label| {
        let values = values(label, process, users);
        if !values.is_empty() {
            labels.insert(label.to_string(), values);
        }
    };
    // `container` has the value of `container.id`.
    NAMED.iter().map(|(_, label)| label).filter(|label| **label != Label::Container).for_each(&mut put);
    for keyed in &KEYED {
        kinds::keys(&(keyed.label)("".into()), process).for_each(|key| put(&(keyed.label)(key.into())));
    }
    labels
}

fn values(label: &Label, process: &Process, users: &Users) -> Vec<String> {
    match label {
        Label::Pid => vec![process.pid.to_string()],
        Label::Port => process.listening.iter().chain(&process.connected).map(u16::to_string).collect(),
        Label::User => {
            let name = process.user.and_then(|user| users.name(user));
            process.user.iter().map(u32::to_string).chain(name.map(|name| name.to_string())).collect()
        }
        label => {
            let mut values = Vec::new();
            label.any(process, &mut |text| {
                values.push(text.to_owned());
                false
            });
            values
        }
    }
}
