//! The kernel programs as bytes, embedded at build time (see `build.rs`).

/// Forces the alignment that ELF readers need.
#[repr(C, align(8))]
struct Aligned<T: ?Sized>(T);

static ALIGNED: &Aligned<[u8]> = &Aligned(*include_bytes!(env!("WIRESPAN_OBJECT")));

/// The object file; empty when it was not built.
pub static OBJECT: &[u8] = &ALIGNED.0;
