//! A recording without payload: when something passed, between whom, and how much.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::super::super::run;
use crate::config::Config;
use crate::event::{Data, Event};
use crate::export::Exporters;
use crate::recording::file::Writer;

/// Most bytes of a recording: it ends there.
const MAX_BYTES: usize = 32 << 20;

/// Records for so long.
///
/// # Errors
/// When nothing can be traced here.
pub(super) fn record(config: &Config, duration: Duration) -> anyhow::Result<Vec<u8>> {
    let mut writer = Writer::new(Vec::new())?;
    let mut live = run::start(config)?;
    let (stop, deadline) = (AtomicBool::new(false), Instant::now() + duration);
    let mut failure = None;
    live.run(
        &Exporters::default(),
        &stop,
        Some(deadline),
        |event, _| {
            if failure.is_none() {
                failure = writer.write(&bare(event)).err();
            }
            if failure.is_some() || writer.get_ref().len() > MAX_BYTES {
                stop.store(true, Ordering::Relaxed);
            }
        },
        |_| {},
    );
    match failure {
        Some(error) => Err(error.into()),
        None => Ok(writer.finish()?),
    }
}

/// The same event without a byte of what was sent or received.
fn bare<'a>(event: &Event<'a>) -> Event<'a> {
    match event {
        Event::Data(data) => Event::Data(Data { head: &[], tail: &[], ..data.clone() }),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Flow, Shed};
    use crate::recording::from_reader;
    use wirespan_protocols::stream::Actor;

    #[test]
    fn no_byte_of_the_payload_is_written() {
        let mut writer = Writer::new(Vec::new()).unwrap();
        writer.write(&Event::Clock { offset_ns: 0 }).unwrap();
        let data = Data {
            shed: Shed::default(),
            connection: 1,
            flow: Flow::Sent,
            position: 0,
            len: 40,
            head: b"GET /hunter2 HTTP/1.1",
            tail: b"password=hunter2",
            first_ns: 1,
            last_ns: 2,
            arrived_ns: None,
            actor: Actor::default(),
        };
        writer.write(&bare(&Event::Data(data))).unwrap();
        let bytes = writer.finish().unwrap();
        assert!(!bytes.windows(7).any(|seven| seven == b"hunter2") && !bytes.windows(3).any(|three| three == b"GET"));
        let mut source = from_reader(Box::new(std::io::Cursor::new(bytes))).unwrap();
        assert!(matches!(source.next().unwrap(), Some(Event::Clock { .. })));
        let Some(Event::Data(read)) = source.next().unwrap() else { panic!("the call is told") };
        assert_eq!((read.len, read.head, read.tail), (40, &b""[..], &b""[..]));
    }
}
