//! From a file descriptor of the current task to its socket (include/linux/fdtable.h, fs.h, net/socket.c).

use super::read;
use super::sock::Sock;
use crate::maps::offset;
use aya_ebpf::helpers::generated::bpf_get_current_task;

const S_IFMT: u16 = 0o170_000;
const S_IFSOCK: u16 = 0o140_000;

/// The socket behind a descriptor, if it is one.
#[inline(always)]
pub fn socket(descriptor: u64) -> Option<Sock> {
    // SAFETY: no arguments, returns the address of the running task.
    let task = unsafe { bpf_get_current_task() };
    let files = read::<u64>(task, offset!(task_files));
    let table = read::<u64>(files, offset!(files_table));
    let descriptor = descriptor as u32;
    if files == 0 || table == 0 || descriptor >= read::<u32>(table, offset!(table_size)) {
        return None;
    }
    let file = read::<u64>(read::<u64>(table, offset!(table_files)) + u64::from(descriptor) * 8, 0);
    if file == 0 {
        return None;
    }
    let inode = read::<u64>(file, offset!(file_inode));
    if inode == 0 || read::<u16>(inode, offset!(inode_mode)) & S_IFMT != S_IFSOCK {
        return None;
    }
    let socket = read::<u64>(file, offset!(file_private));
    let sock = read::<u64>(socket, offset!(socket_sk));
    (socket != 0 && sock != 0).then_some(Sock::at(sock))
}
