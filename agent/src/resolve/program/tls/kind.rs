//! Which library a file holds, and so where its sessions keep the random of their ClientHello.
//!
//! What it exports tells: `SSL_get_client_random` reads that place. A file that exports nothing of it says its version in a text.

use std::collections::BTreeSet;

use iced_x86::{Decoder, DecoderOptions, Mnemonic, OpKind, Register};

use super::super::elf::Elf;

/// Most instructions of a function that are looked at, and most bytes of them.
const MAX_INSTRUCTIONS: usize = 64;
const MAX_BODY: u64 = 512;
/// Longest version.
const MAX_VERSION: u64 = 16;
/// Most places of a text that may be a version.
const MAX_TEXTS: usize = 16;

/// A library, as far as its sessions are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    OpenSsl11,
    /// 3.0 and 3.1.
    OpenSsl30,
    /// 3.2 and 3.3.
    OpenSsl32,
    OpenSsl34,
    /// 3.5 to 4.0.
    OpenSsl35,
    /// And AWS-LC, which is made of it.
    BoringSsl,
    GnuTls,
}

impl Kind {
    /// That of a file with the labels of a log of keys.
    pub(super) fn of(elf: &Elf<'_>) -> Option<Self> {
        if elf.function("gnutls_session_get_random").is_some() {
            return Some(Self::GnuTls);
        }
        let read = elf.function("SSL_get_client_random").and_then(|function| displacements(elf, function));
        read.and_then(|read| Self::reads(&read)).or_else(|| Self::says(elf))
    }

    /// By what `SSL_get_client_random` reads.
    fn reads(read: &BTreeSet<u64>) -> Option<Self> {
        let all = |wanted: &[u64]| wanted.iter().all(|one| read.contains(one));
        match () {
            () if all(&[0x160]) => Some(Self::OpenSsl30),
            () if all(&[0x188]) => Some(Self::OpenSsl35),
            () if all(&[0x148]) => Some(Self::OpenSsl34),
            () if all(&[0x140]) => Some(Self::OpenSsl32),
            () if all(&[0xa8, 0xb8]) => Some(Self::OpenSsl11),
            () if all(&[0x30]) => Some(Self::BoringSsl),
            () => None,
        }
    }

    /// By the texts in the file.
    fn says(elf: &Elf<'_>) -> Option<Self> {
        let parts: Vec<_> = elf.loaded(false).chain(elf.loaded(true)).collect();
        for part in &parts {
            for at in elf.places(*part, b"OpenSSL ", MAX_TEXTS) {
                let at = part.at.checked_add(at)?.checked_add(8)?;
                let length = MAX_VERSION.min((part.at + part.size).saturating_sub(at));
                if let Some(kind) = elf.bytes(at, length).and_then(|text| Self::version(&text)) {
                    return Some(kind);
                }
            }
        }
        let names: [&[u8]; 3] = [b"BoringSSL", b"boringssl", b"AWS-LC"];
        let is_said = |name: &[u8]| parts.iter().any(|part| !elf.places(*part, name, 1).is_empty());
        names.into_iter().any(is_said).then_some(Self::BoringSsl)
    }

    /// By a version as OpenSSL writes it: `3.0.19 1 Jan 2026`.
    fn version(text: &[u8]) -> Option<Self> {
        let end = text.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'.').unwrap_or(text.len());
        let mut numbers = std::str::from_utf8(&text[..end]).ok()?.split('.').map(str::parse::<u32>);
        match (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?) {
            (1, 1, 1) => Some(Self::OpenSsl11),
            (3, 0 | 1, _) => Some(Self::OpenSsl30),
            (3, 2 | 3, _) => Some(Self::OpenSsl32),
            (3, 4, _) => Some(Self::OpenSsl34),
            (3, 5.., _) | (4, _, _) => Some(Self::OpenSsl35),
            _ => None,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::OpenSsl11 => "OpenSSL 1.1.1",
            Self::OpenSsl30 => "OpenSSL 3.0",
            Self::OpenSsl32 => "OpenSSL 3.2",
            Self::OpenSsl34 => "OpenSSL 3.4",
            Self::OpenSsl35 => "OpenSSL 3.5 or later",
            Self::BoringSsl => "BoringSSL",
            Self::GnuTls => "GnuTLS",
        }
    }

    /// The kernel program that finds the random (`ebpf/src/secrets.rs`).
    pub(super) const fn program(self) -> &'static str {
        match self {
            Self::OpenSsl11 => "tls_secret_openssl_1_1",
            Self::OpenSsl30 => "tls_secret_openssl_3_0",
            Self::OpenSsl32 => "tls_secret_openssl_3_2",
            Self::OpenSsl34 => "tls_secret_openssl_3_4",
            Self::OpenSsl35 => "tls_secret_openssl_3_5",
            Self::BoringSsl => "tls_secret_boringssl",
            Self::GnuTls => "tls_secret_gnutls",
        }
    }
}

