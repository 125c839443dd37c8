//! What was decrypted, as pieces.

use crate::plain::{Plain, PlainBytes, PlainPiece};
use crate::stream::{Direction, Stamp};

/// The end of [`Plain::bytes`] from `start` on is what `direction` said at `pos`. Records of one call are one piece.
pub(super) fn shown(plain: &mut Plain, direction: Direction, pos: u64, start: usize, stamp: Stamp, ends_call: bool) {
    let end = plain.bytes.len();
    if start == end {
        if ends_call {
            mark_end(plain, direction, &stamp);
        }
        return;
    }
    if let Some(PlainPiece { direction: before, pos: from, what, stamp: first }) = plain.pieces.last_mut()
        && let PlainBytes::Shown { range, ends_call: false } = what
        && *before == direction
        && range.end == start
        && *from + range.len() as u64 == pos
        && first.same_call(&stamp)
    {
        *what = PlainBytes::Shown { range: range.start..end, ends_call };
        return;
    }
    plain.pieces.push(PlainPiece { direction, pos, what: PlainBytes::Shown { range: start..end, ends_call }, stamp });
}

/// The call of this stamp is over, with nothing more of its data.
pub(super) fn mark_end(plain: &mut Plain, direction: Direction, stamp: &Stamp) {
    if let Some(piece) = plain.pieces.last_mut()
        && piece.direction == direction
        && (piece.stamp.last_ns, piece.stamp.actor) == (stamp.last_ns, stamp.actor)
        && let PlainBytes::Shown { ends_call, .. } = &mut piece.what
    {
        *ends_call = true;
    }
}

/// `len` bytes of `direction` at `pos` were not seen.
pub(super) fn gap(plain: &mut Plain, direction: Direction, pos: u64, len: u64, stamp: Stamp) {
    if len > 0 {
        plain.pieces.push(PlainPiece { direction, pos, what: PlainBytes::Gap(len), stamp });
    }
}

/// `direction` says no more.
pub(super) fn end(plain: &mut Plain, direction: Direction, pos: u64, stamp: Stamp) {
    plain.pieces.push(PlainPiece { direction, pos, what: PlainBytes::End, stamp });
}
