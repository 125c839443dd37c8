use super::*;
use proptest::prelude::*;

fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    Quad::default().decode(text, &mut bytes).map(|()| bytes)
}

#[test]
fn base64_with_and_without_padding() {
    for (text, bytes) in [
        ("", ""),
        ("Zg==", "f"),
        ("Zm8=", "fo"),
        ("Zm9v", "foo"),
        ("Zm9vYmFy", "foobar"),
        // Pieces.
        ("Zg==Zm8=Zm9v", "ffofoo"),
        ("Zm9v\r\nYmFy", "foobar"),
    ] {
        assert_eq!(decoded(text.as_bytes()), Some(bytes.into()), "{text}");
    }
    assert_eq!(decoded(b"Zm9v!"), None);
    assert_eq!(decoded(b"===="), Some(Vec::new()));
}

#[test]
fn trailers_are_all_that_is_left() {
    let tail = found;
    assert_eq!(tail(b"xx\x80\0\0\0\x03a:b"), Some(b"a:b".to_vec()));
    for none in [&b""[..], b"\x80\0\0\0\x04a:b", b"\x80\0\0\0\x02a:b", b"\x80\0\0\0\x03abc", b"\0\0\0\0\x03a:b"] {
        assert_eq!(tail(none), None, "{none:?}");
    }
}

proptest! {
    #[test]
    fn no_body_is_a_panic_or_holds_much(pieces: Vec<Result<Vec<u8>, u16>>, is_text: bool) {
        let mut body = Body::new(if is_text { Coding::Text } else { Coding::Binary });
        for piece in pieces.iter().cycle().take(200) {
            match piece {
                Ok(bytes) => body.bytes(bytes),
                Err(len) => body.gap(u64::from(*len)),
            }
            prop_assert!(body.heap_bytes() <= 8192);
        }
        let _ = (body.count(), body.end(&mut Call::default()));
    }
}
