//! gRPC: one goroutine sends for all who ask over a connection (`loopyWriter`). Who asks on a stream, the function says in which a message
//! is put on it, in the goroutine that asks: a probe at its beginning sees it (`agent/src/resolve/program/go.rs`), and it is told in a record of its
//! own, once a stream. Mostly that comes before what is sent, since the sender yields before it sends a little.

use super::round_trip::{NONE, go_descriptor};
use super::streams::grpc_id;
use super::{Does, goroutine};
use crate::context::thread::Thread;
use crate::kernel::files::socket;
use crate::kernel::regs::Regs;
use crate::maps::ASKED;
use crate::{conn, emit};
use aya_ebpf::bindings::BPF_NOEXIST;
use aya_ebpf::macros::uprobe;
use aya_ebpf::programs::ProbeContext;
use wirespan_common::context::OfStream;
use wirespan_common::record::{Asks, KIND_ASKS, ROLE_SERVER};

/// Where `conn`, an interface, stands in `http2Client` (google.golang.org/grpc/internal/transport/http2_client.go): in 1.60 and newer,
/// 1.56, and 1.50 and older.
const CONNECTION: [u64; 3] = [128, 136, 64];

// google.golang.org/grpc/internal/transport/http2_client.go:
// func (t *http2Client) write(s *ClientStream, hdr []byte, data mem.BufferSlice, opts *WriteOptions) error
// and, to 1.68, func (t *http2Client) Write(s *Stream, hdr []byte, data mem.BufferSlice, opts *Options) error
#[uprobe]
pub fn go_ask_grpc(ctx: ProbeContext) -> u32 {
    let regs = Regs(ctx.regs as *const u64);
    let (transport, stream) = (regs.go_word(0), grpc_id(regs.go_word(1)));
    // A client's streams have odd numbers (RFC 9113, section 5.1.1): anything else was read at a wrong place.
    if stream & 1 == 1 {
        asks(regs, descriptor(transport), stream);
    }
    0
}

/// The descriptor of a transport's connection, or [`NONE`].
#[inline(always)]
fn descriptor(transport: u64) -> u64 {
    for place in CONNECTION {
        let descriptor = go_descriptor(transport.wrapping_add(place));
        if descriptor != NONE {
            return descriptor;
        }
    }
    NONE
}

/// The running goroutine asks on a stream of the connection behind a descriptor.
#[inline(always)]
fn asks(regs: Regs, descriptor: u64, stream: u32) {
    let thread = Thread::current();
    if descriptor != NONE
        && let Some(sock) = socket(descriptor)
        && let Some(conn) = conn::sight(sock)
    {
        // SAFETY: a live map value.
        let (connection, role) = unsafe { ((*conn).id, (*conn).role) };
        let key = OfStream::context(connection, u64::from(stream), false);
        if role == ROLE_SERVER || ASKED.insert(key, 0, u64::from(BPF_NOEXIST)).is_err() {
            return;
        }
        let context = goroutine(regs.goroutine(), regs.stack_pointer(), thread.process(), Does::Other as u32, 0);
        emit::asks(&Asks {
            kind: KIND_ASKS,
            reserved: [0; 3],
            pid: thread.process(),
            connection,
            at_ns: conn::now(),
            context,
            stream,
            tid: thread.id(),
        });
    }
}
