//! Names of cipher suites (IANA, "TLS Cipher Suites") and alerts (RFC 8446, section 6; RFC 5246, section 7.2), and what
//! a suite adds to a record.

/// TLS 1.3.
pub(super) const TLS13: u16 = 0x0304;

/// Zero bytes with which Java pads the plaintext of each record of TLS 1.3.
pub(super) const JAVA_PADDING: u16 = 16;

/// How a suite protects records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seal {
    /// AES-GCM and AES-CCM: a tag of 16 bytes; up to TLS 1.2 a nonce of 8 in each record.
    Aes,
    /// AES-CCM-8: a tag of 8 bytes; up to TLS 1.2 a nonce of 8 in each record.
    ShortTag,
    /// ChaCha20-Poly1305: a tag of 16 bytes.
    ChaCha,
    /// CBC: padded.
    Block,
}

use Seal::{Aes, Block, ChaCha, ShortTag};

/// Suites in real use, by code.
const SUITES: &[(u16, &str, Seal)] = &[
    (0x000a, "TLS_RSA_WITH_3DES_EDE_CBC_SHA", Block),
    (0x002f, "TLS_RSA_WITH_AES_128_CBC_SHA", Block),
    (0x0033, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA", Block),
    (0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA", Block),
    (0x0039, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA", Block),
    (0x003c, "TLS_RSA_WITH_AES_128_CBC_SHA256", Block),
    (0x003d, "TLS_RSA_WITH_AES_256_CBC_SHA256", Block),
    (0x0067, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256", Block),
    (0x006b, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256", Block),
    (0x009c, "TLS_RSA_WITH_AES_128_GCM_SHA256", Aes),
    (0x009d, "TLS_RSA_WITH_AES_256_GCM_SHA384", Aes),
    (0x009e, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", Aes),
    (0x009f, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", Aes),
    (0x00a8, "TLS_PSK_WITH_AES_128_GCM_SHA256", Aes),
    (0x00a9, "TLS_PSK_WITH_AES_256_GCM_SHA384", Aes),
    (0x00ae, "TLS_PSK_WITH_AES_128_CBC_SHA256", Block),
    (0x1301, "TLS_AES_128_GCM_SHA256", Aes),
    (0x1302, "TLS_AES_256_GCM_SHA384", Aes),
    (0x1303, "TLS_CHACHA20_POLY1305_SHA256", ChaCha),
    (0x1304, "TLS_AES_128_CCM_SHA256", Aes),
    (0x1305, "TLS_AES_128_CCM_8_SHA256", ShortTag),
    (0xc009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", Block),
    (0xc00a, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", Block),
    (0xc012, "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", Block),
    (0xc013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", Block),
    (0xc014, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", Block),
    (0xc023, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", Block),
    (0xc024, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", Block),
    (0xc027, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", Block),
    (0xc028, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", Block),
    (0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", Aes),
    (0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", Aes),
    (0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", Aes),
    (0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", Aes),
    (0xc09c, "TLS_RSA_WITH_AES_128_CCM", Aes),
    (0xc09d, "TLS_RSA_WITH_AES_256_CCM", Aes),
    (0xc09e, "TLS_DHE_RSA_WITH_AES_128_CCM", Aes),
    (0xc09f, "TLS_DHE_RSA_WITH_AES_256_CCM", Aes),
    (0xc0ac, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM", Aes),
    (0xc0ad, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM", Aes),
    (0xc0ae, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8", ShortTag),
    (0xc0af, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8", ShortTag),
    (0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", ChaCha),
    (0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", ChaCha),
    (0xccaa, "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256", ChaCha),
];

fn find(code: u16) -> Option<&'static (u16, &'static str, Seal)> {
    SUITES.binary_search_by_key(&code, |(code, ..)| *code).ok().map(|index| &SUITES[index])
}

/// The suite's name; an unknown one as `0x1a2b`.
pub(super) fn suite(code: u16) -> Box<str> {
    find(code).map_or_else(|| format!("{code:#06x}").into(), |(_, name, _)| (*name).into())
}

/// Bytes that the suite adds to the plaintext of a record, the inner content type of TLS 1.3 included; `None` when that
/// depends on the plaintext, or the suite is unknown.
pub(super) fn overhead(code: u16, version: u16) -> Option<u16> {
    let (.., seal) = find(code)?;
    match (seal, version == TLS13) {
        (Block, _) => None,
        (Aes | ChaCha, true) => Some(1 + 16),
        (ShortTag, true) => Some(1 + 8),
        (Aes, false) => Some(8 + 16),
        (ShortTag, false) => Some(8 + 8),
        (ChaCha, false) => Some(16),
    }
}

/// What a version and a suite of it say of lengths of records in TLS 1.3.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lengths {
    finished: u16,
    overhead: u16,
}

impl Lengths {
    /// `None` for suites that are not known.
    pub fn of(suite: u16) -> Option<Self> {
        Some(Self { finished: finished(suite)?, overhead: overhead(suite, TLS13)? })
    }

    /// The padding of the record of this length, if it holds a Finished message and nothing else.
    pub fn finished(self, len: u16) -> Option<u16> {
        [0, JAVA_PADDING].into_iter().find(|padding| len == self.finished + self.overhead + padding)
    }

    /// Whether the record of this length has no room for a Finished message.
    pub fn is_shorter(self, len: u16) -> bool {
        len < self.finished + self.overhead
    }

    /// Whether the record of this length may hold an alert and nothing else.
    pub fn is_alert(self, len: u16) -> bool {
        [0, JAVA_PADDING].into_iter().any(|padding| len == 2 + self.overhead + padding)
    }
}

/// Bytes of a Finished message of TLS 1.3: a header and a hash.
fn finished(code: u16) -> Option<u16> {
    match code {
        0x1301 | 0x1303..=0x1305 => Some(4 + 32),
        0x1302 => Some(4 + 48),
        _ => None,
    }
}

/// The version as `tls.protocol.version` has it.
pub(super) fn version(code: u16) -> Option<&'static str> {
    Some(match code {
        0x0301 => "1.0",
        0x0302 => "1.1",
        0x0303 => "1.2",
        TLS13 => "1.3",
        _ => return None,
    })
}

/// The alert's name; an unknown one as `alert_123`.
pub(super) fn alert(code: u8) -> Box<str> {
    let name = match code {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        111 => "certificate_unobtainable",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        114 => "bad_certificate_hash_value",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        121 => "ech_required",
        _ => return format!("alert_{code}").into(),
    };
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_are_in_order_and_found() {
        assert!(SUITES.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(&*suite(0x1301), "TLS_AES_128_GCM_SHA256");
        assert_eq!(&*suite(0x0a0a), "0x0a0a");
        assert_eq!((overhead(0x1302, TLS13), overhead(0xc02f, 0x0303)), (Some(17), Some(24)));
        assert_eq!((overhead(0xcca8, 0x0303), overhead(0xc013, 0x0303)), (Some(16), None));
    }
}
