//! DNS over UDP. A socket that talks to port 53 becomes a connection, each datagram a record; all other UDP leaves early.

use super::transfer::{record, times};
use crate::conn::{self, FLAG_DATAGRAM, is_set};
use crate::emit::data::Sent;
use crate::emit::{self, Peer};
use crate::kernel::read_user;
use crate::kernel::regs::{Regs, number};
use crate::kernel::sock::Sock;
use crate::maps::Slot;
use crate::process::{Caller, may_tell};
use wirespan_common::counters::Counter;
use wirespan_common::record::{FAMILY_INET, FAMILY_INET6, Missing, RECEIVE, SEND};

/// The port of DNS servers. What is said there is for the parser to decide.
const PORT: u16 = 53;
/// Bytes of a datagram that are copied.
const HEAD: u32 = 1024;
/// Size of a `struct mmsghdr`.
pub const MESSAGE_SIZE: u64 = 64;

/// A datagram that was moved, and where the call's arguments show it. Zero: nowhere.
#[repr(C)]
pub struct Datagram {
    /// The socket.
    pub sock: u64,
    /// When the call began, if the backend knows.
    pub entry_ns: u64,
    /// The payload itself.
    pub buffer: u64,
    /// A `struct user_msghdr`, the first of them if there are several.
    pub header: u64,
    /// A `struct sockaddr`.
    pub name: u64,
    /// Bytes.
    pub len: u32,
    /// Number of messages of the call, of which this is the next one.
    pub messages: u16,
    /// The slot of the program, which tells the direction. All of this is small: stack is scarce.
    pub slot: u8,
    /// Why there is neither buffer nor header: a [`Missing`] value.
    pub missing: u8,
}

impl Datagram {
    /// As the registers of the call show it; `None`: they are those of another call.
    #[inline(always)]
    pub fn of(slot: Slot, sock: Sock, regs: Option<Regs>, len: u32, entry_ns: u64) -> Self {
        let mut datagram = Self {
            sock: sock.number(),
            entry_ns,
            buffer: 0,
            header: 0,
            name: 0,
            len,
            messages: 1,
            slot: slot.number() as u8,
            missing: 0,
        };
        let Some((regs, call)) = regs.and_then(|regs| Some((regs, regs.number()?))) else {
            datagram.missing = Missing::IoUring as u8;
            return datagram;
        };
        match call {
            number::READ | number::WRITE | number::RECVFROM => datagram.buffer = regs.argument1(),
            number::SENDTO => {
                datagram.buffer = regs.argument1();
                datagram.name = regs.argument4();
            }
            number::SENDMSG | number::RECVMSG => datagram.header = regs.argument1(),
            number::SENDMMSG => {
                datagram.header = regs.argument1();
                datagram.messages = regs.argument2() as u16;
            }
            // Of more than one it cannot be told which this is: a call may receive fewer than it has room for.
            number::RECVMMSG if regs.argument2() as u32 == 1 => datagram.header = regs.argument1(),
            _ => datagram.missing = Missing::Other as u8,
        }
        datagram
    }

    #[inline(always)]
    fn slot(&self) -> Slot {
        Slot::numbered(u32::from(self.slot))
    }
}

/// Records a datagram that was moved over `sock`, if that is a UDP socket that talks to port 53.
#[inline(always)]
pub fn moved(datagram: Datagram) -> bool {
    let slot = datagram.slot();
    let Some(room) = slot.scratch() else { return false };
    // SAFETY: aligned and within the scratch value.
    unsafe { room.add(emit::data::SPARE_AT).cast::<Datagram>().write(datagram) };
    datagram_moved(slot.number()) != 0
}

/// [`moved`]. A global function, which the verifier checks once and not at every call with all that led to it; those take
/// numbers only, so the datagram lies in the room of the slot.
///
/// Its steps are functions of their own: what one needs of the stack is free again for the next. Together with their caller
/// they have 512 bytes, and before Linux 6.8 each takes a multiple of 32.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn datagram_moved(slot: u32) -> u32 {
    let Some(room) = Slot::numbered(slot).scratch() else { return 0 };
    // SAFETY: aligned and within the scratch value, and written by the caller.
    let datagram = unsafe { &*room.add(emit::data::SPARE_AT).cast::<Datagram>() };
    let sock = Sock::at(datagram.sock);
    let is_ready = match entry(sock) {
        NO_ENTRY => is_of_server(sock, datagram) && conn::sight_datagram(datagram.sock),
        entry => entry == IS_DATAGRAM,
    };
    u32::from(is_ready && tell(sock, datagram))
}

/// Answers of [`entry`]: the socket has none; it has one, for datagrams; a stream socket came here when it could not be entered, and
/// another thread has done so by now.
const NO_ENTRY: u32 = 0;
const IS_DATAGRAM: u32 = 1;
const IS_STREAM: u32 = 2;

