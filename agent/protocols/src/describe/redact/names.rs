//! Names of parameters whose values are secrets. Upper and lower case mean the same, and names are taken apart into words:
//! `access_token`, `accessToken`, `user[token]` and `X-Amz-Security-Token` all have the word `token`, `tokenizer` has not.

/// A name is a secret's if one of its words, or two of them in a row written as one, is in this list: what the conventions
/// for `url.full` list (`AWSAccessKeyId`, `Signature`, `sig`, `X-Goog-Signature`, `X-Amz-Signature`, `X-Amz-Credential`,
/// `X-Amz-Security-Token`), and what else lets somebody in. Sorted.
const WORDS: &[&str] = &[
    "accesskey",
    "accesstoken",
    "accountkey",
    "apikey",
    "apitoken",
    "aspsessionid",
    "assertion",
    "authcode",
    "authentication",
    "authkey",
    "authorization",
    "authtoken",
    "bearer",
    "clientsecret",
    "connectionstring",
    "consumerkey",
    "cookie",
    "credential",
    "credentials",
    "creds",
    "csrf",
    "csrftoken",
    "devicecode",
    "encryptionkey",
    "hmac",
    "idtoken",
    "jsessionid",
    "jwt",
    "licensekey",
    "logincode",
    "masterkey",
    "oauth",
    "oauthcode",
    "otp",
    "passcode",
    "passkey",
    "passphrase",
    "passwd",
    "password",
    "passwords",
    "passwort",
    "phpsessid",
    "privatekey",
    "pwd",
    "refreshtoken",
    "samlrequest",
    "samlresponse",
    "secret",
    "secretkey",
    "secrets",
    "sessid",
    "session",
    "sessionid",
    "sessionkey",
    "sharedkey",
    "sig",
    "signature",
    "signingkey",
    "subscriptionkey",
    "token",
    "tokens",
    "totp",
    "userpass",
    "verificationcode",
    "xsrf",
    "xsrftoken",
];

/// Names that are a secret's only as a whole: as words of longer ones they are harmless (`sort_key`, `country_code`).
const WHOLE: &[&str] = &["auth", "code", "key", "pass", "pin", "pw", "sid", "ticket"];

/// Longest word that is looked at: longer ones are in no list.
const LONGEST: usize = 32;

/// What a user said about names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Names that are secrets' too, as a whole, in lower case.
    also: Vec<Box<str>>,
    /// Names that are not, as a whole, in lower case.
    except: Vec<Box<str>>,
}

impl Names {
    /// The names of the lists, with others, without some. Both are compared as whole names in any case.
    #[must_use]
    pub fn new(also: &[Box<str>], except: &[Box<str>]) -> Self {
        let lower = |names: &[Box<str>]| names.iter().map(|name| name.to_ascii_lowercase().into()).collect();
        Self { also: lower(also), except: lower(except) }
    }

    /// Whether a user said that this is no secret's name.
    #[must_use]
    pub fn excepts(&self, name: &str) -> bool {
        self.except.iter().any(|other| other.eq_ignore_ascii_case(name))
    }

    /// Whether this is the name of a secret.
    #[must_use]
    pub fn hide(&self, name: &str) -> bool {
        self.are_secret(name.bytes())
    }

    /// Whether this is the name of a secret. One pass over its bytes, which come decoded.
    pub(super) fn are_secret(&self, name: impl Iterator<Item = u8> + Clone) -> bool {
        let is = |other: &str| name.clone().map(|byte| byte.to_ascii_lowercase()).eq(other.bytes());
        if self.except.iter().any(|other| is(other)) {
            return false;
        }
        has_secret_word(name.clone()) || WHOLE.iter().any(|other| is(other)) || self.also.iter().any(|other| is(other))
    }
}

/// Two words in a row, in lower case.
struct Pair {
    text: [u8; 2 * LONGEST],
    /// Where the second word begins, and where it ends.
    middle: usize,
    end: usize,
    /// A word was too long.
    lost: bool,
}

impl Pair {
    fn new() -> Self {
        Self { text: [0; 2 * LONGEST], middle: 0, end: 0, lost: false }
    }

