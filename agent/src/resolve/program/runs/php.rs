//! PHP: the pool of php-fpm, or the script.

use super::{script, stem};

const VALUED: [&str; 9] = ["-d", "-c", "-z", "-t", "-S", "-g", "-y", "-p", "--fpm-config"];

/// `php-fpm: pool www`.
pub(super) fn title(title: &str) -> Option<String> {
    title.strip_prefix("php-fpm: pool ").map(str::to_owned)
}

pub(super) fn name(arguments: &[String]) -> Option<String> {
    let arguments: Vec<String> = arguments.iter().filter(|argument| *argument != "-f").cloned().collect();
    let (path, _) = script(&arguments, &VALUED, &["-r", "-B", "-R", "-a", "-"])?;
    stem(path, &[".php", ".phar"]).map(str::to_owned)
}
