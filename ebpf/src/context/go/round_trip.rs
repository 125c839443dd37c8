//! An HTTP/1 request of `net/http` is sent by a goroutine of its connection. Who asks is seen where it asks: a probe at the beginning
//! of `(*persistConn).roundTrip` (`agent/src/resolve/program/go/functions.rs` finds it). A connection has one request at a time, and is given to the next one only when the last one was
//! sent as a whole: so all that is sent over it is the request of who has asked last.

use super::{Does, goroutine, runtime};
use crate::conn;
use crate::context::thread::Thread;
use crate::kernel::files::socket;
use crate::kernel::read_user;
use crate::kernel::regs::Regs;
use aya_ebpf::macros::uprobe;
use aya_ebpf::programs::ProbeContext;
use wirespan_common::context::GO_CLIENT_CONN;
use wirespan_common::record::ROLE_SERVER;

/// Interfaces within one another that are looked into for a socket: `*tls.Conn` and most wrappers begin with the connection that they
/// wrap.
const MAX_WRAPPED: u32 = 3;
/// The second word of an interface is what it holds.
const HELD: u64 = 8;
/// Where `conn`, an interface, stands in `persistConn` (net/http/transport.go; Go 1.18 to 1.26).
const CONNECTION: u64 = 80;
/// Where its descriptor stands in `netFD`: `pfd.Sysfd` (net/fd_posix.go, internal/poll/fd_unix.go).
const DESCRIPTOR: u64 = 16;
/// Words from there to `family` and `sotype`.
const FAMILY: usize = 5;
const KIND: usize = 6;
/// AF_UNIX, AF_INET, AF_INET6
const FAMILIES: [u64; 3] = [1, 2, 10];
const SOCK_STREAM: u64 = 1;

// net/http/transport.go: func (pc *persistConn) roundTrip(req *transportRequest) (resp *Response, err error)
#[uprobe]
pub fn go_round_trip(ctx: ProbeContext) -> u32 {
    asks(Regs(ctx.regs as *const u64));
    0
}

/// A goroutine asks over a connection.
#[inline(always)]
fn asks(regs: Regs) {
    let process = Thread::current().process();
    let Some(runtime) = runtime(process) else { return };
    let (connection, shared_at) = (regs.go_argument(), u64::from(runtime.places[GO_CLIENT_CONN]));
    // Whoever waits for its turn has begun, too: nobody is known to ask.
    let is_shared = shared_at != 0 && read_user::<u8>(connection.wrapping_add(shared_at)) != Some(0);
    let asker = match is_shared {
        true => 0,
        false => goroutine(regs.goroutine(), regs.stack_pointer(), process, Does::Other as u32, 0),
    };
    let descriptor = go_descriptor(connection.wrapping_add(CONNECTION));
    if descriptor != NONE
        && let Some(sock) = socket(descriptor)
        && let Some(conn) = conn::sight(sock)
    {
        // SAFETY: a live map value; who sends next over this connection does so after this.
        let conn = unsafe { &mut *conn };
        if conn.role != ROLE_SERVER {
            conn.asker = asker;
        }
    }
}

/// No descriptor: they have 32 bits.
pub const NONE: u64 = u64::MAX;

/// The descriptor of the connection in this interface, or [`NONE`]. A global function: the verifier checks it once.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn go_descriptor(interface: u64) -> u64 {
    held(interface).unwrap_or(NONE)
}

/// A `netFD` shows what it is by its family and kind, where other structures have pointers.
#[inline(always)]
fn held(mut interface: u64) -> Option<u64> {
    for _ in 0..MAX_WRAPPED {
        let held = read_user::<u64>(interface.wrapping_add(HELD))?;
        let inner = read_user::<u64>(held)?;
        if let Some(words) = read_user::<[u64; KIND + 1]>(inner.wrapping_add(DESCRIPTOR))
            && FAMILIES.contains(&words[FAMILY])
            && words[KIND] == SOCK_STREAM
        {
            return Some(words[0]);
        }
        interface = held;
    }
    None
}
