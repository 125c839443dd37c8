//! Handshakes that fail.

use super::build::*;
use super::*;

/// The error, and the tick of its time.
#[track_caller]
fn error(talk: &mut Talk) -> (String, u64) {
    let phase = talk.phase();
    assert_eq!(phase.start_ns, 1000);
    (phase.error.unwrap_or_default().into(), phase.end_ns / 1000)
}

#[test]
fn alerts_in_clear() {
    for (code, name) in [
        (40, "handshake_failure"),
        (48, "unknown_ca"),
        (70, "protocol_version"),
        (112, "unrecognized_name"),
        (200, "alert_200"),
    ] {
        let mut talk = Talk::new();
        talk.up(client_hello()).down(alert(2, code));
        assert_eq!(error(&mut talk), (name.into(), 2));
        assert!(talk.out.left);
        talk.fin(Direction::ToClient).close(Close::Orderly);
        assert_eq!(talk.phases(), [], "told once");
    }
    let mut talk = Talk::new();
    talk.up(client_hello()).down(server_flight12(GCM12, 500, false)).up(alert(2, 45));
    let phase = talk.phase();
    assert_eq!((phase.error.as_deref(), tls(&phase).version), (Some("certificate_expired"), Some("1.2")));
}

#[test]
fn warnings() {
    let mut talk = Talk::new();
    talk.up(client_hello()).down([alert(1, 112), server_flight12(GCM12, 500, false)].concat()).up(client_flight12());
    talk.down([change(), encrypted()].concat());
    assert_eq!(talk.phase().error, None, "a warning does not end it");

    let mut talk = Talk::new();
    talk.up(client_hello()).down(alert(1, 0));
    assert_eq!(error(&mut talk), ("close_notify".into(), 2));
}

#[test]
fn encrypted_alerts() {
    // TLS 1.2, after ChangeCipherSpec.
    let mut talk = Talk::new();
    talk.up(client_hello()).down(server_flight12(GCM12, 500, false)).up(client_flight12());
    talk.down([change(), record(21, &[0; 26])].concat());
    assert_eq!(error(&mut talk), ("encrypted_alert".into(), 4));

    // TLS 1.3: the client refuses the certificate.
    let mut talk = Talk::new();
    talk.up(client_hello()).down(server_flight13(SHA256)).up([change(), data(19)].concat());
    assert_eq!(talk.phases(), []);
    talk.fin(Direction::ToServer);
    assert_eq!(error(&mut talk), ("encrypted_alert".into(), 3));

    // The server gives up after its flight, and the connection is reset.
    let mut talk = Talk::new();
    talk.up(client_hello()).down(server_flight13(SHA256)).down(data(19)).close(Close::Reset);
    assert_eq!(error(&mut talk), ("encrypted_alert".into(), 3));
}

#[test]
fn a_short_record_of_the_server_is_no_alert_when_the_client_goes_on() {
    let mut talk = Talk::new();
    talk.up(client_hello()).down(server_flight13(SHA256)).down(data(19)).up(finished13(SHA256));
    assert_eq!(talk.phase().error, None);
}

#[test]
fn a_client_certificate_that_is_refused() {
    let last = [data(1200), data(101), finished13(SHA256)].concat();
    let mut talk = Talk::new();
    talk.up(client_hello()).down(server_flight13(SHA256)).up([&last[..], &data(60)].concat()).down(data(19));
    assert_eq!(talk.phases(), []);
    talk.fin(Direction::ToClient);
    assert_eq!(error(&mut talk), ("encrypted_alert".into(), 4));
    talk.close(Close::Orderly);
    assert_eq!(talk.exchanges(), []);

    // A server that saw an empty certificate reads no further, or does.
    for reads in [false, true] {
        let mut talk = Talk::new();
        talk.up(client_hello()).down(server_flight13(SHA256)).up(data(25)).down(data(19));
        if reads {
            talk.up(finished13(SHA256));
        }
        assert_eq!(talk.phases(), []);
        talk.fin(Direction::ToClient);
        let phase = talk.phase();
        assert_eq!((phase.error.as_deref(), phase.end_ns), (Some("encrypted_alert"), 4010), "{reads}");
        assert_eq!(tls(&phase).client_certificate_asked, Some(true));
    }

    // An answer of two bytes is not the end.
    let mut talk = Talk::new();
    talk.up(client_hello())
        .down(server_flight13(SHA256))
        .up([&last[..], &data(60)].concat())
        .down(data(19))
        .down(data(80));
    assert_eq!(talk.phase().error, None);
}

#[test]
fn ends() {
    let begin = || {
        let mut talk = Talk::new();
        talk.up(client_hello()).down(server_hello13(SHA256));
        talk
    };
    assert_eq!(error(begin().close(Close::Reset)), ("connection_reset".into(), 3));
    assert_eq!(error(begin().close(Close::Orderly)), ("connection_closed".into(), 3));
    assert_eq!(error(begin().fin(Direction::ToClient)), ("connection_closed".into(), 3));
    let mut talk = begin();
    talk.expire(u64::MAX);
    assert_eq!(talk.phases(), [], "it may go on");
}

#[test]
fn an_answer_that_is_no_tls() {
    for answer in ["HTTP/1.1 400 Bad Request\r\n\r\n", "-ERR unknown command\r\n", "SSH-2.0-OpenSSH_9.2\r\n"] {
        let mut talk = Talk::new();
        talk.up(client_hello()).down(answer);
        assert_eq!(error(&mut talk), ("protocol_mismatch".into(), 2), "{answer}");
    }
    // TLS first, and then something else, is neither.
    let mut talk = Talk::new();
    talk.up(client_hello()).down([&server_hello13(SHA256)[..], b"HTTP/1.1"].concat());
    assert_eq!((talk.phases(), talk.count(Reason::Malformed), talk.out.left), (Vec::new(), 1, true));
}

/// The other way round: HTTP that a server of TLS answers with an alert.
#[test]
fn an_alert_is_no_answer_to_http() {
    let mut session = crate::http1::PROTOCOL.session(true);
    let mut out = Output::default();
    let stamp = Stamp { first_ns: 1, last_ns: 1, ..Stamp::default() };
    let request = b"GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n";
    session.data(Direction::ToServer, &Chunk { pos: 0, bytes: request, ends_call: true, stamp }, &mut out);
    session.data(Direction::ToClient, &Chunk { pos: 0, bytes: &alert(2, 70), ends_call: true, stamp }, &mut out);
    session.half_close(Direction::ToClient, 2, &mut out);
    session.close(Close::Orderly, 3, &mut out);
    assert_eq!(
        out.exchanges.iter().map(|exchange| exchange.ending).collect::<Vec<_>>(),
        [crate::exchange::Ending::Closed]
    );
    assert_eq!(out.counts[Reason::Malformed as usize], 1);
}

#[test]
fn a_loss_in_the_handshake_is_no_failure() {
    let mut talk = Talk::new();
    talk.up(client_hello());
    talk.skip(Direction::ToClient, 3000);
    assert_eq!((talk.phases(), talk.count(Reason::Resync), talk.out.left), (Vec::new(), 1, true));
}
