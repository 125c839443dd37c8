//! For whom a proxy asks: the fields that it adds.

/// The first address of `X-Forwarded-For`, without a port.
#[must_use]
pub fn first_address(value: &[u8]) -> Option<&[u8]> {
    bare_address(value.split(|byte| *byte == b',').next()?)
}

/// The first `for=` of `Forwarded` (RFC 7239, section 5.2).
#[must_use]
pub fn forwarded_for(value: &[u8]) -> Option<&[u8]> {
    let element = value.split(|byte| *byte == b',').next()?;
    element.split(|byte| *byte == b';').find_map(|pair| {
        let (name, node) = pair.trim_ascii().split_at_checked(4)?;
        name.eq_ignore_ascii_case(b"for=").then(|| bare_address(node))?
    })
}

fn bare_address(node: &[u8]) -> Option<&[u8]> {
    let node = node.trim_ascii();
    let node = node.strip_prefix(b"\"").unwrap_or(node);
    let node = node.strip_suffix(b"\"").unwrap_or(node);
    let address = if let Some(v6) = node.strip_prefix(b"[") {
        v6.get(..memchr::memchr(b']', v6)?)?
    } else if node.iter().filter(|byte| **byte == b':').count() == 1 {
        node.split(|byte| *byte == b':').next()?
    } else {
        node
    };
    // Obfuscated identifiers and `unknown` are no addresses.
    let is_address = !address.is_empty() && !address.starts_with(b"_") && !address.eq_ignore_ascii_case(b"unknown");
    is_address.then_some(address)
}
