//! The user registers of a system call in progress: its number and arguments
//! (arch/x86/include/asm/ptrace.h, arch/arm64/include/asm/ptrace.h), and the numbers themselves.

/// Address of a `struct pt_regs` whose members the verifier lets us load directly.
#[derive(Clone, Copy)]
pub struct Regs(pub *const u64);

/// 64-bit words of `pt_regs`, by architecture.
#[cfg(not(bpf_target_arch = "aarch64"))]
mod words {
    pub const NUMBER: usize = 15;
    pub const INSTRUCTION: usize = 16;
    pub const MODE: usize = 17;
    pub const RESULT: usize = 10;
    pub const ARGUMENTS: [usize; 5] = [14, 13, 12, 7, 9];
    /// rdi, rsi, rdx, rcx, r8, r9.
    pub const OF_FUNCTION: [usize; 6] = [14, 13, 12, 11, 9, 8];
    /// rax, rbx, rcx, rdi, rsi, r8, r9, r10, r11.
    pub const OF_GO: [usize; 9] = [10, 5, 11, 14, 13, 9, 8, 7, 6];
    pub const STACK_POINTER: usize = 19;
    /// r14.
    pub const GOROUTINE: usize = 1;
    /// r15.
    pub const JAVA_THREAD: usize = 0;
}

#[cfg(bpf_target_arch = "aarch64")]
mod words {
    pub const NUMBER: usize = 35;
    pub const INSTRUCTION: usize = 32;
    pub const MODE: usize = 33;
    pub const RESULT: usize = 0;
    /// The first argument's register holds the result on the way out: the kernel keeps it in `orig_x0`.
    pub const ARGUMENTS: [usize; 5] = [34, 1, 2, 3, 4];
    pub const OF_FUNCTION: [usize; 6] = [0, 1, 2, 3, 4, 5];
    pub const OF_GO: [usize; 9] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
    pub const STACK_POINTER: usize = 31;
    /// x28.
    pub const GOROUTINE: usize = 28;
    /// x28.
    pub const JAVA_THREAD: usize = 28;
}

impl Regs {
    #[inline(always)]
    fn word(self, index: usize) -> u64 {
        // SAFETY: within `pt_regs`; the verifier checks the access and handles faults.
        unsafe { core::ptr::read_volatile(self.0.add(index)) }
    }

    /// The number of the system call, or `None` when these are not the registers of a native system call: a kernel
    /// worker of io_uring (no user instruction pointer), or a 32-bit program.
    #[inline(always)]
    pub fn number(self) -> Option<u32> {
        if self.word(words::INSTRUCTION) == 0 || !self.is_native() {
            return None;
        }
        // Half a word: on arm64 another member has the other half, and the verifier refuses to read both at once.
        // SAFETY: within `pt_regs`; the verifier checks the access and handles faults.
        Some(unsafe { core::ptr::read_volatile(self.0.add(words::NUMBER).cast::<u32>()) })
    }

    #[cfg(not(bpf_target_arch = "aarch64"))]
    #[inline(always)]
    fn is_native(self) -> bool {
        /// `__USER32_CS`.
        const COMPAT: u64 = 0x23;
        self.word(words::MODE) & 0xffff != COMPAT
    }

    #[cfg(bpf_target_arch = "aarch64")]
    #[inline(always)]
    fn is_native(self) -> bool {
        /// `PSR_MODE32_BIT`.
        const COMPAT: u64 = 0x10;
        self.word(words::MODE) & COMPAT == 0
    }

    /// Whether the call is still at work: its result is not yet there. Work that io_uring has put off is done on the way
    /// out of any other call of the task, whose arguments have nothing to do with it.
    #[cfg(not(bpf_target_arch = "aarch64"))]
    #[inline(always)]
    pub fn in_progress(self) -> bool {
        /// What the entry code puts there (arch/x86/entry/entry_64.S): `-ENOSYS`.
        const NONE_YET: u64 = -38i64 as u64;
        self.word(words::RESULT) == NONE_YET
    }

    /// Whether the call is still at work: the register of the result still holds the first argument.
    #[cfg(bpf_target_arch = "aarch64")]
    #[inline(always)]
    pub fn in_progress(self) -> bool {
        self.word(words::RESULT) == self.argument0()
    }

