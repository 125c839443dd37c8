//! Where requests of a connection begin, and what the head of one says. What is not understood to the last byte is not understood: a
//! line that does not end in CR LF, a folded one, two lengths.

use super::Broken;
use crate::maps::FRAMINGS;
use aya_ebpf::helpers::generated::bpf_probe_read_kernel;

/// Longest head that is looked at.
pub const MAX_HEAD: u32 = 4096;
/// Bytes that are looked at together.
const PIECE: usize = 64;
/// Longest body that positions of 32 bits can be told apart over.
const MAX_BODY: u64 = 1 << 30;
/// Longest request line: behind it what is put there surely finds room in an empty send queue.
const MAX_LINE: u32 = 2048;

/// What is known of a connection's requests, and what was read of the head at hand.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Framing {
    /// Position at which the next request begins.
    next: u32,
    /// Nothing is put into this connection any more.
    is_over: u32,
    /// The last eight bytes, the newest one lowest; and those before.
    recent: u64,
    older: u64,
    /// Length of the body.
    body: u64,
    /// Behind the request line; 0 before it was read.
    line_end: u32,
    /// Bytes of the head; 0 before all of it was read.
    len: u32,
    /// What of a `Content-Length` was read: one of `LENGTH_`.
    length: u32,
    /// There is a `traceparent`.
    is_named: u32,
    /// What follows the head is known by more than its length.
    is_last: u32,
    /// Zero.
    spare: u32,
}

const LENGTH_UNSEEN: u32 = 0;
const LENGTH_NAMED: u32 = 1;
const LENGTH_SPACES: u32 = 2;
const LENGTH_DIGITS: u32 = 3;
const LENGTH_READ: u32 = 4;

/// Bit by which small letters differ from capital ones; other bytes that the two names need have it.
const SMALL: u64 = 0x2020_2020_2020_2020;

/// A name as it lies in [`Framing::recent`].
const fn name(text: &[u8]) -> u64 {
    let mut word = 0;
    let mut at = 0;
    while at < text.len() {
        word = word << 8 | (text[at] | 0x20) as u64;
        at += 1;
    }
    word
}

const CONNECT: u64 = u64::from_be_bytes(*b"CONNECT ");
const VERSION: u64 = u64::from_be_bytes(*b"TP/1.1\r\n");
const VERSION_0: u64 = u64::from_be_bytes(*b"TP/1.0\r\n");

impl Framing {
    /// That of a connection whose first byte has this position.
    #[inline(always)]
    pub fn from(first: u32) -> Self {
        Self {
            next: first,
            is_over: 0,
            recent: 0,
            older: 0,
            body: 0,
            line_end: 0,
            len: 0,
            length: LENGTH_UNSEEN,
            is_named: 0,
            is_last: 0,
            spare: 0,
        }
    }

    /// Whether a request begins at a position, at which something is sent now.
    #[inline(always)]
    pub fn begins_at(&mut self, at: u32) -> bool {
        let missing = self.next.wrapping_sub(at) as i32;
        if self.is_over != 0 || missing > 0 {
            return false;
        }
        if missing < 0 {
            self.give_up();
            return false;
        }
        *self = Self::from(at);
        true
    }

    /// Nothing of this connection is touched any more.
    #[inline(always)]
    pub fn give_up(&mut self) {
        self.is_over = 1;
    }

    /// Whether the request names its span.
    #[inline(always)]
    pub fn is_named(&self) -> bool {
        self.is_named != 0
    }

    /// Length of the request line.
    #[inline(always)]
    pub fn line_end(&self) -> u32 {
        self.line_end
    }

    /// The request that begins at `at` was read, and so many bytes were put into it.
    #[inline(always)]
    pub fn request_ends(&mut self, at: u32, inserted: Result<u32, Broken>) {
        match inserted {
            Ok(inserted) if self.is_last == 0 => {
                self.next = at.wrapping_add(inserted).wrapping_add(self.len).wrapping_add(self.body as u32);
            }
            _ => self.give_up(),
        }
    }

