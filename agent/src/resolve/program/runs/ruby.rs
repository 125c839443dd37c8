//! Ruby: a script, or what a server of applications is called.

use super::{option, script, stem};

const VALUED: [&str; 5] = ["-I", "-r", "-C", "-E", "--encoding"];

/// `puma 6.4.0 (tcp://0.0.0.0:9292) [shop]`, `puma: cluster worker 0: 17 [shop]`, `sidekiq 7.2.0 shop [0 of 5 busy]`,
/// `unicorn master -c …`.
pub(super) fn title(title: &str, folder: Option<&str>) -> Option<String> {
    let (server, rest) = title.split_once(' ')?;
    match server {
        "puma" | "puma:" => {
            let tag = rest.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')).map(|(_, tag)| tag.to_owned());
            tag.or_else(|| called_after(folder))
        }
        "sidekiq" => rest.split(' ').nth(1).filter(|word| !word.starts_with('[')).map(str::to_owned),
        "unicorn" | "unicorn_rails" => called_after(folder),
        _ => None,
    }
}

pub(super) fn name(arguments: &[String], folder: Option<&str>) -> Option<String> {
    let (path, mut rest) = script(arguments, &VALUED, &["-e", "-"])?;
    let mut name = stem(path, &[".rb", ".ru"])?;
    if let ("bundle" | "bundler", Some((exec, others))) = (name, rest.split_first())
        && exec == "exec"
        && let Some((program, others)) = others.split_first()
    {
        (name, rest) = (stem(program, &[".rb", ".ru"])?, others);
    }
    match name {
        "puma" => option(rest, &["--tag"]).or_else(|| called_after(folder)),
        "sidekiq" => option(rest, &["--tag", "-g"]).or_else(|| called_after(folder)),
        "rails" | "rackup" | "unicorn" | "unicorn_rails" | "thin" | "falcon" | "config" => called_after(folder),
        other => Some(other.to_owned()),
    }
}

/// Servers of Ruby call an application after its folder; Capistrano puts releases below it.
fn called_after(folder: Option<&str>) -> Option<String> {
    let folder = folder?;
    let folder = folder.split_once("/releases/").map_or(folder, |(above, _)| above);
    let folder = folder.strip_suffix("/current").unwrap_or(folder);
    stem(folder, &[]).map(str::to_owned)
}
