//! Bytes as a file.

use std::io::Cursor;

use wirespan::capture::btf::Btf;
use wirespan::cli::run;
use wirespan::config::{self, Config};
use wirespan::process::Selector;
use wirespan::recording;

/// A recording or a capture, through all stages of a replay.
///
/// # Panics
/// When a span ends before it begins, or more events come out than bytes went in.
pub fn recording(data: &[u8]) {
    let Ok(mut source) = recording::from_reader(Cursor::new(data.to_vec())) else { return };
    let Ok(mut engine) = run::offline(&Config::default()) else { return };
    let mut events = 0;
    while let Ok(Some(event)) = source.next() {
        engine.handle(&event);
        events += 1;
        // Beside data, times pass.
        assert!(events <= 64 + 16 * data.len(), "{events} events of {} bytes", data.len());
    }
    let _ = source.left_out();
    engine.finish();
    for span in engine.take_spans() {
        assert!(span.end_unix_ns >= span.start_unix_ns, "ends before it begins: {span:?}");
    }
}

/// Types of a kernel.
pub fn btf(data: &[u8]) {
    let Ok(btf) = Btf::parse(data) else { return };
    let _ = btf.offset("sock", "__sk_common.skc_dport");
    let _ = btf.offset("task_struct", "a");
    let _ = (btf.has_tracepoint("sys_enter"), btf.has_function("tcp_sendmsg"));
}

/// A configuration; what is printed of it must say the same.
///
/// # Panics
/// When a mistake is more than one line.
pub fn yaml(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let variable = |name: &str| (name.len() == 1).then(|| "${A}".to_owned());
    if let Err(mistakes) = config::validate_text("w.yaml", text, &variable) {
        assert!(!mistakes.is_empty());
        for mistake in mistakes {
            assert!(!mistake.to_string().contains('\n'), "{mistake}");
        }
    }
}

/// A selector; as it is written again it selects the same.
///
/// # Panics
/// When it does not.
pub fn selector(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(selector) = text.parse::<Selector>() else { return };
    let again = selector.to_string();
    assert_eq!(again.parse::<Selector>().as_ref(), Ok(&selector), "{text} became {again}");
}
