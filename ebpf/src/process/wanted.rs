//! Which programs a selector could choose when they are executed. Whoever cannot be chosen is not traced for a moment.

use crate::context::thread::Thread;
use crate::kernel::{read, read_known};
use crate::maps::{WANTED, offset, selection};
use aya_ebpf::helpers::generated::{bpf_get_current_comm, bpf_get_current_task, bpf_probe_read_kernel_str};
use wirespan_common::layout::ABSENT;
use wirespan_common::record::{WANTED_COMM, WANTED_EXE, WANTED_PID, WANTED_USER};

/// A name of at most 15 bytes, zeroes behind it. Words, since the verifier follows every byte that is moved alone.
type Name = [u64; 2];

/// Whether the program that the current process has just executed may be selected, as far as the kernel knows it.
#[inline(never)]
pub fn may_match(program: u64) -> bool {
    if selection!(exec_filter) == 0 {
        return true;
    }
    let pid = Thread::current().process();
    is_wanted(WANTED_PID, &number(pid))
        || is_wanted(WANTED_COMM, &comm())
        || is_wanted(WANTED_USER, &number(effective_user()))
        || executable(program).is_none_or(|name| is_wanted(WANTED_EXE, &name))
}

#[inline(always)]
fn is_wanted(label: u8, name: &Name) -> bool {
    // The label is the last byte of a `Wanted`, where a name has its end.
    let wanted = [name[0], name[1] & !0 >> 8 | u64::from(label) << 56];
    WANTED.get_ptr(wanted).is_some()
}

#[inline(always)]
fn number(value: u32) -> Name {
    [u64::from(value), 0]
}

#[inline(always)]
fn comm() -> Name {
    let mut name: Name = [0; 2];
    // SAFETY: at most the size of the array is written.
    unsafe { bpf_get_current_comm(name.as_mut_ptr().cast(), size_of::<Name>() as u32) };
    name
}

/// The file that is executed, by its own name: links are followed, and for a script it is the interpreter. `None` where
/// the kernel's types do not show it.
#[inline(always)]
fn executable(program: u64) -> Option<Name> {
    if offset!(exec_file) == ABSENT || offset!(file_dentry) == ABSENT || offset!(dentry_name) == ABSENT {
        return None;
    }
    let dentry = read::<u64>(read(program, offset!(exec_file)), offset!(file_dentry));
    let from = read::<u64>(dentry, offset!(dentry_name));
    let mut name: Name = [0; 2];
    // SAFETY: at most the size of the array is written.
    let read =
        unsafe { bpf_probe_read_kernel_str(name.as_mut_ptr().cast(), size_of::<Name>() as u32, from as *const _) };
    (read > 0).then_some(name)
}

#[inline(always)]
fn effective_user() -> u32 {
    // SAFETY: no arguments, returns the address of the running task.
    let task = unsafe { bpf_get_current_task() };
    read_known(read(task, offset!(task_cred)), offset!(cred_user), u32::MAX)
}
