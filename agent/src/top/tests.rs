//! Screens as they are drawn, at three sizes: `snapshots/` has what is expected. `WIRESPAN_SNAPSHOTS=write` writes them anew.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::keys::Action;
use super::model::{Body, Model, Opened, Target};
use super::state::{Effect, Page, State};
use super::style::Style;
use super::*;
use crate::advise::report::{Concerned, Example, Finding, Kind as Advised, Report};
use crate::event::Role;
use crate::shown::testing::{HOSTILE, is_harmless};
use crate::trace::connection::Site;
use crate::trace::span::{Kind, Link, Status, Value};
use crate::view::ask::Account;
use crate::view::calls::{Call, Opened as Cost};
use crate::view::connections::Connection;
use crate::view::operations::{Operation, Side};
use crate::view::rows::{CallRow, Numbers, OperationRow, TraceRow};
use crate::view::testing::{BEGIN, MS, id, span};
use crate::view::traces::Trace;
use crate::view::tree;

const SIZES: [(u16, u16); 3] = [(80, 24), (140, 40), (44, 12)];

fn numbers(rate: f64, failed: u64, set_up_share: f64) -> Numbers {
    let mut seconds = vec![[3, 0]; 60];
    seconds[50] = [9, failed as u32];
    Numbers {
        rate,
        count: 200,
        failed,
        p50_ns: Some(12_400_000),
        p95_ns: Some(1_480_000_000),
        max_ns: 2_000_000_000,
        sum_ns: (rate * 1e9) as u64,
        set_up_share,
        seconds,
        histogram: Vec::new(),
    }
}

fn operation(service: &str, side: Side, name: &str, peer: &str) -> Operation {
    Operation { service: service.into(), side, name: name.into(), peer: peer.into() }
}

fn operations() -> Body {
    let row = |operation, numbers| OperationRow { operation, numbers };
    Body::Operations(vec![
        row(operation("shop", Side::Server, "GET /checkout/{id}", ""), numbers(4.2, 7, 0.96)),
        row(operation("shop", Side::Client, "SELECT orders", "postgres"), numbers(42.0, 0, 0.02)),
        row(operation("shop", Side::Client, "GET", "10.0.0.9:6379"), numbers(1234.0, 0, 0.0)),
    ])
}

fn opened() -> Opened {
    let mut request = span("shop", Kind::Client, "SELECT orders", 2, Some(1), (490, 498));
    request.links = vec![Link { trace_id: [9; 16], span_id: id(10) }];
    request.answered_unix_ns = Some(BEGIN + 497 * MS);
    let mut set_up = span("shop", Kind::Internal, crate::trace::setup::NAME, 10, None, (10, 490));
    set_up.attributes = vec![
        ("wirespan.connection.tcp.duration", Value::Double(0.12)),
        ("wirespan.connection.tls.duration", Value::Double(0.36)),
    ];
    let mut failed = span("shop", Kind::Client, "GET", 3, Some(1), (498, 499));
    failed.status = Status::Error("WRONGTYPE".into());
    let spans = vec![
        span("shop", Kind::Server, "GET /checkout/{id}", 1, None, (0, 500)),
        request,
        set_up,
        failed,
        span("postgres", Kind::Server, "SELECT orders", 4, Some(2), (491, 497)),
    ];
    let trace = Trace::of([7; 16], spans);
    Opened { rows: tree::rows(&trace), trace }
}

fn connection() -> Connection {
    let site = |address: &str, port| Site { address: address.into(), port: Some(port) };
    Connection {
        id: 1,
        service: "shop".into(),
        pid: 4711,
        role: Some(Role::Client),
        local: site("10.0.0.2", 50123),
        remote: site("10.0.0.7", 5432),
        peer: "postgres".into(),
        protocol: "postgresql",
        encrypted: true,
        opened_ns: 0,
        from_start: true,
        ended: None,
        set_up_ns: Some(480 * MS),
        parts: [0, 120 * MS, 0, 0, 360 * MS, 0, 0],
        error: None,
        stats: None,
        exchanges: 12,
        failed: 0,
        last: "SELECT orders".into(),
        heard_ns: 0,
    }
}

fn finding() -> Finding {
    Finding {
        kind: Advised::NoPool,
        service: "shop".to_owned(),
        peer: None,
        route: Some("/checkout/{id}".to_owned()),
        statement: None,
        cost_ms: 58_200.0,
        concerned: Concerned::default(),
        text: "shop opened 120 connections to 10.0.0.7:5432 for 120 queries.".to_owned(),
        advice: "Use a pool.".to_owned(),
        numbers: [("setup_share".to_owned(), 0.97)].into(),
        parts: Vec::new(),
        evidence: Vec::new(),
        examples: vec![Example { trace_id: "07".repeat(16), span_id: "01".repeat(8) }],
    }
}

