//! Files that the agent creates: readable by their owner alone, and never through a link.
//!
//! The agent runs as root and writes what others should not read. A link that somebody laid where the file will be must
//! not make it write elsewhere, nor must a pipe of theirs get what it writes.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// A new file, or our own one, emptied.
///
/// # Errors
/// When it cannot be opened, is a link, or belongs to somebody else.
pub fn create(path: &Path) -> io::Result<File> {
    let file = open(path, OpenOptions::new().write(true))?;
    if file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    Ok(file)
}

/// A new file, or our own one, to write after what is in it.
///
/// # Errors
/// When it cannot be opened, is a link, or belongs to somebody else.
pub fn append(path: &Path) -> io::Result<File> {
    open(path, OpenOptions::new().append(true))
}

fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    if is_descriptor(path) {
        return options.open(path);
    }
    let file =
        options.create(true).mode(0o600).custom_flags(libc::O_NOFOLLOW).open(path).map_err(|error| {
            match error.raw_os_error() {
                Some(libc::ELOOP) => io::Error::other("it is a link; name the file itself"),
                _ => error,
            }
        })?;
    let metadata = file.metadata()?;
    let kind = metadata.file_type();
    if !kind.is_file() && !kind.is_fifo() {
        // Devices and directories belong to whoever made the system.
        return Ok(file);
    }
    let own = rustix::process::geteuid().as_raw();
    if metadata.uid() != own {
        let owner = metadata.uid();
        return Err(io::Error::other(format!(
            "it belongs to another user (number {owner}); remove it, or name another file"
        )));
    }
    if kind.is_file() && metadata.nlink() > 1 {
        return Err(io::Error::other("it has another name elsewhere (a hard link); remove it, or name another file"));
    }
    Ok(file)
}

/// Names for what is open already: links that nobody else can lay.
fn is_descriptor(path: &Path) -> bool {
    path == Path::new("/dev/stdout")
        || path == Path::new("/dev/stderr")
        || path.parent().is_some_and(|folder| folder == Path::new("/dev/fd") || folder == Path::new("/proc/self/fd"))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::path::PathBuf;

    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("wirespan-files-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_new_file_is_for_its_owner_alone() {
        let folder = Folder::new("new");
        for (name, open) in [("created", create as fn(&Path) -> io::Result<File>), ("appended", append)] {
            let path = folder.0.join(name);
            open(&path).unwrap().write_all(b"one").unwrap();
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
            open(&path).unwrap().write_all(b"2").unwrap();
            let expected = if name == "created" { "2" } else { "one2" };
            assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
        }
    }

    #[test]
    fn nothing_is_written_through_a_link() {
        let folder = Folder::new("link");
        let precious = folder.0.join("precious");
        std::fs::write(&precious, "precious").unwrap();
        let (soft, hard, dangling) = (folder.0.join("soft"), folder.0.join("hard"), folder.0.join("dangling"));
        symlink(&precious, &soft).unwrap();
        symlink(folder.0.join("nowhere"), &dangling).unwrap();
        std::fs::hard_link(&precious, &hard).unwrap();
        for path in [&soft, &dangling, &hard] {
            for open in [create, append] {
                let error = open(path).unwrap_err().to_string();
                assert!(error.contains("link"), "{}: {error}", path.display());
            }
        }
        assert_eq!(std::fs::read_to_string(&precious).unwrap(), "precious");
        assert!(!folder.0.join("nowhere").exists());
    }

    #[test]
    fn devices_and_descriptors_are_taken_as_they_are() {
        create(Path::new("/dev/null")).unwrap().write_all(b"x").unwrap();
        let (reader, writer) = std::io::pipe().unwrap();
        let path = format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&writer));
        append(Path::new(&path)).unwrap().write_all(b"through").unwrap();
        create(Path::new(&path)).unwrap().write_all(b" it").unwrap();
        drop(writer);
        assert_eq!(std::io::read_to_string(reader).unwrap(), "through it");
    }
}
