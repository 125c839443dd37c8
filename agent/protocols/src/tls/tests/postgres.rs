//! PostgreSQL inside: its authentication by sizes.

use super::build::*;
use super::*;
use crate::phase::Authentication;

/// Plaintext bytes of a request, and of each record of its answer.
type Sizes = (usize, &'static [usize]);

/// Plays rounds of plaintext sizes over TLS 1.3; a last round is a query.
fn rounds(rounds: &[Sizes]) -> Talk {
    let mut talk = Talk::postgres();
    talk.up(client_hello()).down(server_flight13(SHA384)).up(finished13(SHA384));
    talk.phase();
    for (request, response) in rounds {
        talk.up(data(request + 17));
        talk.down(response.iter().flat_map(|len| data(len + 17)).collect::<Vec<_>>());
    }
    talk
}

fn authentication(phase: &Phase) -> &Authentication {
    let PhaseKind::Authentication(authentication) = &phase.kind else { panic!("{phase:?}") };
    authentication
}

const QUERY: Sizes = (14, &[70]);

#[test]
fn every_method() {
    let cases: [(&[Sizes], _, _); 6] = [
        (&[(84, &[334]), QUERY], "trust", 1),
        (&[(84, &[254, 254, 334]), QUERY], "trust", 1),
        (&[(84, &[9]), (13, &[334]), QUERY], "password", 2),
        (&[(84, &[13]), (41, &[334]), QUERY], "md5", 2),
        (&[(84, &[43]), (80, &[93]), (141, &[390]), QUERY], "scram-sha-256", 3),
        (&[(84, &[254, 254, 24]), (54, &[93]), (109, &[390]), QUERY], "scram-sha-256", 3),
    ];
    for (script, method, round_trips) in cases {
        let mut talk = rounds(script);
        let phase = talk.phase();
        assert_eq!(*authentication(&phase), Authentication { method: Some(method), round_trips, encrypted: true },);
        assert_eq!((phase.start_ns, phase.end_ns), (4000, 3000 + 2000 * u64::from(round_trips) + 10), "{method}");
        talk.close(Close::Orderly);
        let exchanges = talk.exchanges();
        assert_eq!(exchanges.len(), 1, "{method}: the query");
        assert_eq!(
            (opaque(&exchanges[0]).inside, opaque(&exchanges[0]).number),
            (Some(crate::postgres::PROTOCOL.spoken), 0)
        );
    }
}

#[test]
fn what_fits_no_method_is_not_told() {
    let cases: [&[Sizes]; 6] = [
        &[(84, &[150]), QUERY],
        // A ticket of Kerberos.
        &[(84, &[9]), (1500, &[334]), QUERY],
        &[(84, &[13]), (42, &[334]), QUERY],
        &[(84, &[43]), (80, &[93]), (141, &[90]), QUERY],
        &[(84, &[43]), (80, &[20]), (141, &[390]), QUERY],
        &[(16, &[])],
    ];
    for script in cases {
        let mut talk = rounds(script);
        talk.close(Close::Orderly);
        assert_eq!(talk.phases(), [], "{script:?}");
    }
}

#[test]
fn a_client_that_is_refused() {
    let cases: [(&[Sizes], _); 3] = [
        (&[(84, &[13]), (41, &[98])], Some("md5")),
        (&[(84, &[43]), (80, &[93]), (141, &[98])], Some("scram-sha-256")),
        (&[(84, &[9]), (20, &[98])], None),
    ];
    for (script, method) in cases {
        let mut talk = rounds(script);
        talk.fin(Direction::ToClient);
        let phase = talk.phase();
        assert_eq!((authentication(&phase).method, phase.error.as_deref()), (method, Some("connection_closed")));
        talk.close(Close::Orderly);
        assert_eq!((talk.phases(), talk.exchanges()), (Vec::new(), Vec::new()));
    }
}

#[test]
fn an_offer_of_nothing_else_tells_what_is_inside() {
    for (offer, expected) in [(&["postgresql"][..], 1), (&["postgresql", "h2"], 0), (&[], 0)] {
        let mut talk = Talk::new();
        talk.up(record(22, &client_hello_message("db.test", offer, 100)));
        talk.down(server_flight13(SHA256)).up(finished13(SHA256));
        talk.phase();
        talk.up(data(84 + 17)).down(data(334 + 17)).up(data(31)).down(data(87));
        assert_eq!(talk.phases().len(), expected, "{offer:?}");
    }
}
