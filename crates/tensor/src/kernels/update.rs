//! Optimizer passes: one pass over weights, gradients and moments, with the penalty's gradient and the flush of
//! subnormals in the same pass.

use crate::Element;

/// Coefficients of a weight penalty `l1·Σ|w| + l2·Σw²`; its gradient is `l1·sign(w) + 2·l2·w`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Penalty {
    /// Factor of Σ|w|.
    pub l1: f64,
    /// Factor of Σw² (no ½).
    pub l2: f64,
}

/// One step of Adam in Keras's form (Kingma & Ba 2014, the efficient form of section 2):
/// `m += (g − m)(1 − β₁)`, `v += (g² − v)(1 − β₂)`, `w −= α·m / (√v + ε)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// `learning_rate · √(1 − β₂ᵗ) / (1 − β₁ᵗ)`.
    pub alpha: f64,
    /// Decay of the first moment.
    pub beta_1: f64,
    /// Decay of the second moment.
    pub beta_2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// Decoupled weight decay of this step, `learning_rate · weight_decay` (AdamW: `w −= w·decay` comes first).
    pub decay: f64,
}

/// One step of stochastic gradient descent in Keras's form: with momentum `v = momentum·v − lr·g` and `w += v`, or with
/// Nesterov `w += momentum·v − lr·g`; without momentum `w −= lr·g`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    /// Learning rate of this step.
    pub learning_rate: f64,
    /// Fraction of the velocity that is kept.
    pub momentum: f64,
    /// Look ahead along the velocity.
    pub nesterov: bool,
}

/// Updates `w` and its moments in place. All slices have one length.
///
/// ```
/// use taper_tensor::kernels::update::{adam, Adam, Penalty};
/// let how = Adam { alpha: 0.001, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, decay: 0.0 };
/// let (mut w, mut m, mut v) = (vec![1.0f32; 3], vec![0.0; 3], vec![0.0; 3]);
/// adam(&mut w, &[0.5, 0.0, -0.5], &mut m, &mut v, &how, Penalty::default());
/// assert!(w[0] < 1.0 && w[1] == 1.0 && w[2] > 1.0);
/// ```
///
/// # Panics
/// When the lengths differ.
pub fn adam<E: Element>(
    w: &mut [E],
    gradient: &[E],
    m: &mut [E],
    v: &mut [E],
    how: &Adam,
    penalty: Penalty,
) {
    assert!(
        w.len() == gradient.len() && w.len() == m.len() && w.len() == v.len(),
        "adam: lengths differ"
    );
    E::adam(w, gradient, m, v, how, penalty);
}

/// Updates `w` (and `velocity`, which momentum needs) in place. All slices have one length.
///
/// ```
/// use taper_tensor::kernels::update::{sgd, Penalty, Sgd};
/// let how = Sgd { learning_rate: 0.5, momentum: 0.0, nesterov: false };
/// let mut w = [1.0f64, 2.0];
/// sgd(&mut w, &[1.0, -1.0], None, &how, Penalty { l1: 0.0, l2: 0.5 });
/// assert_eq!(w, [0.0, 1.5]); // gradient + 2·0.5·w = [2, 1]
/// ```
///
/// # Panics
/// When the lengths differ.
pub fn sgd<E: Element>(
    w: &mut [E],
    gradient: &[E],
    velocity: Option<&mut [E]>,
    how: &Sgd,
    penalty: Penalty,
) {
    let fits = w.len() == gradient.len() && velocity.as_ref().is_none_or(|v| v.len() == w.len());
    assert!(fits, "sgd: lengths differ");
    E::sgd(w, gradient, velocity, how, penalty);
}
