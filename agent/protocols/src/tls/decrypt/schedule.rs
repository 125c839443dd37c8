//! From secrets to keys: RFC 8446, sections 7.1 to 7.3, and RFC 5246, sections 5 and 6.3.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Sha256, Sha384};
use zeroize::{Zeroize as _, Zeroizing};

use super::suite::{Hash, Seal, Suite};
use crate::plain::{Random, Secret};

/// Longest key of a MAC.
const MAX_MAC: usize = 48;
/// Bytes of what each side takes from a key block at most: a key of a MAC, a key, a vector.
const MAX_SIDE: usize = MAX_MAC + 32 + 12;

/// The keys of one direction.
#[derive(Default)]
pub(super) struct Material {
    pub mac: Zeroizing<Vec<u8>>,
    pub key: Zeroizing<Vec<u8>>,
    /// In full, or what each nonce begins with.
    pub iv: Zeroizing<[u8; 12]>,
}

/// HKDF-Expand-Label with an empty context.
fn expand_label(hash: Hash, secret: &[u8], label: &[u8], okm: &mut [u8]) -> Option<()> {
    let len = u16::try_from(okm.len()).ok()?.to_be_bytes();
    let label_len = [u8::try_from(b"tls13 ".len() + label.len()).ok()?];
    let info: [&[u8]; 5] = [&len, &label_len, b"tls13 ", label, &[0]];
    match hash {
        Hash::Sha1 => None,
        Hash::Sha256 => Hkdf::<Sha256>::from_prk(secret).ok()?.expand_multi_info(&info, okm).ok(),
        Hash::Sha384 => Hkdf::<Sha384>::from_prk(secret).ok()?.expand_multi_info(&info, okm).ok(),
    }
}

/// Keys of a traffic secret (TLS 1.3); `None` if it is not as long as the suite's hash.
pub(super) fn of_traffic(suite: Suite, secret: &Secret) -> Option<Material> {
    if secret.bytes().len() != suite.hash.len() {
        return None;
    }
    let mut material = Material { key: Zeroizing::new(vec![0; suite.key]), ..Material::default() };
    expand_label(suite.hash, secret.bytes(), b"key", &mut material.key)?;
    expand_label(suite.hash, secret.bytes(), b"iv", &mut *material.iv)?;
    Some(material)
}

/// The traffic secret after a KeyUpdate.
pub(super) fn update(suite: Suite, secret: &Secret) -> Option<Secret> {
    let mut next = Zeroizing::new([0; MAX_MAC]);
    let next = next.get_mut(..suite.hash.len())?;
    expand_label(suite.hash, secret.bytes(), b"traffic upd", next)?;
    Secret::new(secret.kind, next)
}

/// Keys of the client and of the server from a master secret (TLS 1.2).
pub(super) fn of_master(suite: Suite, master: &Secret, client: &Random, server: &Random) -> Option<[Material; 2]> {
    let mac = match suite.seal {
        Seal::Cbc(hash) => hash.len(),
        _ => 0,
    };
    // Blocks carry their own vectors; ChaCha20 has a whole nonce, the others its first four bytes (RFC 7905, section 2).
    let iv = match suite.seal {
        Seal::Cbc(_) => 0,
        Seal::ChaCha => 12,
        _ => 4,
    };
    let mut block = Zeroizing::new([0; 2 * MAX_SIDE]);
    let block = block.get_mut(..2 * (mac + suite.key + iv))?;
    let seed: [&[u8]; 3] = [b"key expansion", server, client];
    match suite.hash {
        Hash::Sha1 => return None,
        Hash::Sha256 => prf_sha256(master.bytes(), &seed, block)?,
        Hash::Sha384 => prf_sha384(master.bytes(), &seed, block)?,
    }
    let mut rest = &*block;
    let mut take = |len: usize| {
        let (taken, left) = rest.split_at_checked(len)?;
        rest = left;
        Some(taken)
    };
    let (macs, keys, ivs) = ([take(mac)?, take(mac)?], [take(suite.key)?, take(suite.key)?], [take(iv)?, take(iv)?]);
    Some([0, 1].map(|side: usize| {
        let mut material = Material {
            mac: Zeroizing::new(macs[side].to_vec()),
            key: Zeroizing::new(keys[side].to_vec()),
            ..Material::default()
        };
        material.iv[..iv].copy_from_slice(ivs[side]);
        material
    }))
}

/// The function P_hash (RFC 5246, section 5).
macro_rules! prf {
    ($name:ident, $hash:ty) => {
        fn $name(secret: &[u8], seed: &[&[u8]], out: &mut [u8]) -> Option<()> {
            let keyed = Hmac::<$hash>::new_from_slice(secret).ok()?;
            let mut chain = keyed.clone();
            seed.iter().for_each(|part| chain.update(part));
            let mut chain = chain.finalize().into_bytes();
            for part in out.chunks_mut(chain.len()) {
                let mut block = keyed.clone();
                block.update(&chain);
                seed.iter().for_each(|part| block.update(part));
                let mut bytes = block.finalize().into_bytes();
                part.copy_from_slice(&bytes[..part.len()]);
                bytes.zeroize();
                let mut next = keyed.clone();
                next.update(&chain);
                chain = next.finalize().into_bytes();
            }
            chain.zeroize();
            Some(())
        }
    };
}

prf!(prf_sha256, Sha256);
prf!(prf_sha384, Sha384);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plain::SecretKind;

    /// RFC 8448, section 3: the server's application traffic secret, its key and its vector.
    #[test]
    fn keys_of_a_traffic_secret_are_those_of_the_trace() {
        let secret = hex("a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643");
        let secret = Secret::new(SecretKind::ServerTraffic, &secret).unwrap();
        let material = of_traffic(Suite::of(0x0304, 0x1301).unwrap(), &secret).unwrap();
        assert_eq!(*material.key, hex("9f02283b6c9c07efc26bb9f2ac92e356"));
        assert_eq!(material.iv[..], hex("cf782b88dd83549aadf1e984"));
        assert!(of_traffic(Suite::of(0x0304, 0x1302).unwrap(), &secret).is_none(), "of another hash");
    }

    /// The test vector of the IETF's mailing list for P_SHA256.
    #[test]
    fn the_pseudorandom_function_is_that_of_the_vector() {
        let secret = hex("9bbe436ba940f017b17652849a71db35");
        let seed = hex("a0ba9f936cda311827a6f796ffd5198c");
        let mut out = [0; 100];
        prf_sha256(&secret, &[b"test label", &seed], &mut out).unwrap();
        assert_eq!(out[..16], hex("e3f229ba727be17b8d122620557cd453"));
    }

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }
}