    /// A register by its place in `pt_regs`, in words: one of the first eleven, which both architectures have.
    #[inline(always)]
    pub fn at(self, word: usize) -> u64 {
        self.word(word)
    }

    /// The user's stack pointer.
    #[inline(always)]
    pub fn stack_pointer(self) -> u64 {
        self.word(words::STACK_POINTER)
    }

    /// Where Go keeps the address of the goroutine that runs (cmd/compile/abi-internal.md, "Dedicated registers").
    #[inline(always)]
    pub fn goroutine(self) -> u64 {
        self.word(words::GOROUTINE)
    }

    /// The first argument of a function of Go, at its beginning (cmd/compile/abi-internal.md, "Register-based calling conventions").
    #[inline(always)]
    pub fn go_argument(self) -> u64 {
        self.go_word(0)
    }

    /// One of the first nine words of the arguments of a function of Go, at its beginning: a string is two, a slice three.
    #[inline(always)]
    pub fn go_word(self, at: usize) -> u64 {
        self.word(words::OF_GO[at])
    }

    /// One of the first six arguments of a function of C, at its beginning (System V ABI; AAPCS64).
    #[inline(always)]
    pub fn entry_argument(self, at: usize) -> u64 {
        self.word(words::OF_FUNCTION[at])
    }

    /// Where HotSpot keeps the address of the `JavaThread` that runs (hotspot/cpu/*/register_*.hpp, `rthread` and `r15_thread`).
    #[inline(always)]
    pub fn java_thread(self) -> u64 {
        self.word(words::JAVA_THREAD)
    }

    /// The first argument.
    #[inline(always)]
    pub fn argument0(self) -> u64 {
        self.word(words::ARGUMENTS[0])
    }

    /// The second argument.
    #[inline(always)]
    pub fn argument1(self) -> u64 {
        self.word(words::ARGUMENTS[1])
    }

    /// The third argument.
    #[inline(always)]
    pub fn argument2(self) -> u64 {
        self.word(words::ARGUMENTS[2])
    }

    /// The fourth argument.
    #[inline(always)]
    pub fn argument3(self) -> u64 {
        self.word(words::ARGUMENTS[3])
    }

    /// The fifth argument.
    #[inline(always)]
    pub fn argument4(self) -> u64 {
        self.word(words::ARGUMENTS[4])
    }
}

/// System call numbers (arch/x86/entry/syscalls/syscall_64.tbl).
#[cfg(not(bpf_target_arch = "aarch64"))]
pub mod number {
    pub const READ: u32 = 0;
    pub const WRITE: u32 = 1;
    pub const READV: u32 = 19;
    pub const WRITEV: u32 = 20;
    pub const SENDFILE: u32 = 40;
    pub const ACCEPT: u32 = 43;
    pub const SENDTO: u32 = 44;
    pub const RECVFROM: u32 = 45;
    pub const SENDMSG: u32 = 46;
    pub const RECVMSG: u32 = 47;
    pub const SPLICE: u32 = 275;
    pub const ACCEPT4: u32 = 288;
    pub const RECVMMSG: u32 = 299;
    pub const SENDMMSG: u32 = 307;
    pub const PREADV2: u32 = 327;
    pub const PWRITEV2: u32 = 328;
    pub const IO_URING_ENTER: u32 = 426;
}

/// System call numbers (include/uapi/asm-generic/unistd.h).
#[cfg(bpf_target_arch = "aarch64")]
pub mod number {
    pub const READ: u32 = 63;
    pub const WRITE: u32 = 64;
    pub const READV: u32 = 65;
    pub const WRITEV: u32 = 66;
    pub const SENDFILE: u32 = 71;
    pub const SPLICE: u32 = 76;
    pub const ACCEPT: u32 = 202;
    pub const SENDTO: u32 = 206;
    pub const RECVFROM: u32 = 207;
    pub const SENDMSG: u32 = 211;
    pub const RECVMSG: u32 = 212;
    pub const ACCEPT4: u32 = 242;
    pub const RECVMMSG: u32 = 243;
    pub const SENDMMSG: u32 = 269;
    pub const PREADV2: u32 = 286;
    pub const PWRITEV2: u32 = 287;
    pub const IO_URING_ENTER: u32 = 426;
}
