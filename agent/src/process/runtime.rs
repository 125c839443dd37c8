//! `process.runtime.*`: which language runtime a process is, where that is cheap to know and certain.

use super::Process;

/// Name and version of a runtime. The full version or none.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Runtime<'a> {
    pub(crate) name: &'a str,
    pub(crate) version: Option<&'a str>,
}

/// The runtime of a process, by its executable's name, or by what the executable holds.
pub(crate) fn detect(process: &Process) -> Option<Runtime<'_>> {
    let program = &process.program;
    let name = process.executable_name().and_then(known_runtime).or(program.runtime.as_deref())?;
    Some(Runtime { name, version: program.runtime_version.as_deref() })
}

/// The runtime that an executable of that name is.
#[must_use]
pub fn known_runtime(executable: &str) -> Option<&'static str> {
    match executable {
        "node" | "nodejs" => Some("nodejs"),
        "java" => Some("java"),
        name if is_versioned(name, "python") => Some("cpython"),
        name if is_versioned(name, "pypy") => Some("pypy"),
        name if is_versioned(name, "ruby") => Some("ruby"),
        // As PHP names its server interfaces, and so its SDK the runtime.
        name if is_versioned(name, "php-fpm") => Some("fpm-fcgi"),
        name if is_versioned(name, "php-cgi") => Some("cgi-fcgi"),
        name if is_versioned(name, "php") => Some("cli"),
        _ => None,
    }
}

/// The language of a process, as far as it is known: of its runtime, by the names of `telemetry.sdk.language`.
pub(crate) fn language(process: &Process) -> Option<&str> {
    let Some(runtime) = detect(process) else {
        return process.executable_name().filter(|name| *name == "dotnet");
    };
    match runtime.name {
        "cpython" | "pypy" => Some("python"),
        "fpm-fcgi" | "cgi-fcgi" | "cli" => Some("php"),
        other => Some(other),
    }
}

/// What programs of an interpreter are called when nothing else tells: no version, which changes with the host.
pub(crate) fn family(executable: &str) -> Option<&'static str> {
    match known_runtime(executable)? {
        "cpython" => Some("python"),
        "nodejs" => Some("node"),
        "fpm-fcgi" => Some("php-fpm"),
        "cgi-fcgi" => Some("php-cgi"),
        "cli" => Some("php"),
        other => Some(other),
    }
}

/// `python`, `python3`, `python3.11`.
fn is_versioned(name: &str, runtime: &str) -> bool {
    name.strip_prefix(runtime).is_some_and(|version| version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Program;
    use std::sync::Arc;

    #[test]
    fn by_name() {
        assert_eq!(known_runtime("python3.11"), Some("cpython"));
        assert_eq!(known_runtime("pypy3"), Some("pypy"));
        assert_eq!(known_runtime("node"), Some("nodejs"));
        assert_eq!(known_runtime("java"), Some("java"));
        assert_eq!(known_runtime("python-config"), None);
        assert_eq!(known_runtime("nginx"), None);
        assert_eq!(
            ["php-fpm8.2", "php-cgi8.2", "php8.2", "phpunit"].map(known_runtime),
            [Some("fpm-fcgi"), Some("cgi-fcgi"), Some("cli"), None]
        );
    }

    #[test]
    fn by_what_was_found() {
        let program =
            Program { runtime: Some("go".into()), runtime_version: Some("go1.26".into()), ..Program::default() };
        let process = Process { exe: Some("/srv/shop".into()), program: Arc::new(program), ..Process::default() };
        assert_eq!(detect(&process), Some(Runtime { name: "go", version: Some("go1.26") }));
        assert_eq!(detect(&Process::default()), None);
    }
}