fn pages() -> Vec<(&'static str, Page, Body)> {
    let call = Call { client: "shop".into(), server: "postgres".into(), protocol: "postgresql" };
    let cost = Cost { count: 120, failed: 0, took_ns: 0, encrypted: true };
    let target = |traced, name: &str, why: &str| Target {
        traced,
        pid: 4711,
        name: name.to_owned(),
        protocols: "http, postgresql".to_owned(),
        why: why.to_owned(),
    };
    let trace = opened();
    vec![
        ("operations", Page::Operations, operations()),
        ("traces", Page::Traces(None), Body::Traces(vec![TraceRow::of(&trace.trace).unwrap()])),
        ("trace", Page::Trace([7; 16]), Body::Trace(Some(Box::new(trace)))),
        ("map", Page::Map, Body::Map(vec![CallRow { call, numbers: numbers(42.0, 0, 0.96), opened: cost }])),
        ("connections", Page::Connections, Body::Connections(vec![connection()])),
        ("advice", Page::Advice, Body::Advice(Box::new(Report { findings: vec![finding()], ..Report::default() }))),
        (
            "selection",
            Page::Selection,
            Body::Selection(vec![target(true, "shop", "selected by exe=shop"), target(false, "sshd", "no selector")]),
        ),
    ]
}

fn state_of(page: &Page) -> State {
    let mut state = State::default();
    let model = Model::default();
    let action = match page {
        Page::Operations => return state,
        Page::Traces(_) => Action::Traces,
        Page::Map => Action::Map,
        Page::Connections => Action::Connections,
        Page::Advice => Action::Advice,
        Page::Selection => Action::Selection,
        Page::Trace(id) => {
            state.here = Some(state::Here::Trace(*id));
            Action::Open
        }
    };
    assert_eq!(state.act(action, &model), Some(Effect::Ask));
    state
}

fn model_of(page: Page, body: Body) -> Model {
    let mut model = Model::of(page, body);
    model.account = Account {
        targets: 3,
        requests: 12_345,
        filtered: 5,
        cpu_seconds: 1.0,
        memory: 30e6,
        kernel: "6.12".to_owned(),
        ..Account::default()
    };
    model.cpu = Some(0.021);
    model
}

fn screen(model: &Model, state: &mut State, (width, height): (u16, u16), colour: bool) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw::page(frame, model, state, Style { colour })).unwrap();
    let buffer = terminal.backend().buffer().clone();
    let mut text = String::new();
    for y in 0..height {
        let line: String = (0..width).map(|x| buffer[(x, y)].symbol().to_owned()).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[test]
fn screens_are_as_they_should_be_at_three_sizes() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/top/snapshots");
    let writes = std::env::var_os("WIRESPAN_SNAPSHOTS").is_some();
    for (name, page, body) in pages() {
        let model = model_of(page.clone(), body);
        for size in SIZES {
            let shown = screen(&model, &mut state_of(&page), size, true);
            assert_eq!(shown, screen(&model, &mut state_of(&page), size, false), "colours change no text");
            let file = folder.join(format!("{name}-{}x{}.txt", size.0, size.1));
            if writes {
                std::fs::create_dir_all(&folder).unwrap();
                std::fs::write(&file, &shown).unwrap();
            }
            let expected = std::fs::read_to_string(&file).unwrap_or_default();
            assert_eq!(shown, expected, "{}:\n{shown}", file.display());
        }
    }
}

#[test]
fn hostile_text_is_shown_harmlessly_everywhere() {
    let name = format!("{HOSTILE}{}", "x".repeat(1 << 20));
    let mut hostile = opened();
    for span in &mut hostile.trace.spans {
        span.name = name.clone().into();
        span.attributes.push(("url.path", Value::text(&name)));
        span.status = Status::Error(name.clone().into());
        span.resource =
            Arc::new(crate::trace::span::Resource { service_name: name.as_str().into(), ..Default::default() });
    }
    let row = TraceRow::of(&hostile.trace).unwrap();
    let call = Call { client: name.as_str().into(), server: name.as_str().into(), protocol: "http" };
    let of_operation = operation(&name, Side::Client, &name, &name);
    let mut one = connection();
    (one.service, one.peer, one.last) = (name.as_str().into(), name.as_str().into(), name.as_str().into());
    let mut advice = finding();
    (advice.text, advice.service, advice.route) = (name.clone(), name.clone(), Some(name.clone()));
    let target = Target { traced: true, pid: 1, name: name.clone(), protocols: name.clone(), why: name.clone() };
    let rows = vec![OperationRow { operation: of_operation, numbers: numbers(1.0, 1, 1.0) }];
    let begin = Instant::now();
    for (page, body) in [
        (Page::Operations, Body::Operations(rows)),
        (Page::Traces(None), Body::Traces(vec![row])),
        (Page::Trace([7; 16]), Body::Trace(Some(Box::new(hostile)))),
        (Page::Map, Body::Map(vec![CallRow { call, numbers: numbers(1.0, 0, 0.0), opened: Cost::default() }])),
        (Page::Connections, Body::Connections(vec![one])),
        (Page::Advice, Body::Advice(Box::new(Report { findings: vec![advice], ..Report::default() }))),
        (Page::Selection, Body::Selection(vec![target])),
    ] {
        for size in SIZES {
            let shown = screen(&model_of(page.clone(), body.clone()), &mut state_of(&page), size, true);
            assert!(is_harmless(&shown), "{shown}");
        }
    }
    assert!(begin.elapsed().as_secs() < 20, "a megabyte is no trouble");
}

