//! Turns that were left out on purpose.

use super::build::*;
use super::*;
use Direction::{ToClient, ToServer};

fn prepare(wire: &mut Wire) {
    wire.client(&[parse("s1", "UPDATE t SET a = $1"), sync()].concat());
    wire.server(&[parsed(), ready(b'I')].concat());
    assert!(wire.lines().is_empty());
}

fn use_of(statement: &str) -> [Vec<u8>; 2] {
    let request = [bind("", statement), execute("", 0), sync()].concat();
    [request, [bound(), complete("UPDATE 1"), ready(b'I')].concat()]
}

#[test]
fn named_statements_are_still_known() {
    let mut wire = Wire::ready();
    prepare(&mut wire);
    let [request, response] = use_of("s1");
    for _ in 0..5 {
        wire.left_out(&[(ToServer, &request.repeat(3))]).client(&request);
        wire.left_out(&[(ToClient, &response.repeat(3))]).server(&response);
        assert_eq!(wire.lines(), ["UPDATE t SET a = $1|UPDATE|1|- prepared"]);
    }
    assert_eq!(wire.out.counts, [0; Reason::ALL.len()]);
}

#[test]
fn the_unnamed_one_may_have_been_made_anew() {
    let mut wire = Wire::ready();
    wire.client(&[parse("", "SELECT 1"), sync()].concat()).server(&[parsed(), ready(b'I')].concat());
    let [request, response] = use_of("");
    let other = [parse("", "DELETE FROM t"), sync()].concat();
    wire.left_out(&[(ToServer, &other)]).client(&request);
    wire.left_out(&[(ToClient, &[parsed(), ready(b'I')].concat())]).server(&response);
    assert_eq!(wire.lines(), ["-|UPDATE|1|- prepared"]);
}

#[test]
fn a_turn_that_names_something_stays() {
    let wire = Wire::ready();
    assert_eq!(wire.session.shedding(), Shedding::Tagged { stays: b'C', stays_if_named: b'P' });
    assert_eq!(Wire::new(true).session.shedding(), Shedding::Never, "the start-up");
    assert_eq!(Wire::new(false).session.shedding(), Shedding::Never);
}

#[test]
fn within_a_copy_it_is_a_loss() {
    let mut wire = Wire::ready();
    wire.client(&query("COPY t FROM STDIN")).server(&message(b'G', &[0, 0, 0]));
    assert_eq!(wire.session.shedding(), Shedding::Never);
    let data = message(b'd', b"1\n");
    wire.left_out(&[(ToServer, &data), (ToServer, &message(b'c', b""))]);
    wire.left_out(&[(ToClient, &[complete("COPY 1"), ready(b'I')].concat())]);
    wire.client(&query("SELECT 1")).server(&[answered(1), ready(b'I')].concat());
    assert!(wire.lines().iter().all(|line| !line.starts_with("COPY")), "how it went was not seen");
}
