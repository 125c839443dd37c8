//! Where the kernel keeps what the programs read. Rust emits no CO-RE relocations, so the agent reads these offsets
//! from the running kernel's BTF and injects them as a read-only global; the verifier treats them as constants.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Offset of a field that the running kernel does not have.
pub const ABSENT: u32 = u32::MAX;
/// The member that kernels for other processors never have.
const OF_X86_64: &str = "task_struct.thread.fsbase";

macro_rules! layout {
    ($($(#[$doc:meta])* $field:ident: $structure:literal . $path:literal,)*) => {
        /// Byte offsets of kernel structure members, one field each. [`ABSENT`] where the kernel has none.
        #[repr(C)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
        pub struct Layout { $($(#[$doc])* pub $field: u32,)* }

        impl Layout {
            /// Every member with all offsets absent.
            pub const EMPTY: Self = Self { $($field: ABSENT,)* };

            /// Resolves each member with `find(structure, member path)`.
            #[must_use]
            pub fn resolve(mut find: impl FnMut(&str, &str) -> Option<u32>) -> Self {
                Self { $($field: find($structure, $path).unwrap_or(ABSENT),)* }
            }

            /// The members that the kernel lacks and should have, as `structure.member`.
            pub fn missing(&self) -> impl Iterator<Item = &'static str> {
                [$((self.$field, concat!($structure, ".", $path)),)*]
                    .into_iter()
                    .filter(|(offset, name)| {
                        *offset == ABSENT && (cfg!(target_arch = "x86_64") || *name != OF_X86_64)
                    })
                    .map(|(_, name)| name)
            }
        }
    };
}

layout! {
    /// Address family.
    sock_family: "sock"."__sk_common.skc_family",
    /// Remote port, network order.
    sock_remote_port: "sock"."__sk_common.skc_dport",
    /// Local port, host order.
    sock_local_port: "sock"."__sk_common.skc_num",
    /// Both ports as one word.
    sock_ports: "sock"."__sk_common.skc_portpair",
    /// State of the connection.
    sock_state: "sock"."__sk_common.skc_state",
    /// Remote IPv4 address.
    sock_remote_v4: "sock"."__sk_common.skc_daddr",
    /// Local IPv4 address.
    sock_local_v4: "sock"."__sk_common.skc_rcv_saddr",
    /// Remote IPv6 address.
    sock_remote_v6: "sock"."__sk_common.skc_v6_daddr",
    /// Local IPv6 address.
    sock_local_v6: "sock"."__sk_common.skc_v6_rcv_saddr",
    /// Network namespace.
    sock_net: "sock"."__sk_common.skc_net.net",
    /// Socket type (`SOCK_STREAM`).
    sock_type: "sock"."sk_type",
    /// IP protocol.
    sock_protocol: "sock"."sk_protocol",
    /// The `struct socket`, null before accept and after close.
    sock_socket: "sock"."sk_socket",
    /// Bits of `enum sock_flags`.
    sock_flags: "sock"."__sk_common.skc_flags",
    /// Shutdown bits.
    sock_shutdown: "sock"."sk_shutdown",
    /// Pending error.
    sock_error: "sock"."sk_err",
    /// Local port, network order; unlike the one in host order it outlives the end of the socket.
    inet_source_port: "inet_sock"."inet_sport",
    /// Packets that wait to be read.
    sock_receive_queue: "sock"."sk_receive_queue.qlen",
    /// What was put between TCP and the application, such as TLS in the kernel; null for nothing.
    tcp_ulp: "inet_connection_sock"."icsk_ulp_ops",
    /// Next byte that the application will send.
    tcp_write_seq: "tcp_sock"."write_seq",
    /// Next byte that the application will read.
    tcp_copied_seq: "tcp_sock"."copied_seq",
    /// Next byte expected from the peer.
    tcp_rcv_nxt: "tcp_sock"."rcv_nxt",
    /// First unacknowledged byte.
    tcp_snd_una: "tcp_sock"."snd_una",
    /// Bytes received so far.
    tcp_bytes_received: "tcp_sock"."bytes_received",
    /// Bytes acknowledged by the peer so far.
    tcp_bytes_acked: "tcp_sock"."bytes_acked",
    /// Bytes sent so far, retransmissions included.
    tcp_bytes_sent: "tcp_sock"."bytes_sent",
    /// Smoothed round-trip time, an eighth of a µs.
    tcp_srtt: "tcp_sock"."srtt_us",
    /// Mean deviation of the round-trip time, a quarter of a µs.
    tcp_mdev: "tcp_sock"."mdev_us",
    /// Segments sent so far.
    tcp_segs_out: "tcp_sock"."segs_out",
    /// Segments received so far.
    tcp_segs_in: "tcp_sock"."segs_in",
    /// Segments sent again so far.
    tcp_total_retrans: "tcp_sock"."total_retrans",
    /// Window that the peer offers.
    tcp_snd_wnd: "tcp_sock"."snd_wnd",
    /// Whether it is below a socket of MPTCP.
    tcp_is_mptcp: "tcp_sock"."is_mptcp",
    /// Address of a unix socket.
    unix_addr: "unix_sock"."addr",
    /// Peer of a unix socket.
    unix_peer: "unix_sock"."peer",
    /// Length of an address.
    unix_address_len: "unix_address"."len",
    /// The `sockaddr_un` of an address.
    unix_address_name: "unix_address"."name",
    /// Inode of a socket file, from its `struct socket`.
    socket_inode: "socket_alloc"."vfs_inode",
    /// The `struct sock`.
    socket_sk: "socket"."sk",
    /// The open file of a socket.
    socket_file: "socket"."file",
    /// Flags of an open file.
    file_flags: "file"."f_flags",
    /// The epoll sets that an open file is in; null for none (Linux 5.11).
    file_epoll: "file"."f_ep",
    /// Inode number.
    inode_number: "inode"."i_ino",
    /// Mode.
    inode_mode: "inode"."i_mode",
    /// Namespace inode number.
    net_inum: "net"."ns.inum",
    /// Open files.
    task_files: "task_struct"."files",
    /// Thread pointer of the user's code (x86-64).
    task_thread_pointer: "task_struct"."thread.fsbase",
    /// Thread group id.
    task_tgid: "task_struct"."tgid",
    /// Thread id.
    task_pid: "task_struct"."pid",
    /// What the threads of a process share.
    task_signal: "task_struct"."signal",
    /// Threads that have not exited.
    signal_live: "signal_struct"."live",
    /// Who it is.
    task_cred: "task_struct"."cred",
    /// Effective user id.
    cred_user: "cred"."euid",
    /// Current descriptor table.
    files_table: "files_struct"."fdt",
    /// Array of files.
    table_files: "fdtable"."fd",
    /// Its length.
    table_size: "fdtable"."max_fds",
    /// Private data: the `struct socket` of a socket file.
    file_private: "file"."private_data",
    /// Inode.
    file_inode: "file"."f_inode",
    /// Path given to exec.
    exec_filename: "linux_binprm"."filename",
    /// The file that is executed.
    exec_file: "linux_binprm"."file",
    /// Its entry in a directory.
    file_dentry: "file"."f_path.dentry",
    /// The name of the entry.
    dentry_name: "dentry"."d_name.name",
}

/// Settings of the programs that do not change while they are loaded.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Config {
    /// Payload bytes copied per turn, at most [`crate::limits::MAX_PAYLOAD`].
    pub turn_budget: u32,
    /// Fill of the ring buffer, bytes, from which user space is woken at once.
    pub wake_bytes: u32,
    /// 1 when the kernel tells that data has come to a socket, and the time of it is wanted.
    pub queue_time: u32,
    /// 1 where a program can be preempted in the middle (since Linux 7.0), and a second one takes over for it.
    pub preemptible: u32,
    /// 1 when a header that is put into a request may begin a trace: all are sampled.
    pub new_traces: u32,
}

/// Settings of the programs that change when other processes are to be traced.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Selection {
    /// Policy of processes that are not in the policy map.
    pub default_policy: u32,
    /// 1 when selectors name ports: connects and listens of other processes are looked at too.
    pub select_ports: u32,
    /// 1 when only programs in the map `WANTED` may be selected, and those that use a selected port.
    pub exec_filter: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_member_is_named() {
        let layout = Layout::resolve(|structure, path| (structure != "tcp_sock" || path != "write_seq").then_some(8));
        assert_eq!(layout.missing().collect::<Vec<_>>(), ["tcp_sock.write_seq"]);
    }
}
