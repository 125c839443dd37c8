//! HotSpot, the JVM of all usual JDKs (11 to 25): its threads, platform and virtual ones. It describes its own structures in a
//! table for debuggers (hotspot/share/runtime/vmStructs.cpp), so that nothing depends on its version.

use wirespan_common::context::{
    JVM_BAD, JVM_ENTRY, JVM_OWNER, JVM_SHIFT, JVM_STACK, JVM_VTHREAD, RUNTIME_JVM, Runtime,
};

/// The structures of which members are asked for.
pub const STRUCTURES: [&str; 5] = ["JavaThread", "Thread", "Universe", "ZGlobalsForVMStructs", "XGlobalsForVMStructs"];

/// Largest offset of a member that is believed.
const MAX_OFFSET: u64 = 64 * 1024;

/// Where collectors that move objects while threads run keep the bits of an outdated pointer, and the shift of a good one: the
/// generational ZGC (JDK 21 and newer), ZGC of JDK 21 and 22, and that before.
const COLLECTORS: [(&str, &str, &str); 3] = [
    ("ZGlobalsForVMStructs", "_ZPointerLoadBadMask", "_ZPointerLoadShift"),
    ("XGlobalsForVMStructs", "_XAddressBadMask", ""),
    ("ZGlobalsForVMStructs", "_ZAddressBadMask", ""),
];

/// How the threads of a JVM are found. `find` tells the offset of a member of a structure, or the address of a static one;
/// `word` reads the memory of the process. `None` where they cannot be, or not yet.
#[must_use]
pub fn of(find: impl Fn(&str, &str) -> Option<u64>, word: impl Fn(u64) -> Option<u64>) -> Option<Runtime> {
    let thread = |member| find("JavaThread", member).or_else(|| find("Thread", member));
    let place = |member| match thread(member) {
        Some(offset @ 1..MAX_OFFSET) => u32::try_from(offset).ok(),
        _ => None,
    };
    let mut runtime = Runtime { kind: RUNTIME_JVM, ..Runtime::default() };
    runtime.places[JVM_STACK] = place("_stack_base")?;
    if place("_stack_size")? != runtime.places[JVM_STACK] + 8 {
        return None;
    }
    let Some(vthread) = place("_vthread") else {
        // Before virtual threads.
        return thread("_vthread").is_none().then_some(runtime);
    };
    runtime.places[JVM_VTHREAD] = vthread;
    if let (Some(owner), Some(entry)) = (place("_monitor_owner_id").or_else(|| place("_lock_id")), place("_cont_entry"))
    {
        (runtime.places[JVM_OWNER], runtime.places[JVM_ENTRY]) = (owner, entry);
        return Some(runtime);
    }
    // The number stands in an object. Collectors are set up with the heap.
    if word(find("Universe", "_collectedHeap")?)? == 0 {
        return None;
    }
    for (structure, bad, shift) in COLLECTORS {
        let (Some(instance), Some(bad)) = (find(structure, "_instance_p"), find(structure, bad)) else { continue };
        let instance = word(instance)?;
        let global = |offset: u64| word(instance.wrapping_add(offset));
        let bad = global(bad)?;
        if word(bad)? == 0 {
            continue;
        }
        runtime.addresses[JVM_BAD] = bad;
        runtime.addresses[JVM_SHIFT] = match find(structure, shift) {
            Some(shift) => global(shift)?,
            None => 0,
        };
    }
    Some(runtime)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Member = (&'static str, &'static str, u64);

    fn found(members: &[Member], words: &[(u64, u64)]) -> Option<Runtime> {
        let find = |structure: &str, member: &str| {
            members.iter().find(|(of, name, _)| (*of, *name) == (structure, member)).map(|(.., at)| *at)
        };
        of(find, |at| words.iter().find(|(address, _)| *address == at).map(|(_, word)| *word))
    }

    const STACK: [Member; 2] = [("JavaThread", "_stack_base", 816), ("JavaThread", "_stack_size", 824)];

    #[test]
    fn before_virtual_threads_only_the_stack_is_known() {
        let runtime = found(&STACK, &[]).unwrap();
        assert_eq!((runtime.kind, runtime.places), (RUNTIME_JVM, [816, 0, 0, 0, 0, 0, 0]));
        assert_eq!(found(&STACK[..1], &[]), None);
        assert_eq!(found(&[STACK[0], ("JavaThread", "_stack_size", 840)], &[]), None, "not one after the other");
    }

    #[test]
    fn a_thread_that_knows_the_number_needs_no_heap() {
        let members = [
            ("JavaThread", "_vthread", 1128),
            ("JavaThread", "_monitor_owner_id", 1312),
            ("JavaThread", "_cont_entry", 1560),
        ];
        let runtime = found(&[&STACK[..], &members].concat(), &[]).unwrap();
        assert_eq!(runtime.places, [816, 1128, 1312, 1560, 0, 0, 0]);
        assert_eq!(runtime.addresses, [0, 0]);
    }

    #[test]
    fn else_it_is_known_how_the_collector_marks_pointers() {
        let z = "ZGlobalsForVMStructs";
        let members = [
            ("JavaThread", "_vthread", 896),
            ("Universe", "_collectedHeap", 0x1000),
            (z, "_instance_p", 0x2000),
            (z, "_ZPointerLoadBadMask", 16),
            (z, "_ZPointerLoadShift", 24),
            ("XGlobalsForVMStructs", "_instance_p", 0x3000),
            ("XGlobalsForVMStructs", "_XAddressBadMask", 48),
        ];
        let members = [&STACK[..], &members].concat();
        let words = |heap, z, x| {
            let instances = [(0x2000, 0x2100), (0x2110, 0x2200), (0x2118, 0x2300), (0x3000, 0x3100), (0x3130, 0x3200)];
            [&instances[..], &[(0x1000, heap), (0x2200, z), (0x3200, x)]].concat()
        };
        let addresses = |words: &[(u64, u64)]| found(&members, words).map(|runtime| runtime.addresses);
        assert_eq!(addresses(&words(0x5000, 0, 0)), Some([0, 0]), "another collector");
        assert_eq!(addresses(&words(0x5000, 0xe000, 0)), Some([0x2200, 0x2300]));
        assert_eq!(addresses(&words(0x5000, 0, 0xe000)), Some([0x3200, 0]));
        assert_eq!(addresses(&words(0, 0, 0)), None, "not up yet");
        assert_eq!(addresses(&[]), None, "its memory cannot be read");
    }

    #[test]
    fn what_cannot_be_an_offset_is_not_believed() {
        for offset in [0, MAX_OFFSET, u64::MAX] {
            assert_eq!(found(&[("JavaThread", "_stack_base", offset), STACK[1]], &[]), None, "{offset}");
            assert_eq!(found(&[STACK[0], STACK[1], ("JavaThread", "_vthread", offset)], &[]), None, "{offset}");
        }
    }
}
