//! Listen queues: how many connections wait to be accepted, how many may, how many were refused for want of room.
//!
//! No hook tells, so `sock_diag` (sock_diag(7)) is asked at an interval, in the network namespace of
//! each target. A thread of its own does it: entering a namespace changes the thread.

mod owners;

use self::owners::{Owners, inode, namespace_path, wanted};
use super::reader::monotonic_ns;
use crate::event::Listener;
use crate::lockdown::Duty;
use netlink_packet_core::{NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_sock_diag::SockDiagMessage;
use netlink_packet_sock_diag::constants::{AF_INET, AF_INET6, IPPROTO_TCP};
use netlink_packet_sock_diag::inet::nlas::Nla;
use netlink_packet_sock_diag::inet::{ExtensionFlags, InetRequest, InetResponse, SocketId, StateFlags};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_SOCK_DIAG};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::time::{Duration, Instant};

/// Time between two questions.
const INTERVAL: Duration = Duration::from_secs(10);
/// Most network namespaces that are asked.
const MAX_NAMESPACES: usize = 64;
/// Most listening sockets of a namespace and family that are looked at.
const MAX_LISTENERS: usize = 4096;
/// Bytes of one answer; the kernel sends at most 32 KiB at once.
const ANSWER_BYTES: usize = 64 * 1024;

/// Who is asked about.
#[derive(Debug, Default)]
pub struct Question {
    /// The targets.
    pub pids: Vec<u32>,
    /// Whether every process is a target: then every listening socket of their namespaces is looked at, but the agent's
    /// own.
    pub all: bool,
}

/// What was answered.
#[derive(Debug, Default)]
pub struct Told {
    /// Queues.
    pub listeners: Vec<Listener>,
    /// Ports of sockets whose queues are not told.
    pub ports: Vec<u16>,
    /// Network namespaces that could not be entered.
    pub closed: usize,
}

impl Told {
    /// Every port that is listened on.
    #[must_use]
    pub fn ports(&self) -> Vec<u16> {
        self.listeners.iter().map(|listener| listener.port).chain(self.ports.iter().copied()).collect()
    }
}

/// The thread that asks. Dropping it ends the thread after the question at hand.
pub struct Listeners {
    questions: SyncSender<Question>,
    answers: Receiver<io::Result<Told>>,
    last: Option<Instant>,
    /// What came while it was waited for.
    waiting: Option<io::Result<Told>>,
}

impl Listeners {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system grants no thread.
    pub fn start() -> io::Result<Self> {
        let (questions, asked) = sync_channel(1);
        let (told, answers) = channel();
        crate::threads::spawn("ws-listeners".into(), Duty::Sockets, move || serve(&asked, &told))?;
        Ok(Self { questions, answers, last: None, waiting: None })
    }

    /// Asks if it is time to; `question` is only made then.
    pub fn ask(&mut self, now: Instant, question: impl FnOnce() -> Question) {
        if self.last.is_some_and(|last| now.duration_since(last) < INTERVAL) {
            return;
        }
        self.last = Some(now);
        match self.questions.try_send(question()) {
            // Full: the last answer takes longer than the interval.
            Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
        }
    }

    /// Waits for the answer, which [`answer`](Self::answer) gives again: the ports.
    pub fn wait(&mut self, limit: Duration) -> Vec<u16> {
        self.waiting = self.answers.recv_timeout(limit).ok();
        match &self.waiting {
            Some(Ok(told)) => told.ports(),
            Some(Err(_)) | None => Vec::new(),
        }
    }

    /// What has been answered since the last call, if anything.
    pub fn answer(&mut self) -> Option<io::Result<Told>> {
        self.waiting.take().or_else(|| self.answers.try_recv().ok())
    }
}

fn serve(questions: &Receiver<Question>, answers: &Sender<io::Result<Told>>) {
    let mut place = own_namespace();
    let mut owners = Owners::default();
    while let Ok(question) = questions.recv() {
        if answers.send(answer(&question, &mut owners, &mut place)).is_err() {
            return;
        }
    }
}

/// The queues of every port on which a target listens; where a namespace cannot be entered, the ports alone. An error is
/// one of all of them.
fn answer(question: &Question, owners: &mut Owners, place: &mut Option<u32>) -> io::Result<Told> {
    let mut told = Told::default();
    let (mut failure, mut any) = (None, false);
    for (namespace, pids) in owners.namespaces(question, Instant::now()) {
        let look = || wanted(question.all, &pids);
        match enter(namespace, &pids, place) {
            Ok(true) => {}
            // Every process of it has gone.
            Ok(false) => continue,
            Err(_) => {
                told.closed += 1;
                told.ports.extend(ports(&pids, look()));
                continue;
            }
        }
        match listening() {
            Ok(sockets) => {
                any = true;
                let owned = owners.judge(namespace, sockets.iter().map(|socket| socket.inode), look);
                let own = sockets.iter().filter(|socket| owned.contains(&socket.inode));
                told.listeners.extend(by_port(namespace, own));
            }
            Err(error) => {
                told.ports.extend(ports(&pids, look()));
                failure = Some(error);
            }
        }
    }
    match failure {
        Some(error) if !any && told.ports.is_empty() => Err(error),
        _ => Ok(told),
    }
}

/// The inode of the network namespace of this thread.
fn own_namespace() -> Option<u32> {
    inode(&std::fs::read_link("/proc/thread-self/ns/net").ok()?)
}

