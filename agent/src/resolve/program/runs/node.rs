//! Node.js: the name in the nearest `package.json`, else the script.

use super::{Command, folder_of, script, stem};

const VALUED: [&str; 11] = [
    "-r",
    "--require",
    "--import",
    "--loader",
    "--experimental-loader",
    "-C",
    "--conditions",
    "--env-file",
    "--title",
    "--icu-data-dir",
    "--openssl-config",
];
/// Folders above a script that may hold its `package.json`.
const MAX_FOLDERS: usize = 6;

pub(super) fn name(arguments: &[String], command: &Command<'_>) -> Option<String> {
    let found = script(arguments, &VALUED, &["-e", "--eval", "-p", "--print", "-pe", "-i", "-"]);
    let Some((path, _)) = found else {
        // A title, or a program on the command line.
        return command.folder.filter(|_| arguments.is_empty()).and_then(|folder| package_above(folder, command));
    };
    let whole = match command.folder {
        Some(folder) if !path.starts_with('/') => format!("{}/{}", folder.trim_end_matches('/'), path),
        _ => path.to_owned(),
    };
    // A tool that was installed runs what lies in the working directory.
    let is_tool = whole.contains("/node_modules/");
    let start = if is_tool { command.folder? } else { whole.rsplit_once('/').map_or("/", |(folder, _)| folder) };
    package_above(start, command).or_else(|| match stem(path, &[".js", ".mjs", ".cjs", ".ts", ".mts"])? {
        _ if is_tool => stem(start, &[]).map(str::to_owned),
        "index" => folder_of(path, command.folder),
        name => Some(name.to_owned()),
    })
}

/// The name of the package that a folder belongs to, without its scope.
fn package_above(folder: &str, command: &Command<'_>) -> Option<String> {
    let mut folder = folder.trim_end_matches('/');
    for _ in 0..MAX_FOLDERS {
        if let Some(name) = (command.package)(folder).filter(|name| !name.is_empty()) {
            let unscoped = name.strip_prefix('@').and_then(|scoped| scoped.split_once('/')).map(|(_, name)| name);
            return Some(unscoped.unwrap_or(&name).to_owned());
        }
        folder = folder.rsplit_once('/')?.0;
    }
    None
}
