//! Steps that stand for nothing.

use super::{Row, Sample, boxed};
use crate::{Context, Describe, Error, Layer, Result, config, setting};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// Masks the steps of `[steps, features]` (or `[steps, …]`) all of whose values are `mask_value`; they become 0.
///
/// A mask `[n, steps]` travels with the values through layers that keep the steps (Dense, Activation, Dropout,
/// BatchNormalization, TimeDistributed, recurrent layers with `return_sequences`), in training, prediction and prepared
/// inference alike. Recurrent layers leave their state as it is at a masked step and repeat the output. Others lose it, as in
/// Keras. Losses and metrics do not look at masks.
///
/// ```
/// use taper_nn::{Seed, Sequential, layers::{LSTM, Masking}};
/// use taper_tensor::Tensor;
/// let model = Sequential::new([3, 1]).add(Masking::new(0.0)).add(LSTM::new(2)).build(Seed(7))?;
/// let padded = model.predict(&Tensor::from_vec([1, 3, 1], vec![1.0, 2.0, 0.0])?)?;
/// let other = model.predict(&Tensor::from_vec([1, 3, 1], vec![0.0, 1.0, 2.0])?)?;
/// assert_eq!(padded.to_vec(), other.to_vec());
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Masking {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What all values of a masked step are (default: 0).
    #[serde(default)]
    pub mask_value: f64,
}

impl Masking {
    /// Masks steps of this value.
    pub fn new(mask_value: f64) -> Self {
        Masking {
            name: None,
            mask_value,
        }
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// 1 for a step that counts: one with another value, NaN included.
    fn counts<E: Element>(&self, x: &Tensor<E>) -> Result<Tensor<E>> {
        let value = E::from_f64(self.mask_value);
        let differs = x.map(|x| if x == value { E::zero() } else { E::one() });
        let last = x.rank() - 1;
        Ok(differs.max_axes(&[last], false)?)
    }
}

impl Describe for Masking {
    fn class_name(&self) -> &'static str {
        "Masking"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let fail = |fault: String| Err(Error::layer("Masking", fault));
        if let Err(fault) = setting::finite_in::<f32>("mask_value", self.mask_value) {
            return fail(fault);
        }
        if input.len() < 2 {
            return fail(format!(
                "an input [steps, features] is wanted, this one is {input:?}"
            ));
        }
        Ok(input.to_vec())
    }

    fn masks(&self) -> bool {
        true
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for Masking {
    fn forward(&self, x: &Var<E>, _weights: &[Var<E>], _: &mut Context<E>) -> Result<Var<E>> {
        let counts = self.counts(x.value())?;
        let counts = counts.expand_dims(counts.rank())?;
        Ok(x.mul(&x.tape().constant(&counts))?)
    }

    fn output_mask(&self, x: &Tensor<E>, _mask: Option<&Tensor<E>>) -> Result<Option<Tensor<E>>> {
        self.counts(x).map(Some)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "Masking",
        about: "masks the steps all of whose values are `mask_value`",
        file: file!(),
        from_config: |config| boxed::<E, Masking>("Masking", config),
        sample: |sampler| {
            let layer = Masking::new(sampler.number(-1.0, 1.0));
            let layer = if sampler.coin() {
                layer.name("named")
            } else {
                layer
            };
            Sample::new(layer, sampler.shape(2, 3, 4))
        },
    }
}
