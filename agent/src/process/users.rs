//! Names of users, from `/etc/passwd`. A static binary has no name service switch: users of a directory have only
//! their number.

use std::collections::HashMap;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;

/// Most users that are kept.
const MAX_USERS: usize = 16 * 1024;
/// Most bytes of the file that are read.
const MAX_FILE: u64 = 4 << 20;

/// Names by user id.
#[derive(Clone, Debug, Default)]
pub struct Users {
    path: PathBuf,
    names: HashMap<u32, Arc<str>>,
}

impl Users {
    /// The users of this host.
    #[must_use]
    pub fn read() -> Self {
        Self::from_file("/etc/passwd".into())
    }

    fn from_file(path: PathBuf) -> Self {
        let mut bytes = Vec::new();
        let read = std::fs::File::open(&path).and_then(|file| file.take(MAX_FILE).read_to_end(&mut bytes));
        let names = read.map(|_| names(&String::from_utf8_lossy(&bytes))).unwrap_or_default();
        Self { path, names }
    }

    /// Reads the file again if the user is unknown: packages add users while the agent runs.
    pub fn learn(&mut self, id: u32) {
        if !self.names.contains_key(&id) && !self.path.as_os_str().is_empty() && self.names.len() < MAX_USERS {
            let mut fresh = Self::from_file(std::mem::take(&mut self.path));
            // Remembered as nameless, so that the file is read once for each unknown user.
            fresh.names.entry(id).or_insert_with(|| "".into());
            fresh.names.extend(self.names.drain().filter(|(_, name)| name.is_empty()).collect::<Vec<_>>());
            *self = fresh;
        }
    }

    /// Whether there is a user of that name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.names.values().any(|known| &**known == name)
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.values().map(|name| &**name).filter(|name| !name.is_empty())
    }

    /// Takes in a name that somebody else has looked up.
    pub fn add(&mut self, id: u32, name: &Arc<str>) {
        if self.names.len() < MAX_USERS && !self.names.contains_key(&id) {
            self.names.insert(id, Arc::clone(name));
        }
    }

    /// The user of that name.
    #[must_use]
    pub fn id(&self, name: &str) -> Option<u32> {
        self.names.iter().find(|(_, known)| &***known == name).map(|(id, _)| *id)
    }

    /// Name of a user.
    #[must_use]
    pub fn name(&self, id: u32) -> Option<Arc<str>> {
        self.names.get(&id).filter(|name| !name.is_empty()).cloned()
    }
}

/// `name:password:uid:…` a line; the first of several names of one id counts, as for `getpwuid`.
fn names(text: &str) -> HashMap<u32, Arc<str>> {
    let mut names = HashMap::new();
    for line in text.lines().take(MAX_USERS) {
        let mut fields = line.split(':');
        if let (Some(name), Some(Ok(id))) = (fields.next(), fields.nth(1).map(str::parse)) {
            names.entry(id).or_insert_with(|| name.into());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_name_of_an_id_counts() {
        let names = names("root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\nbroken\nwww-data:x:33:33:::\n");
        assert_eq!(names.get(&0).map(|name| &**name), Some("root"));
        assert_eq!(names.get(&33).map(|name| &**name), Some("www-data"));
        assert_eq!(names.len(), 2);
    }

    #[test]
    fn unknown_users_are_learned_once() {
        let file = std::env::temp_dir().join(format!("wirespan-passwd-{}", std::process::id()));
        std::fs::write(&file, "a:x:1:1:::\n").unwrap();
        let mut users = Users::from_file(file.clone());
        std::fs::write(&file, "a:x:1:1:::\nb:x:2:2:::\n").unwrap();
        users.learn(2);
        users.learn(3);
        std::fs::remove_file(&file).unwrap();
        users.learn(3);
        assert_eq!(users.name(2).as_deref(), Some("b"));
        assert_eq!(users.name(3), None);
        assert_eq!(users.name(1).as_deref(), Some("a"));
    }
}