/// What entry a socket has.
#[inline(never)]
fn entry(sock: Sock) -> u32 {
    match conn::known(sock) {
        // SAFETY: a live map value.
        Some(conn) if unsafe { &*conn }.flags & FLAG_DATAGRAM != 0 => IS_DATAGRAM,
        Some(_) => IS_STREAM,
        None => NO_ENTRY,
    }
}

/// Whether a socket that is not known yet talks to port 53.
#[inline(never)]
fn is_of_server(sock: Sock, datagram: &Datagram) -> bool {
    sock.datagram_family().is_some_and(|family| peer(sock, family, datagram).is_some())
}

/// Records a datagram over a socket that has its entry.
#[inline(never)]
fn tell(sock: Sock, datagram: &Datagram) -> bool {
    let Some(conn) = conn::known(sock) else { return false };
    // SAFETY: a live map value.
    let conn = unsafe { &mut *conn };
    let slot = datagram.slot();
    slot.count(Counter::Seen);
    let caller = Caller::current();
    let direction = slot.direction();
    let position = conn::advance(sock, sock.tcp(), conn, direction, datagram.len);
    let times = times(conn, direction, datagram.entry_ns);
    // Before the turn goes on: the calls so far say which of several messages this is.
    let calls = if conn.last_direction == direction { conn.turn_calls } else { 0 };
    let header = message(datagram, calls);
    conn::turn(sock, conn, direction);
    if is_set!(conn.ignored) {
        slot.count(Counter::Ignored);
        return false;
    }
    let head = if datagram.len < HEAD { datagram.len } else { HEAD };
    if !may_tell(caller, head) {
        slot.count(Counter::Undecided);
        return false;
    }
    if !is_set!(conn.announced) {
        let Some(peer) = peer(sock, conn.family, datagram) else {
            // Its first datagrams go somewhere else.
            slot.count(Counter::Ignored);
            return false;
        };
        if !conn::announce_to(sock, conn, &peer, times.0) {
            slot.count(Counter::DropRingFull);
            return false;
        }
    }
    let data = record(caller.thread, conn, direction, datagram.len, position, times);
    emit::data::simple(slot, data, payload(datagram, header), head) != Sent::Nothing
}

/// The DNS server that the datagram goes to, or on a connected socket comes from.
#[inline(always)]
fn peer(sock: Sock, family: u8, datagram: &Datagram) -> Option<Peer> {
    match sock.remote_port() {
        PORT => return Some(Peer::OF_SOCKET),
        0 if datagram.slot().direction() == SEND => {}
        _ => return None,
    }
    let name = if datagram.header == 0 { datagram.name } else { read_user::<u64>(message(datagram, 0))? };
    if name == 0 {
        return None;
    }
    // `sockaddr_in`: family, port, address; `sockaddr_in6`: family, port, flow, address.
    let start = read_user::<[u8; 8]>(name)?;
    if u16::from_be_bytes([start[2], start[3]]) != PORT {
        return None;
    }
    let address = u64::from(u32::from_ne_bytes([start[4], start[5], start[6], start[7]]));
    let address = match u16::from_ne_bytes([start[0], start[1]]) as u8 {
        FAMILY_INET if family == FAMILY_INET => [address, 0],
        // Mapped: ::ffff:a.b.c.d. All machines that run these programs are little-endian.
        FAMILY_INET => [0, address << 32 | 0xffff_0000],
        FAMILY_INET6 => read_user(name + 8)?,
        _ => return None,
    };
    Some(Peer { port: PORT, address })
}

/// The header of this message: several of one call are moved in order, and one after the other.
#[inline(always)]
fn message(datagram: &Datagram, calls: u32) -> u64 {
    let messages = u32::from(datagram.messages);
    let index = if messages > 1 { calls % messages } else { 0 };
    datagram.header + u64::from(index) * MESSAGE_SIZE
}

/// The one buffer of the datagram.
#[inline(always)]
fn payload(datagram: &Datagram, header: u64) -> Result<u64, Missing> {
    if datagram.buffer != 0 {
        return Ok(datagram.buffer);
    }
    if datagram.header == 0 {
        return Err(if datagram.missing == Missing::IoUring as u8 { Missing::IoUring } else { Missing::Other });
    }
    // `struct user_msghdr`: the vector and its length are the third and fourth words.
    let vector = read_user::<[u64; 2]>(header + 16).ok_or(Missing::Fault)?;
    let buffer = read_user::<[u64; 2]>(vector[0]).ok_or(Missing::Fault)?;
    let len = u64::from(datagram.len);
    let fits = if datagram.slot().direction() == RECEIVE { buffer[1] >= len } else { buffer[1] == len };
    // More than one buffer, or another message than was thought.
    if vector[1] != 1 || !fits { Err(Missing::Other) } else { Ok(buffer[0]) }
}
