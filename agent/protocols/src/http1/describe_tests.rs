use super::*;
use crate::describe::options::Options;
use crate::describe::route::Routes;
use crate::describe::testing::{Ends, exchange, get, listed, span, span_with, tcp, unix, wire};
use crate::describe::value::Status;
use crate::exchange::{Ending, Exchange};
use crate::http::KNOWN_METHODS;
use crate::rpc::grpc::Call;

fn full() -> HttpExchange {
    HttpExchange {
        method: "GET".into(),
        target: "/users/7?page=2&sig=secret".into(),
        version_minor: 1,
        status: Some(200),
        host: Some("shop.example:8080".into()),
        user_agent: Some("curl/8".into()),
        request_body: Some(0),
        response_body: Some(12),
        ..HttpExchange::default()
    }
}

fn ended(http: HttpExchange, ending: Ending) -> Exchange {
    Exchange { ending, ..exchange(http) }
}

fn answered(http: HttpExchange) -> Exchange {
    ended(http, Ending::Answered)
}

#[test]
fn a_server_span_whole() {
    let span = span(&answered(full()), &tcp(Kind::Server, 8080));
    assert_eq!((span.kind, &*span.name, &span.status), (Kind::Server, "GET", &Status::Unset));
    assert_eq!(
        listed(&span),
        [
            r#"client.address="10.0.0.2""#,
            "http.request.body.size=0",
            r#"http.request.method="GET""#,
            "http.response.body.size=12",
            "http.response.status_code=200",
            r#"network.peer.address="10.0.0.2""#,
            "network.peer.port=50000",
            r#"network.protocol.version="1.1""#,
            r#"server.address="shop.example""#,
            "server.port=8080",
            r#"url.path="/users/7""#,
            r#"url.query="page=2&sig=REDACTED""#,
            r#"url.scheme="http""#,
            r#"user_agent.original="curl/8""#,
        ]
    );
}

#[test]
fn a_client_span_whole() {
    let span = span(&answered(full()), &tcp(Kind::Client, 8080));
    assert_eq!((span.kind, &*span.name, &span.status), (Kind::Client, "GET", &Status::Unset));
    assert_eq!(
        listed(&span),
        [
            "http.request.body.size=0",
            r#"http.request.method="GET""#,
            "http.response.body.size=12",
            "http.response.status_code=200",
            r#"network.peer.address="10.0.0.1""#,
            "network.peer.port=8080",
            r#"network.protocol.version="1.1""#,
            r#"server.address="shop.example""#,
            "server.port=8080",
            r#"url.full="http://shop.example:8080/users/7?page=2&sig=REDACTED""#,
        ]
    );
}

#[test]
fn on_the_wire_an_exchange_is_the_servers() {
    let facts = wire(80);
    assert_eq!(listed(&span(&answered(full()), &facts)), listed(&span(&answered(full()), &tcp(Kind::Server, 80))));
    let span = span(&answered(full()), &facts);
    assert_eq!((span.kind, get(&span, "network.peer.address")), (Kind::Server, "10.0.0.2".into()));
}

#[test]
fn http_1_0_without_host() {
    let http = HttpExchange { host: None, version_minor: 0, user_agent: None, target: "/a?".into(), ..full() };
    let server = span(&answered(http.clone()), &tcp(Kind::Server, 80));
    assert_eq!((get(&server, "server.address"), get(&server, "server.port")), ("10.0.0.1".into(), "80".into()));
    assert_eq!(get(&server, "network.protocol.version"), "1.0");
    assert_eq!(get(&server, "url.query"), "-", "an empty query is none");
    let client = span(&answered(http), &tcp(Kind::Client, 8080));
    assert_eq!(get(&client, "url.full"), "http://10.0.0.1:8080/a?");
    assert_eq!((get(&client, "server.address"), get(&client, "server.port")), ("10.0.0.1".into(), "8080".into()));
}

#[test]
fn a_host_without_port() {
    let http = HttpExchange { host: Some("shop.example".into()), target: "/".into(), ..full() };
    let port = |role, port| get(&span(&answered(http.clone()), &tcp(role, port)), "server.port");
    assert_eq!(port(Kind::Server, 80), "80");
    assert_eq!(port(Kind::Server, 8080), "-", "a proxy in front has another port");
    assert_eq!(port(Kind::Client, 80), "80");
    assert_eq!(port(Kind::Client, 8080), "8080");
    assert_eq!(get(&span(&answered(http), &tcp(Kind::Client, 80)), "url.full"), "http://shop.example/");
}

