//! The binary `wirespan`.

fn main() {}
