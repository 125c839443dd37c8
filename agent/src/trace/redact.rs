//! Secrets in URLs: values of query parameters that sign requests, and credentials before the host.

use std::borrow::Cow;

/// Query parameters whose values are replaced, as the conventions for `url.full` and `url.query` list them. Compared
/// case-sensitively, as the conventions ask, after decoding `%xx` in the key.
pub const SECRET_PARAMETERS: [&str; 7] = [
    "AWSAccessKeyId",
    "Signature",
    "sig",
    "X-Goog-Signature",
    "X-Amz-Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
];

/// What stands in place of a secret.
const REDACTED: &str = "REDACTED";

/// The query (without its `?`) with the values of [`SECRET_PARAMETERS`] replaced. Linear; allocates only if there is
/// something to hide.
#[must_use]
pub fn query(query: &str) -> Cow<'_, str> {
    if !query.split('&').any(is_secret) {
        return Cow::Borrowed(query);
    }
    let mut clean = String::with_capacity(query.len());
    for (index, parameter) in query.split('&').enumerate() {
        if index > 0 {
            clean.push('&');
        }
        match parameter.split_once('=') {
            Some((key, _)) if is_secret(parameter) => {
                clean.push_str(key);
                clean.push('=');
                clean.push_str(REDACTED);
            }
            _ => clean.push_str(parameter),
        }
    }
    Cow::Owned(clean)
}

fn is_secret(parameter: &str) -> bool {
    let Some((key, value)) = parameter.split_once('=') else { return false };
    if value.is_empty() {
        return false;
    }
    if !key.contains('%') {
        return SECRET_PARAMETERS.contains(&key);
    }
    // Three characters an encoded one: nothing longer can be one of the list.
    let longest = 3 * SECRET_PARAMETERS.iter().map(|name| name.len()).max().unwrap_or(0);
    key.len() <= longest && SECRET_PARAMETERS.iter().any(|name| decode(key).eq(name.bytes()))
}

/// The bytes of `text` with `%xx` decoded; a `%` that is no escape stays.
fn decode(text: &str) -> impl Iterator<Item = u8> {
    let mut rest = text.as_bytes();
    std::iter::from_fn(move || {
        let (first, after) = rest.split_first()?;
        let escape = after.split_at_checked(2).and_then(|(digits, after)| {
            let [high, low] = digits else { return None };
            let byte = char::from(*high).to_digit(16)? * 16 + char::from(*low).to_digit(16)?;
            Some((u8::try_from(byte).ok()?, after))
        });
        let (byte, next) = match escape {
            Some(found) if *first == b'%' => found,
            _ => (*first, after),
        };
        rest = next;
        Some(byte)
    })
}

/// An authority (`user:password@host:port`) with its credentials replaced, in the form that the conventions give.
#[must_use]
pub fn authority(authority: &str) -> Cow<'_, str> {
    match authority.rsplit_once('@') {
        None => Cow::Borrowed(authority),
        Some((user, host)) if user.contains(':') => Cow::Owned(format!("{REDACTED}:{REDACTED}@{host}")),
        Some((_, host)) => Cow::Owned(format!("{REDACTED}@{host}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_listed_parameter_is_hidden() {
        for name in SECRET_PARAMETERS {
            assert_eq!(query(&format!("a=1&{name}=secret&b=2")), format!("a=1&{name}=REDACTED&b=2"));
            assert_eq!(query(&format!("{name}=se=cr=et")), format!("{name}=REDACTED"));
        }
    }

    #[test]
    fn others_are_left_alone() {
        for text in ["", "a=1", "signature=x", "SIG=x", "sig", "sig=", "mysig=1&sigx=2", "a=sig&b=Signature", "&&=&"] {
            assert!(matches!(query(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn every_occurrence_and_encoded_keys() {
        assert_eq!(query("sig=1&sig=2&"), "sig=REDACTED&sig=REDACTED&");
        assert_eq!(query("%73ig=1&X%2DAmz-Signature=2&%zz=3&%7"), "%73ig=REDACTED&X%2DAmz-Signature=REDACTED&%zz=3&%7");
    }

    #[test]
    fn credentials() {
        assert_eq!(authority("host:80"), "host:80");
        assert_eq!(authority("user:pass@host:80"), "REDACTED:REDACTED@host:80");
        assert_eq!(authority("token@host"), "REDACTED@host");
        assert_eq!(authority("user:p@ss@host"), "REDACTED:REDACTED@host");
    }
}
