//! What spans, metrics and advice say of it.

use std::borrow::Cow;

use wirespan_protocols::describe::family::{Database, Family};
use wirespan_protocols::describe::spoken::Spoken;
use wirespan_protocols::describe::value::{Attribute, Kind, Value};
use wirespan_protocols::describe::{Described, Scene};
use wirespan_protocols::exchange::detail::{Detail, Purpose};

use super::{EchoExchange, SPOKEN};

impl Detail for EchoExchange {
    fn spoken(&self) -> Spoken {
        SPOKEN
    }

    fn family(&self) -> Family<'_> {
        Family::Database(Database {
            system: SPOKEN.name,
            namespace: None,
            summary: None,
            operation: self.text.split(' ').next(),
            is_known: |operation| matches!(operation, "hello" | "ping"),
            is_batched: false,
            status: self.refused.then_some("NO"),
            returned_rows: None,
            usual_port: 7,
        })
    }

    fn describe(&self, scene: &Scene<'_>, mut attributes: Vec<Attribute>) -> Described {
        attributes.push(("db.system.name", Value::Static(SPOKEN.name)));
        attributes.push(("db.query.text", Value::text(&self.text)));
        scene.view.server_attributes(7, &mut attributes);
        Described { name: "echo".into(), attributes, message: "".into() }
    }

    fn error(&self, _kind: Kind) -> Option<Cow<'static, str>> {
        self.refused.then_some(Cow::Borrowed("refused"))
    }

    fn purpose(&self) -> Purpose {
        if self.text == "ping" { Purpose::Session } else { Purpose::Data }
    }

    fn preamble(&self) -> Option<Box<str>> {
        (self.text == "ping").then(|| "ping".into())
    }
}
