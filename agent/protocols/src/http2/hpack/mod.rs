//! HPACK (RFC 7541): the fields of a header block. One decoder a direction, which has to see every block.

mod fixed;
mod huffman;
mod table;
#[cfg(test)]
pub(super) mod tests;

use super::names::Name;
use table::{Entry, Table};

/// A field of a block. `name` and `value` are as on the wire; empty where they were lost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    /// What it is.
    pub(super) kind: Name,
    /// Its name.
    pub(super) name: &'a [u8],
    /// Its value.
    pub(super) value: &'a [u8],
    /// Where a value that is sent itself ends in the block, and its length there.
    pub(super) place: Option<(usize, usize)>,
}

const LOST: Field<'static> = Field { kind: Name::Unknown, name: b"", value: b"", place: None };

/// The block breaks the rules, or the connection was misread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Invalid;

/// Decodes the blocks of one direction.
#[derive(Debug)]
pub(super) struct Decoder {
    table: Table,
    /// Room for a name and for a value.
    name: Vec<u8>,
    value: Vec<u8>,
}

/// Where an entry is.
enum Origin {
    Fixed(usize),
    Known(usize),
    Lost,
}

impl Decoder {
    /// `is_from_start`: every block since the beginning of the connection will be seen.
    pub(super) fn new(is_from_start: bool) -> Self {
        Self { table: Table::new(is_from_start), name: Vec::new(), value: Vec::new() }
    }

    /// Blocks were lost: entries that were there are unknown from now on.
    pub(super) fn lose(&mut self) {
        self.table.lose();
    }

    /// Reads a whole block, and hands over each field in order. What was read before an error was read.
    pub(super) fn decode(&mut self, block: &[u8], mut field: impl FnMut(Field<'_>)) -> Result<(), Invalid> {
        let mut rest = block;
        let mut has_fields = false;
        while let Some(first) = rest.first().copied() {
            if first & 0x80 != 0 {
                let index = integer(&mut rest, 7)?;
                field(self.indexed(index)?);
            } else if first & 0xe0 == 0x20 {
                // A change of size comes before all fields (section 4.2).
                let size = integer(&mut rest, 5)?;
                if has_fields {
                    return Err(Invalid);
                }
                self.table.resize(size);
                continue;
            } else {
                let is_inserted = first & 0xc0 == 0x40;
                let index = integer(&mut rest, if is_inserted { 6 } else { 4 })?;
                self.literal(&mut rest, block.len(), index, is_inserted, &mut field)?;
            }
            has_fields = true;
        }
        Ok(())
    }

    /// A field of the tables.
    fn indexed(&self, index: usize) -> Result<Field<'_>, Invalid> {
        match self.origin(index)? {
            Origin::Fixed(at) => {
                let (kind, name, value) = fixed::ENTRIES.get(at).ok_or(Invalid)?;
                Ok(Field { kind: *kind, name: name.as_bytes(), value: value.as_bytes(), place: None })
            }
            Origin::Known(at) => {
                let entry = self.table.get(at).ok_or(Invalid)?;
                Ok(match entry.name {
                    Name::Unknown => LOST,
                    kind => Field { kind, name: entry.name_text(), value: entry.value(), place: None },
                })
            }
            Origin::Lost => Ok(LOST),
        }
    }

    fn origin(&self, index: usize) -> Result<Origin, Invalid> {
        let place = index.checked_sub(1).ok_or(Invalid)?;
        let Some(at) = place.checked_sub(fixed::ENTRIES.len()) else { return Ok(Origin::Fixed(place)) };
        match self.table.get(at) {
            Some(_) => Ok(Origin::Known(at)),
            None if self.table.is_unsure() => Ok(Origin::Lost),
            None => Err(Invalid),
        }
    }

    /// A field that is sent, with the name of an entry (`index`) or its own (0).
    fn literal(
        &mut self,
        rest: &mut &[u8],
        block: usize,
        index: usize,
        is_inserted: bool,
        field: &mut impl FnMut(Field<'_>),
    ) -> Result<(), Invalid> {
        let sent = if index == 0 { Some(string(rest, &mut self.name)?) } else { None };
        let before = *rest;
        let value = string(rest, &mut self.value)?;
        let place = Some((block - rest.len(), integer(&mut &*before, 7)?));
        let value = value.in_room(&self.value);
        let (kind, name) = match &sent {
            Some(name) => {
                let name = name.in_room(&self.name);
                (Name::of(name), name)
            }
            None => match self.origin(index)? {
                Origin::Fixed(at) => {
                    let (kind, name, _) = fixed::ENTRIES.get(at).ok_or(Invalid)?;
                    (*kind, name.as_bytes())
                }
                Origin::Known(at) => {
                    let entry = self.table.get(at).ok_or(Invalid)?;
                    (entry.name, entry.name_text())
                }
                Origin::Lost => (Name::Unknown, &b""[..]),
            },
        };
        field(if kind == Name::Unknown { Field { place, ..LOST } } else { Field { kind, name, value, place } });
        if is_inserted {
            let entry = Entry::new(kind, name, value);
            self.table.insert(entry);
        }
        Ok(())
    }

    /// Heap bytes held.
    pub(super) fn heap_bytes(&self) -> usize {
        self.table.heap_bytes() + self.name.capacity() + self.value.capacity()
    }

    /// Gives back room that is not needed between blocks.
    pub(super) fn shrink(&mut self) {
        (self.name, self.value) = (Vec::new(), Vec::new());
    }
}

/// A string of a literal.
enum Text<'a> {
    /// As it is sent.
    Plain(&'a [u8]),
    /// Decoded, in the room for it.
    Coded,
}

impl<'a> Text<'a> {
    fn in_room<'b>(&self, room: &'b [u8]) -> &'b [u8]
    where
        'a: 'b,
    {
        match self {
            Self::Plain(text) => text,
            Self::Coded => room,
        }
    }
}

/// A string (section 5.2). No longer than its block lets it be.
fn string<'a>(rest: &mut &'a [u8], room: &mut Vec<u8>) -> Result<Text<'a>, Invalid> {
    let is_coded = rest.first().ok_or(Invalid)? & 0x80 != 0;
    let length = integer(rest, 7)?;
    let (text, after) = rest.split_at_checked(length).ok_or(Invalid)?;
    *rest = after;
    if !is_coded {
        return Ok(Text::Plain(text));
    }
    room.clear();
    huffman::decode(text, room).ok_or(Invalid)?;
    Ok(Text::Coded)
}

/// An integer whose first byte has `bits` of it (section 5.1).
fn integer(rest: &mut &[u8], bits: u32) -> Result<usize, Invalid> {
    let (first, mut after) = rest.split_first().ok_or(Invalid)?;
    let most = (1u8 << bits) - 1;
    let mut value = usize::from(first & most);
    if first & most == most {
        let mut shift = 0;
        loop {
            let (byte, next) = after.split_first().ok_or(Invalid)?;
            after = next;
            // Nothing that is counted here needs more than 28 bits.
            if shift > 21 {
                return Err(Invalid);
            }
            value += usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
    }
    *rest = after;
    Ok(value)
}
