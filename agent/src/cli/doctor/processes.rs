//! Whether other processes, and what runs containers, can be seen.

use std::fs;
use std::io;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::check::{Area, Check};
use crate::capture::listeners;
use crate::process::discovery::in_initial_namespace;

const AREA: Area = Area::Processes;
/// Sockets of what runs containers.
const RUNTIMES: [(&str, &str); 6] = [
    ("Docker", "/run/docker.sock"),
    ("containerd", "/run/containerd/containerd.sock"),
    ("containerd of k3s", "/run/k3s/containerd/containerd.sock"),
    ("CRI-O", "/run/crio/crio.sock"),
    ("Podman", "/run/podman/podman.sock"),
    ("Docker", "/var/run/docker.sock"),
];
/// Longest wait for the Kubernetes API.
const PATIENCE: Duration = Duration::from_secs(1);
/// Most processes of others that are tried.
const TRIED: usize = 64;

/// What there is to say.
pub(super) fn checks() -> Vec<Check> {
    let mut checks = vec![namespace(), others(Path::new("/proc")), groups(Path::new("/sys/fs/cgroup")), sockets()];
    checks.extend(runtimes(&RUNTIMES));
    checks.push(kubernetes(&super::super::variable));
    checks
}

fn namespace() -> Check {
    if in_initial_namespace() {
        return Check::yes(AREA, "PID namespace", "process ids are the host's").required();
    }
    let (cost, cure) = ("nothing can be traced", "the host's: hostPID: true in Kubernetes, docker run --pid=host");
    Check::no(AREA, "PID namespace", "process ids are the host's", cost, cure).required()
}

/// Executables of other users' processes, for which it takes CAP_SYS_PTRACE and a whole `/proc`.
fn others(proc: &Path) -> Check {
    let (name, what) = ("processes of others", "their executables can be seen");
    let own = rustix::process::geteuid().as_raw();
    let folders = fs::read_dir(proc).into_iter().flatten().flatten();
    let folders = folders.filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok());
    let others: Vec<_> =
        folders.filter(|entry| entry.metadata().is_ok_and(|data| data.uid() != own)).take(TRIED).collect();
    let refused = others.iter().filter(|entry| {
        let link = fs::read_link(entry.path().join("exe"));
        link.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
    });
    match (others.len(), refused.count()) {
        (0, _) => Check::unused(AREA, name, "no other user runs anything, or /proc hides it (hidepid, ProtectProc)"),
        (_, 0) => Check::yes(AREA, name, what),
        (all, refused) => Check::no(
            AREA,
            name,
            what,
            format!(
                "{refused} of {all} cannot: selectors by exe, env and port do not choose them, services have no name"
            ),
            "CAP_SYS_PTRACE; no ProtectProc=, no hidepid= on /proc",
        ),
    }
}

fn groups(mount: &Path) -> Check {
    let name = "control groups";
    if mount.join("cgroup.controllers").exists() {
        Check::yes(AREA, name, "version 2: containers and units of processes are known")
    } else if mount.join("unified").exists() {
        Check::yes(AREA, name, "version 1, with version 2 beside it: containers and units of processes are known")
    } else if mount.join("memory").exists() || mount.join("systemd").exists() {
        let what = "version 1: containers and units of processes are known; headers cannot be put into requests";
        Check::yes(AREA, name, what)
    } else {
        let cure = "mount /sys/fs/cgroup (in a container: from the host, read-only)";
        Check::no(
            AREA,
            name,
            "/sys/fs/cgroup is mounted",
            "memory limits are unknown, headers cannot be put into requests",
            cure,
        )
    }
}

/// Listen queues, and the ports on which processes listen.
fn sockets() -> Check {
    let (name, what) = ("sock_diag", "the kernel tells of listening sockets (netlink)");
    match listeners::try_own() {
        Ok(()) => Check::yes(AREA, name, what),
        Err(error) => Check::no(
            AREA,
            name,
            what,
            "no listen queues; ports on which targets listened before the agent are known by /proc alone",
            "systemd: RestrictAddressFamilies= with AF_NETLINK; a seccomp profile that allows it",
        )
        .because(error.to_string()),
    }
}