#[test]
fn any_size_can_be_drawn() {
    for (_, page, body) in pages() {
        let model = model_of(page.clone(), body);
        for (width, height) in [(1, 1), (20, 4), (21, 5), (33, 7), (79, 9), (300, 3), (500, 200)] {
            screen(&model, &mut state_of(&page), (width, height), true);
            let mut helped = state_of(&page);
            helped.act(Action::Help, &model);
            screen(&model, &mut helped, (width, height), true);
        }
    }
}

#[test]
fn nothing_to_show_says_why_and_what_to_do() {
    let mut model = model_of(Page::Operations, Body::Operations(Vec::new()));
    model.silence = Some("no request yet: no running process matches the selectors".to_owned());
    let shown = screen(&model, &mut State::default(), (80, 24), false);
    assert!(shown.contains("no running process matches") && shown.contains("wirespan targets --all"), "{shown}");
    model.silence = None;
    let mut state = State::default();
    state.filter = "service=nobody".to_owned();
    let shown = screen(&model, &mut state, (80, 24), false);
    assert!(shown.contains("no operation is what the filter looks for"), "{shown}");
    let shown = screen(&Model::default(), &mut State::default(), (80, 24), false);
    assert!(shown.contains("starting …"), "{shown}");
}

#[test]
fn a_large_trace_opens_without_a_stall() {
    let spans = (0..5_000_u64).map(|number| {
        let parent = match number {
            0 => None,
            1..300 => Some(number),
            _ => Some(1),
        };
        span("web", Kind::Client, "call", number + 1, parent, (number / 10, number / 10 + 5))
    });
    let trace = Trace::of([7; 16], spans.collect());
    let begin = Instant::now();
    let opened = Opened { rows: tree::rows(&trace), trace };
    let model = model_of(Page::Trace([7; 16]), Body::Trace(Some(Box::new(opened))));
    let mut state = state_of(&Page::Trace([7; 16]));
    for action in [Action::Last, Action::Leaf(-1), Action::First, Action::Leaf(1)] {
        screen(&model, &mut state, (140, 40), true);
        state.act(action, &model);
    }
    assert!(begin.elapsed().as_secs() < 5, "{:?}", begin.elapsed());
    assert_eq!(state.rows.0, 5_000);
}

#[test]
fn keys_lead_from_an_operation_to_a_trace_and_back() {
    let mut state = State::default();
    let model = model_of(Page::Operations, operations());
    screen(&model, &mut state, (80, 24), false);
    state.act(Action::Move(1), &model);
    screen(&model, &mut state, (80, 24), false);
    assert_eq!(state.act(Action::Open, &model), Some(Effect::Ask));
    let Page::Traces(Some(of)) = state.page().clone() else { panic!("{:?}", state.page()) };
    assert_eq!(&*of.name, "SELECT orders", "the busiest first, then the cursor one down");
    let trace = opened();
    let model = model_of(state.page().clone(), Body::Traces(vec![TraceRow::of(&trace.trace).unwrap()]));
    screen(&model, &mut state, (80, 24), false);
    assert_eq!(state.act(Action::Open, &model), Some(Effect::Ask));
    assert_eq!(*state.page(), Page::Trace([7; 16]));
    let model = model_of(Page::Trace([7; 16]), Body::Trace(Some(Box::new(trace))));
    assert_eq!(state.act(Action::Copy, &model), Some(Effect::Copy("07".repeat(16))));
    state.act(Action::Back, &model);
    state.act(Action::Back, &model);
    assert_eq!(*state.page(), Page::Operations);
    assert_eq!(state.cursor().at, 1, "where it was");
    assert_eq!(state.act(Action::Quit, &model), Some(Effect::Leave));
}

#[test]
fn a_filter_is_typed_looked_for_and_forgotten() {
    let (mut state, model) = (State::default(), Model::default());
    state.act(Action::Filter, &model);
    for char in "shöp".chars() {
        assert_eq!(state.act(Action::Type(char), &model), Some(Effect::Ask));
    }
    state.act(Action::Erase, &model);
    assert_eq!(state.want(&model).filter, "shö", "what is typed is looked for at once");
    state.act(Action::Accept, &model);
    assert_eq!((state.filter.as_str(), state.is_typing()), ("shö", false));
    state.act(Action::Filter, &model);
    state.act(Action::Type('x'), &model);
    state.act(Action::Cancel, &model);
    assert_eq!(state.filter, "shö");
    state.act(Action::Back, &model);
    assert!(state.filter.is_empty(), "at the first page, esc takes the filter away");
}
