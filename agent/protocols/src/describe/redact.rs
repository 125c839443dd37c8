//! Secrets in URLs: values of parameters whose [`names`] say that they let somebody in, and credentials before a host.

pub mod names;

use std::borrow::Cow;

use names::Names;

/// What stands in place of a secret.
const REDACTED: &str = "REDACTED";

/// The query (without its `?`) with the values of secrets replaced. Linear; allocates only if there is something to hide.
#[must_use]
pub fn query<'a>(query: &'a str, names: &Names) -> Cow<'a, str> {
    parameters(query, ['&', ';'], names)
}

/// The path with the values of secrets replaced that its segments carry as parameters (`/cart;jsessionid=…`).
#[must_use]
pub fn path<'a>(path: &'a str, names: &Names) -> Cow<'a, str> {
    if !path.contains(';') {
        return Cow::Borrowed(path);
    }
    parameters(path, [';', '/'], names)
}

/// Parameters with either of two separators between them.
fn parameters<'a>(text: &'a str, between: [char; 2], names: &Names) -> Cow<'a, str> {
    if !text.split(between).any(|parameter| is_secret(parameter, names)) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    for parameter in text.split_inclusive(between) {
        let bare = parameter.strip_suffix(between).unwrap_or(parameter);
        match bare.split_once('=') {
            Some((key, _)) if is_secret(bare, names) => {
                clean.push_str(key);
                clean.push('=');
                clean.push_str(REDACTED);
            }
            _ => clean.push_str(bare),
        }
        clean.push_str(&parameter[bare.len()..]);
    }
    Cow::Owned(clean)
}

fn is_secret(parameter: &str, names: &Names) -> bool {
    let Some((key, value)) = parameter.split_once('=') else { return false };
    !value.is_empty() && (names.are_secret(decode(key)) || has_credentials(value))
}

/// Whether a value is a URL with credentials in it.
fn has_credentials(value: &str) -> bool {
    // Nearly none has either.
    if !value.contains('@') && !value.contains("%40") {
        return false;
    }
    let mut last = [0; 3];
    let mut in_authority = false;
    for byte in decode(value) {
        match byte {
            b'@' if in_authority => return true,
            b'/' | b'?' | b'#' => in_authority = false,
            _ => {}
        }
        last = [last[1], last[2], byte];
        in_authority |= &last == b"://";
    }
    false
}

/// The bytes of `text` with `%xx` decoded; a `%` that is no escape stays.
fn decode(text: &str) -> impl Iterator<Item = u8> + Clone {
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

/// A URL of a configuration, for people: without credentials and secrets in its query. Whatever it is, nothing before an
/// `@` of its authority is shown.
#[must_use]
pub fn url(url: &str) -> String {
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), url),
    };
    let (place, parameters) = rest.split_once('?').map_or((rest, None), |(place, query)| (place, Some(query)));
    // A password may have a slash in it that nobody escaped.
    let (before, after) = match place.rsplit_once('@') {
        Some((credentials, host)) => (authority(&format!("{credentials}@")).into_owned(), host),
        None => (String::new(), place),
    };
    let query = parameters.map_or_else(String::new, |text| format!("?{}", query(text, &Names::default())));
    format!("{scheme}{before}{after}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(text: &str) -> Cow<'_, str> {
        query(text, &Names::default())
    }

    #[test]
    fn each_listed_parameter_is_hidden() {
        for name in [
            "AWSAccessKeyId",
            "Signature",
            "sig",
            "X-Goog-Signature",
            "X-Amz-Signature",
            "X-Amz-Credential",
            "X-Amz-Security-Token",
            "password",
            "Token",
            "api_key",
            "code",
            "session",
        ] {
            assert_eq!(hidden(&format!("a=1&{name}=secret&b=2")), format!("a=1&{name}=REDACTED&b=2"));
            assert_eq!(hidden(&format!("{name}=se=cr=et")), format!("{name}=REDACTED"));
            assert_eq!(hidden(&format!("a=1;{name}=secret;b=2&c")), format!("a=1;{name}=REDACTED;b=2&c"));
        }
    }

    #[test]
    fn others_are_left_alone() {
        for text in ["", "a=1", "sig", "sig=", "mysig=1&sigx=2", "a=sig&b=Signature", "&&=&", "mail=a@b.example", "a;b"]
        {
            assert!(matches!(hidden(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn every_occurrence_and_encoded_keys() {
        assert_eq!(hidden("sig=1&sig=2&"), "sig=REDACTED&sig=REDACTED&");
        let encoded = "%73ig=1&X%2DAmz-Signature=2&%zz=3&p%61ssword=4&%7";
        assert_eq!(hidden(encoded), "%73ig=REDACTED&X%2DAmz-Signature=REDACTED&%zz=3&p%61ssword=REDACTED&%7");
    }

    #[test]
    fn urls_as_values() {
        for value in ["http://u:p@h/", "ftp%3A%2F%2Fu%3Ap%40h", "postgres://u@h/db?x=1"] {
            assert_eq!(hidden(&format!("to={value}&a=1")), "to=REDACTED&a=1");
        }
        for value in ["http://h/@me", "http://h/?mail=a@b", "a@b", "//u@h"] {
            assert_eq!(hidden(&format!("to={value}")), format!("to={value}"));
        }
    }

    #[test]
    fn parameters_of_a_path() {
        let clean = |text: &'static str| path(text, &Names::default());
        assert_eq!(clean("/cart;jsessionid=1A2B/items;page=2"), "/cart;jsessionid=REDACTED/items;page=2");
        assert_eq!(clean("/cart;jsessionid=1A2B"), "/cart;jsessionid=REDACTED");
        for text in ["/", "/token=1/b", "/a;b=c", "*"] {
            assert!(matches!(clean(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn credentials() {
        assert_eq!(authority("host:80"), "host:80");
        assert_eq!(authority("user:pass@host:80"), "REDACTED:REDACTED@host:80");
        assert_eq!(authority("token@host"), "REDACTED@host");
        assert_eq!(authority("user:p@ss@host"), "REDACTED:REDACTED@host");
    }

    #[test]
    fn urls_of_a_configuration() {
        for (text, clean) in [
            ("http://localhost:4318", "http://localhost:4318"),
            ("https://user:s3cret@otel:4318/v1/traces", "https://REDACTED:REDACTED@otel:4318/v1/traces"),
            ("https://us/er:s3/cret@otel/v1", "https://REDACTED:REDACTED@otel/v1"),
            ("https://s3cret@otel", "https://REDACTED@otel"),
            ("https://otel/v1?api_key=s3cret&a=1", "https://otel/v1?api_key=REDACTED&a=1"),
            ("user:s3cret@otel:4318", "REDACTED:REDACTED@otel:4318"),
            ("otel:4318", "otel:4318"),
            ("", ""),
        ] {
            assert_eq!(url(text), clean);
        }
    }
}
