//! Secrets of TLS handshakes: each library hands them to a function of its own, for a log of keys, whether somebody asked for one or not
//! (`agent/src/resolve/program/tls` finds that function). A probe at its beginning runs once a secret, and never again on that
//! connection.
//!
//! Where a session keeps the random of its ClientHello is known by version. A wrong place reads something else, which names no
//! handshake that was seen on the wire.

use crate::context::thread::Thread;
use crate::emit::secret::{Bytes, told};
use crate::kernel::read_user;
use crate::kernel::regs::Regs;
use crate::process::is_target;
use aya_ebpf::macros::uprobe;
use aya_ebpf::programs::ProbeContext;

/// The programs for functions with the arguments (session, label, secret, length), by how the random is found from the session.
macro_rules! programs {
    ($($(#[$from:meta])* $program:ident $random:expr,)*) => {$(
        $(#[$from])*
        #[uprobe]
        pub fn $program(ctx: ProbeContext) -> u32 {
            let regs = Regs(ctx.regs as *const u64);
            let random: fn(u64) -> Option<u64> = $random;
            if is_target() && let Some(random) = random(regs.entry_argument(0)) {
                tls_tells(regs.entry_argument(1), 0, regs.entry_argument(2), regs.entry_argument(3), random);
            }
            0
        }
    )*};
}

programs! {
    /// OpenSSL 3.0 and 3.1: ssl/ssl_lib.c, `ssl_log_secret`; `s3.client_random` of `struct ssl_st`.
    tls_secret_openssl_3_0 |session| Some(session.wrapping_add(0x160)),
    /// OpenSSL 3.2 to 4.0: the same of `struct ssl_connection_st`.
    tls_secret_openssl_3_2 |session| Some(session.wrapping_add(0x188)),
    /// OpenSSL 1.1.1: `s3->client_random`.
    tls_secret_openssl_1_1 |session| Some(read_user::<u64>(session.wrapping_add(0xa8))?.wrapping_add(0xb8)),
    /// BoringSSL: ssl/ssl_lib.cc, `ssl_log_secret`; `s3->client_random`.
    tls_secret_boringssl |session| Some(read_user::<u64>(session.wrapping_add(0x30))?.wrapping_add(0x30)),
    /// GnuTLS 3: lib/kx.c, `_gnutls_nss_keylog_write`; `security_parameters.client_random`.
    tls_secret_gnutls |session| Some(session.wrapping_add(0x50)),
}

// crypto/tls/common.go: func (c *Config) writeKeyLog(label string, clientRandom, secret []byte) error
#[uprobe]
pub fn tls_secret_go(ctx: ProbeContext) -> u32 {
    let regs = Regs(ctx.regs as *const u64);
    if is_target() {
        // The receiver, two words of the label, three of the random, three of the secret.
        let [label, label_len, random, secret, secret_len] = [1, 2, 3, 6, 7].map(|at| regs.go_word(at));
        tls_tells(label, label_len, secret, secret_len, random);
    }
    0
}

/// A library has told a secret. A global function: one for all programs.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn tls_tells(label: u64, label_len: u64, secret: u64, len: u64, random: u64) -> u32 {
    // A length of 32 bits leaves the rest of its register undefined.
    let secret = Bytes { at: secret, len: len & 0xffff_ffff };
    told(Thread::current().process(), Bytes { at: label, len: label_len }, secret, random);
    0
}
