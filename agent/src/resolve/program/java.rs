//! The version of a JDK: it stands in the file `release` beside its `bin`.

use crate::resolve::files::Root;

/// Most bytes of that file that are read; it has about one kilobyte.
const MAX_RELEASE: u64 = 64 * 1024;
/// Longest version that is believed.
const MAX_VERSION: usize = 127;

/// The version of the JDK that an executable belongs to.
pub(super) fn version(root: &Root, exe: &str) -> Option<Box<str>> {
    let home = exe.strip_suffix("/bin/java")?;
    let home = home.strip_suffix("/jre").unwrap_or(home);
    in_release(&String::from_utf8_lossy(&root.read(&format!("{home}/release"), MAX_RELEASE)?))
}

fn in_release(text: &str) -> Option<Box<str>> {
    ["JAVA_RUNTIME_VERSION=", "JAVA_VERSION="]
        .into_iter()
        .find_map(|key| text.lines().find_map(|line| line.strip_prefix(key)))
        .map(|value| value.trim().trim_matches('"'))
        .filter(|value| !value.is_empty() && value.len() <= MAX_VERSION && !value.contains(char::is_control))
        .map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jdk_tells_its_version() {
        let text = "JAVA_VERSION=\"17.0.9\"\nJAVA_RUNTIME_VERSION=\"17.0.9+9\"\n";
        assert_eq!(in_release(text).as_deref(), Some("17.0.9+9"));
        assert_eq!(in_release("JAVA_VERSION=\"17\"").as_deref(), Some("17"));
        assert_eq!(in_release(&format!("JAVA_VERSION={}", "1".repeat(1000))), None);
        assert_eq!(in_release(""), None);
    }
}
