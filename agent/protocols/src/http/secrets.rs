//! Header fields that let somebody in, which recordings do not keep.

/// Headers whose values are secrets.
const HEADERS: [&str; 15] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
    "api-key",
    "apikey",
    "x-auth-token",
    "x-access-token",
    "x-amz-security-token",
    "x-csrf-token",
    "x-xsrf-token",
    "x-vault-token",
    "private-token",
    "x-session-token",
];

/// Whether a field of this name, in any spelling, holds one.
#[must_use]
pub fn is_secret(name: &[u8]) -> bool {
    HEADERS.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name))
}
