//! Records (section 3.3): version, type, request id, length of the content, length of the padding, a reserved byte; then both.

/// Bytes in front of the content.
pub(super) const HEAD_LEN: usize = 8;
/// A whole record that begins a request (section 5.1), or ends one (section 5.5).
pub(super) const BEGIN_LEN: usize = HEAD_LEN + 8;

/// Types of records that belong to a request (section 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Begin,
    Abort,
    End,
    Params,
    In,
    Out,
    Error,
    Data,
    /// About the connection itself (section 4): the id is 0.
    Management,
}

/// What stands in front of the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) kind: Kind,
    pub(super) id: u16,
    /// Bytes.
    pub(super) content: u16,
    pub(super) padding: u8,
}

impl Head {
    /// `None` if these bytes are no head of a record.
    pub(super) fn parse(bytes: &[u8; HEAD_LEN]) -> Option<Self> {
        let [1, kind, id_high, id_low, high, low, padding, 0] = *bytes else { return None };
        let id = u16::from_be_bytes([id_high, id_low]);
        let kind = match kind {
            1 => Kind::Begin,
            2 => Kind::Abort,
            3 => Kind::End,
            4 => Kind::Params,
            5 => Kind::In,
            6 => Kind::Out,
            7 => Kind::Error,
            8 => Kind::Data,
            9..=11 => Kind::Management,
            _ => return None,
        };
        let is_managing = kind == Kind::Management;
        (is_managing == (id == 0)).then_some(Self { kind, id, content: u16::from_be_bytes([high, low]), padding })
    }
}

/// Whether the last bytes of a call are the record that ends this request.
pub(super) fn ends_with_end(bytes: &[u8], id: u16) -> bool {
    let Some(record) = bytes.last_chunk::<BEGIN_LEN>() else { return false };
    let Some((head, _)) = record.split_first_chunk::<HEAD_LEN>() else { return false };
    Head::parse(head) == Some(Head { kind: Kind::End, id, content: 8, padding: 0 })
}
