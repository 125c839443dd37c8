//! HTTP/2: whoever handles a stream is another goroutine than the one that receives for its connection. Which stream that is, the
//! function says in which the goroutine begins: `net/http`'s or grpc-go's, which probes at their beginning see
//! (`agent/src/resolve/program/go.rs`). It works for that stream until it ends, or begins another one.

use super::receiver::key;
use super::round_trip::{NONE, go_descriptor};
use super::{number, runtime};
use crate::conn;
use crate::context::thread::Thread;
use crate::kernel::files::socket;
use crate::kernel::read_user;
use crate::kernel::regs::Regs;
use crate::maps::STREAMS;
use aya_ebpf::macros::uprobe;
use aya_ebpf::programs::ProbeContext;
use wirespan_common::context::OfStream;

/// Where `conn`, an interface, stands in `serverConn` (net/http/h2_bundle.go; Go 1.18 to 1.26).
const CONNECTION: u64 = 16;
/// Where `id` stands in `stream` (there): the word behind its connection.
const ID: u64 = 8;
/// Where `conn`, an interface, stands in `http2Server` (google.golang.org/grpc/internal/transport/http2_server.go): in 1.60 and
/// newer, and in 1.50 and older.
const GRPC_CONNECTION: [u64; 2] = [16, 32];
/// Where `id` stands in `ServerStream` (there, transport.go) since 1.77.
const GRPC_ID: u64 = 108;

// net/http/h2_bundle.go: func (sc *http2serverConn) runHandler(rw *http2responseWriter, req *Request, handler func(ResponseWriter, *Request))
#[uprobe]
pub fn go_stream_http(ctx: ProbeContext) -> u32 {
    let regs = Regs(ctx.regs as *const u64);
    // `rw.rws.stream`, each the first member.
    let state = read_user::<u64>(regs.go_word(1)).unwrap_or(0);
    let stream = read_user::<u64>(state).unwrap_or(0);
    let id = read_user::<u32>(stream.wrapping_add(ID)).unwrap_or(0);
    handles(regs, go_descriptor(regs.go_word(0).wrapping_add(CONNECTION)), id);
    0
}

// google.golang.org/grpc/server.go: func (s *Server) handleStream(t transport.ServerTransport, stream *transport.ServerStream)
#[uprobe]
pub fn go_stream_grpc(ctx: ProbeContext) -> u32 {
    let regs = Regs(ctx.regs as *const u64);
    let (transport, stream) = (regs.go_word(2), regs.go_word(3));
    let mut descriptor = go_descriptor(transport.wrapping_add(GRPC_CONNECTION[0]));
    if descriptor == NONE {
        descriptor = go_descriptor(transport.wrapping_add(GRPC_CONNECTION[1]));
    }
    handles(regs, descriptor, grpc_id(stream));
    0
}

/// The number of a stream of grpc-go. To 1.68 it stands first in `Stream`; to 1.76 first in what `ServerStream` points to; since then
/// `ServerStream` begins with a context, which is two pointers.
#[inline(always)]
pub fn grpc_id(stream: u64) -> u32 {
    // A number is odd and has 32 bits, with a gap after it; pointers are even.
    let is_number = |word: u64| word & 1 == 1 && word <= u64::from(u32::MAX);
    let first = read_user::<u64>(stream).unwrap_or(0);
    if is_number(first) {
        return first as u32;
    }
    let second = read_user::<u64>(first).unwrap_or(0);
    if is_number(second) {
        return second as u32;
    }
    read_user::<u32>(stream.wrapping_add(GRPC_ID)).unwrap_or(0)
}

/// The running goroutine handles a stream of the connection behind a descriptor. A client's streams have odd numbers (RFC 9113, section
/// 5.1.1): anything else was read at a wrong place.
#[inline(always)]
fn handles(regs: Regs, descriptor: u64, id: u32) {
    let process = Thread::current().process();
    if let Some(runtime) = runtime(process)
        && let Some(number) = number(regs.goroutine(), regs.stack_pointer(), runtime)
    {
        let key = key(process, number);
        if id & 1 == 1
            && descriptor != NONE
            && let Some(sock) = socket(descriptor)
            && let Some(conn) = conn::sight(sock)
        {
            // SAFETY: a live map value.
            let connection = unsafe { (*conn).id };
            let _ = STREAMS.insert(key, OfStream::context(connection, u64::from(id), false), 0);
        } else {
            // What it does is for another one than the last one.
            let _ = STREAMS.remove(key);
        }
    }
}
