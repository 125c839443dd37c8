//! Where frames begin, after a loss or in mid-connection: at the beginning of a call whose bytes are a chain of frames. Any
//! bytes may be found in a body; these are refused unless all of them make sense.

use super::frame::{HEAD_LEN, Head, flag, kind};
use super::hpack::{Decoder, Field};
use super::names::Name;
use crate::stream::Direction;

/// What a chain of frames is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Chain {
    /// Whole frames, and one that goes on after the bytes.
    pub(super) frames: u32,
    /// The last one ends with the bytes.
    pub(super) is_whole: bool,
    /// The direction that a header block shows.
    pub(super) direction: Option<Direction>,
}

/// Whether frames begin here.
pub(super) fn fits(bytes: &[u8], ends_call: bool, direction: Direction, may_be: impl Fn(u32) -> bool) -> bool {
    chain(bytes, Some(direction), may_be).is_some_and(|chain| {
        let is_shown = chain.direction == Some(direction);
        chain.frames >= 2 || is_shown || (chain.frames == 1 && chain.is_whole && ends_call)
    })
}

/// The chain of frames that the bytes are; `None` if they are none.
pub(super) fn chain(bytes: &[u8], direction: Option<Direction>, may_be: impl Fn(u32) -> bool) -> Option<Chain> {
    let mut chain = Chain { is_whole: true, ..Chain::default() };
    let mut rest = bytes;
    while !rest.is_empty() {
        let Some(head) = rest.first_chunk::<HEAD_LEN>().map(Head::parse) else {
            chain.is_whole = false;
            break;
        };
        if !head.is_plausible(direction.or(chain.direction)) || !may_be(head.stream) {
            return None;
        }
        chain.frames += 1;
        let end = HEAD_LEN + head.len as usize;
        let Some(payload) = rest.get(HEAD_LEN..end) else {
            chain.is_whole = false;
            break;
        };
        if head.kind == kind::HEADERS && head.has(flag::END_HEADERS) && !head.has(flag::PADDED) {
            let skipped = if head.has(flag::PRIORITY) { 5 } else { 0 };
            let shown = sender(payload.get(skipped..)?)?;
            if let Some(shown) = shown {
                if chain.direction.or(direction).is_some_and(|known| known != shown) {
                    return None;
                }
                chain.direction = Some(shown);
            }
        }
        rest = rest.get(end..).unwrap_or_default();
    }
    Some(chain)
}

/// Which way a header block goes, if it says so; `None` if it is none. Pseudo-header fields come first (RFC 9113, section 8.3).
fn sender(block: &[u8]) -> Option<Option<Direction>> {
    let mut decoder = Decoder::new(false);
    let (mut direction, mut is_valid, mut is_past) = (None, true, false);
    let mut count = 0;
    let mut look = |field: Field<'_>| {
        count += 1;
        let shown = match field.kind {
            Name::Method | Name::Scheme | Name::Authority | Name::Path | Name::Protocol => Some(Direction::ToServer),
            Name::Status => Some(Direction::ToClient),
            Name::Pseudo => {
                is_valid = false;
                None
            }
            _ => None,
        };
        if shown.is_some() {
            is_valid &= !is_past && (direction.is_none() || direction == shown);
            direction = shown;
        } else if field.kind != Name::Unknown {
            is_past = true;
            is_valid &= field.name.iter().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase());
            is_valid &= field.value.iter().all(|byte| *byte >= b' ' || *byte == b'\t');
        }
    };
    decoder.decode(block, &mut look).ok()?;
    (is_valid && count > 0).then_some(direction)
}
