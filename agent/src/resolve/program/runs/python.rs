//! Python: a module, a script, or what a server of applications was given.

use super::{folder_of, option, stem, telling};

/// Servers whose argument is `module:attribute`.
const SERVERS: [&str; 8] =
    ["uvicorn", "gunicorn", "hypercorn", "daphne", "granian", "waitress-serve", "waitress", "uvicorn.main"];

/// `gunicorn: master [app:main]`.
pub(super) fn title(title: &str) -> Option<String> {
    let rest = title.strip_prefix("gunicorn: ")?;
    let (_, name) = rest.strip_suffix(']')?.split_once('[')?;
    module(name)
}

pub(super) fn name(arguments: &[String], folder: Option<&str>) -> Option<String> {
    let mut at = 0;
    loop {
        let argument = arguments.get(at)?.as_str();
        let rest = arguments.get(at + 1..)?;
        match argument {
            "-W" | "-X" | "--check-hash-based-pycs" => at += 1,
            _ if argument.starts_with("--") => {}
            _ => match argument.strip_prefix('-') {
                // Letters may be joined (`-Bum module`), and the value too.
                Some(letters) => match letters.find(['c', 'm', 'W', 'X']).map(|end| letters.split_at(end)) {
                    Some((_, module)) if module.starts_with('m') => {
                        let (module, rest) = match &module[1..] {
                            "" => (rest.first()?.as_str(), rest.get(1..)?),
                            joined => (joined, rest),
                        };
                        let whole = || [".__main__", ".main"].iter().find_map(|tail| module.strip_suffix(tail));
                        return served(module, rest, folder).or_else(|| Some(whole().unwrap_or(module).to_owned()));
                    }
                    Some((_, other)) if other.starts_with('c') => return None,
                    // The standard input.
                    _ if letters.is_empty() => return None,
                    _ => {}
                },
                None => {
                    let name = stem(argument, &[".py", ".pyc", ".pyz"])?;
                    return served(name, rest, folder).or_else(|| match name {
                        "manage" | "__main__" | "wsgi" | "asgi" => folder_of(argument, folder),
                        other => Some(other.to_owned()),
                    });
                }
            },
        }
        at += 1;
    }
}

/// What a server of applications serves.
fn served(server: &str, arguments: &[String], folder: Option<&str>) -> Option<String> {
    match server {
        "flask" => option(arguments, &["--app", "-A"]).and_then(|name| module(&name)),
        "celery" => option(arguments, &["--app", "-A"]).and_then(|name| module(&name)),
        "fastapi" => {
            let script = arguments.iter().find(|argument| argument.ends_with(".py"))?;
            stem(script, &[".py"]).map(str::to_owned)
        }
        "django-admin" | "django" => folder_of("", folder),
        _ if SERVERS.contains(&server) => {
            let named = option(arguments, &["--name", "-n"]).filter(|_| server == "gunicorn");
            named.or_else(|| module(arguments.iter().find(|argument| is_application(argument))?)).or_else(|| {
                let last = arguments.last().filter(|last| is_dotted(last))?;
                let before = arguments.iter().rev().nth(1);
                // It may be the value of an option.
                before.is_none_or(|before| !before.starts_with('-')).then(|| module(last)).flatten()
            })
        }
        _ => None,
    }
}

/// `module:attribute`, and no address.
fn is_application(argument: &str) -> bool {
    argument.split_once(':').is_some_and(|(module, attribute)| {
        is_dotted(module) && attribute.starts_with(|first: char| first.is_alphabetic() || first == '_')
    })
}

fn is_dotted(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphabetic() || first == '_')
        && text.chars().all(|character| character.is_alphanumeric() || matches!(character, '_' | '.'))
}

/// The name in `module:attribute`, where a module may be a file.
fn module(text: &str) -> Option<String> {
    let module = text.split_once(':').map_or(text, |(module, _)| module);
    telling(stem(module, &[".py"])?)
}