    /// Takes in the next byte, the one at `at`. False: it is not understood.
    #[inline(always)]
    fn take(&mut self, at: u32, byte: u8) -> bool {
        let before = self.recent as u8;
        self.older = self.older << 8 | self.recent >> 56;
        self.recent = self.recent << 8 | u64::from(byte);
        if (before == b'\r') != (byte == b'\n') {
            return false;
        }
        if self.line_end == 0 {
            return self.take_of_line(at, byte);
        }
        if before == b'\n' && (byte == b' ' || byte == b'\t') {
            return false;
        }
        if self.recent as u32 == u32::from_be_bytes(*b"\r\n\r\n") {
            self.len = at + 1;
            return self.length == LENGTH_UNSEEN || self.length == LENGTH_READ;
        }
        self.take_of_length(byte) && self.take_of_name()
    }

    #[inline(always)]
    fn take_of_line(&mut self, at: u32, byte: u8) -> bool {
        if at == 0 && !byte.is_ascii_uppercase() || at == 7 && self.recent == CONNECT || at >= MAX_LINE {
            return false;
        }
        if byte == b'\n' {
            self.line_end = at + 1;
            let is_version = self.recent == VERSION || self.recent == VERSION_0;
            return is_version && self.older & 0xff_ffff == u64::from(u32::from_be_bytes(*b"\0 HT"));
        }
        true
    }

    #[inline(always)]
    fn take_of_length(&mut self, byte: u8) -> bool {
        match self.length {
            LENGTH_UNSEEN | LENGTH_READ => true,
            LENGTH_NAMED => {
                self.length = LENGTH_SPACES;
                byte == b':'
            }
            LENGTH_SPACES if byte == b' ' => true,
            _ if byte.is_ascii_digit() => {
                self.length = LENGTH_DIGITS;
                self.body = self.body * 10 + u64::from(byte - b'0');
                self.body < MAX_BODY
            }
            LENGTH_DIGITS => {
                self.length = LENGTH_READ;
                byte == b'\r'
            }
            _ => false,
        }
    }

    /// Looks whether what was read last is a name that matters. Where a longer name could end alike, that only leaves requests as they
    /// are; of `Content-Length` the beginning of the line is certain.
    #[inline(always)]
    fn take_of_name(&mut self) -> bool {
        let (recent, older) = (self.recent | SMALL, self.older | SMALL);
        if recent == name(b"eparent:") && older & 0xff_ffff_ffff == name(b"\ntrac") {
            self.is_named = 1;
        }
        let is_encoding = recent == name(b"ncoding:") && older & 0xff_ffff == name(b"r-e");
        if is_encoding || recent == name(b"upgrade:") || recent == name(b"\nexpect:") {
            self.is_last = 1;
        }
        if recent == name(b"t-length")
            && older & 0xff_ffff_ffff_ffff == name(b"\nconten")
            && (self.older >> 48) as u8 == b'\n'
        {
            let is_first = self.length == LENGTH_UNSEEN;
            self.length = LENGTH_NAMED;
            return is_first;
        }
        true
    }
}

/// Reads the head of a request that lies at an address, of at most so many bytes, into the connection's [`Framing`]. 0: it is none, or
/// is not all there.
#[inline(always)]
pub fn read_head(sock: u64, address: u64, len: u32) -> u32 {
    let mut at = 0;
    while at < MAX_HEAD && at < len {
        match read_piece(sock, address, at, len) {
            MORE => {}
            WHOLE => return 1,
            _ => return 0,
        }
        at += PIECE as u32;
    }
    0
}

const MORE: u32 = 0;
const WHOLE: u32 = 1;
const FOREIGN: u32 = 2;

/// Reads one piece of it. A global function, which the verifier checks once.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn read_piece(sock: u64, address: u64, at: u32, len: u32) -> u32 {
    let Some(framing) = FRAMINGS.get_ptr_mut(sock) else { return FOREIGN };
    // SAFETY: a live map value that is used under the lock of its socket.
    let framing = unsafe { &mut *framing };
    let mut piece = [0u8; PIECE];
    let left = len.wrapping_sub(at);
    let size = if left < PIECE as u32 { left } else { PIECE as u32 };
    // SAFETY: the helper writes at most the piece.
    let failed = unsafe {
        bpf_probe_read_kernel(piece.as_mut_ptr().cast(), size & 0x7f, address.wrapping_add(u64::from(at)) as *const _)
    };
    if failed != 0 {
        return FOREIGN;
    }
    for (index, byte) in piece.iter().enumerate() {
        if index as u32 >= size {
            return MORE;
        }
        if !framing.take(at + index as u32, *byte) {
            return FOREIGN;
        }
        if framing.len != 0 {
            return WHOLE;
        }
    }
    MORE
}
