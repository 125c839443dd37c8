//! The binary `wirespan`.
use wirespan::capture::{Capture, Options};
fn main() {
    let backend = std::env::args().nth(1);
    match Capture::start(&Options { backend, ..Options::default() }) {
        Err(e) => {
            eprintln!("wirespan: {e}");
            std::process::exit(1)
        }
        Ok((capture, mut reader)) => {
            eprintln!("{}", capture.report.line());
            for _ in 0..150 {
                reader.wait(std::time::Duration::from_millis(20));
                reader.drain(false, |e| {
                    if !matches!(e, wirespan::event::Event::Tick { .. }) {
                        println!("{e:?}")
                    }
                });
            }
            eprintln!("{:?} {}", capture.counters(), reader.undecodable);
        }
    }
}
