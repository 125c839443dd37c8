//! Messages, byte by byte.

pub const A: u16 = 1;
pub const CNAME: u16 = 5;
pub const SOA: u16 = 6;
pub const AAAA: u16 = 28;
pub const OPT: u16 = 41;

/// A pointer to the name of the question.
pub const SAME: &[u8] = &[0xc0, 12];

pub fn name(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in text.split('.').filter(|label| !label.is_empty()) {
        bytes.push(u8::try_from(label.len()).unwrap());
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes
}

pub fn header(id: u16, flags: u16, counts: [u16; 4]) -> Vec<u8> {
    let fields = [id, flags, counts[0], counts[1], counts[2], counts[3]];
    fields.iter().flat_map(|field| field.to_be_bytes()).collect()
}

pub fn record(name: &[u8], kind: u16, data: &[u8]) -> Vec<u8> {
    let len = u16::try_from(data.len()).unwrap();
    [name, &kind.to_be_bytes(), &[0, 1, 0, 0, 0, 60], &len.to_be_bytes(), data].concat()
}

/// What EDNS adds to both ways, with a cookie.
pub fn edns() -> Vec<u8> {
    record(&[0], OPT, &[0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8])
}

pub fn query(id: u16, text: &str, kind: u16) -> Vec<u8> {
    [header(id, 0x0100, [1, 0, 0, 1]), name(text), kind.to_be_bytes().to_vec(), vec![0, 1], edns()].concat()
}

/// An answer with `answers` in the answer section, and an OPT record.
pub fn reply(id: u16, text: &str, kind: u16, code: u16, answers: &[Vec<u8>]) -> Vec<u8> {
    let count = u16::try_from(answers.len()).unwrap();
    let head = header(id, 0x8180 | code, [1, count, 0, 1]);
    [head, name(text), kind.to_be_bytes().to_vec(), vec![0, 1], answers.concat(), edns()].concat()
}

pub fn a(last: u8) -> Vec<u8> {
    record(SAME, A, &[192, 0, 2, last])
}

pub fn aaaa(last: u8) -> Vec<u8> {
    record(SAME, AAAA, &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last])
}

/// With its length before it.
pub fn framed(message: &[u8]) -> Vec<u8> {
    [&u16::try_from(message.len()).unwrap().to_be_bytes()[..], message].concat()
}
