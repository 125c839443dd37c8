//! A JSON writer: objects, arrays and strings into a buffer, commas placed by itself.

use crate::shown::is_unsafe;

/// JSON being written.
#[derive(Debug, Default)]
pub struct Json {
    bytes: Vec<u8>,
}

const HEX: &[u8; 16] = b"0123456789abcdef";

impl Json {
    /// What was written.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Empties it and keeps its memory, up to `keep` bytes.
    pub fn clear(&mut self, keep: usize) {
        self.bytes.clear();
        self.bytes.shrink_to(keep);
    }

    /// Ends a line of JSON lines.
    pub fn newline(&mut self) {
        self.bytes.push(b'\n');
    }

    fn comma(&mut self) {
        if !matches!(self.bytes.last(), None | Some(b'{' | b'[' | b':' | b'\n')) {
            self.bytes.push(b',');
        }
    }

    /// An object, as an element or as a member's value.
    pub fn object(&mut self, body: impl FnOnce(&mut Self)) {
        self.comma();
        self.bytes.push(b'{');
        body(self);
        self.bytes.push(b'}');
    }

    /// An array with one element for each item.
    pub fn array<T>(&mut self, items: impl IntoIterator<Item = T>, mut element: impl FnMut(&mut Self, T)) {
        self.comma();
        self.bytes.push(b'[');
        for item in items {
            element(self, item);
        }
        self.bytes.push(b']');
    }

    /// The key of a member, which the program knows and which needs no escaping; its value must follow.
    pub fn key(&mut self, key: &str) -> &mut Self {
        self.comma();
        self.bytes.push(b'"');
        self.bytes.extend_from_slice(key.as_bytes());
        self.bytes.extend_from_slice(b"\":");
        self
    }

    /// A string.
    pub fn string(&mut self, text: &str) {
        self.comma();
        self.bytes.push(b'"');
        let mut plain = 0;
        for (at, byte) in text.bytes().enumerate() {
            let escape: &[u8] = match byte {
                b'"' => b"\\\"",
                b'\\' => b"\\\\",
                b'\n' => b"\\n",
                b'\r' => b"\\r",
                b'\t' => b"\\t",
                0..=0x1f | 0x7f => b"",
                // First bytes of what is unsafe beyond ASCII: rarely there.
                0xc2 | 0xd8 | 0xe1 | 0xe2 | 0xef | 0xf3 => {
                    let rest = text.get(at..).unwrap_or_default();
                    let Some(char) = rest.chars().next().filter(|char| is_unsafe(*char)) else { continue };
                    self.bytes.extend_from_slice(text.as_bytes().get(plain..at).unwrap_or_default());
                    for unit in char.encode_utf16(&mut [0; 2]) {
                        self.bytes.extend_from_slice(b"\\u");
                        self.hex_digits(&unit.to_be_bytes());
                    }
                    plain = at + char.len_utf8();
                    continue;
                }
                _ => continue,
            };
            self.bytes.extend_from_slice(text.as_bytes().get(plain..at).unwrap_or_default());
            if escape.is_empty() {
                self.bytes.extend_from_slice(b"\\u00");
                self.hex_digits(&[byte]);
            } else {
                self.bytes.extend_from_slice(escape);
            }
            plain = at + 1;
        }
        self.bytes.extend_from_slice(text.as_bytes().get(plain..).unwrap_or_default());
        self.bytes.push(b'"');
    }

    /// Bytes as a string of hexadecimal digits, as OTLP/JSON writes trace and span ids.
    pub fn hex(&mut self, bytes: &[u8]) {
        self.comma();
        self.bytes.push(b'"');
        self.hex_digits(bytes);
        self.bytes.push(b'"');
    }

    fn hex_digits(&mut self, bytes: &[u8]) {
        for byte in bytes {
            for digit in [byte >> 4, byte & 15] {
                self.bytes.extend(HEX.get(usize::from(digit)));
            }
        }
    }

    /// A 64-bit integer, which protobuf's JSON mapping writes as a string.
    pub fn long(&mut self, number: impl std::fmt::Display) {
        self.comma();
        self.bytes.push(b'"');
        self.display(number);
        self.bytes.push(b'"');
    }

    /// A small number or a truth value, as it prints.
    pub fn bare(&mut self, value: impl std::fmt::Display) {
        self.comma();
        self.display(value);
    }

    /// A number that is no integer, even if its value is one.
    pub fn double(&mut self, number: f64) {
        self.comma();
        // `Debug` keeps the point, or an exponent.
        self.display(format_args!("{number:?}"));
    }

    fn display(&mut self, value: impl std::fmt::Display) {
        use std::io::Write as _;
        // Writing into a `Vec` cannot fail.
        let _ = write!(self.bytes, "{value}");
    }
}

#[cfg(test)]
mod tests {
    use super::Json;
    use crate::shown::is_unsafe;

    fn written(text: &str) -> Vec<u8> {
        let mut json = Json::default();
        json.string(text);
        json.as_bytes().to_vec()
    }

    #[test]
    fn every_character_survives() {
        let odd = "\u{9b}31m\u{e9}\u{61c}\u{180e}\u{202e}\u{2019}\u{feff}\u{ff01}\u{e0041}\u{f0000}";
        for text in [
            "",
            "plain",
            "\"quoted\\\"",
            "a\nb\rc\td",
            "\u{0}\u{1f}\u{7f}\u{1b}[31m",
            "żółw 🐢 \u{2028}",
            "\\u0041",
            odd,
            crate::shown::testing::HOSTILE,
        ] {
            let read: String = serde_json::from_slice(&written(text)).unwrap();
            assert_eq!(read, text);
            assert!(!String::from_utf8(written(text)).unwrap().contains(is_unsafe), "{text:?}");
        }
        assert_eq!(written("\u{1b}"), br#""\u001b""#);
    }

    #[test]
    fn commas_stand_between_and_nowhere_else() {
        let mut json = Json::default();
        json.object(|json| {
            json.key("a").array(["x,", "{", "["], Json::string);
            json.key("b").object(|_| {});
            json.key("c").array([0; 0], Json::bare);
            json.key("d").bare(true);
            json.key("e").long(-5);
            json.key("f").hex(&[0x0f, 0xa0]);
            json.key("g").array([0.0, 0.48, 3e-9], Json::double);
        });
        let expected = br#"{"a":["x,","{","["],"b":{},"c":[],"d":true,"e":"-5","f":"0fa0","g":[0.0,0.48,3e-9]}"#;
        assert_eq!(json.as_bytes(), expected);
    }
}