/// Ports that are listened on, where only the files of the processes tell (proc_net(5)): not how long the queues are.
fn ports(pids: &[u32], is_wanted: impl Fn(u64) -> bool) -> Vec<u16> {
    pids.iter()
        .map(|pid| crate::process::listening(*pid, &is_wanted))
        .find(|found| !found.is_empty())
        .unwrap_or_default()
}

/// A listening socket.
struct Listening {
    inode: u32,
    port: u16,
    queued: u32,
    limit: u32,
    drops: u64,
}

/// Moves this thread into the namespace that these processes share, any one that is still there will do; false when none
/// is. Where it is already, it needs no privilege.
fn enter(namespace: u32, pids: &[u32], place: &mut Option<u32>) -> io::Result<bool> {
    if *place == Some(namespace) {
        return Ok(true);
    }
    let Some(file) = pids.iter().find_map(|pid| File::open(namespace_path(*pid)).ok()) else { return Ok(false) };
    move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))?;
    *place = Some(namespace);
    Ok(true)
}

/// Asks in the namespace of this thread.
fn listening() -> io::Result<Vec<Listening>> {
    let mut sockets = dump(AF_INET, SocketId::new_v4())?;
    sockets.extend(dump(AF_INET6, SocketId::new_v6())?);
    Ok(sockets)
}

/// Whether the kernel tells about the listening sockets of this network namespace.
///
/// # Errors
/// When it does not.
pub fn try_own() -> io::Result<()> {
    listening().map(drop)
}

/// All listening TCP sockets of a family in the namespace of this thread.
fn dump(family: u8, socket_id: SocketId) -> io::Result<Vec<Listening>> {
    let mut socket = Socket::new(NETLINK_SOCK_DIAG)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    let request = InetRequest {
        family,
        protocol: IPPROTO_TCP,
        extensions: ExtensionFlags::SKMEMINFO,
        states: StateFlags::LISTEN,
        socket_id,
    };
    let mut message = NetlinkMessage::new(header, SockDiagMessage::InetRequest(request).into());
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    socket.send(&bytes, 0)?;

    let mut sockets = Vec::new();
    let mut answer = vec![0; ANSWER_BYTES];
    loop {
        let len = socket.recv(&mut &mut answer[..], 0)?;
        let mut rest = answer.get(..len).unwrap_or_default();
        while !rest.is_empty() {
            let message = NetlinkMessage::<SockDiagMessage>::deserialize(rest).map_err(io::Error::other)?;
            // Messages begin at multiples of four.
            rest = rest.get((message.header.length as usize).max(1).next_multiple_of(4)..).unwrap_or_default();
            match message.payload {
                NetlinkPayload::InnerMessage(SockDiagMessage::InetResponse(response)) => sockets.push(of(&response)),
                NetlinkPayload::Done(_) => return Ok(sockets),
                NetlinkPayload::Error(error) => return Err(error.to_io()),
                _ => {}
            }
        }
        if sockets.len() >= MAX_LISTENERS {
            return Ok(sockets);
        }
    }
}

/// For a listening socket the two queues are the connections that wait and the most that may.
fn of(response: &InetResponse) -> Listening {
    let drops = response.nlas.iter().find_map(|nla| match nla {
        Nla::MemInfo(memory) => Some(u64::from(memory.drops)),
        _ => None,
    });
    Listening {
        inode: response.header.inode,
        port: response.header.socket_id.source_port,
        queued: response.header.recv_queue,
        limit: response.header.send_queue,
        drops: drops.unwrap_or_default(),
    }
}

/// Several sockets on a port (`SO_REUSEPORT`, several addresses) are its queue together.
fn by_port<'a>(network_namespace: u32, sockets: impl Iterator<Item = &'a Listening>) -> impl Iterator<Item = Listener> {
    let at_ns = monotonic_ns();
    let mut ports: BTreeMap<u16, Listener> = BTreeMap::new();
    for socket in sockets {
        let listener = ports.entry(socket.port).or_insert(Listener {
            port: socket.port,
            network_namespace,
            at_ns,
            queued: 0,
            limit: 0,
            drops: 0,
        });
        listener.queued = listener.queued.saturating_add(socket.queued);
        listener.limit = listener.limit.saturating_add(socket.limit);
        listener.drops = listener.drops.saturating_add(socket.drops);
    }
    ports.into_values()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn sockets_on_one_port_are_one_queue() {
        let socket = |port, queued, drops| Listening { inode: 1, port, queued, limit: 128, drops };
        let sockets = [socket(80, 1, 2), socket(443, 5, 0), socket(80, 3, 4)];
        let told: Vec<_> =
            by_port(7, sockets.iter()).map(|told| (told.port, told.queued, told.limit, told.drops)).collect();
        assert_eq!(told, [(80, 4, 256, 6), (443, 5, 128, 0)]);
    }

    /// Needs no privilege: the namespace is our own. Connections that nobody accepts are in the queue.
    #[test]
    fn connections_that_wait_are_counted() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let address = listener.local_addr().unwrap();
            let _waiting: Vec<_> = (0..3).map(|_| TcpStream::connect(address).unwrap()).collect();
            let (family, id) =
                if address.is_ipv4() { (AF_INET, SocketId::new_v4()) } else { (AF_INET6, SocketId::new_v6()) };
            let Ok(sockets) = dump(family, id) else {
                // A kernel without sock_diag.
                return;
            };
            let found = sockets.iter().find(|socket| socket.port == address.port()).unwrap();
            assert_eq!((found.queued, found.drops), (3, 0));
            assert!(found.limit >= 3);
            assert!(wanted(false, &[std::process::id()])(u64::from(found.inode)));
            assert!(!wanted(true, &[std::process::id()])(u64::from(found.inode)));
        }
    }
}
