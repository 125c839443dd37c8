//! How connections were set up, however slowly.

use serde_json::json;

/// Three sign-ins; the second and the third begin more than a second after their connection was there.
#[test]
fn a_sign_in_after_silence_is_a_part_of_the_set_up() {
    let spans = super::super::spans("cases/late-handshake-not-told--late.pcap");
    let set_ups = spans.pick(|span| span.name == "connection_setup").count(3);
    let sign_ins = spans.pick(|span| span.name == "authentication").count(3);
    for (set_up, sign_in) in set_ups.iter().zip(sign_ins.iter()) {
        assert_eq!(sign_in.parent.as_ref(), Some(&set_up.span_id));
        assert!(set_up.encloses(sign_in));
    }
    for (index, milliseconds) in [1_000, 2_000, 1_700].into_iter().enumerate() {
        assert_eq!(set_ups[index].duration().as_millis(), milliseconds);
        set_ups[index].failed(index == 2);
        sign_ins[index].failed(index == 2);
    }
    set_ups[2].has(&json!({ "error.type": "28P01" }));
}
