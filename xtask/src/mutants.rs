//! `cargo xtask mutants`: the mistakes of xtask/mutants.toml, one after the other, each of which must make a test fail.
//!
//! They are made in a copy of the sources, `target/mutants`, with a target folder of its own: cargo takes the packages of the copy for
//! those of the project, and what one left behind for the other's.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::{paths, sh, toolchain};

/// A mutant that makes a test run for ever is found out as well.
const PATIENCE: Duration = Duration::from_secs(180);

/// Arguments of `cargo xtask mutants`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Only these; without any, all
    names: Vec<String>,
    /// Only see that each can still be made
    #[arg(long)]
    check: bool,
}

/// The whole table.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Table {
    mutant: Vec<Mutant>,
}

/// A mistake.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Mutant {
    /// What is wrong then.
    name: String,
    file: PathBuf,
    /// Whose unit tests must notice.
    #[serde(default = "agent")]
    package: String,
    /// Stands in the file exactly once.
    find: String,
    replace: String,
    /// Filters of those tests.
    tests: Vec<String>,
    /// Why it is no loss that none does, if none does.
    survives: Option<String>,
}

fn agent() -> String {
    "wirespan".to_owned()
}

/// What became of one.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Killed,
    Survived,
}

/// Makes them all; fails if one survives without an explanation, or cannot be made any more.
pub fn mutants(args: &Args) -> Result<()> {
    let list = paths::root().join("xtask/mutants.toml");
    let table: Table = toml::from_str(&fs::read_to_string(&list)?).with_context(|| list.display().to_string())?;
    let wanted = |mutant: &&Mutant| args.names.is_empty() || args.names.contains(&mutant.name);
    let chosen: Vec<&Mutant> = table.mutant.iter().filter(wanted).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = table.mutant.iter().map(|mutant| mutant.name.as_str()).collect();
        bail!("there is no such mutant; there are {}", names.join(", "));
    }
    let stale: Vec<String> = chosen
        .iter()
        .filter_map(|mutant| mutant.made(&paths::root()).err().map(|error| format!("{error:#}")))
        .collect();
    if !stale.is_empty() {
        bail!("xtask/mutants.toml does not fit the sources any more:\n  {}", stale.join("\n  "));
    }
    if args.check {
        sh::step(format!("{} mutants can be made", chosen.len()));
        return Ok(());
    }
    let tree = paths::target().join("mutants");
    copy(&tree)?;
    let packages: BTreeSet<&str> = chosen.iter().map(|mutant| mutant.package.as_str()).collect();
    for package in packages {
        sh::step(format!("{package} without a mutant"));
        let own = chosen.iter().filter(|mutant| mutant.package == package);
        let tests: BTreeSet<String> = own.flat_map(|mutant| mutant.tests.iter().cloned()).collect();
        if run(&tree, package, &tests.into_iter().collect::<Vec<_>>())? != Fate::Survived {
            bail!("the tests of {package} fail without any mutant: {}", paths::log("mutants-test").display());
        }
    }
    let (mut survived, mut revived) = (Vec::new(), Vec::new());
    for mutant in &chosen {
        let file = tree.join(&mutant.file);
        fs::write(&file, mutant.made(&tree)?)?;
        let fate = run(&tree, &mutant.package, &mutant.tests);
        fs::copy(paths::root().join(&mutant.file), &file)?;
        let fate = fate.with_context(|| mutant.name.clone())?;
        match (&fate, &mutant.survives) {
            (Fate::Survived, None) => survived.push(mutant.name.as_str()),
            (Fate::Killed, Some(_)) => revived.push(mutant.name.as_str()),
            _ => {}
        }
        let why = mutant.survives.as_deref().map(|why| format!(" ({why})")).unwrap_or_default();
        sh::step(format!("{}: {fate:?}{why}", mutant.name));
    }
    if !revived.is_empty() {
        sh::step(format!("said to survive, and killed: {}", revived.join(", ")));
    }
    if !survived.is_empty() {
        bail!("no test notices: {}", survived.join(", "));
    }
    Ok(())
}

impl Mutant {
    /// The text of its file with the mistake in it.
    fn made(&self, root: &Path) -> Result<String> {
        let text = fs::read_to_string(root.join(&self.file)).with_context(|| self.file.display().to_string())?;
        match text.matches(&self.find).count() {
            1 => Ok(text.replacen(&self.find, &self.replace, 1)),
            count => bail!("{}: its text stands {count} times in {}", self.name, self.file.display()),
        }
    }
}

/// Copies what git knows of; files that are the same keep their times, so that little is compiled anew.
fn copy(tree: &Path) -> Result<()> {
    let mut git = Command::new("git");
    git.current_dir(paths::root()).args(["ls-files", "--cached", "--others", "--exclude-standard"]);
    for name in sh::output(&mut git)?.lines() {
        let (from, to) = (paths::root().join(name), tree.join(name));
        let Ok(bytes) = fs::read(&from) else { continue };
        if fs::read(&to).is_ok_and(|there| there == bytes) {
            continue;
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&to, bytes).with_context(|| format!("cannot write {}", to.display()))?;
    }
    Ok(())
}

/// Runs unit tests of a package in the copy.
fn run(tree: &Path, package: &str, filters: &[String]) -> Result<Fate> {
    let cargo = |more: &[&str]| {
        let mut cmd = Command::new(toolchain::own_cargo());
        cmd.current_dir(tree).env("CARGO_TARGET_DIR", tree.join("target")).stdin(Stdio::null());
        cmd.args(["test", "--quiet", "--package", package, "--lib"]).args(more);
        cmd
    };
    // A mistake that does not compile is none.
    sh::run_logged(&mut cargo(&["--no-run"]), &paths::log("mutants-build"))?;
    let log = fs::File::create(paths::log("mutants-test"))?;
    let mut cmd = cargo(&["--"]);
    cmd.args(filters).stdout(log.try_clone()?).stderr(log);
    let mut child = cmd.spawn().with_context(|| format!("cannot run `{}`", sh::shown(&cmd)))?;
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(if status.success() { Fate::Survived } else { Fate::Killed });
        }
        if begin.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            return Ok(Fate::Killed);
        }
        thread::sleep(Duration::from_millis(50));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mutant_is_made_only_where_its_text_stands_once() {
        let dir = std::env::temp_dir().join(format!("wirespan-mutants-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("a.rs"), "one two two").unwrap();
        let mutant = |find: &str| Mutant {
            name: "m".into(),
            file: "a.rs".into(),
            package: agent(),
            find: find.into(),
            replace: "x".into(),
            tests: Vec::new(),
            survives: None,
        };
        assert_eq!(mutant("one").made(&dir).unwrap(), "x two two");
        for find in ["two", "three"] {
            assert!(mutant(find).made(&dir).is_err(), "{find}");
        }
        fs::remove_dir_all(dir).unwrap();
    }
}
