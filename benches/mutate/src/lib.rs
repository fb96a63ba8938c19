//! Files that are damaged on purpose. [`targets`] says what is read, from which true files the damage starts, and what
//! makes a damaged file pass its checksums; [`mutate`] does the damage. The test of some seconds that runs with all
//! others and the endless search under `fuzz/` go by the same list.
#![forbid(unsafe_code)]

pub mod mutate;
mod seal;
mod seeds;
pub mod targets;
