//! Where the payload of a system call lies, read from the registers of the call.

use crate::kernel::read_user;
use crate::kernel::regs::{Regs, number};
use wirespan_common::record::Missing;

/// Where payload lies in user memory.
#[derive(Clone, Copy)]
pub enum Source {
    /// One buffer.
    Buffer(u64),
    /// An array of `struct iovec`.
    Vector {
        /// Its address.
        vectors: u64,
        /// Its length.
        count: u32,
    },
    /// Nowhere that could be read.
    Missing(Missing),
}

/// The payload of the system call whose registers these are.
#[inline(always)]
pub fn of_call(regs: Regs) -> Source {
    let Some(call) = regs.number() else {
        return Source::Missing(Missing::IoUring);
    };
    match call {
        number::READ | number::WRITE | number::RECVFROM | number::SENDTO => Source::Buffer(regs.argument1()),
        number::READV | number::WRITEV | number::PREADV2 | number::PWRITEV2 => {
            Source::Vector { vectors: regs.argument1(), count: regs.argument2() as u32 }
        }
        number::RECVMSG | number::SENDMSG => message(regs.argument1()),
        // Which of several messages this is cannot be told; one alone is like sendmsg.
        number::RECVMMSG | number::SENDMMSG if regs.argument2() as u32 == 1 => message(regs.argument1()),
        number::SENDFILE | number::SPLICE => Source::Missing(Missing::Splice),
        number::IO_URING_ENTER => Source::Missing(Missing::IoUring),
        _ => Source::Missing(Missing::Other),
    }
}

/// `struct user_msghdr` (include/linux/socket.h): the vector and its length are the third and fourth words.
#[inline(always)]
pub fn message(header: u64) -> Source {
    match read_user::<[u64; 2]>(header + 16) {
        Some([vectors, count]) => Source::Vector { vectors, count: count as u32 },
        None => Source::Missing(Missing::Fault),
    }
}
