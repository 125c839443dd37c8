//! Configuration: flags, then environment, then file, then defaults.
