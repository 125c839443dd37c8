//! Logs of keys as TLS libraries write them (`SSLKEYLOGFILE`, RFC 9850): a line a secret, with its label, the random of the ClientHello and
//! the secret itself in hexadecimal.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use wirespan_protocols::plain::{MAX_SECRET, Random, Secret, SecretKind};
use zeroize::{Zeroize as _, Zeroizing};

/// Largest file that is read, bytes.
const MAX_FILE: u64 = 64 << 20;

/// What a log holds.
#[derive(Debug, Default)]
pub struct KeyLog {
    /// The secrets that decrypt something.
    pub secrets: Vec<(Random, Secret)>,
    /// Lines that are none of a log.
    pub malformed: u64,
}

/// Reads a log.
///
/// # Errors
/// When the file cannot be read, or is larger than 64 MiB.
pub fn read(path: &Path) -> io::Result<KeyLog> {
    let mut text = Zeroizing::new(Vec::new());
    File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut text)?;
    if text.len() as u64 > MAX_FILE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 64 MiB"));
    }
    Ok(parse(&text))
}

fn parse(text: &[u8]) -> KeyLog {
    let mut log = KeyLog::default();
    for line in text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii) {
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        match entry(line) {
            Some(Some(entry)) => log.secrets.push(entry),
            Some(None) => {}
            None => log.malformed += 1,
        }
    }
    log
}

/// A line; `None` in it: of a secret that decrypts nothing.
fn entry(line: &[u8]) -> Option<Option<(Random, Secret)>> {
    let mut fields = line.split(|byte| *byte == b' ').filter(|field| !field.is_empty());
    let (label, random, secret) = (fields.next()?, fields.next()?, fields.next()?);
    let (mut own, mut bytes) = ([0; 32], [0; MAX_SECRET]);
    if fields.next().is_some() || hex(random, &mut own)? != own.len() {
        return None;
    }
    let len = hex(secret, &mut bytes)?;
    let secret = SecretKind::labelled(label).and_then(|kind| Secret::new(kind, &bytes[..len]));
    bytes.zeroize();
    Some(secret.map(|secret| (own, secret)))
}

/// Bytes of hexadecimal digits, and how many.
fn hex(text: &[u8], into: &mut [u8]) -> Option<usize> {
    let (pairs, rest) = text.as_chunks::<2>();
    if !rest.is_empty() || pairs.len() > into.len() {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    for (byte, [high, low]) in into.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(pairs.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_log_are_read() {
        let random = "0123456789abcdefABCDEF".repeat(2) + &"0".repeat(20);
        let text = format!(
            "# made by somebody\r\nCLIENT_RANDOM {random} {}\r\n\nEXPORTER_SECRET {random} {}\nCLIENT_TRAFFIC_SECRET_0 {random} {}\n",
            "1f".repeat(48),
            "00".repeat(32),
            "ff".repeat(32)
        );
        let log = parse(text.as_bytes());
        assert_eq!((log.secrets.len(), log.malformed), (2, 0));
        let (read, secret) = &log.secrets[0];
        assert_eq!((read[0], read[8], secret.kind, secret.bytes()), (0x01, 0xab, SecretKind::Master, &[0x1f; 48][..]));
        assert_eq!(log.secrets[1].1.kind, SecretKind::ClientTraffic);
    }

    #[test]
    fn other_lines_are_counted() {
        let random = "00".repeat(32);
        let long = "00".repeat(65);
        for line in ["", "CLIENT_RANDOM", "CLIENT_RANDOM 00 00", &random] {
            let log = parse(format!("{line}\n").as_bytes());
            assert_eq!((log.secrets.len(), log.malformed), (0, u64::from(!line.is_empty())), "{line}");
        }
        for secret in ["0", "0g", &long, "00 00"] {
            assert_eq!(parse(format!("CLIENT_RANDOM {random} {secret}").as_bytes()).malformed, 1, "{secret}");
        }
        assert_eq!(parse(format!("ECH_SECRET {random} 00").as_bytes()).malformed, 0);
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_a_panic(text: Vec<u8>) {
            let _ = parse(&text);
        }
    }
}