#[test]
fn unknown_methods() {
    for method in ["PROPFIND", "get", "X"] {
        for role in [Kind::Server, Kind::Client] {
            let span = span(&answered(HttpExchange { method: method.into(), ..full() }), &tcp(role, 80));
            assert_eq!(span.name, "HTTP");
            assert_eq!(get(&span, "http.request.method"), "_OTHER");
            assert_eq!(get(&span, "http.request.method_original"), method);
        }
    }
    for method in KNOWN_METHODS {
        let span = span(&answered(HttpExchange { method: method.into(), ..full() }), &tcp(Kind::Server, 80));
        assert_eq!((&*span.name, get(&span, "http.request.method")), (method, method.to_owned()));
        assert_eq!(get(&span, "http.request.method_original"), "-");
    }
}

#[test]
fn configured_methods_replace_the_list() {
    let options = Options { known_methods: Some(vec!["PROPFIND".into(), "GET".into()]), ..Options::default() };
    for (method, name) in [("PROPFIND", "PROPFIND"), ("GET", "GET"), ("POST", "HTTP")] {
        let http = answered(HttpExchange { method: method.into(), ..full() });
        assert_eq!(span_with(&options, &http, &tcp(Kind::Server, 80)).name, name);
    }
}

#[test]
fn a_route_is_configured_or_absent() {
    let mut routes = Routes::new();
    routes.add(None, "/users/{id}").unwrap();
    routes.add(Some("shop"), "/carts/{cart}").unwrap();
    let options = Options { routes, ..Options::default() };
    let server = span_with(&options, &answered(full()), &tcp(Kind::Server, 80));
    assert_eq!((&*server.name, get(&server, "http.route")), ("GET /users/{id}", "/users/{id}".into()));
    let cart = answered(HttpExchange { target: "/carts/1".into(), method: "FOO".into(), ..full() });
    assert_eq!(span_with(&options, &cart, &tcp(Kind::Server, 80)).name, "HTTP /carts/{cart}");
    let cut = answered(HttpExchange { target: "/users/7".into(), target_truncated: true, ..full() });
    let cut = span_with(&options, &cut, &tcp(Kind::Server, 80));
    assert_eq!(
        (&*cut.name, get(&cut, "http.route"), get(&cut, "wirespan.url.truncated")),
        ("GET", "-".into(), "true".into())
    );
    let client = span_with(&options, &answered(full()), &tcp(Kind::Client, 80));
    assert_eq!((&*client.name, get(&client, "http.route")), ("GET", "-".into()));
}

#[test]
fn errors_depend_on_the_side() {
    let cases = [
        // Status, ending → error.type at the server, at the client.
        (Some(200), Ending::Answered, "-", "-"),
        (Some(304), Ending::Answered, "-", "-"),
        (Some(404), Ending::Answered, "-", "404"),
        (Some(418), Ending::Answered, "-", "418"),
        (Some(500), Ending::Answered, "500", "500"),
        (Some(507), Ending::Answered, "507", "507"),
        (Some(500), Ending::Reset, "500", "500"),
        (Some(200), Ending::Reset, "connection_reset", "connection_reset"),
        (Some(200), Ending::Closed, "connection_closed", "connection_closed"),
        (None, Ending::Closed, "connection_closed", "connection_closed"),
        (None, Ending::Reset, "connection_reset", "connection_reset"),
        (None, Ending::Unanswered, "timeout", "timeout"),
    ];
    for (status, ending, at_server, at_client) in cases {
        for (role, expected) in [(Kind::Server, at_server), (Kind::Client, at_client)] {
            let span = span(&ended(HttpExchange { status, ..full() }, ending), &tcp(role, 80));
            assert_eq!(get(&span, "error.type"), expected, "{status:?} {ending:?} {role:?}");
            let error = matches!(span.status, Status::Error(_));
            assert_eq!(error, expected != "-", "{status:?} {ending:?} {role:?}");
            let code = status.map_or("-".to_owned(), |status: u16| status.to_string());
            assert_eq!(get(&span, "http.response.status_code"), code);
        }
    }
}

#[test]
fn who_the_client_is() {
    let address = |forwarded: &str| {
        let http = HttpExchange { forwarded_for: Some(forwarded.into()), ..full() };
        get(&span(&answered(http), &tcp(Kind::Server, 80)), "client.address")
    };
    assert_eq!(address("203.0.113.9"), "203.0.113.9");
    assert_eq!(address("203.0.113.9:4711"), "203.0.113.9");
    assert_eq!(address("\"[2001:db8::1]:4711\""), "2001:db8::1");
    assert_eq!(address("2001:db8::1"), "2001:db8::1");
    assert_eq!(address(""), "10.0.0.2");
    assert_eq!(address("unknown"), "-");
    assert_eq!(address("_hidden"), "-");
}

