//! A vector as every step of a sequence.

use super::{Row, Sample, boxed};
use crate::{Context, Describe, Error, Layer, Result, config, setting};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// A vector `n` times: `[features]` → `[n, features]`.
///
/// ```
/// use taper_nn::{Describe, layers::RepeatVector};
/// assert_eq!(RepeatVector::new(3).output_shape(&[32])?, [3, 32]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepeatVector {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How often, at least once (no default).
    pub n: usize,
}

impl RepeatVector {
    /// The vector `n` times.
    pub fn new(n: usize) -> Self {
        RepeatVector { name: None, n }
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Describe for RepeatVector {
    fn class_name(&self) -> &'static str {
        "RepeatVector"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let fail = |message: String| Error::layer("RepeatVector", message);
        setting::count("n", self.n).map_err(fail)?;
        let &[features] = input else {
            return Err(fail(format!(
                "an input [features] is wanted, this one is {input:?}"
            )));
        };
        Ok(vec![self.n, features])
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for RepeatVector {
    fn forward(
        &self,
        x: &Var<E>,
        _weights: &[Var<E>],
        _context: &mut Context<E>,
    ) -> Result<Var<E>> {
        let &[batch, features] = x.shape() else {
            let message = format!("{:?} is no batch of vectors", x.shape());
            return Err(Error::layer("RepeatVector", message));
        };
        let single = x.reshape([batch, 1, features])?;
        Ok(single.broadcast_to(&[batch, self.n, features])?)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "RepeatVector",
        about: "a vector as every step of a sequence",
        file: file!(),
        from_config: |config| boxed::<E, RepeatVector>("RepeatVector", config),
        sample: |sampler| {
            let n = sampler.integer(1, 4);
            Sample::new(RepeatVector::new(n), [sampler.integer(1, 4)])
        },
    }
}
