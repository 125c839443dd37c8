//! What there is to ask.

use std::sync::Arc;

use rmcp::model::{Tool as Told, ToolAnnotations};
use serde_json::{Map, Value, json};

use crate::view::ask::Source;
use crate::view::filter::Filter;
use crate::view::rows::{Over, TraceOrder};
use crate::view::{said, told};

/// Rows of an answer, unless more are asked for; most of them.
const ROWS: u64 = 20;
const MAX_ROWS: u64 = 200;

/// A question to the agent, and its answer as JSON, or why there is none.
pub type Question = Box<dyn FnOnce(&mut Source<'_>) -> Result<String, String> + Send>;

/// A tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// Rates, errors, durations.
    Operations,
    /// Traces that are kept.
    Traces,
    /// One of them.
    Trace,
    /// What slows callers down.
    Advice,
    /// Connections.
    Connections,
    /// What is seen, what is not, and why.
    Doctor,
}

const FILTER: &str = "requirements such as service=shop, name=GET*, status=error, duration>100ms, http.route in (/a, /b), \
    any attribute of a span, and words that stand anywhere; a comma or a blank is \"and\"";

impl Tool {
    /// Every tool.
    pub const ALL: [Self; 6] =
        [Self::Operations, Self::Traces, Self::Trace, Self::Advice, Self::Connections, Self::Doctor];

    fn name(self) -> &'static str {
        match self {
            Self::Operations => "operations",
            Self::Traces => "traces",
            Self::Trace => "trace",
            Self::Advice => "advice",
            Self::Connections => "connections",
            Self::Doctor => "doctor",
        }
    }

    /// The tool of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    fn description(self) -> &'static str {
        match self {
            Self::Operations => {
                "What services answer (side=server) and ask (side=client), the most time first: rate, errors, p50, p95, share of \
                 waiting that was the set-up of connections"
            }
            Self::Traces => "Traces that are kept: those with failures and the slowest of each operation first",
            Self::Trace => "One trace as a tree: parents before children, phases, the critical path, attributes",
            Self::Advice => "What slows callers down and what would help, with numbers and example traces",
            Self::Connections => "Connections with their set-up, round-trip time, retransmissions and use",
            Self::Doctor => "What the agent sees, what it lost and why, and which processes it traces",
        }
    }

    fn properties(self) -> Value {
        let limit = json!({ "type": "integer", "minimum": 1, "maximum": MAX_ROWS, "description": "most rows" });
        let filter = json!({ "type": "string", "description": FILTER });
        match self {
            Self::Operations => json!({ "filter": filter, "limit": limit }),
            Self::Traces => json!({
                "filter": filter, "limit": limit,
                "order": { "type": "string", "enum": ["latest", "slowest", "failed"] },
            }),
            Self::Trace => json!({ "trace_id": { "type": "string", "description": "32 hexadecimal digits" } }),
            Self::Connections => json!({
                "filter": filter, "limit": limit,
                "ended": { "type": "boolean", "description": "those that ended lately rather than open ones" },
            }),
            Self::Advice | Self::Doctor => json!({}),
        }
    }

    /// As the protocol tells it.
    #[must_use]
    pub fn told(self) -> Told {
        let mut schema = Map::new();
        schema.insert("type".to_owned(), "object".into());
        schema.insert("properties".to_owned(), self.properties());
        if self == Self::Trace {
            schema.insert("required".to_owned(), json!(["trace_id"]));
        }
        schema.insert("additionalProperties".to_owned(), false.into());
        let mut told = Told::new(self.name(), self.description(), Arc::new(schema));
        told.annotations = Some(ToolAnnotations::new().read_only(true));
        told
    }

    /// What is to be asked.
    ///
    /// # Errors
    /// Arguments that are none, in a sentence.
    pub fn question(self, arguments: &Map<String, Value>, over: Over) -> Result<Question, String> {
        let known = self.properties();
        if let Some(name) = arguments.keys().find(|name| known.get(name.as_str()).is_none()) {
            return Err(format!("`{}` has no argument `{name}`", self.name()));
        }
        let text = |name: &str| match arguments.get(name) {
            None | Some(Value::Null) => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) => Err(format!("`{name}` must be a string")),
        };
        let limit = match arguments.get("limit") {
            None | Some(Value::Null) => ROWS,
            Some(limit) => limit
                .as_u64()
                .filter(|limit| (1..=MAX_ROWS).contains(limit))
                .ok_or_else(|| format!("`limit` must be a number from 1 to {MAX_ROWS}"))?,
        } as usize;
        Ok(match self {
            Self::Operations => {
                let filter = Filter::new(&text("filter")?);
                Box::new(move |source| {
                    let rows = source.store.operation_rows(over, &filter);
                    answer(&json!({
                        "operations": rows.iter().take(limit).map(brief).collect::<Vec<_>>(),
                        "left_out": rows.len().saturating_sub(limit),
                        "why_nothing": rows.is_empty().then(|| source.host.silence()),
                    }))
                })
            }
            Self::Traces => {
                let filter = Filter::new(&text("filter")?);
                let order = match text("order")?.as_str() {
                    "" | "latest" => TraceOrder::Latest,
                    "slowest" => TraceOrder::Slowest,
                    "failed" => TraceOrder::Failed,
                    other => return Err(format!("`order` is latest, slowest or failed, not `{other}`")),
                };
                Box::new(move |source| {
                    let rows = source.store.trace_rows(&filter, None, order, limit);
                    answer(&json!({ "traces": rows.iter().map(told::trace_row).collect::<Vec<_>>() }))
                })
            }
            Self::Trace => {
                let id = text("trace_id")?;
                let id = said::trace_id(&id).ok_or("`trace_id` has 32 hexadecimal digits")?;
                Box::new(move |source| match source.store.traces.get(&id) {
                    Some(trace) => answer(&told::trace(trace)),
                    None => Err("this trace is not kept: it was let go of for others, or never seen".to_owned()),
                })
            }
            Self::Advice => Box::new(|source| answer(&told::advice(&source.host.advice()))),
            Self::Connections => {
                let filter = Filter::new(&text("filter")?);
                let ended = arguments.get("ended").and_then(Value::as_bool).unwrap_or_default();
                Box::new(move |source| {
                    let rows = source.store.connection_rows(&filter, ended, limit);
                    let rows: Vec<Value> = rows.iter().map(|one| told::connection(one, source.clock)).collect();
                    answer(&json!({ "connections": rows }))
                })
            }
            Self::Doctor => Box::new(|source| {
                let targets: Value = serde_json::from_str(&source.host.targets()).unwrap_or_default();
                let few =
                    |key: &str| targets[key].as_array().map(|all| all.iter().take(50).cloned().collect::<Vec<_>>());
                answer(&json!({
                    "account": told::account(&source.host.account()),
                    "traces": told::kept(&source.store.traces.counts()),
                    "targets": few("targets"),
                }))
            }),
        })
    }
}

