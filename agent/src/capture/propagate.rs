//! Switches on what puts a `traceparent` into requests (`ebpf/src/propagate`), and tells of it.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::AsRawFd as _;
use std::time::Duration;

use aya::Ebpf;
use aya::maps::{MapData, SockHash};
use aya::programs::{CgroupAttachMode, SkMsg, SockOps};

use rustix::io::ioctl_fionread;

use super::attach::refused;
use super::load::kernel_release;

/// Longest wait for a byte that was sent over the loopback interface.
const PATIENCE: Duration = Duration::from_secs(2);
/// Programs and map, by their names in the kernel object.
const CONNECTED: &str = "propagate_connected";
const SENT: &str = "propagate_sent";
pub(super) const SOCKETS: &str = "PROPAGATED";

/// Attaches to all sockets that are connected from now on.
///
/// # Errors
/// Why it cannot be, one line.
pub(super) fn attach(ebpf: &mut Ebpf) -> Result<SockHash<MapData, u64>, String> {
    let root = root(&std::fs::read_to_string("/proc/self/mounts").unwrap_or_default())
        .ok_or("there is no control group file system of version 2")?;
    let group = File::open(&root).map_err(|error| format!("{root}: {error}"))?;
    let text = |error: &dyn std::error::Error| error.to_string();
    let map = ebpf.take_map(SOCKETS).ok_or("not in the kernel object")?;
    let mut sockets = SockHash::<MapData, u64>::try_from(map).map_err(|error| text(&error))?;
    let program = |name| format!("{name} is not in the kernel object");
    let sent = ebpf.program_mut(SENT).ok_or_else(|| program(SENT))?;
    <&mut SkMsg>::try_from(sent)
        .and_then(|sent| {
            sent.load()?;
            sent.attach(sockets.fd()).map(drop)
        })
        .map_err(|error| refused(SENT, &error))?;
    is_harmless(&mut sockets).map_err(|why| format!("on this kernel ({}) {why}", kernel_release()))?;
    let connected = ebpf.program_mut(CONNECTED).ok_or_else(|| program(CONNECTED))?;
    <&mut SockOps>::try_from(connected)
        .and_then(|connected| {
            connected.load()?;
            connected.attach(group, CgroupAttachMode::Single).map(drop)
        })
        .map_err(|error| refused(CONNECTED, &error))?;
    Ok(sockets)
}

/// Tries with a connection of its own whether the kernel answers questions about such sockets as about all others. Since a change of 2026
/// (`tcp_bpf_ioctl`, net/ipv4/tcp_bpf.c) some say that nothing is there to be read: whoever asks before it reads, as nginx does, waits for
/// ever.
fn is_harmless(sockets: &mut SockHash<MapData, u64>) -> Result<(), String> {
    let tried = try_socket(sockets)
        .map_err(|error| format!("a connection over the loopback interface cannot be tried: {error}"))?;
    let wrong = "sockets that are looked at do not tell how much is there to be read (FIONREAD), which stalls programs";
    if tried { Ok(()) } else { Err(wrong.to_owned()) }
}

fn try_socket(sockets: &mut SockHash<MapData, u64>) -> io::Result<bool> {
    const SENT: &[u8] = b"0123456789";
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut client = TcpStream::connect(listener.local_addr()?)?;
    let (mut server, _) = listener.accept()?;
    client.set_read_timeout(Some(PATIENCE))?;
    // No socket has this address. Its end takes it out.
    sockets.insert(0, client.as_raw_fd(), 0).map_err(io::Error::other)?;
    server.write_all(SENT)?;
    client.peek(&mut [0])?;
    let all = ioctl_fionread(&client)?;
    client.read_exact(&mut [0; 4])?;
    let rest = ioctl_fionread(&client)?;
    Ok((all, rest) == (SENT.len() as u64, SENT.len() as u64 - 4))
}

/// Where the root of the control groups is mounted, by `/proc/self/mounts` (proc(5)).
fn root(mounts: &str) -> Option<String> {
    mounts.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let place = fields.next()?;
        (fields.next()? == "cgroup2").then(|| place.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_version_of_control_groups_is_found() {
        let hybrid = "tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n\
                      cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
        assert_eq!(root(hybrid).as_deref(), Some("/sys/fs/cgroup/unified"));
        assert_eq!(root("cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\nbroken\n"), None);
    }
}
