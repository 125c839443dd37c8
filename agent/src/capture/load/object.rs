//! The kernel object: its globals, its maps and their sizes.

use std::borrow::Cow;

use aya::maps::MapType;
use aya::{Btf, Ebpf, EbpfLoader, VerifierLogLevel};
use object::{File, Object as _, ObjectSection as _, ObjectSymbol as _};
use wirespan_common::layout::{Config, Layout};
use wirespan_common::limits::{SLOTS, SLOTS_UNDISTURBED};
use zerocopy::IntoBytes as _;

use super::super::attach::is_preemptible;
use super::super::propagate::SOCKETS;
use super::super::working::Place;
use super::{OBJECT, Options, StartError, kernel_release, load_error};

/// Loads the object, with all its maps. `queue_time`: whether arrivals are looked at; and where the map of threads is shared.
pub(in crate::capture) fn load(
    options: &Options,
    (queue_time, place): (bool, Option<&Place>),
    layout: &Layout,
    kernel: &Btf,
) -> Result<Ebpf, StartError> {
    let config = Config {
        turn_budget: options.turn_budget,
        wake_bytes: options.ring_bytes / 8,
        queue_time: u32::from(queue_time),
        preemptible: u32::from(is_preemptible(&kernel_release())),
        new_traces: u32::from(options.new_traces),
    };
    let slots = if config.preemptible == 0 { SLOTS_UNDISTURBED } else { SLOTS };
    // The whole trace of a refusal is for developers: it takes the kernel seconds to write.
    let traced = std::env::var_os("WIRESPAN_VERIFIER_LOG").is_some_and(|value| value == "trace");
    let level = if traced { VerifierLogLevel::DEBUG | VerifierLogLevel::STATS } else { VerifierLogLevel::STATS };
    let mut loader = EbpfLoader::new();
    if let Some(place) = place {
        loader.map_pin_path("WORKING", place.path());
    } else if !options.propagate {
        loader.map_max_entries("WORKING", 1);
    }
    let object = if options.propagate { Cow::Borrowed(OBJECT) } else { without_sockets(OBJECT)? };
    if !options.propagate {
        loader.map_max_entries("FRAMINGS", 1).map_max_entries(SOCKETS, 1);
    }
    loader
        .verifier_log_level(level)
        .btf(Some(kernel))
        .override_global("LAYOUT", layout.as_bytes(), true)
        .override_global("CONFIG", config.as_bytes(), true)
        .override_global("SELECTION", options.selection.words().as_bytes(), true)
        .map_max_entries("EVENTS", options.ring_bytes)
        .map_max_entries("SCRATCH", slots)
        .load(&object)
        .map_err(load_error)
}

/// The object with a plain map in the place of the map of sockets, which the kernel grants only with `CAP_NET_ADMIN`: all maps of an
/// object are made. A map is described by words in the object, of which the first is its type.
fn without_sockets(object: &[u8]) -> Result<Cow<'_, [u8]>, StartError> {
    let broken = || StartError::Load(format!("the kernel object has no map {SOCKETS}"));
    let file = File::parse(object).map_err(|_| broken())?;
    let symbol = file.symbols().find(|symbol| symbol.name() == Ok(SOCKETS)).ok_or_else(broken)?;
    let section = symbol.section_index().and_then(|index| file.section_by_index(index).ok()).ok_or_else(broken)?;
    let (from, _) = section.file_range().ok_or_else(broken)?;
    let at = usize::try_from(from + symbol.address()).map_err(|_| broken())?;
    let mut plain = object.to_vec();
    let word = plain.get_mut(at..at + size_of::<u32>()).ok_or_else(broken)?;
    word.copy_from_slice(&(MapType::Hash as u32).to_le_bytes());
    Ok(Cow::Owned(plain))
}
