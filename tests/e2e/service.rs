//! As a service of systemd: what its supervisor is told, and what the unit gives away.

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::harness::agent::wirespan;
use crate::harness::process::{Owned, eventually};
use crate::harness::{Folder, skipped};

/// How often the supervisor of the test wants to hear of a loop that turns; half of the time after which it would give up.
const FED: Duration = Duration::from_millis(400);

/// Everything that is told within a time.
fn heard(socket: &UnixDatagram, within: Duration) -> Vec<String> {
    let end = Instant::now() + within;
    let mut told = Vec::new();
    let mut buffer = [0; 512];
    while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        socket.set_read_timeout(Some(left)).unwrap();
        if let Ok(length) = socket.recv(&mut buffer) {
            told.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
        }
    }
    told
}

/// Ready when it traces, alive while its main loop turns and no longer, stopping when it is told to.
#[test]
fn the_supervisor_is_told_what_is_true() {
    let folder = Folder::new();
    let socket = UnixDatagram::bind(folder.join("notify")).unwrap();
    let mut command = wirespan();
    command.args(["run", "--output", "none", "--select", "comm=nobody"]).stderr(folder.output("stderr"));
    command.env("NOTIFY_SOCKET", folder.join("notify"));
    command.env("WATCHDOG_USEC", (2 * FED).as_micros().to_string());
    let mut agent = Owned::start(&mut command, Signal::TERM);
    let said = || std::fs::read_to_string(folder.join("stderr")).unwrap();
    let mut buffer = [0; 512];
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let length = socket.recv(&mut buffer).unwrap_or_else(|error| panic!("{error}: {}", said()));
    assert_eq!(&buffer[..length], b"READY=1");
    // Notes are written by another thread.
    eventually("it has said that it is attached", || said().contains("capture backend "));

    let told = heard(&socket, FED * 5);
    let fed = told.iter().filter(|one| *one == "WATCHDOG=1").count();
    assert!((3..=7).contains(&fed), "{told:?}");
    assert!(told.iter().any(|one| one == "STATUS=0 processes are traced, 0 requests were seen"), "{told:?}");

    agent.signal(Signal::STOP);
    heard(&socket, Duration::from_millis(50));
    assert_eq!(heard(&socket, FED * 3), Vec::<String>::new(), "it does not turn, and says that it does");
    agent.signal(Signal::CONT);
    eventually("it turns again", || heard(&socket, FED).contains(&"WATCHDOG=1".to_owned()));

    assert!(agent.stop().success(), "{}", said());
    let told = heard(&socket, Duration::from_millis(50));
    assert!(told.iter().any(|one| one.starts_with("STOPPING=1\n")), "{told:?}");
}

/// A supervisor that cannot be reached is no reason not to trace.
#[test]
fn a_supervisor_that_is_not_there_is_a_note() {
    let output = wirespan()
        .args(["run", "--output", "none", "--duration", "0.1", "--select", "comm=nobody"])
        .env("NOTIFY_SOCKET", "/nowhere/notify")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && told.contains("NOTIFY_SOCKET: "), "{told}");
}

/// What systemd itself makes of the unit: at most 3.0 of 10.
#[test]
fn the_unit_is_hardened() {
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/systemd/wirespan.service");
    let mut command = Command::new("systemd-analyze");
    command.args(["security", "--no-pager", "--offline=true", "--threshold=30"]).arg(unit);
    match command.output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout)),
        Err(error) => skipped(&format!("systemd-analyze: {error}")),
    }
}
