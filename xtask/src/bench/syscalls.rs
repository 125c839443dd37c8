//! What processes pay that nobody traces: a system call that is none of a socket, and a socket call of a process that is
//! not selected, beside an empty program on the same hooks.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Instant;

use anyhow::Result;

use super::Setup;
use super::agent::Agent;
use super::bpf::Empty;
use super::kernel::SOCKETS;
use super::report::{Row, median};

const SYSCALLS: [&str; 2] = ["sys_enter", "sys_exit"];

/// Nanoseconds of the three calls.
struct Times {
    syscall: f64,
    unix: f64,
    tcp: f64,
}

/// All that is attached, in turns.
#[derive(Default)]
struct Series {
    syscall: Vec<f64>,
    unix: Vec<f64>,
    tcp: Vec<f64>,
}

impl Series {
    fn push(&mut self, times: &Times, base: &Times) {
        self.syscall.push(times.syscall / base.syscall);
        self.unix.push(times.unix / base.unix);
        self.tcp.push(times.tcp / base.tcp);
    }
}

/// This process is the one that is not selected.
pub fn measure(setup: &Setup) -> Result<Vec<Row>> {
    let mut sockets = Sockets::open()?;
    let mut bases = Vec::new();
    let (mut empty, mut against_empty) = (Series::default(), Series::default());
    let (mut syscalls_empty, mut syscalls_against_empty) = (Series::default(), Series::default());
    let mut to_nothing = Series::default();
    sockets.times()?;
    for _ in 0..setup.rounds.max(5) {
        let nothing = sockets.times()?;
        let on_sockets = with_empty(&mut sockets, &SOCKETS)?;
        let agent = with_agent(&mut sockets, setup, "sockets")?;
        let nothing_again = sockets.times()?;
        let on_syscalls = with_empty(&mut sockets, &SYSCALLS)?;
        let fallback = with_agent(&mut sockets, setup, "syscalls")?;
        to_nothing.push(&agent, &nothing);
        to_nothing.push(&agent, &nothing_again);
        empty.push(&on_sockets, &nothing);
        against_empty.push(&agent, &on_sockets);
        syscalls_empty.push(&on_syscalls, &nothing_again);
        syscalls_against_empty.push(&fallback, &on_syscalls);
        bases.push(nothing);
    }
    let base = |get: fn(&Times) -> f64| median(bases.iter().map(get));
    let ratio = |values: Vec<f64>| median(values);
    let goal = |what: &str, value: f64, limit: f64| {
        Row::goal(what, format!("{value:.3}"), format!("≤ {limit}"), value <= limit)
    };
    Ok(vec![
        Row::note(
            "nothing attached: empty system call; unix socket write + read of 64 B; the same over TCP",
            format!("{:.0}; {:.0}; {:.0} ns", base(|t| t.syscall), base(|t| t.unix), base(|t| t.tcp)),
        ),
        goal("`sockets`: empty system call, to nothing attached", ratio(to_nothing.syscall), 1.03),
        Row::note("`sockets`: unix write + read, empty programs to nothing", format!("{:.3}", ratio(empty.unix))),
        goal("`sockets`: unix write + read, not selected, to empty programs", ratio(against_empty.unix), 1.3),
        goal("`sockets`: TCP write + read, not selected, to empty programs", ratio(against_empty.tcp), 1.3),
        Row::note(
            "`syscalls`: empty system call, empty programs to nothing",
            format!("{:.3}", ratio(syscalls_empty.syscall)),
        ),
        goal("`syscalls`: empty system call, to empty programs", ratio(syscalls_against_empty.syscall), 1.3),
        goal("`syscalls`: unix write + read, not selected, to empty programs", ratio(syscalls_against_empty.unix), 1.3),
        goal("`syscalls`: TCP write + read, not selected, to empty programs", ratio(syscalls_against_empty.tcp), 1.3),
    ])
}

fn with_empty(sockets: &mut Sockets, hooks: &[&str]) -> Result<Times> {
    let _attached = Empty::attach(hooks)?;
    sockets.times()
}

fn with_agent(sockets: &mut Sockets, setup: &Setup, backend: &str) -> Result<Times> {
    let nobody = ["--select", "exe=/nobody", "--backend", backend, "--output", "none"];
    let agent = Agent::start(&setup.agent, &nobody)?;
    // Past its start and its first looks around.
    std::thread::sleep(std::time::Duration::from_millis(300));
    let times = sockets.times()?;
    agent.stop()?;
    Ok(times)
}

/// Both ends of two connections.
struct Sockets {
    unix: (UnixStream, UnixStream),
    tcp: (TcpStream, TcpStream),
}

impl Sockets {
    fn open() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let client = TcpStream::connect(listener.local_addr()?)?;
        let (server, _) = listener.accept()?;
        client.set_nodelay(true)?;
        Ok(Self { unix: UnixStream::pair()?, tcp: (client, server) })
    }

    /// The best of a few short loops each: other work on the machine only ever adds.
    fn times(&mut self) -> Result<Times> {
        let mut best = Times { syscall: f64::MAX, unix: f64::MAX, tcp: f64::MAX };
        for _ in 0..15 {
            best.syscall = best.syscall.min(per_call(50_000, || {
                // SAFETY: no arguments.
                unsafe { libc::syscall(libc::SYS_getppid) };
                Ok(())
            })?);
            let (a, b) = &mut self.unix;
            best.unix = best.unix.min(per_call(10_000, || there(a, b))?);
            let (a, b) = &mut self.tcp;
            best.tcp = best.tcp.min(per_call(4_000, || there(a, b))?);
        }
        Ok(best)
    }
}

fn there(from: &mut impl Write, to: &mut impl Read) -> Result<()> {
    let mut bytes = [7; 64];
    from.write_all(&bytes)?;
    to.read_exact(&mut bytes)?;
    Ok(())
}

fn per_call(calls: u32, mut call: impl FnMut() -> Result<()>) -> Result<f64> {
    let begin = Instant::now();
    for _ in 0..calls {
        call()?;
    }
    Ok(begin.elapsed().as_nanos() as f64 / f64::from(calls))
}
