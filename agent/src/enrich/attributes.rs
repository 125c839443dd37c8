//! `OTEL_RESOURCE_ATTRIBUTES`: `key=value` pairs between commas, percent-encoded (OpenTelemetry resource SDK,
//! "Specifying resource information via an environment variable").

/// Most attributes that are taken from an environment.
const MAX_ATTRIBUTES: usize = 128;

/// The pairs; none at all when any of them is malformed, as the specification asks.
pub(super) fn parse(text: &str) -> Option<Vec<(Box<str>, Box<str>)>> {
    let mut pairs = Vec::new();
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()).take(MAX_ATTRIBUTES) {
        let (key, value) = pair.split_once('=')?;
        let key = decode(key.trim())?;
        if key.is_empty() {
            return None;
        }
        pairs.push((key, decode(value.trim())?));
    }
    Some(pairs)
}

/// Undoes percent-encoding (RFC 3986, section 2.1). `None` if it is broken or not UTF-8 in the end.
fn decode(text: &str) -> Option<Box<str>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' { digit(rest.next()?)? << 4 | digit(rest.next()?)? } else { byte });
    }
    String::from_utf8(bytes).ok().map(Into::into)
}

fn digit(byte: u8) -> Option<u8> {
    u8::try_from(char::from(byte).to_digit(16)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pairs_are_decoded() {
        let pairs = parse(" service.version = 1.2 ,team=a%2Cb%3D,,empty=,b=x=y").unwrap();
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(key, value)| (&**key, &**value)).collect();
        assert_eq!(pairs, [("service.version", "1.2"), ("team", "a,b="), ("empty", ""), ("b", "x=y")]);
        assert_eq!(parse("").unwrap(), []);
    }

    #[test]
    fn one_malformed_pair_discards_them_all() {
        for text in ["a=1,b", "a=%4", "a=%zz", "=1", "a=%ff"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(text in "\\PC*") {
            let _ = parse(&text);
        }
    }
}
