//! [`Process`]: a process came, changed its program or went.

use super::wake;
use crate::maps::{EVENTS, count};
use aya_ebpf::helpers::bpf_get_current_uid_gid;
use aya_ebpf::helpers::generated::{bpf_get_current_comm, bpf_probe_read_kernel_str};
use wirespan_common::counters::Counter;
use wirespan_common::record::{KIND_PROCESS, MAX_EXECUTABLE, Process};

/// Reports a change of process `pid` at `at_ns`. `file`: kernel address of the path given to exec, or 0. The record is
/// built in the ring buffer itself.
#[inline(always)]
pub fn changed(what: u8, pid: u32, parent: u32, file: u64, at_ns: u64) {
    let Some(mut entry) = EVENTS.reserve::<Process>(0) else {
        count(Counter::DropProcess);
        return;
    };
    // SAFETY: every member that is read is written below; all are integers.
    let process = unsafe { &mut *entry.as_mut_ptr() };
    *process = Process {
        kind: KIND_PROCESS,
        what,
        reserved: [0; 2],
        pid,
        parent,
        user: bpf_get_current_uid_gid() as u32,
        at_ns,
        comm: [0; 16],
        file: [0; MAX_EXECUTABLE],
    };
    // SAFETY: both write at most the size of their field.
    unsafe {
        bpf_get_current_comm(process.comm.as_mut_ptr().cast(), 16);
        if file != 0 {
            bpf_probe_read_kernel_str(process.file.as_mut_ptr().cast(), MAX_EXECUTABLE as u32, file as *const _);
        }
    }
    entry.submit(wake());
    count(Counter::Delivered);
}
