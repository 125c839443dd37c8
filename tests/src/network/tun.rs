//! TUN devices: packets of a namespace's interface, read and written through a descriptor.

use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags, open as open_file};
use rustix::ioctl::{Setter, ioctl, opcode};

use super::{INTERFACE, Namespace, ip};

// include/uapi/linux/if_tun.h
const TUNSETIFF: rustix::ioctl::Opcode = opcode::write::<i32>(b'T', 202);
const IFF_TUN: i16 = 0x0001;
const IFF_NO_PI: i16 = 0x1000;

/// `struct ifreq` as TUNSETIFF reads it.
#[repr(C)]
struct Request {
    name: [u8; 16],
    flags: i16,
    rest: [u8; 22],
}

/// An interface named [`INTERFACE`] in a namespace, with an address and that of its only neighbour. It lives as long as
/// the descriptor, which does not block.
pub fn open(namespace: &Namespace, address: &str, neighbour: &str) -> Result<OwnedFd, String> {
    let device = namespace.inside(|| {
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let device =
            open_file("/dev/net/tun", flags, Mode::empty()).map_err(|error| format!("/dev/net/tun: {error}"))?;
        let mut request = Request { name: [0; 16], flags: IFF_TUN | IFF_NO_PI, rest: [0; 22] };
        request.name[..INTERFACE.len()].copy_from_slice(INTERFACE.as_bytes());
        // SAFETY: what the kernel reads is as long as a `struct ifreq`.
        let made = unsafe { ioctl(&device, Setter::<TUNSETIFF, Request>::new(request)) };
        made.map_err(|error| format!("TUNSETIFF: {error}"))?;
        Ok::<_, String>(device)
    })?;
    let name = namespace.name();
    ip(&["-n", name, "addr", "add", address, "peer", neighbour, "dev", INTERFACE])?;
    ip(&["-n", name, "link", "set", INTERFACE, "up", "txqueuelen", "10000"])?;
    Ok(device)
}
