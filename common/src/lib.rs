//! What crosses the border between the kernel programs and the agent: records, counters, configuration.
//!
//! `no_std`, no dependencies on either side. Every record is `repr(C)` without implicit padding; zerocopy's derives
//! make padding a compile error.
#![cfg_attr(not(any(test, feature = "std")), no_std)]

pub mod asks;
pub mod context;
pub mod counters;
pub mod kept;
pub mod layout;
pub mod limits;
pub mod propagate;
pub mod record;
pub mod secret;
pub mod shed;
pub mod span;
