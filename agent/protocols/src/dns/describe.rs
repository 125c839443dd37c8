//! What spans, metrics and advice say of a look-up.

use std::borrow::Cow;

use super::{DnsExchange, SPOKEN};
use crate::describe::family::{Family, Lookup};
use crate::describe::spoken::Spoken;
use crate::describe::value::Kind;
use crate::exchange::detail::Detail;

impl Detail for DnsExchange {
    fn spoken(&self) -> Spoken {
        SPOKEN
    }

    fn family(&self) -> Family<'_> {
        Family::Lookup(Lookup {
            name: &self.name,
            question: &self.question,
            response_code: self.response_code,
            addresses: &self.addresses,
        })
    }

    /// The name of its `RCODE` (RFC 1035, 4.1.1; IANA, DNS RCODEs).
    fn error(&self, _kind: Kind) -> Option<Cow<'static, str>> {
        Some(Cow::Borrowed(match self.response_code? {
            0 => return None,
            1 => "formerr",
            2 => "servfail",
            3 => "nxdomain",
            4 => "notimp",
            5 => "refused",
            code => return Some(Cow::Owned(format!("rcode_{code}"))),
        }))
    }
}
