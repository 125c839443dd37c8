use super::*;
use std::io::Cursor;

fn error(bytes: &[u8]) -> String {
    format!("{:#}", from_reader(Cursor::new(bytes.to_vec())).err().unwrap())
}

#[test]
fn what_is_neither_is_said_in_one_line() {
    assert!(error(b"").contains("empty"));
    assert!(error(b"ab").contains("cut off"));
    assert!(error(b"GET / HTTP/1.1\r\n").contains("neither"));
    assert!(error(&[0x1f, 0x8b, 8, 0, 0]).contains("compressed"));
    assert!(error(b"WIRESPAN\x09\0\0\0").contains("version"));
    assert!(error(b"WIREless").contains("cut off"));
    assert!(open(Path::new("/no/such/file")).err().unwrap().to_string().contains("/no/such/file"));
}
