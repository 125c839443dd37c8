//! HTTP/1.1 that goes on in HTTP/2, as curl and nghttpx do it.

use serde_json::json;

use super::case;

#[test]
fn the_request_that_asks_is_answered_in_http2() {
    let told = case("http-upgrade--h2c");
    assert!(told.dropped.is_empty(), "{:?}", told.dropped);
    let words: Vec<String> = told
        .spans
        .iter()
        .map(|span| {
            let text = |key: &str| span.attributes.get(key).map_or("-".to_owned(), ToString::to_string);
            let sizes = [text("http.request.body.size"), text("http.response.body.size")].join(" ");
            [text("url.path"), text("network.protocol.version"), sizes].join(" ").replace('"', "")
        })
        .collect();
    // The sizes are those of tshark: the DATA frames 12, 16 and 31.
    assert_eq!(words, ["/one 2 0 16", "/two 2 0 12", "/post 2 3 13", "/refused 1.1 0 16"]);
    for span in told.spans.iter() {
        span.failed(false).has(&json!({ "http.response.status_code": 200, "url.scheme": "http" }));
    }
}
