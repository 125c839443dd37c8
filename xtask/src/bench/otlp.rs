//! Spans of an OTLP request, counted without looking into them.

/// `ExportTraceServiceRequest.resource_spans`, `ResourceSpans.scope_spans`, `ScopeSpans.spans`.
const PATH: [u64; 3] = [1, 2, 2];

/// Number of spans in an `ExportTraceServiceRequest`; what is malformed ends the count.
pub fn spans(body: &[u8]) -> u64 {
    count(body, &PATH)
}

/// Messages at the end of a path of field numbers.
fn count(mut message: &[u8], path: &[u64]) -> u64 {
    let Some((wanted, deeper)) = path.split_first() else { return 1 };
    let mut found = 0;
    while let Some((field, value)) = next(&mut message) {
        if field == *wanted {
            found += count(value, deeper);
        }
    }
    found
}

/// Takes the next field: its number, and its bytes if it has a length.
fn next<'a>(message: &mut &'a [u8]) -> Option<(u64, &'a [u8])> {
    let tag = varint(message)?;
    // Wire types of Protocol Buffers: 0 a varint, 1 and 5 fixed, 2 what has a length.
    let length = match tag & 7 {
        0 => {
            varint(message)?;
            0
        }
        1 => 8,
        2 => usize::try_from(varint(message)?).ok()?,
        5 => 4,
        _ => return None,
    };
    let (value, rest) = message.split_at_checked(length)?;
    *message = rest;
    Some((tag >> 3, value))
}

fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = message.split_first()?;
        *message = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::spans;

    /// A field that has a length.
    fn field(number: u8, value: &[u8]) -> Vec<u8> {
        let length = value.len();
        let mut bytes = vec![number << 3 | 2, (length & 0x7f) as u8 | 0x80, (length >> 7) as u8];
        bytes.extend(value);
        bytes
    }

    #[test]
    fn spans_of_all_resources_and_scopes_count() {
        let span = field(2, &[0x09, 1, 2, 3, 4, 5, 6, 7, 8, 0x30, 0x96, 0x01, 0x85, 0x01, 1, 2, 3, 4]);
        let scope = field(2, &[field(1, b"a scope"), span.clone(), span.clone()].concat());
        let resource = field(1, &[field(1, b"its attributes"), scope.clone(), scope].concat());
        let body = [resource.clone(), resource].concat();
        assert_eq!(spans(&body), 8);
        assert_eq!(spans(&body[..body.len() - 1]), 4);
        assert_eq!(spans(&[]), 0);
    }

    #[test]
    fn nonsense_ends() {
        assert_eq!(spans(&[0xff; 32]), 0);
        assert_eq!(spans(&[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]), 0);
    }
}
