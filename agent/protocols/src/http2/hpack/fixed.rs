//! The static table of RFC 7541, appendix A.

use crate::http2::names::Name;

/// Its entries, from index 1 on.
pub(super) static ENTRIES: [(Name, &str, &str); 61] = [
    (Name::Authority, ":authority", ""),
    (Name::Method, ":method", "GET"),
    (Name::Method, ":method", "POST"),
    (Name::Path, ":path", "/"),
    (Name::Path, ":path", "/index.html"),
    (Name::Scheme, ":scheme", "http"),
    (Name::Scheme, ":scheme", "https"),
    (Name::Status, ":status", "200"),
    (Name::Status, ":status", "204"),
    (Name::Status, ":status", "206"),
    (Name::Status, ":status", "304"),
    (Name::Status, ":status", "400"),
    (Name::Status, ":status", "404"),
    (Name::Status, ":status", "500"),
    (Name::Other, "accept-charset", ""),
    (Name::Other, "accept-encoding", "gzip, deflate"),
    (Name::Other, "accept-language", ""),
    (Name::Other, "accept-ranges", ""),
    (Name::Other, "accept", ""),
    (Name::Other, "access-control-allow-origin", ""),
    (Name::Other, "age", ""),
    (Name::Other, "allow", ""),
    (Name::Other, "authorization", ""),
    (Name::Other, "cache-control", ""),
    (Name::Other, "content-disposition", ""),
    (Name::Other, "content-encoding", ""),
    (Name::Other, "content-language", ""),
    (Name::ContentLength, "content-length", ""),
    (Name::Other, "content-location", ""),
    (Name::Other, "content-range", ""),
    (Name::ContentType, "content-type", ""),
    (Name::Other, "cookie", ""),
    (Name::Other, "date", ""),
    (Name::Other, "etag", ""),
    (Name::Other, "expect", ""),
    (Name::Other, "expires", ""),
    (Name::Other, "from", ""),
    (Name::Host, "host", ""),
    (Name::Other, "if-match", ""),
    (Name::Other, "if-modified-since", ""),
    (Name::Other, "if-none-match", ""),
    (Name::Other, "if-range", ""),
    (Name::Other, "if-unmodified-since", ""),
    (Name::Other, "last-modified", ""),
    (Name::Other, "link", ""),
    (Name::Other, "location", ""),
    (Name::Other, "max-forwards", ""),
    (Name::Other, "proxy-authenticate", ""),
    (Name::Other, "proxy-authorization", ""),
    (Name::Other, "range", ""),
    (Name::Other, "referer", ""),
    (Name::Other, "refresh", ""),
    (Name::Other, "retry-after", ""),
    (Name::Other, "server", ""),
    (Name::Other, "set-cookie", ""),
    (Name::Other, "strict-transport-security", ""),
    (Name::Other, "transfer-encoding", ""),
    (Name::UserAgent, "user-agent", ""),
    (Name::Other, "vary", ""),
    (Name::Other, "via", ""),
    (Name::Other, "www-authenticate", ""),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_as_elsewhere() {
        for (name, text, _) in &ENTRIES {
            assert_eq!(*name, Name::of(text.as_bytes()), "{text}");
        }
    }
}
