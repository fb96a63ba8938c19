//! What the numbers of a weight are known not to exceed.

/// What no number of a weight exceeds in magnitude: of itself, of its gradient (that of the penalty included) and of its
/// slots, all together. See [`Optimizer::reach`](crate::Optimizer::reach).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Magnitudes {
    /// The weight's largest.
    pub weight: f64,
    /// The gradient's largest.
    pub gradient: f64,
    /// The largest of all slots; 0 where there is none.
    pub slots: f64,
    /// The largest step that the slots alone make, in learning rates, for an optimizer that divides one by another: of
    /// [`Adam`](crate::Adam) |m| / (√v + ε). Infinite where nothing is known of it.
    pub quotient: f64,
}

impl Magnitudes {
    /// After a step, with room for what it rounds.
    pub(crate) fn next(self, weight: f64, slots: f64) -> Self {
        const ROOM: f64 = 1.0 + 1e-6;
        Magnitudes {
            weight: weight * ROOM,
            slots: slots * ROOM,
            ..self
        }
    }
}

/// What weights and moments are known not to exceed, one entry a weight. It is forgotten when a step is not proved.
pub(crate) type Known = Vec<Magnitudes>;

/// Bounds up to here are far enough from the largest f32 (3.4e38) that rounding does not matter.
pub(crate) const FAR: f64 = 1e30;
