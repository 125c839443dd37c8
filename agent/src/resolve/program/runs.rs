//! What an interpreter runs, as the name of a service: nobody looks for `python3.11`. The rules are told to users in
//! `docs/naming.md`; a new one needs a line there and a row in the tests below.

mod java;
mod node;
mod php;
mod python;
mod ruby;
#[cfg(test)]
mod tests;

use crate::process::environment::cut;

/// Longest name that is made.
const MAX_NAME: usize = 100;
/// Most arguments that are looked at.
const MAX_ARGUMENTS: usize = 1024;
/// Last parts of module and class names that say nothing: the part before them is taken.
const USUAL: [&str; 12] = [
    "main",
    "__main__",
    "app",
    "application",
    "asgi",
    "wsgi",
    "server",
    "bootstrap",
    "launcher",
    "start",
    "cli",
    "manage",
];

/// A process whose executable is an interpreter.
pub(super) struct Command<'a> {
    /// File name of the executable.
    pub(super) executable: &'a str,
    /// Its arguments, the first of which is its own name; or its title, if it has written one over them.
    pub(super) arguments: &'a [String],
    /// Its working directory.
    pub(super) folder: Option<&'a str>,
    /// Finds the name in the `package.json` of a folder.
    pub(super) package: &'a dyn Fn(&str) -> Option<String>,
}

/// Whether an executable of that name runs programs of others.
pub(super) fn is_interpreter(executable: &str) -> bool {
    crate::process::known_runtime(executable).is_some() || is_php(executable)
}

fn is_php(executable: &str) -> bool {
    executable.starts_with("php")
}

/// Splits what `/proc/PID/cmdline` holds.
pub(super) fn arguments(bytes: &[u8]) -> Vec<String> {
    let text = bytes.strip_suffix(b"\0").unwrap_or(bytes);
    text.split(|byte| *byte == 0).take(MAX_ARGUMENTS).map(|one| String::from_utf8_lossy(one).into_owned()).collect()
}

/// What is run; `None` if nothing tells.
pub(super) fn name(command: &Command<'_>) -> Option<Box<str>> {
    let (title, arguments) = command.arguments.split_first()?;
    // A title that was written over the arguments is one text, with what was left of them cut off.
    let title = Some(title.trim_end()).filter(|title| title.contains(' '));
    let name = match crate::process::known_runtime(command.executable) {
        Some("cpython" | "pypy") => title.and_then(python::title).or_else(|| python::name(arguments, command.folder)),
        Some("ruby") => {
            title.and_then(|title| ruby::title(title, command.folder)).or_else(|| ruby::name(arguments, command.folder))
        }
        Some("nodejs") => node::name(arguments, command),
        Some("java") => java::name(arguments),
        _ if is_php(command.executable) => title.and_then(php::title).or_else(|| php::name(arguments)),
        _ => None,
    }?;
    let name: String = name.trim().chars().filter(|character| !character.is_control()).collect();
    (!name.is_empty()).then(|| cut(&name, MAX_NAME).into())
}

/// The file name of a path without its extension, if it has one of these.
fn stem<'a>(path: &'a str, extensions: &[&str]) -> Option<&'a str> {
    let file = path.trim_end_matches('/').rsplit('/').next()?;
    let stem = extensions.iter().find_map(|extension| file.strip_suffix(extension)).unwrap_or(file);
    (!stem.is_empty() && stem != "." && stem != "..").then_some(stem)
}

/// The name of the folder that a script lies in: that of its path, or the working directory.
fn folder_of(script: &str, folder: Option<&str>) -> Option<String> {
    let own = script.rsplit_once('/').map(|(parent, _)| parent).filter(|parent| !matches!(*parent, "" | "." | ".."));
    stem(own.or(folder)?, &[]).map(str::to_owned)
}

/// The last part of a dotted name that says something.
fn telling(dotted: &str) -> Option<String> {
    let mut parts = dotted.rsplit('.').filter(|part| !part.is_empty());
    let last = parts.next()?;
    let before = parts.next();
    let is_usual = USUAL.iter().any(|usual| usual.eq_ignore_ascii_case(last));
    Some(before.filter(|_| is_usual).unwrap_or(last).to_owned())
}

/// The value of an option, written `--name value`, `--name=value`, `-nvalue` or `-n value`.
fn option(arguments: &[String], names: &[&str]) -> Option<String> {
    arguments.iter().enumerate().find_map(|(at, argument)| {
        names.iter().find_map(|name| {
            let rest = argument.strip_prefix(name)?;
            match (rest.strip_prefix('='), rest) {
                (Some(value), _) => Some(value.to_owned()),
                (None, "") => arguments.get(at + 1).cloned(),
                (None, value) if !name.starts_with("--") => Some(value.to_owned()),
                (None, _) => None,
            }
        })
    })
}

/// The arguments from the first one that is no option of an interpreter; `valued` are its options whose value is an
/// argument of its own. `None` as soon as one of `code` is met: then the program is on the command line.
fn script<'a>(arguments: &'a [String], valued: &[&str], code: &[&str]) -> Option<(&'a str, &'a [String])> {
    let mut at = 0;
    loop {
        let argument = arguments.get(at)?.as_str();
        at += 1;
        match argument {
            "--" => return Some((arguments.get(at)?, arguments.get(at + 1..)?)),
            _ if code.contains(&argument) => return None,
            _ if valued.contains(&argument) => at += 1,
            _ if argument.starts_with('-') => {}
            _ => return Some((argument, arguments.get(at..)?)),
        }
    }
}
