//! The map from threads to the spans that they work for: what the OpenTelemetry eBPF profiler reads to tell samples by span, and what
//! a `traceparent` that is put into a request continues.
//!
//! For profilers it is pinned as `otel/traces_ctx_v1` in the BPF file system. Whoever comes first makes it, the others use it: an LRU
//! hash from `bpf_get_current_pid_tgid()` to a trace id and a span id, in the order of their bytes.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use aya::maps::{HashMap, MapData, MapError, MapType};
use rustc_hash::FxHashMap;
use wirespan_common::propagate::Ids;

/// Folder and name in the BPF file system.
const FOLDER: &str = "otel";
const NAME: &str = "traces_ctx_v1";
/// include/uapi/linux/magic.h
const BPF_FS_MAGIC: u64 = 0xcafe_4a11;

/// Where the map is pinned for others.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    /// Another program has made it.
    is_theirs: bool,
}

impl Place {
    /// Finds the place in a BPF file system.
    ///
    /// # Errors
    /// Why the map cannot be shared there, one line.
    pub(super) fn find(root: &Path) -> Result<Self, String> {
        let say = |why: String| format!("{}: {why}", root.display());
        let kind = rustix::fs::statfs(root).map_err(|error| say(error.to_string()))?.f_type;
        if u64::try_from(kind).ok() != Some(BPF_FS_MAGIC) {
            return Err(say("is no BPF file system; `mount -t bpf bpf PATH` makes one".to_owned()));
        }
        let folder = root.join(FOLDER);
        match std::fs::create_dir(&folder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(say(error.to_string())),
            _ => {}
        }
        let path = folder.join(NAME);
        let is_theirs = path.try_exists().map_err(|error| say(error.to_string()))?;
        if is_theirs && !is_alike(&path).map_err(|error| say(error.to_string()))? {
            return Err(format!("{} is a map of another form", path.display()));
        }
        Ok(Self { path, is_theirs })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// Whether the map that is pinned there is of the form that is agreed on.
fn is_alike(path: &Path) -> Result<bool, MapError> {
    let info = MapData::from_pin(path)?.info()?;
    let is_lru = info.map_type()? == MapType::LruHash;
    Ok(is_lru && info.key_size() == 8 && info.value_size() as usize == size_of::<Ids>())
}

/// What the kernel programs and profilers are told of threads.
pub struct Threads {
    map: HashMap<MapData, u64, [u8; size_of::<Ids>()]>,
    shown: FxHashMap<u64, Ids>,
    place: Option<Place>,
}

impl Threads {
    pub(super) fn new(map: HashMap<MapData, u64, [u8; size_of::<Ids>()]>, place: Option<Place>) -> Self {
        Self { map, shown: FxHashMap::default(), place }
    }

    /// A thread works for the request with this span, or for none that is certain. What is not shown because it was over when it was told costs nothing.
    pub fn show(&mut self, (pid, tid): (u32, u32), ids: Option<Ids>) {
        let key = u64::from(pid) << 32 | u64::from(tid);
        let before = match ids {
            Some(ids) => self.shown.insert(key, ids),
            None => self.shown.remove(&key),
        };
        if ids == before {
            return;
        }
        // The map forgets what is oldest, and whoever has made it may remove it: both leave samples without their span.
        let _ = match ids {
            Some(ids) => {
                let value: [u8; size_of::<Ids>()] = zerocopy::transmute!(ids);
                self.map.insert(key, value, 0)
            }
            None => self.map.remove(&key),
        };
    }
}

/// Takes back what was shown, and the map if it was made here. Readers that have it open keep it, empty.
impl Drop for Threads {
    fn drop(&mut self) {
        for key in self.shown.keys() {
            let _ = self.map.remove(key);
        }
        if let Some(Place { path, is_theirs: false }) = &self.place {
            let _ = std::fs::remove_file(path);
            // Not if something else lies there.
            let _ = path.parent().map(std::fs::remove_dir);
        }
    }
}