/// An operation without what only a picture is made of.
fn brief(row: &crate::view::rows::OperationRow) -> Value {
    let mut told = told::operation(row);
    if let Some(fields) = told.as_object_mut() {
        fields.retain(|name, _| !name.starts_with("histogram") && !name.starts_with("seconds"));
    }
    told
}

fn answer(told: &Value) -> Result<String, String> {
    Ok(told::text(told))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::clock::Clock;
    use crate::view::Store;
    use crate::view::ask::Recorded;

    fn ask(tool: Tool, arguments: Value) -> Result<Value, String> {
        let store = Store::new(1 << 20, Default::default());
        let mut host = Recorded(Arc::default());
        let arguments = arguments.as_object().cloned().unwrap_or_default();
        let question = tool.question(&arguments, Over::All)?;
        let text = question(&mut Source { store: &store, clock: Clock::default(), host: &mut host })?;
        Ok(serde_json::from_str(&text).unwrap())
    }

    #[test]
    fn every_tool_answers_without_arguments_but_the_one_that_needs_one() {
        for tool in Tool::ALL {
            assert_eq!(Tool::named(tool.name()), Some(tool));
            assert_eq!(ask(tool, json!({})).is_ok(), tool != Tool::Trace, "{tool:?}");
        }
        assert_eq!(Tool::named("rm"), None);
    }

    #[test]
    fn mistakes_are_told_in_a_sentence() {
        for (tool, arguments, expected) in [
            (Tool::Trace, json!({ "trace_id": "zz" }), "32 hexadecimal digits"),
            (Tool::Trace, json!({ "trace_id": "0".repeat(32) }), "not kept"),
            (Tool::Traces, json!({ "order": "random" }), "latest, slowest or failed"),
            (Tool::Operations, json!({ "limit": 0 }), "from 1 to 200"),
            (Tool::Operations, json!({ "filter": 3 }), "must be a string"),
            (Tool::Advice, json!({ "filter": "x" }), "no argument `filter`"),
        ] {
            let mistake = ask(tool, arguments).unwrap_err();
            assert!(mistake.contains(expected), "{mistake}");
        }
    }
}
