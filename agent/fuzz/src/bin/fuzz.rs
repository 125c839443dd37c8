//! All targets in one program; `FUZZ_TARGET` chooses one. With `FUZZ_SEEDS` it fuzzes nothing: it writes the inputs that each target
//! begins with into that folder and prints the names of the targets. `cargo xtask fuzz` builds and runs it.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use wirespan_fuzz::{Target, chosen, write_seeds};

static TARGET: OnceLock<Target> = OnceLock::new();

fuzz_target!(
    init: {
        if let Some(folder) = std::env::var_os("FUZZ_SEEDS") {
            if let Err(e) = write_seeds(folder.as_ref(), &mut std::io::stdout()) {
                eprintln!("seeds: {e}");
                std::process::exit(1);
            }
            std::process::exit(0);
        }
    },
    |data: &[u8]| TARGET.get_or_init(chosen).run(data)
);
