//! A protocol is known in its own folder and in the registry, and nowhere else: its name is refused in all other code. Tests,
//! benches and seeds may name it, and `xtask` and documents are not looked at.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::paths;

/// Where the folders of protocols are.
const PROTOCOLS: &str = "agent/protocols/src";
/// What is looked at.
const CODE: [&str; 3] = ["agent", "common", "ebpf"];
/// Folders whose names mean more than the protocol: only paths into them are refused.
const GENERIC: [&str; 4] = ["http1", "http2", "tls", "dns"];
/// What else a protocol's product is called, by its folder.
const ALSO: [(&str, &str); 1] = [("redis", "valkey")];
/// Files and folders that may name protocols, and why.
const ALLOWED: [(&str, &str); 4] = [
    ("agent/protocols/src/registry.rs", "the table of protocols"),
    ("agent/protocols/src/lib.rs", "declares the folders"),
    ("agent/fuzz/src/seeds.rs", "seeds"),
    ("agent/semconv/src/registry/", "what documents say of spans, attributes and metrics"),
];

/// Complains of each line that names a protocol where it should not.
pub fn check() -> Result<()> {
    let root = paths::root();
    let protocols = protocols(&root.join(PROTOCOLS))?;
    let mut found = Vec::new();
    for folder in CODE {
        each_file(&root.join(folder), &mut |path| {
            let name = path.strip_prefix(&root).unwrap_or(path).to_string_lossy().into_owned();
            if !is_test(&name) && ALLOWED.iter().all(|(allowed, _)| !name.starts_with(allowed)) {
                let text = fs::read_to_string(path).with_context(|| name.clone())?;
                found.extend(complaints(&name, &text, &protocols));
            }
            Ok(())
        })?;
    }
    if found.is_empty() { Ok(()) } else { bail!("{}", found.join("\n")) }
}

/// The folders that have a `PROTOCOL`.
fn protocols(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let text = fs::read_to_string(entry.path().join("mod.rs")).unwrap_or_default();
        if text.contains("static PROTOCOL: Protocol") {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    if names.is_empty() {
        bail!("no protocol in {}", folder.display());
    }
    Ok(names)
}

fn each_file(folder: &Path, visit: &mut dyn FnMut(&Path) -> Result<()>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && !path.ends_with("target") {
            each_file(&path, visit)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            visit(&path)?;
        }
    }
    Ok(())
}

/// `tests/…`, `benches/…`, `tests.rs`, `line_tests.rs`, `testing.rs`.
fn is_test(name: &str) -> bool {
    let mut parts = name.split('/').rev();
    let file = parts.next().and_then(|file| file.strip_suffix(".rs")).unwrap_or_default();
    file == "tests"
        || file == "testing"
        || file.ends_with("_tests")
        || parts.any(|part| part == "tests" || part == "benches")
}

/// The lines of a file, without its own tests, that name a protocol of another folder.
fn complaints(name: &str, text: &str, protocols: &[String]) -> Vec<String> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let strangers: Vec<&String> =
        protocols.iter().filter(|protocol| !name.starts_with(&format!("{PROTOCOLS}/{protocol}/"))).collect();
    let mut found = Vec::new();
    for (line, number) in code.lines().zip(1..) {
        let lower = line.to_lowercase();
        for protocol in &strangers {
            if refused(protocol, name).iter().any(|words| lower.contains(words)) {
                found.push(format!("{name}:{number}: names {protocol} outside of its folder: {}", line.trim()));
            }
        }
    }
    found
}

/// What a file must not say of a protocol, in lower case.
fn refused(protocol: &str, file: &str) -> Vec<String> {
    let mut words = vec![format!("protocols::{protocol}::"), format!("protocols::{protocol};")];
    if file.starts_with(PROTOCOLS) {
        words.extend([format!("crate::{protocol}::"), format!("super::super::{protocol}::")]);
    }
    if !GENERIC.contains(&protocol) {
        words.push(protocol.to_owned());
        words.extend(ALSO.iter().filter(|(folder, _)| *folder == protocol).map(|(_, other)| (*other).to_owned()));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_refused_outside_of_their_folders() {
        let protocols = ["http1", "redis"].map(str::to_owned);
        let lines = |name: &str, text: &str| complaints(name, text, &protocols).len();
        assert_eq!(lines("agent/src/a.rs", "fn a() {}\n// as Redis does\nlet b = \"valkey\";\n"), 2);
        assert_eq!(
            lines("agent/src/a.rs", "use hyper::server::conn::http1;\nuse wirespan_protocols::http1::PROTOCOL;\n"),
            1
        );
        assert_eq!(lines("agent/protocols/src/redis/a.rs", "// Redis\nuse crate::http1::PROTOCOL;\n"), 1);
        assert_eq!(lines("agent/src/a.rs", "fn a() {}\n\n#[cfg(test)]\nmod tests {\n    // redis\n"), 0);
    }

    #[test]
    fn tests_may_name_them() {
        for name in ["agent/tests/a.rs", "agent/src/a/tests.rs", "agent/src/a_tests.rs", "agent/benches/a.rs"] {
            assert!(is_test(name), "{name}");
        }
        assert!(!is_test("agent/src/attests/a.rs") && !is_test("agent/src/protests.rs"));
    }

    #[test]
    fn no_name_is_out_of_place() {
        check().unwrap();
    }

    #[test]
    fn the_folders_are_found() {
        let found = protocols(&paths::root().join(PROTOCOLS)).unwrap();
        assert!(found.len() >= 5 && found.contains(&"redis".to_owned()), "{found:?}");
    }
}
