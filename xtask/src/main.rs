//! The project's own commands: `cargo xtask build | run | test | kernels | bench`.

fn main() {}
