//! Which container runtimes there are on this host, and when they are asked.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::Instant;

use super::facts::{News, OfRuntime};
use super::{Said, containerd, cri, docker};
use crate::process::container::Placement;

/// Where runtimes listen, and what speaks there; `*` is any user.
const PLACES: [(&str, Speaks); 8] = [
    ("/run/docker.sock", Speaks::Docker("docker")),
    ("/run/user/*/docker.sock", Speaks::Docker("docker")),
    ("/run/podman/podman.sock", Speaks::Docker("podman")),
    ("/run/user/*/podman/podman.sock", Speaks::Docker("podman")),
    ("/run/containerd/containerd.sock", Speaks::Containerd),
    ("/run/k3s/containerd/containerd.sock", Speaks::Containerd),
    ("/var/snap/microk8s/common/run/containerd.sock", Speaks::Containerd),
    ("/run/crio/crio.sock", Speaks::Cri("cri-o")),
];
/// Most users whose runtimes are looked for.
const MAX_USERS: usize = 64;
/// When a container that nobody knows yet is asked about again: its process may come before it is told of.
const AGAIN: [Duration; 4] =
    [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(30)];
/// How long a runtime that failed is left alone.
const REST: Duration = Duration::from_secs(5);
/// Most containers that may wait to be asked about.
const MAX_WAITING: usize = 4096;
/// Most names that may wait to be asked for again.
const RENAMED: usize = 64;

/// What is spoken at a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speaks {
    Docker(&'static str),
    Containerd,
    Cri(&'static str),
}

/// A runtime.
#[derive(Debug)]
struct Runtime {
    socket: PathBuf,
    speaks: Speaks,
    rests_until: Option<Instant>,
}

/// All of them.
pub(super) struct Runtimes {
    /// Sockets that the settings name; those of the usual places if there are none.
    named: Vec<PathBuf>,
    all: Vec<Runtime>,
}

/// A container that is to be asked about.
struct Wanted {
    id: Arc<str>,
    times: usize,
    at: Instant,
}

/// Whether there is a socket of a runtime: one that is named, or one at a usual place.
pub(super) fn are_there(named: &[PathBuf]) -> bool {
    let usual = PLACES.iter().map(|(place, _)| Path::new(place));
    named.iter().any(|path| path.exists()) || named.is_empty() && usual.into_iter().any(Path::exists)
}

impl Runtimes {
    pub(super) fn new(named: &[PathBuf]) -> Self {
        Self { named: named.to_vec(), all: Vec::new() }
    }

    /// Asks about the containers that come, until nobody wants to know any more.
    pub(super) async fn serve(mut self, mut placements: Receiver<Placement>, news: Sender<News>, said: &Said) {
        let mut waiting: VecDeque<Wanted> = VecDeque::new();
        let (told, mut renamed) = channel(RENAMED);
        loop {
            let due = waiting.iter().map(|wanted| wanted.at).min();
            let pause = async {
                match due {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            let at = Instant::now();
            tokio::select! {
                placement = placements.recv() => match placement {
                    Some(placement) => waiting.push_back(Wanted { id: placement.id, times: 0, at }),
                    None => return,
                },
                Some(id) = renamed.recv() => waiting.push_back(Wanted { id, times: 0, at }),
                () = pause => {}
            }
            if waiting.len() > MAX_WAITING {
                waiting.pop_front();
                said.failed("waiting", "more containers than can be asked about wait for their runtimes");
            }
            self.find(&told, said);
            let now = Instant::now();
            for _ in 0..waiting.len() {
                let Some(wanted) = waiting.pop_front() else { break };
                if wanted.at > now {
                    waiting.push_back(wanted);
                    continue;
                }
                match (self.ask(&wanted.id, said).await, AGAIN.get(wanted.times)) {
                    (Some(known), _) => {
                        if news.send(News::Runtime(wanted.id, known)).await.is_err() {
                            return;
                        }
                    }
                    (None, Some(pause)) => {
                        waiting.push_back(Wanted { times: wanted.times + 1, at: now + *pause, ..wanted });
                    }
                    (None, None) => {}
                }
            }
        }
    }

    /// Takes in runtimes that came since the last look; names that they change are told.
    fn find(&mut self, renamed: &Sender<Arc<str>>, said: &Said) {
        let found =
            if self.named.is_empty() { usual() } else { self.named.iter().filter_map(|path| named(path)).collect() };
        for path in self.named.iter().filter(|path| named(path).is_none()) {
            said.once("socket", &format!("{}: not the socket of a runtime that wirespan knows", path.display()));
        }
        for (socket, speaks) in found {
            if self.all.iter().any(|runtime| runtime.socket == socket) {
                continue;
            }
            if let Speaks::Docker(_) = speaks {
                let (socket, renamed) = (socket.clone(), renamed.clone());
                tokio::spawn(async move {
                    while !renamed.is_closed() {
                        // A runtime that is gone may come back.
                        let _ = docker::renamed(&socket, &renamed).await;
                        tokio::time::sleep(REST).await;
                    }
                });
            }
            self.all.push(Runtime { socket, speaks, rests_until: None });
        }
    }

    /// What the first runtime that knows a container says of it.
    async fn ask(&mut self, id: &str, said: &Said) -> Option<OfRuntime> {
        for runtime in &mut self.all {
            let now = Instant::now();
            if runtime.rests_until.is_some_and(|until| now < until) {
                continue;
            }
            let socket = &runtime.socket;
            let answer = match runtime.speaks {
                Speaks::Docker(name) => docker::inspect(socket, name, id).await,
                Speaks::Containerd => containerd::inspect(socket, id).await,
                Speaks::Cri(name) => cri::inspect(socket, name, id).await,
            };
            match answer {
                Ok(Some(known)) => return Some(known),
                Ok(None) => {}
                Err(error) => {
                    runtime.rests_until = Some(now + REST);
                    let place = socket.display().to_string();
                    said.failed(&place, &format!("containers are not named by {place}: {error:#}"));
                }
            }
        }
        None
    }
}

/// What a path that the settings name is, by its file name.
fn named(path: &Path) -> Option<(PathBuf, Speaks)> {
    let name = path.file_name()?;
    let of_place = |place: &&(&str, Speaks)| Path::new(place.0).file_name() == Some(name);
    Some((path.to_owned(), PLACES.iter().find(of_place)?.1))
}

/// The sockets that are there.
fn usual() -> Vec<(PathBuf, Speaks)> {
    let mut found = Vec::new();
    for (place, speaks) in PLACES {
        match place.split_once('*') {
            None => found.push((PathBuf::from(place), speaks)),
            Some((before, behind)) => {
                let users = fs::read_dir(before).into_iter().flatten().flatten().take(MAX_USERS);
                let behind = behind.trim_start_matches('/');
                found.extend(users.map(|user| (user.path().join(behind), speaks)));
            }
        }
    }
    found.retain(|(path, _)| path.exists());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_known_by_their_names() {
        for (path, speaks) in [
            ("/host/run/docker.sock", Some(Speaks::Docker("docker"))),
            ("/x/podman.sock", Some(Speaks::Docker("podman"))),
            ("/run/k3s/containerd/containerd.sock", Some(Speaks::Containerd)),
            ("/x/crio.sock", Some(Speaks::Cri("cri-o"))),
            ("/x/mysql.sock", None),
        ] {
            assert_eq!(named(Path::new(path)).map(|(_, speaks)| speaks), speaks, "{path}");
        }
    }
}
