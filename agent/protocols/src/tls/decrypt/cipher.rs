//! Ciphers with authentication (RFC 5116), and what their key streams and tags tell by themselves.

use aes::cipher::{
    Array, BlockCipherDecrypt, BlockCipherEncrypt, BlockSizeUser, InnerIvInit as _, KeyInit, KeyIvInit as _,
    StreamCipher as _, StreamCipherCoreWrapper, StreamCipherSeek as _,
    consts::{U8, U12, U16},
};
use aes::{Aes128, Aes256};
use aes_gcm::AesGcm;
use aes_gcm::aead::AeadInOut;
use ccm::Ccm;
use chacha20::ChaCha20;
use chacha20poly1305::ChaCha20Poly1305;
use ctr::CtrCore;
use ctr::flavors::Ctr32BE;
use ghash::GHash;
use ghash::universal_hash::UniversalHash as _;

use zeroize::Zeroize as _;

use super::suite::{Seal, Suite};

/// A nonce.
pub(super) type Nonce = [u8; 12];

/// A keyed cipher.
pub(super) trait Cipher: Send {
    /// Decrypts `bytes` in place if `tag` proves them; otherwise they stay as they are.
    #[must_use]
    fn open(&self, nonce: &Nonce, aad: &[u8], bytes: &mut [u8], tag: &[u8]) -> bool;

    /// Decrypts `bytes`, which are those from `at` on, in place. Proves nothing.
    fn stream(&self, nonce: &Nonce, at: u64, bytes: &mut [u8]);

    /// The nonce with which these were encrypted, if that follows from them: from a wrong key, one of 2^32 gives some.
    fn nonce(&self, _aad: &[u8], _bytes: &[u8], _tag: &[u8]) -> Option<Nonce> {
        None
    }
}

/// The cipher of a suite; `None` for those in blocks.
pub(super) fn keyed(suite: Suite, key: &[u8]) -> Option<Box<dyn Cipher>> {
    Some(match (suite.seal, suite.key) {
        (Seal::Gcm, 16) => Box::new(Gcm::<Aes128>::new(key)?),
        (Seal::Gcm, _) => Box::new(Gcm::<Aes256>::new(key)?),
        (Seal::Ccm, 16) => Box::new(Counted::<Aes128, Ccm<Aes128, U16, U12>>::new(key)?),
        (Seal::Ccm, _) => Box::new(Counted::<Aes256, Ccm<Aes256, U16, U12>>::new(key)?),
        (Seal::Ccm8, 16) => Box::new(Counted::<Aes128, Ccm<Aes128, U8, U12>>::new(key)?),
        (Seal::Ccm8, _) => Box::new(Counted::<Aes256, Ccm<Aes256, U8, U12>>::new(key)?),
        (Seal::ChaCha, _) => Box::new(ChaCha::new(key)?),
        (Seal::Cbc(_), _) => return None,
    })
}

fn open_with<C: AeadInOut>(cipher: &C, nonce: &Nonce, aad: &[u8], bytes: &mut [u8], tag: &[u8]) -> bool {
    let (Ok(nonce), Ok(tag)) = (nonce[..].try_into(), tag.try_into()) else { return false };
    cipher.decrypt_inout_detached(nonce, aad, bytes.into(), tag).is_ok()
}

/// Adds the key stream of a counter that begins as `first`, from byte `at` on.
fn count<C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>>(aes: &C, first: [u8; 16], at: u64, bytes: &mut [u8]) {
    let core = CtrCore::<&C, Ctr32BE>::inner_iv_init(aes, &Array::from(first));
    let mut stream = StreamCipherCoreWrapper::from_core(core);
    if stream.try_seek(at).is_ok() {
        stream.apply_keystream(bytes);
    }
}

/// AES-GCM (NIST SP 800-38D). The key schedule, which is large, is there once: the rest is made of it for each record, which costs
/// the encryption of a block.
struct Gcm<C> {
    aes: C,
}

impl<C: KeyInit> Gcm<C> {
    fn new(key: &[u8]) -> Option<Self> {
        Some(Self { aes: C::new_from_slice(key).ok()? })
    }
}