    fn push(&mut self, byte: u8) {
        if self.end - self.middle >= LONGEST {
            self.lost = true;
        } else if let Some(place) = self.text.get_mut(self.end) {
            *place = byte.to_ascii_lowercase();
            self.end += 1;
        }
    }

    /// The word ends here: whether it, or it and the one before, are in the list.
    fn close(&mut self) -> bool {
        if self.lost {
            *self = Self::new();
            return false;
        }
        if self.end == self.middle {
            return false;
        }
        let is_listed = |bytes: &[u8]| WORDS.binary_search_by(|word| word.as_bytes().cmp(bytes)).is_ok();
        let found = is_listed(&self.text[self.middle..self.end]) || is_listed(&self.text[..self.end]);
        self.text.copy_within(self.middle..self.end, 0);
        self.end -= self.middle;
        self.middle = self.end;
        found
    }
}

/// Words end at whatever is no letter, and where capital letters show it (`accessToken`, `AWSAccessKey`).
fn has_secret_word(name: impl Iterator<Item = u8>) -> bool {
    let mut pair = Pair::new();
    let mut before = (false, false);
    let mut bytes = name.peekable();
    while let Some(byte) = bytes.next() {
        if !byte.is_ascii_alphabetic() {
            if pair.close() {
                return true;
            }
            before = (false, false);
            continue;
        }
        let (was_lower, was_upper) = before;
        let is_upper = byte.is_ascii_uppercase();
        let next_is_lower = bytes.peek().is_some_and(u8::is_ascii_lowercase);
        if is_upper && (was_lower || was_upper && next_is_lower) && pair.close() {
            return true;
        }
        pair.push(byte);
        before = (!is_upper, is_upper);
    }
    pair.close()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_secret(name: &str) -> bool {
        Names::default().are_secret(name.bytes())
    }

    #[test]
    fn lists_are_in_order() {
        assert!(WORDS.is_sorted() && WORDS.iter().all(|word| word.len() <= LONGEST));
    }

    #[test]
    fn secrets_by_their_names() {
        for name in [
            "password",
            "PASSWD",
            "user_password",
            "user[password]",
            "newPassword",
            "password2",
            "token",
            "access_token",
            "accessToken",
            "ACCESS-TOKEN",
            "id.token",
            "api_key",
            "api-key",
            "apikey",
            "apiKey",
            "APIKey",
            "X-API-Key",
            "secret",
            "client_secret",
            "session",
            "session_id",
            "sessionId",
            "JSESSIONID",
            "PHPSESSID",
            "code",
            "authorization",
            "Authorization",
            "auth",
            "key",
            "private_key",
            "SAMLResponse",
            "csrf_token",
            "jwt",
            "AWSAccessKeyId",
            "Signature",
            "sig",
            "SIG",
            "X-Goog-Signature",
            "X-Amz-Signature",
            "X-Amz-Credential",
            "X-Amz-Security-Token",
            "oauth_signature",
            "subscription-key",
            "sid",
        ] {
            assert!(is_secret(name), "{name}");
        }
    }

    #[test]
    fn what_only_looks_like_it() {
        for name in [
            "",
            "a",
            "tokenizer",
            "mytokens2go",
            "mysig",
            "sigx",
            "passage",
            "compass",
            "country_code",
            "sort_key",
            "author",
            "coded",
            "secretary",
            "sessions",
            "keyboard",
            "authority",
            "page",
            "q",
            "-",
            "__",
            "design",
            "assign",
        ] {
            assert!(!is_secret(name), "{name}");
        }
        assert!(!is_secret(&"x".repeat(10_000)));
        assert!(is_secret(&format!("{}_token", "x".repeat(10_000))));
    }

    #[test]
    fn a_user_s_own() {
        let names = Names::new(&["SSN".into()], &["code".into(), "page_token".into()]);
        for (name, expected) in
            [("ssn", true), ("Ssn", true), ("my_ssn", false), ("code", false), ("page_token", false), ("token", true)]
        {
            assert_eq!(names.are_secret(name.bytes()), expected, "{name}");
        }
    }
}
