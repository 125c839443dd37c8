//! What systemd is told of the service, by the protocol of sd_notify(3): datagrams of `NAME=value` lines to the socket that `NOTIFY_SOCKET`
//! names.
//!
//! Nothing is answered, and nothing depends on it: whoever starts wirespan otherwise names no socket.

use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// Longest wait for a supervisor that takes nothing. Its queue is full only while it does not turn itself.
const PATIENCE: Duration = Duration::from_secs(1);

/// Who started the agent and waits for its word.
#[derive(Debug)]
pub struct Supervisor {
    socket: UnixDatagram,
    /// How often it must be told that the agent works; half of the time after which it would restart it.
    pub(super) interval: Option<Duration>,
}

impl Supervisor {
    /// The one that the environment names.
    ///
    /// # Errors
    /// When its socket cannot be used.
    pub fn named_by(variable: &dyn Fn(&str) -> Option<String>) -> io::Result<Option<Self>> {
        let Some(name) = variable("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else { return Ok(None) };
        let address = match name.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(&name)?,
        };
        let socket = UnixDatagram::unbound()?;
        // Now, since later nothing may be opened any more.
        socket.connect_addr(&address)?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Some(Self { socket, interval: interval(variable, std::process::id()) }))
    }

    /// Tells it. If it is gone, nobody is left who must know.
    pub(super) fn tell(&self, lines: &str) {
        let _ = self.socket.send(lines.as_bytes());
    }
}

/// Half of `WATCHDOG_USEC`, if that is meant for process `own`.
fn interval(variable: &dyn Fn(&str) -> Option<String>, own: u32) -> Option<Duration> {
    let limit: u64 = variable("WATCHDOG_USEC")?.parse().ok().filter(|limit| *limit > 0)?;
    let is_ours = variable("WATCHDOG_PID").is_none_or(|pid| pid.parse() == Ok(own));
    is_ours.then_some(Duration::from_micros(limit / 2))
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;

    /// A supervisor that wants a word every `limit`, and what it hears.
    pub fn supervisor(name: &str, limit: Duration) -> (Supervisor, UnixDatagram) {
        let name = format!("wirespan-test-{name}-{}", std::process::id());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        socket.set_nonblocking(true).unwrap();
        let variable = |asked: &str| match asked {
            "NOTIFY_SOCKET" => Some(format!("@{name}")),
            "WATCHDOG_USEC" => Some(limit.as_micros().to_string()),
            _ => None,
        };
        (Supervisor::named_by(&variable).unwrap().unwrap(), socket)
    }

    /// The next datagram, if there is one.
    pub fn heard(socket: &UnixDatagram) -> Option<String> {
        let mut buffer = [0; 512];
        let length = socket.recv(&mut buffer).ok()?;
        Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_supervisor_nobody_is_told() {
        assert!(Supervisor::named_by(&|_| None).unwrap().is_none());
        assert!(Supervisor::named_by(&|_| Some(String::new())).unwrap().is_none());
        assert!(Supervisor::named_by(&|_| Some("/nowhere/notify".to_owned())).is_err());
    }

    #[test]
    fn a_path_is_told_as_well_as_an_abstract_name() {
        let path = std::env::temp_dir().join(format!("wirespan-notify-{}", std::process::id()));
        let socket = UnixDatagram::bind(&path).unwrap();
        let name = path.to_str().unwrap().to_owned();
        let supervisor =
            Supervisor::named_by(&|asked| (asked == "NOTIFY_SOCKET").then(|| name.clone())).unwrap().unwrap();
        supervisor.tell("READY=1");
        assert_eq!((testing::heard(&socket).as_deref(), supervisor.interval), (Some("READY=1"), None));
        std::fs::remove_file(&path).unwrap();
        drop(socket);
        supervisor.tell("STOPPING=1");
    }

    #[test]
    fn the_watchdog_is_fed_twice_as_often_as_it_asks() {
        let of = |limit: &'static str, pid: Option<&'static str>| {
            let variable = move |asked: &str| match asked {
                "WATCHDOG_USEC" => Some(limit.to_owned()),
                _ => pid.map(str::to_owned),
            };
            interval(&variable, 7)
        };
        assert_eq!(of("30000000", None), Some(Duration::from_secs(15)));
        assert_eq!(of("30000000", Some("7")), Some(Duration::from_secs(15)));
        assert_eq!(of("30000000", Some("8")), None, "it is meant for somebody else");
        assert_eq!((of("0", None), of("soon", None)), (None, None));
    }
}