impl<C> Cipher for Gcm<C>
where
    C: BlockCipherEncrypt + BlockCipherDecrypt + BlockSizeUser<BlockSize = U16> + Send,
{
    fn open(&self, nonce: &Nonce, aad: &[u8], bytes: &mut [u8], tag: &[u8]) -> bool {
        open_with(&AesGcm::<&C, U12>::from(&self.aes), nonce, aad, bytes, tag)
    }

    fn stream(&self, nonce: &Nonce, at: u64, bytes: &mut [u8]) {
        let mut first = [0; 16];
        first[..12].copy_from_slice(nonce);
        // 1 is the tag's.
        first[15] = 2;
        count(&self.aes, first, at, bytes);
    }

    /// The tag is GHASH of what it proves, which depends on no nonce, and the encrypted first counter, which is the nonce and 1.
    fn nonce(&self, aad: &[u8], bytes: &[u8], tag: &[u8]) -> Option<Nonce> {
        let mut key = ghash::Key::default();
        self.aes.encrypt_block(&mut key);
        let mut ghash = GHash::new(&key);
        key.zeroize();
        ghash.update_padded(aad);
        ghash.update_padded(bytes);
        let mut lens = ghash::Block::default();
        lens[..8].copy_from_slice(&(aad.len() as u64 * 8).to_be_bytes());
        lens[8..].copy_from_slice(&(bytes.len() as u64 * 8).to_be_bytes());
        ghash.update(&[lens]);
        let mut block = ghash.finalize();
        if tag.len() != block.len() {
            return None;
        }
        block.iter_mut().zip(tag).for_each(|(byte, tag)| *byte ^= tag);
        self.aes.decrypt_block(&mut block);
        let (nonce, counter) = block.split_first_chunk()?;
        (counter == [0, 0, 0, 1]).then_some(*nonce)
    }
}

/// AES-CCM (NIST SP 800-38C).
struct Counted<C, W> {
    whole: W,
    aes: C,
}

impl<C: KeyInit, W: KeyInit> Counted<C, W> {
    fn new(key: &[u8]) -> Option<Self> {
        Some(Self { whole: W::new_from_slice(key).ok()?, aes: C::new_from_slice(key).ok()? })
    }
}

impl<C, W> Cipher for Counted<C, W>
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + Send,
    W: AeadInOut + Send,
{
    fn open(&self, nonce: &Nonce, aad: &[u8], bytes: &mut [u8], tag: &[u8]) -> bool {
        open_with(&self.whole, nonce, aad, bytes, tag)
    }

    fn stream(&self, nonce: &Nonce, at: u64, bytes: &mut [u8]) {
        // Bytes of the counter less one, the nonce, the counter: 0 is the tag's.
        let mut first = [0; 16];
        first[0] = 2;
        first[1..13].copy_from_slice(nonce);
        first[15] = 1;
        count(&self.aes, first, at, bytes);
    }
}

/// ChaCha20-Poly1305 (RFC 8439).
struct ChaCha {
    whole: ChaCha20Poly1305,
    key: zeroize::Zeroizing<[u8; 32]>,
}

impl ChaCha {
    /// The tag's key is the first block of the stream.
    const DATA: u64 = 64;

    fn new(key: &[u8]) -> Option<Self> {
        let whole = ChaCha20Poly1305::new_from_slice(key).ok()?;
        Some(Self { whole, key: zeroize::Zeroizing::new(key.try_into().ok()?) })
    }
}

impl Cipher for ChaCha {
    fn open(&self, nonce: &Nonce, aad: &[u8], bytes: &mut [u8], tag: &[u8]) -> bool {
        open_with(&self.whole, nonce, aad, bytes, tag)
    }

    fn stream(&self, nonce: &Nonce, at: u64, bytes: &mut [u8]) {
        let mut stream = ChaCha20::new((&*self.key).into(), nonce.into());
        if stream.try_seek(at + Self::DATA).is_ok() {
            stream.apply_keystream(bytes);
        }
    }
}
