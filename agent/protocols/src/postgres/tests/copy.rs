//! COPY, both ways and in both protocols.

use super::build::*;
use super::*;

fn begin(tag: u8) -> Vec<u8> {
    message(tag, &[0, 0, 1, 0, 0])
}

#[test]
fn into_a_table() {
    let mut wire = Wire::ready();
    wire.client(&query("COPY t FROM STDIN")).server(&begin(b'G'));
    for _ in 0..100 {
        wire.client(&message(b'd', &[b'x'; 30_000]));
    }
    wire.client(&message(b'c', b"")).server(&[complete("COPY 100"), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["COPY t FROM STDIN|COPY|100|-"]);
    wire.client(&query("COPY t FROM STDIN")).server(&begin(b'G')).client(&message(b'f', b"no\0"));
    wire.server(&[error("57014"), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["COPY t FROM STDIN|-|-|57014"]);
}

#[test]
fn into_a_table_with_gaps() {
    let mut wire = Wire::ready();
    wire.client(&query("COPY t FROM STDIN")).server(&begin(b'G'));
    let data = message(b'd', &[b'x'; 3000]).repeat(10);
    for part in data.chunks(8000) {
        wire.cut_call(Direction::ToServer, part, 64, 192);
    }
    wire.client(&message(b'c', b"")).server(&[complete("COPY 10"), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["COPY t FROM STDIN|COPY|10|-"]);
    wire.client(&query("SELECT 1")).server(&[rows(1), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["SELECT ?|SELECT|1|-"]);
}

#[test]
fn out_of_a_table() {
    let mut wire = Wire::ready();
    wire.client(&query("COPY t TO STDOUT")).server(&begin(b'H'));
    wire.server(&message(b'd', &[b'x'; 9000]).repeat(5));
    wire.server(&[message(b'c', b""), complete("COPY 5"), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["COPY t TO STDOUT|COPY|5|-"]);
}

#[test]
fn in_the_extended_protocol_the_sync_before_the_data_is_ignored() {
    let mut wire = Wire::ready();
    for early in [false, true] {
        wire.client(&[once("COPY t FROM STDIN"), sync()].concat());
        let begins = [parsed(), bound(), no_data(), begin(b'G')].concat();
        let data = [message(b'd', b"1\n"), message(b'c', b""), sync()].concat();
        if early {
            wire.client(&data).server(&begins);
        } else {
            wire.server(&begins).client(&data);
        }
        wire.server(&[complete("COPY 1"), ready(b'I')].concat());
        assert_eq!(wire.lines(), ["COPY t FROM STDIN|COPY|1|-"]);
        wire.client(&query("SELECT 1")).server(&[rows(1), ready(b'I')].concat());
        assert_eq!(wire.lines(), ["SELECT ?|SELECT|1|-"]);
    }
}

#[test]
fn replication_is_left_alone() {
    let mut wire = Wire::ready();
    wire.client(&query("START_REPLICATION SLOT s LOGICAL 0/0")).server(&begin(b'W'));
    assert!(wire.out.left && wire.lines().is_empty());
    let mut wire = Wire::new(true);
    wire.client(&startup(&[("user", "r"), ("replication", "database")]));
    assert!(wire.out.left);
}
