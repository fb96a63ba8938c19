//! Trainings that are disturbed on purpose, and whether each ends in the bits of one that was left alone: in full for
//! `cargo xtask soak`, in small for the tests of `taper` itself, which include this folder. So it uses nothing of the
//! program it stands in.

mod child;
mod ends;
mod faults;
mod full;
mod kill;
mod lab;
mod place;
mod plan;
mod random;
mod rounds;
mod signals;

pub(crate) use faults::faults;
pub(crate) use full::full;
pub(crate) use kill::kill;
pub(crate) use place::{Place, Whole};
pub(crate) use plan::{Found, Plan, Watch};
pub(crate) use signals::signals;
