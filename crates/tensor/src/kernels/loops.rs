//! Loops that are written once for floats of any kind: f32 compiles them for the vectors of the machine.

use crate::simd::{Simd, WithSimd};

/// Plain loops over slices of floats, which f32 compiles for the vectors of the machine.
#[doc(hidden)]
pub trait Loops {
    /// Runs them; `#[inline(always)]`, as everything that runs on an instruction set.
    fn run(self);
}

/// Loops on an instruction set.
pub(crate) struct OnVectors<L>(pub(crate) L);

impl<L: Loops> WithSimd for OnVectors<L> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        self.0.run();
    }
}
