//! The table in which HotSpot describes its structures (hotspot/share/runtime/vmStructs.hpp, `VMStructEntry`). How its entries
//! are laid out is exported, too.

use std::collections::HashMap;

use crate::resolve::memory::Memory;
use crate::runtime::jvm::STRUCTURES;

/// Most entries that are looked at; JDK 11 has 1,100.
const MAX_ENTRIES: u64 = 8192;
/// Largest entry that is believed.
const MAX_STRIDE: u64 = 256;

/// The members that are asked for.
#[derive(Debug, Default)]
pub(super) struct Structs(HashMap<(&'static str, String), u64>);

impl Structs {
    /// The offset of a member, or the address of a static one.
    pub(super) fn find(&self, structure: &str, member: &str) -> Option<u64> {
        let structure = STRUCTURES.into_iter().find(|one| *one == structure)?;
        self.0.get(&(structure, member.to_owned())).copied()
    }
}

/// How the exported names begin.
pub(super) const PREFIX: &str = "gHotSpotVMStruct";

/// Reads the table. `exported` has the addresses of those names, without their beginning.
pub(super) fn read<F: Fn(u64, &mut [u8]) -> bool>(
    memory: &Memory<F>,
    exported: &HashMap<String, u64>,
) -> Option<Structs> {
    let number = |name: &str| memory.word(*exported.get(name)?);
    let (table, stride) = (number("s")?, number("EntryArrayStride")?);
    if !(1..=MAX_STRIDE).contains(&stride) {
        return None;
    }
    let inside = |name: &str| number(name).filter(|offset| *offset < stride);
    let (structure_at, member_at) = (inside("EntryTypeNameOffset")?, inside("EntryFieldNameOffset")?);
    let (is_static_at, offset_at) = (inside("EntryIsStaticOffset")?, inside("EntryOffsetOffset")?);
    let address_at = inside("EntryAddressOffset")?;
    let mut structs = Structs::default();
    // Entries of one structure mostly share its name.
    let mut names: HashMap<u64, Option<&str>> = HashMap::new();
    for index in 0..MAX_ENTRIES {
        let entry = table.checked_add(index * stride)?;
        let word = |offset: u64| memory.word(entry.checked_add(offset)?);
        let name = word(structure_at)?;
        if name == 0 {
            return Some(structs);
        }
        let structure = *names.entry(name).or_insert_with(|| {
            let name = memory.name(name)?;
            STRUCTURES.into_iter().find(|structure| *structure == name)
        });
        if let Some(structure) = structure
            && let Some(member) = memory.name(word(member_at)?)
        {
            let is_static = memory.half(entry.checked_add(is_static_at)?)? != 0;
            structs.0.insert((structure, member), word(if is_static { address_at } else { offset_at })?);
        }
    }
    None
}
