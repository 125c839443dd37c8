//! The kernel programs. Hooks are thin and live in `capture` and `process`; what they share is below them.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

mod capture;
mod conn;
mod context;
mod emit;
mod kernel;
mod maps;
mod process;
mod propagate;
mod secrets;

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// Helpers such as `bpf_probe_read_kernel` are granted to GPL-compatible programs only.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
