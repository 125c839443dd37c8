//! What the kernel programs know of who is traced, beside decisions about single processes. It can change while they run.

use std::collections::{BTreeMap, BTreeSet};

use aya::maps::{Array, HashMap, MapData, MapError};
use aya::{Ebpf, Pod};
use wirespan_common::layout;
use wirespan_common::limits::MAX_WANTED;
use wirespan_common::record::{POLICY_IGNORE, POLICY_TRACE, Wanted};

use super::load::{StartError, load_error, take};

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Whether processes without a decision are traced.
    pub select_all: bool,
    /// Ports that selectors name.
    pub ports: Vec<u16>,
    /// What programs show at their exec that may be traced; `None`: any may be.
    pub wanted: Option<Vec<Wanted>>,
}

impl Default for Selection {
    fn default() -> Self {
        Self { select_all: true, ports: Vec::new(), wanted: None }
    }
}

impl Selection {
    /// Programs that may be traced, if there are few enough for the kernel to compare with.
    fn known(&self) -> Option<impl Iterator<Item = Key>> {
        let wanted = self.wanted.as_ref().filter(|wanted| wanted.len() <= MAX_WANTED as usize)?;
        Some(wanted.iter().map(|one| zerocopy::transmute!(*one)))
    }

    /// The words that the programs read.
    #[must_use]
    pub fn words(&self) -> layout::Selection {
        layout::Selection {
            default_policy: if self.select_all { POLICY_TRACE } else { POLICY_IGNORE },
            select_ports: u32::from(!self.ports.is_empty()),
            exec_filter: u32::from(self.known().is_some()),
        }
    }
}

type Key = [u8; size_of::<Wanted>()];

/// [`layout::Selection`] as the kernel keeps it.
#[repr(transparent)]
#[derive(Clone, Copy)]
struct Words(layout::Selection);

// SAFETY: three words without padding, for which every value is valid.
unsafe impl Pod for Words {}

/// The maps that hold it.
pub(super) struct Selected {
    words: Array<MapData, Words>,
    ports: Array<MapData, u64>,
    /// The words of `ports` that are not 0.
    named: BTreeMap<u32, u64>,
    wanted: HashMap<MapData, Key, u8>,
}

impl Selected {
    /// Of a loaded object, in which nothing is selected yet but by its words.
    pub(super) fn of(ebpf: &mut Ebpf, selection: &Selection) -> Result<Self, StartError> {
        let mut selected = Self {
            words: Array::try_from(take(ebpf, ".data")?).map_err(load_error)?,
            ports: Array::try_from(take(ebpf, "SELECTED_PORTS")?).map_err(load_error)?,
            named: BTreeMap::new(),
            wanted: HashMap::try_from(take(ebpf, "WANTED")?).map_err(load_error)?,
        };
        selected.put(selection).map_err(load_error)?;
        Ok(selected)
    }

    /// Replaces it. Nobody who is selected before and after is missed in between: while programs are exchanged, any may be wanted.
    ///
    /// # Errors
    /// When the kernel refuses a change; what was not changed is as before.
    pub(super) fn put(&mut self, selection: &Selection) -> Result<(), MapError> {
        let words = selection.words();
        self.words.set(0, Words(layout::Selection { exec_filter: 0, ..words }), 0)?;
        let before: BTreeSet<Key> = self.wanted.keys().collect::<Result<_, _>>()?;
        let now: BTreeSet<Key> = selection.known().into_iter().flatten().collect();
        before.difference(&now).try_for_each(|key| self.wanted.remove(key))?;
        now.iter().try_for_each(|key| self.wanted.insert(key, 1, 0))?;
        // Those that are no longer named become 0.
        let mut named: BTreeMap<u32, u64> = self.named.keys().map(|index| (*index, 0)).collect();
        for port in &selection.ports {
            *named.entry(u32::from(port >> 6)).or_default() |= 1 << (port & 63);
        }
        self.named.clone_from(&named);
        for (index, word) in named {
            self.ports.set(index, word, 0)?;
        }
        self.named.retain(|_, word| *word != 0);
        self.words.set(0, Words(words), 0)
    }
}