/// Each that is there; one line if none is.
fn runtimes(all: &[(&str, &str)]) -> Vec<Check> {
    let mut seen = Vec::new();
    let mut checks = Vec::new();
    for (name, path) in all {
        // `/var/run` is `/run` nearly everywhere.
        let Some(real) = fs::canonicalize(path).ok().filter(|real| !seen.contains(real)) else { continue };
        checks.push(match UnixStream::connect(&real) {
            Ok(_) => Check::yes(AREA, *name, format!("{path} answers: names and labels of its containers")),
            Err(error) => Check::no(
                AREA,
                *name,
                format!("{path} can be connected to"),
                "no names and labels of its containers",
                "run as root, in its group, or mount the socket into the agent's container",
            )
            .because(error.to_string()),
        });
        seen.push(real);
    }
    if checks.is_empty() {
        checks.push(Check::unused(
            AREA,
            "container runtimes",
            "no socket of Docker, containerd, CRI-O or Podman is here",
        ));
    }
    checks
}

/// Within a pod these variables name the API.
fn kubernetes(variable: &dyn Fn(&str) -> Option<String>) -> Check {
    let name = "Kubernetes API";
    let (Some(host), Some(port)) = (variable("KUBERNETES_SERVICE_HOST"), variable("KUBERNETES_SERVICE_PORT")) else {
        return Check::unused(AREA, name, "this is no pod");
    };
    let address = match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    };
    let connected = address.to_socket_addrs().and_then(|mut all| {
        let first = all.next().ok_or(io::ErrorKind::AddrNotAvailable)?;
        TcpStream::connect_timeout(&first, PATIENCE)
    });
    match connected {
        Ok(_) => Check::yes(AREA, name, format!("{address} answers")),
        Err(error) => Check::no(
            AREA,
            name,
            format!("{address} answers"),
            "no names and labels of pods",
            "a network policy that lets the agent reach it; the cluster role of deploy/kubernetes",
        )
        .because(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::super::check::Answer;
    use super::*;

    #[test]
    fn sockets_are_connected_to() {
        let folder = std::env::temp_dir().join(format!("wirespan-runtimes-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
        let (open, closed, none) = (path("open"), path("closed"), path("none"));
        let _listener = UnixListener::bind(&open).unwrap();
        drop(UnixListener::bind(&closed).unwrap());
        let checks = runtimes(&[("A", &open), ("B", &closed), ("C", &none), ("A again", &open)]);
        let told: Vec<_> = checks.iter().map(|check| (check.name.as_str(), check.answer)).collect();
        assert_eq!(told, [("A", Answer::Yes), ("B", Answer::No)]);
        assert_eq!(runtimes(&[("C", &none)])[0].answer, Answer::Unused);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn the_api_is_where_variables_say() {
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = server.local_addr().unwrap().port().to_string();
        let at = |port: &str| {
            let port = port.to_owned();
            kubernetes(&move |name| match name {
                "KUBERNETES_SERVICE_HOST" => Some("127.0.0.1".to_owned()),
                "KUBERNETES_SERVICE_PORT" => Some(port.clone()),
                _ => None,
            })
            .answer
        };
        assert_eq!(at(&port), Answer::Yes);
        drop(server);
        assert_eq!(at(&port), Answer::No);
        assert_eq!(kubernetes(&|_| None).answer, Answer::Unused);
    }

    #[test]
    fn versions_of_control_groups_are_told_apart() {
        let mount = std::env::temp_dir().join(format!("wirespan-versions-{}", std::process::id()));
        fs::create_dir_all(mount.join("memory")).unwrap();
        assert!(groups(&mount).what.starts_with("version 1"));
        fs::write(mount.join("cgroup.controllers"), "").unwrap();
        assert!(groups(&mount).what.starts_with("version 2"));
        fs::remove_dir_all(&mount).unwrap();
        assert_eq!(groups(&mount).answer, Answer::No);
    }
}
