//! OTLP over HTTP with protobuf bodies (OTLP specification, "OTLP/HTTP").

use std::io::Write as _;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use flate2::Compression as Level;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use prost::Message as _;

use super::advice;
use super::attempt::{Attempt, Response, chain};
use super::transport::{self, HttpClient};
use crate::config::otlp::{Compression, Otlp, Protocol, Signal};
use crate::shown::clean;

const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");
/// Most bytes of an answer that are read; an answer has a sentence or two.
const MAX_ANSWER: usize = 64 * 1024;
/// Most characters of it that are told.
const MAX_WORDS: usize = 160;

/// Sends requests to one URL.
#[derive(Debug)]
pub struct Http {
    client: HttpClient<Full<Bytes>>,
    url: Uri,
    headers: HeaderMap,
    gzip: bool,
    signal: Signal,
}

impl Http {
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(config: &Otlp) -> anyhow::Result<Self> {
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, super::user_agent());
        // Those of the user go before ours, except what makes the request an OTLP request.
        for key in config.headers.keys() {
            headers.remove(key);
        }
        headers.extend(config.headers.iter().map(|(key, value)| (key.clone(), value.clone())));
        headers.insert(CONTENT_TYPE, PROTOBUF);
        let gzip = config.compression == Compression::Gzip;
        if gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let (url, signal) = (config.endpoint.clone(), config.signal);
        Ok(Self { client: transport::client(config)?, url, headers, gzip, signal })
    }

    /// The request's body as it will be sent, however often.
    pub fn body(&self, request: Vec<u8>) -> Bytes {
        if !self.gzip {
            return request.into();
        }
        let mut encoder = GzEncoder::new(Vec::with_capacity(request.len() / 4), Level::fast());
        // Writing into a `Vec` cannot fail.
        let _ = encoder.write_all(&request);
        encoder.finish().unwrap_or_default().into()
    }

    /// One attempt.
    pub async fn send(&self, body: Bytes) -> Attempt {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.url.clone();
        *request.headers_mut() = self.headers.clone();
        match self.client.request(request).await {
            Ok(response) => self.answer(response).await,
            Err(error) => {
                let advice = advice::of_port(Protocol::HttpProtobuf, self.url.port_u16());
                // Where nobody answers, nobody misunderstands.
                let advice = advice.filter(|_| !error.is_connect()).map(|advice| format!("; {advice}"));
                Attempt::Retry { after: None, reason: chain(&error) + &advice.unwrap_or_default() }
            }
        }
    }

    async fn answer(&self, response: http::Response<Incoming>) -> Attempt {
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await.map(http_body_util::Collected::to_bytes);
        let status = head.status;
        if status.is_success() {
            return match body {
                Ok(body) => accepted(&head.headers, body),
                // Taken for certain, only the words about it are missing: sending again would double the spans.
                Err(_) => Attempt::Accepted { rejected: 0, message: String::new() },
            };
        }
        let said = words(&head.headers, &body.unwrap_or_default());
        let advice = advice::of_status(self.signal, status).map(|advice| format!("; {advice}")).unwrap_or_default();
        let reason = format!("the receiver answered {status} at {}{said}{advice}", self.url.path());
        match status {
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => {
                Attempt::Retry { after: retry_after(&head.headers, SystemTime::now()), reason }
            }
            _ => Attempt::Fatal { reason },
        }
    }
}

fn is(headers: &HeaderMap, media_type: &str) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().is_some_and(|given| given.trim().eq_ignore_ascii_case(media_type))
}

fn accepted(headers: &HeaderMap, body: Bytes) -> Attempt {
    // A web page with status 200 is some other server: what it got is lost.
    if is(headers, "text/html") {
        return Attempt::Fatal { reason: "the receiver answered with a web page: not an OTLP end point?".to_owned() };
    }
    if !is(headers, "application/x-protobuf") {
        return Attempt::Accepted { rejected: 0, message: String::new() };
    }
    match Response::decode(body) {
        Ok(response) => response.into(),
        Err(_) => Attempt::Fatal { reason: "the receiver's answer is no OTLP response".to_owned() },
    }
}

/// `google.rpc.Status`, which a failure's body is; the details are of no use here.
#[derive(Clone, PartialEq, prost::Message)]
struct Status {
    #[prost(string, tag = "2")]
    message: String,
}

/// What the body of a failure says, if it says something.
fn words(headers: &HeaderMap, body: &Bytes) -> String {
    let text = if is(headers, "application/x-protobuf") {
        Status::decode(body.clone()).map(|status| status.message).unwrap_or_default()
    } else if is(headers, "text/html") {
        String::new()
    } else {
        String::from_utf8_lossy(body).trim().to_owned()
    };
    if text.is_empty() { text } else { format!(": {}", clean(&text, MAX_WORDS)) }
}

/// `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_takes_seconds_and_dates() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        let parse = |text: &'static str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]);
            retry_after(&headers, now)
        };
        assert_eq!(parse("7"), Some(Duration::from_secs(7)));
        assert_eq!(parse("Sun, 06 Nov 1994 08:50:37 GMT"), Some(Duration::from_secs(60)));
        assert_eq!(parse("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(parse("soon"), None);
        assert_eq!(parse("-1"), None);
    }
}