#[test]
fn proxies_and_odd_targets() {
    let of = |method: &'static str, target: &str, role, port| {
        span(&answered(HttpExchange { method: method.into(), target: target.into(), ..full() }), &tcp(role, port))
    };
    let absolute = of("GET", "http://u:p@real.example/x?y", Kind::Client, 3128);
    assert_eq!(get(&absolute, "url.full"), "http://REDACTED:REDACTED@real.example/x?y");
    assert_eq!((get(&absolute, "server.address"), get(&absolute, "server.port")), ("real.example".into(), "80".into()));
    assert_eq!(get(&absolute, "network.peer.port"), "3128");
    let absolute = of("GET", "HTTPS://real.example:444/x?y", Kind::Server, 3128);
    assert_eq!((get(&absolute, "url.scheme"), get(&absolute, "url.path")), ("https".into(), "/x".into()));
    assert_eq!(
        (get(&absolute, "server.address"), get(&absolute, "server.port")),
        ("real.example".into(), "444".into())
    );
    let connect = of("CONNECT", "real.example:443", Kind::Client, 3128);
    assert_eq!((get(&connect, "url.full"), get(&connect, "server.port")), ("real.example:443".into(), "443".into()));
    assert_eq!(get(&of("CONNECT", "real.example:443", Kind::Server, 3128), "url.path"), "-");
    assert_eq!(get(&of("OPTIONS", "*", Kind::Server, 80), "url.path"), "*");
}

#[test]
fn over_a_unix_socket() {
    let client = span(&answered(HttpExchange { host: Some("docker".into()), ..full() }), &unix("/run/docker.sock"));
    assert_eq!(get(&client, "url.full"), "http://docker/users/7?page=2&sig=REDACTED");
    assert_eq!((get(&client, "server.address"), get(&client, "server.port")), ("docker".into(), "-".into()));
    assert_eq!(get(&client, "network.peer.address"), "/run/docker.sock");
    assert_eq!(get(&client, "network.transport"), "unix");
    assert_eq!(get(&client, "network.peer.port"), "-");
    let ends = Ends { kind: Some(Kind::Server), ..unix("/run/docker.sock") };
    let server = span(&answered(HttpExchange { host: None, ..full() }), &ends);
    assert_eq!(
        (get(&server, "server.address"), get(&server, "client.address")),
        ("/run/docker.sock".into(), "-".into())
    );
}

#[test]
fn sizes_that_are_not_certain_are_left_out() {
    let http = HttpExchange { request_body: None, response_body: None, ..full() };
    let span = span(&answered(http), &tcp(Kind::Server, 80));
    assert_eq!((get(&span, "http.request.body.size"), get(&span, "http.response.body.size")), ("-".into(), "-".into()));
}

fn call(status: Option<u32>) -> HttpExchange {
    let call = Call {
        status,
        message: "sold out".into(),
        timeout_ns: Some(250_000_000),
        request_messages: Some(1),
        response_messages: Some(2),
    };
    let target = "/shop.Cart/Add".into();
    HttpExchange { method: "POST".into(), target, call: Some(Box::new(call)), ..full() }
}

#[test]
fn a_call() {
    let span = span(&answered(call(Some(8))), &tcp(Kind::Client, 8080));
    assert_eq!((&*span.name, &span.status), ("shop.Cart/Add", &Status::Error("sold out".into())));
    let expected = [
        r#"error.type="RESOURCE_EXHAUSTED""#,
        r#"network.peer.address="10.0.0.1""#,
        "network.peer.port=8080",
        r#"network.protocol.version="1.1""#,
        r#"rpc.method="shop.Cart/Add""#,
        r#"rpc.response.status_code="RESOURCE_EXHAUSTED""#,
        r#"rpc.system.name="grpc""#,
        r#"server.address="shop.example""#,
        "server.port=8080",
        "wirespan.rpc.request.messages=1",
        "wirespan.rpc.response.messages=2",
        "wirespan.rpc.timeout=0.25",
    ];
    assert_eq!(listed(&span), expected);
}

#[test]
fn a_call_without_a_status_is_what_http_says() {
    let error = |call: HttpExchange, kind| get(&span(&answered(call), &tcp(kind, 80)), "error.type");
    assert_eq!(error(HttpExchange { status: Some(502), ..call(None) }, Kind::Server), "502");
    assert_eq!(error(call(Some(0)), Kind::Client), "-");
    // Whose failure it is is up to the side.
    assert_eq!(error(call(Some(5)), Kind::Server), "-");
    assert_eq!(error(call(Some(13)), Kind::Server), "INTERNAL");
}