impl Kind {
    /// The kernel program that reads the secrets of a session that goes on, where it is known how they lie.
    pub(super) const fn of_sessions(self) -> Option<&'static str> {
        match self {
            Self::OpenSsl30 => Some("tls_session_openssl_3_0"),
            Self::OpenSsl32 => Some("tls_session_openssl_3_2"),
            Self::OpenSsl34 => Some("tls_session_openssl_3_4"),
            Self::OpenSsl35 => Some("tls_session_openssl_3_5"),
            Self::OpenSsl11 | Self::BoringSsl | Self::GnuTls => None,
        }
    }
}

/// How far from a pointer a function reads, or looks for an address.
fn displacements(elf: &Elf<'_>, function: u64) -> Option<BTreeSet<u64>> {
    let bytes = elf.code_from(function, MAX_BODY)?;
    let decoder = Decoder::with_ip(64, &bytes, function, DecoderOptions::NONE);
    let mut found = BTreeSet::new();
    for instruction in decoder.into_iter().take(MAX_INSTRUCTIONS).take_while(|one| !one.is_invalid()) {
        let has_memory = (0..instruction.op_count()).any(|at| instruction.op_kind(at) == OpKind::Memory);
        let is_of_stack = matches!(instruction.memory_base(), Register::RIP | Register::RSP | Register::None);
        if has_memory && !is_of_stack {
            found.insert(instruction.memory_displacement64());
        }
        if instruction.mnemonic() == Mnemonic::Add && instruction.op1_kind() != OpKind::Register {
            found.insert(instruction.immediate(1));
        }
        // The next function follows the code of this one.
        if matches!(instruction.mnemonic(), Mnemonic::Int3) {
            break;
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_tell() {
        let version = |text: &str| Kind::version(text.as_bytes());
        assert_eq!(version("1.1.1w  11 Sep 20"), Some(Kind::OpenSsl11));
        assert_eq!(version("3.0.19 27 Jan"), Some(Kind::OpenSsl30));
        assert_eq!(version("3.2.2 4 Jun 2024"), Some(Kind::OpenSsl32));
        assert_eq!(version("3.3.2 3 Sep 2024"), Some(Kind::OpenSsl32));
        assert_eq!(version("3.4.1 11 Feb 2025"), Some(Kind::OpenSsl34));
        assert_eq!(version("3.5.8\0"), Some(Kind::OpenSsl35));
        assert_eq!(version("4.0.3"), Some(Kind::OpenSsl35));
        for none in ["1.0.2k", "1.1.0", "project", "", "3", "5.0.0", "3.99999999999.0"] {
            assert_eq!(version(none), None, "{none}");
        }
    }

    #[test]
    fn what_the_accessor_reads_tells() {
        let reads = |read: &[u64]| Kind::reads(&read.iter().copied().collect());
        assert_eq!(reads(&[0x160]), Some(Kind::OpenSsl30));
        assert_eq!(reads(&[0, 0x188]), Some(Kind::OpenSsl35));
        assert_eq!(reads(&[0, 0x40, 0x148]), Some(Kind::OpenSsl34));
        assert_eq!(reads(&[0, 0x40, 0x140]), Some(Kind::OpenSsl32));
        assert_eq!(reads(&[0xa8, 0xb8]), Some(Kind::OpenSsl11));
        assert_eq!(reads(&[0x30]), Some(Kind::BoringSsl));
        assert_eq!(reads(&[0xa8, 0x200]), None);
    }
}
