//! The configuration is read again when its file changes, and at SIGHUP. What is in it holds as a whole or not at all: with a
//! mistake in it, everything stays as it was.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use anyhow::Context as _;

use super::selection;
use crate::config::{self, Config, Layer};
use crate::lockdown::Duty;
use crate::pipeline::live::reload::Change;
use crate::serve::Health;
use crate::threads;

/// Time between two looks at the file. It counts as changed when two looks in a row see it so: whoever writes it may not have done.
const LOOK: Duration = Duration::from_millis(400);

/// What the file is by now: links are followed, so that a `ConfigMap` whose link was swapped is another file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Print {
    file: (u64, u64),
    size: u64,
    changed: (i64, i64),
}

impl Print {
    /// `None` if it is not there, as in the middle of a replacement.
    fn of(path: &Path) -> Option<Self> {
        let data = std::fs::metadata(path).ok()?;
        Some(Self { file: (data.dev(), data.ino()), size: data.size(), changed: (data.mtime(), data.mtime_nsec()) })
    }
}

/// Asks for another look at once.
pub type Bell = Sender<()>;

/// Reads the configuration again and again.
struct Again {
    flags: Layer,
    path: PathBuf,
    seen: Option<Print>,
    read: Option<Print>,
    config: Config,
    changes: Sender<Change>,
    /// A supervisor is told.
    health: Arc<Health>,
}

impl Again {
    fn run(mut self, bell: &Receiver<()>) {
        loop {
            let is_due = match bell.recv_timeout(LOOK) {
                Ok(()) => true,
                Err(RecvTimeoutError::Timeout) => self.has_changed(),
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let health = Arc::clone(&self.health);
            if is_due && health.reload(|| self.read()).is_none() {
                return;
            }
        }
    }

    fn has_changed(&mut self) -> bool {
        let now = Print::of(&self.path);
        let is_settled = now == std::mem::replace(&mut self.seen, now);
        is_settled && now.is_some() && now != self.read
    }

    /// `None` when nobody waits for it any more.
    fn read(&mut self) -> Option<()> {
        self.read = Print::of(&self.path);
        let read = config::load(self.flags.clone(), &super::variable);
        let config = match read.and_then(|config| selection::fits(&config).map(|()| config)) {
            Ok(config) => config,
            Err(error) => {
                tracing::error!("the configuration stays as it was: {error}");
                return Some(());
            }
        };
        let fixed = config::fixed(&self.config, &config);
        if !fixed.is_empty() {
            tracing::warn!("{} changed, which takes effect after a restart", fixed.join(", "));
        }
        super::log::begin(&config);
        self.changes.send(selection::change(&config)).ok()?;
        tracing::info!("the configuration was read again: {}", super::log::outline(&config));
        self.config = config;
        Some(())
    }
}

/// Begins to watch the file of a configuration, if it is in one. Returns what asks for another look, and what brings changes.
///
/// # Errors
/// When the system grants no thread.
pub fn watch(flags: Layer, config: &Config, health: Arc<Health>) -> anyhow::Result<Option<(Bell, Receiver<Change>)>> {
    let Some(path) = config::file_of(&flags, &super::variable) else { return Ok(None) };
    let (bell, rung) = channel();
    let (changes, brought) = channel();
    let read = Print::of(&path);
    let again = Again { flags, path, seen: read, read, config: config.clone(), changes, health };
    threads::spawn("ws-reload".into(), Duty::Configure, move || again.run(&rung))
        .context("cannot start the thread of reloads")?;
    Ok(Some((bell, brought)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_changed_when_it_rests() {
        let folder = std::env::temp_dir().join(format!("wirespan-reload-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("one")).unwrap();
        std::fs::create_dir_all(folder.join("two")).unwrap();
        let path = folder.join("data/file");
        std::fs::write(folder.join("one/file"), "a").unwrap();
        std::fs::write(folder.join("two/file"), "b").unwrap();
        std::os::unix::fs::symlink("one", folder.join("data")).unwrap();
        let (changes, _brought) = channel();
        let read = Print::of(&path);
        let (flags, config) = (Layer::default(), Config::default());
        let mut again = Again { flags, path: path.clone(), seen: read, read, config, changes, health: Arc::default() };
        assert!(!again.has_changed());
        // As Kubernetes does it: a new link takes the place of the old one.
        std::os::unix::fs::symlink("two", folder.join("next")).unwrap();
        std::fs::rename(folder.join("next"), folder.join("data")).unwrap();
        assert!(!again.has_changed(), "it may not be whole");
        assert!(again.has_changed());
        again.read = Print::of(&path);
        assert!(!again.has_changed());
        std::fs::remove_file(folder.join("data")).unwrap();
        assert!(!again.has_changed() && !again.has_changed(), "it is gone");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
