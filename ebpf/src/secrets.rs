//! Secrets of TLS handshakes: each library hands them to a function of its own, for a log of keys, whether somebody asked for one or not
//! (`agent/src/resolve/program/tls` finds that function). A probe at its beginning runs once a secret, and never again on that
//! connection.
//!
//! Where a session keeps the random of its ClientHello is known by version. A wrong place reads something else, which names no
//! handshake that was seen on the wire.

mod rustls;

use crate::conn::now;
use crate::context::thread::Thread;
use crate::emit::secret::{Bytes, lies, told};
use crate::kernel::read_user;
use crate::kernel::regs::Regs;
use crate::maps::SESSIONS;
use crate::process::is_target;
use aya_ebpf::macros::uprobe;
use aya_ebpf::programs::ProbeContext;
use wirespan_common::secret::LABELS;

/// How long after the secrets of a session were told they are not told again, ns.
const TOLD_NS: u64 = 20_000_000_000;

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
    /// OpenSSL 3.2 and 3.3: the same of `struct ssl_connection_st`.
    tls_secret_openssl_3_2 |session| Some(session.wrapping_add(0x140)),
    /// OpenSSL 3.4.
    tls_secret_openssl_3_4 |session| Some(session.wrapping_add(0x148)),
    /// OpenSSL 3.5 to 4.0.
    tls_secret_openssl_3_5 |session| Some(session.wrapping_add(0x188)),
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

/// The programs for functions whose first argument is a session that goes on: its handshake passed before anybody looked. They run
/// for a short time only, once for each call; the secrets of a session are told once.
macro_rules! sessions {
    ($($(#[$from:meta])* $program:ident $random:literal $client:literal $server:literal,)*) => {$(
        $(#[$from])*
        #[uprobe]
        pub fn $program(ctx: ProbeContext) -> u32 {
            let session = Regs(ctx.regs as *const u64).entry_argument(0);
            if is_target() {
                tls_goes_on(session, session.wrapping_add($random), session.wrapping_add($client), session.wrapping_add($server));
            }
            0
        }
    )*};
}

sessions! {
    /// OpenSSL 3.0 and 3.1: ssl/ssl_local.h, `struct ssl_st`: `s3.client_random`, `client_app_traffic_secret`,
    /// `server_app_traffic_secret`.
    tls_session_openssl_3_0 0x160 0x744 0x784,
    /// OpenSSL 3.2 and 3.3: the same of `struct ssl_connection_st`.
    tls_session_openssl_3_2 0x140 0x6fc 0x73c,
    /// OpenSSL 3.4.
    tls_session_openssl_3_4 0x148 0x704 0x744,
    /// OpenSSL 3.5 to 4.0.
    tls_session_openssl_3_5 0x188 0x77c 0x7bc,
}

/// A session goes on: where its random and its secrets lie. A global function: one for all programs.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn tls_goes_on(session: u64, random: u64, client: u64, server: u64) -> u32 {
    let process = Thread::current().process();
    let key = [u64::from(process), session];
    let at_ns = now();
    // SAFETY: the value is a word.
    if unsafe { SESSIONS.get(key) }.is_some_and(|told_ns| at_ns.wrapping_sub(*told_ns) < TOLD_NS) {
        return 0;
    }
    // It has none before the end of its handshake, nor before TLS 1.3.
    if read_user::<u64>(client).is_none_or(|begin| begin == 0) {
        return 0;
    }
    // Without room for it, it is told again.
    let _ = SESSIONS.insert(key, at_ns, 0);
    lies(process, &LABELS[4], client, random);
    lies(process, &LABELS[5], server, random);
    0
}
