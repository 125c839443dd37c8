//! Calls of gRPC-Web over HTTP/1.1, as connect-go makes and answers them.

use serde_json::json;

use super::case;

#[test]
fn calls_over_http1() {
    let told = case("grpc-web--connect");
    assert!(told.dropped.is_empty(), "{:?}", told.dropped);
    let spans = told.spans.clone().count(4);
    assert_eq!(spans.texts("rpc.method"), ["shop.Cart/Add", "shop.Cart/Add", "shop.Cart/List", "shop.Cart/Missing"]);
    for span in spans.iter() {
        span.has(&json!({ "rpc.system.name": "grpc", "network.protocol.version": "1.1" }));
    }
    let counted = |status: &str, answers: u64| json!({ "rpc.response.status_code": status, "wirespan.rpc.request.messages": 1, "wirespan.rpc.response.messages": answers });
    spans[0].failed(false).has(&counted("OK", 1));
    spans[1].has(&counted("NOT_FOUND", 0));
    spans[2].failed(false).has(&counted("OK", 3));
    // The server of HTTP answers, which knows no calls.
    assert!(!spans[3].attributes.contains_key("rpc.response.status_code"));
}
