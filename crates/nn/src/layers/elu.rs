//! Exponential linear unit, with an α of one's own.

use super::{Row, Sample, boxed};
use crate::{
    ActivationKind, AtInference, Context, Describe, Error, Layer, Result, config, setting,
};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// x where x > 0, `alpha` · (eˣ − 1) elsewhere (Clevert, Unterthiner, Hochreiter 2016), element by element. Any shape.
///
/// ```
/// use taper_nn::{Seed, Sequential, layers::ELU};
/// use taper_tensor::Tensor;
/// let model = Sequential::new([2]).add(ELU::new(2.0)).build(Seed(7))?;
/// let x = Tensor::from_vec([1, 2], vec![f32::NEG_INFINITY, 4.0])?;
/// assert_eq!(model.predict(&x)?.to_vec(), [-2.0, 4.0]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ELU {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What −x tends to far below 0 (default: 1).
    #[serde(default = "one")]
    pub alpha: f64,
}

impl Default for ELU {
    fn default() -> Self {
        Self::new(one())
    }
}

fn one() -> f64 {
    1.0
}

impl ELU {
    /// With this α.
    pub fn new(alpha: f64) -> Self {
        ELU { name: None, alpha }
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Describe for ELU {
    fn class_name(&self) -> &'static str {
        "ELU"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        setting::finite_in::<f32>("alpha", self.alpha)
            .map_err(|fault| Error::layer("ELU", fault))?;
        Ok(input.to_vec())
    }

    fn at_inference(&self) -> AtInference {
        match self.alpha {
            1.0 => AtInference::Activation(ActivationKind::Elu),
            _ => AtInference::Forward,
        }
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for ELU {
    fn forward(
        &self,
        x: &Var<E>,
        _weights: &[Var<E>],
        _context: &mut Context<E>,
    ) -> Result<Var<E>> {
        let y = x.elu();
        if self.alpha == 1.0 {
            return Ok(y);
        }
        // elu keeps the sign.
        let alpha = E::from_f64(self.alpha);
        let value = move |y: E| if y > E::zero() { y } else { y * alpha };
        let slope = move |y: E| if y > E::zero() { E::one() } else { alpha };
        Ok(y.map("elu", value, slope))
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "ELU",
        about: "x where x > 0, alpha · (eˣ − 1) elsewhere",
        file: file!(),
        from_config: |config| boxed::<E, ELU>("ELU", config),
        sample: |sampler| {
            let alpha = if sampler.coin() {
                1.0
            } else {
                sampler.number(0.1, 2.0)
            };
            Sample::new(ELU::new(alpha), sampler.shape(1, 3, 4))
        },
    }
}
