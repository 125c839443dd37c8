//! Files of other programs: opened below the root of their process without leaving it, only if they are regular, and
//! read up to a limit. Opening a pipe or a device has effects, so that nothing is opened before it is known what it is.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsRawFd as _, OwnedFd};

use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, fstat, openat, openat2};

use crate::process::Held;
use crate::process::pinned::Pinned;

/// What tells a file from every other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
    size: i64,
    changed: (i64, i64),
}

/// The root folder of a process.
pub(super) struct Root(OwnedFd);

impl Root {
    pub(super) fn of(pinned: &Pinned) -> Option<Self> {
        pinned.target("root").ok().map(Self)
    }

    /// What stands at a path of the process. Links are followed within its root; an absolute one begins there.
    pub(super) fn hold(&self, path: &str) -> Option<OwnedFd> {
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        openat2(&self.0, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve).ok()
    }

    /// The beginning of a regular file.
    pub(super) fn read(&self, path: &str, limit: u64) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        open(&self.hold(path)?)?.take(limit).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Which file stands at a path.
    pub(super) fn identity(&self, path: &str) -> Option<Identity> {
        identity(&self.hold(path)?)
    }
}

/// Opens what is held, if it is a regular file.
pub(super) fn open(held: &OwnedFd) -> Option<File> {
    identity(held)?;
    // The same file, whatever stands at its path by now.
    let own = format!("/proc/self/fd/{}", held.as_raw_fd());
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    openat(CWD, own, flags, Mode::empty()).ok().map(File::from)
}

/// The file, for whoever wants to name it to the kernel; `None` if it is no regular one.
pub(super) fn hold(held: OwnedFd) -> Option<Held> {
    let Identity { device, inode, .. } = identity(&held)?;
    Some(Held { fd: held, device, inode })
}

/// Which file it is; `None` if it is no regular one.
pub(super) fn identity(held: &OwnedFd) -> Option<Identity> {
    let stat = fstat(held).ok()?;
    (FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile).then_some(Identity {
        device: stat.st_dev,
        inode: stat.st_ino,
        size: stat.st_size,
        changed: (stat.st_ctime, i64::try_from(stat.st_ctime_nsec).unwrap_or_default()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::path::{Path, PathBuf};

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("wirespan-root-{name}-{}", std::process::id()));
            std::fs::create_dir_all(path.join("sub")).unwrap();
            Self(path)
        }

        fn root(&self) -> Root {
            Root(openat(CWD, &self.0, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap())
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.join(name)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn regular_files_are_read_up_to_a_limit() {
        let folder = Folder::new("regular");
        std::fs::write(folder.path("sub/a"), "hello").unwrap();
        std::fs::File::create(folder.path("sparse")).unwrap().set_len(1 << 40).unwrap();
        let root = folder.root();
        assert_eq!(root.read("/sub/a", 100).as_deref(), Some(&b"hello"[..]));
        assert_eq!(root.read("sub/a", 4).as_deref(), Some(&b"hell"[..]));
        assert_eq!(root.read("/sparse", 1000).unwrap().len(), 1000);
        assert_eq!(root.read("/sub", 100), None);
        assert_eq!(root.read("/none", 100), None);
    }

    #[test]
    fn pipes_devices_and_sockets_are_not_opened() {
        let folder = Folder::new("pipes");
        let fifo = folder.path("release");
        rustix::fs::mknodat(CWD, &fifo, FileType::Fifo, Mode::RWXU, 0).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(folder.path("socket")).unwrap();
        let root = folder.root();
        // A writer would see somebody read: it must not.
        let writer = openat(CWD, &fifo, OFlags::WRONLY | OFlags::NONBLOCK, Mode::empty());
        assert_eq!(writer.map(drop), Err(rustix::io::Errno::NXIO));
        assert_eq!(root.read("/release", 100), None);
        assert_eq!(root.read("/socket", 100), None);
        let host = Root(openat(CWD, "/", OFlags::PATH, Mode::empty()).unwrap());
        for device in ["/dev/zero", "/dev/null", "/dev/tty", "/proc/self/exe"] {
            assert_eq!(host.read(device, 100), None, "{device}");
        }
    }

    #[test]
    fn nothing_leads_out_of_the_root() {
        let folder = Folder::new("links");
        std::fs::create_dir_all(folder.path("etc")).unwrap();
        std::fs::write(folder.path("etc/hostname"), "inside").unwrap();
        for (name, target) in [
            ("absolute", "/etc/hostname"),
            ("upward", "../../../../../../../../etc/hostname"),
            ("device", "/dev/zero"),
            ("outside", "/etc/passwd"),
            ("process", "/proc/self/environ"),
            ("loop", "loop"),
        ] {
            symlink(target, folder.path("sub").join(name)).unwrap();
        }
        let root = folder.root();
        assert!(Path::new("/etc/passwd").exists());
        for inside in ["absolute", "upward"] {
            assert_eq!(root.read(&format!("/sub/{inside}"), 100).as_deref(), Some(&b"inside"[..]), "{inside}");
        }
        for nowhere in ["device", "outside", "process", "loop"] {
            assert_eq!(root.read(&format!("/sub/{nowhere}"), 100), None, "{nowhere}");
        }
        assert_eq!(root.read("/../../etc/passwd", 100), None);
        assert_eq!(root.identity("/sub/absolute"), root.identity("/etc/hostname"));
    }
}
