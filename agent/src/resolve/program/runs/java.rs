//! Java: the application's name in a property, the jar, or the main class.

use super::{stem, telling};

/// Properties that name an application, the strongest first.
const PROPERTIES: [&str; 4] =
    ["-Dotel.service.name=", "-Dspring.application.name=", "--spring.application.name=", "-Dquarkus.application.name="];
/// Options whose value is an argument of its own.
const VALUED: [&str; 14] = [
    "-cp",
    "-classpath",
    "--class-path",
    "-p",
    "--module-path",
    "--upgrade-module-path",
    "--add-modules",
    "--limit-modules",
    "--add-opens",
    "--add-exports",
    "--add-reads",
    "--patch-module",
    "--enable-native-access",
    "--source",
];

pub(super) fn name(arguments: &[String]) -> Option<String> {
    let property = |prefix: &&str| arguments.iter().find_map(|argument| argument.strip_prefix(prefix));
    if let Some(name) = PROPERTIES.iter().find_map(property).filter(|name| !name.is_empty()) {
        return Some(name.to_owned());
    }
    let mut at = 0;
    loop {
        let argument = arguments.get(at)?.as_str();
        match argument {
            "-jar" => return jar(arguments.get(at + 1)?),
            // `module/class`
            "-m" | "--module" => return telling(arguments.get(at + 1)?.rsplit('/').next()?),
            _ if VALUED.contains(&argument) => at += 1,
            _ if argument.starts_with(['-', '@']) => {}
            _ if argument.starts_with("org.springframework.boot.loader.") => return None,
            _ => return telling(argument),
        }
        at += 1;
    }
}

/// The name of a jar without its version: `shop-1.2.3-SNAPSHOT.jar`.
fn jar(path: &str) -> Option<String> {
    let stem = stem(path, &[".jar", ".war"])?;
    let version =
        stem.match_indices('-').find(|(at, _)| stem[at + 1..].starts_with(|next: char| next.is_ascii_digit()));
    let name = version.map_or(stem, |(at, _)| &stem[..at]);
    Some(if name.is_empty() { stem } else { name }.to_owned())
}
