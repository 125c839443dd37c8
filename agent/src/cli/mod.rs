//! The command line: one file a sub-command.

pub mod args;

pub use args::Args;
