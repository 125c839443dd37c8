//! `process.runtime.*`: which language runtime a process is, where that is cheap to know and certain.

use std::fs;
use std::path::PathBuf;

use super::go;
use crate::process::Process;

/// Name and version of a runtime. The full version or none.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Runtime {
    pub(super) name: Box<str>,
    pub(super) version: Option<Box<str>>,
}

/// The runtime of a process, by its executable's name, and for Go by what the executable holds.
pub(super) fn detect(process: &Process, live: bool) -> Option<Runtime> {
    let known = |name: &str| Some(Runtime { name: name.into(), version: None });
    match process.executable_name()? {
        "node" | "nodejs" => known("nodejs"),
        "java" => Some(java(process.exe.as_deref().filter(|_| live).unwrap_or(""), process.pid)),
        name if is_versioned(name, "python") => known("cpython"),
        name if is_versioned(name, "pypy") => known("pypy"),
        name if is_versioned(name, "ruby") => known("ruby"),
        _ if live => {
            let version = go::version(&PathBuf::from(format!("/proc/{}/exe", process.pid)))?;
            Some(Runtime { name: "go".into(), version: Some(version) })
        }
        _ => None,
    }
}

/// `python`, `python3`, `python3.11`.
fn is_versioned(name: &str, runtime: &str) -> bool {
    name.strip_prefix(runtime).is_some_and(|version| version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
}

/// A JDK says in the file `release` beside its `bin` what it is.
fn java(exe: &str, pid: u32) -> Runtime {
    let home = exe.strip_suffix("/bin/java").map(|home| home.strip_suffix("/jre").unwrap_or(home));
    let release = home.and_then(|home| fs::read_to_string(format!("/proc/{pid}/root{home}/release")).ok());
    let version = release.as_deref().and_then(|text| {
        ["JAVA_RUNTIME_VERSION=", "JAVA_VERSION="]
            .into_iter()
            .find_map(|key| text.lines().find_map(|line| line.strip_prefix(key)))
            .map(|value| value.trim().trim_matches('"'))
            .filter(|value| !value.is_empty() && value.len() < 128)
    });
    Runtime { name: "java".into(), version: version.map(Into::into) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(exe: &str) -> Option<Box<str>> {
        let process = Process { exe: Some(exe.into()), ..Process::default() };
        detect(&process, false).map(|runtime| runtime.name)
    }

    #[test]
    fn by_name() {
        assert_eq!(name("/usr/bin/python3.11").as_deref(), Some("cpython"));
        assert_eq!(name("/usr/bin/pypy3").as_deref(), Some("pypy"));
        assert_eq!(name("/usr/local/bin/node").as_deref(), Some("nodejs"));
        assert_eq!(name("/opt/jdk/bin/java").as_deref(), Some("java"));
        assert_eq!(name("/usr/bin/python-config"), None);
        assert_eq!(name("/usr/sbin/nginx"), None);
    }

    #[test]
    fn a_jdk_tells_its_version() {
        let home = std::env::temp_dir().join(format!("wirespan-jdk-{}", std::process::id()));
        fs::create_dir_all(&home).unwrap();
        fs::write(home.join("release"), "JAVA_VERSION=\"17.0.9\"\nJAVA_RUNTIME_VERSION=\"17.0.9+9\"\n").unwrap();
        let exe = home.join("bin/java");
        let runtime = java(exe.to_str().unwrap(), std::process::id());
        fs::remove_dir_all(home).unwrap();
        assert_eq!(runtime.version.as_deref(), Some("17.0.9+9"));
        assert_eq!(java("", 0).version, None);
    }
}
