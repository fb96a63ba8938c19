//! The fully connected layer.

use super::{Row, Sample, boxed, finish, kernel_and_bias, kernel_settings, random_kernel_settings};
use crate::constraints::constraint_settings;
use crate::{
    ActivationKind, Constraint, Context, Describe, Error, Initializer, Layer, Regularizer, Result,
    WeightSpec, config, setting,
};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;
use taper_tensor::ops::Epilogue;

/// activation(x · kernel + bias): `[…, in]` → `[…, units]`.
///
/// Weights: `kernel [in, units]` and `bias [units]`.
///
/// ```
/// use taper_nn::{Describe, L2, Relu, layers::Dense};
/// let layer = Dense::new(128).activation(Relu).kernel_regularizer(L2(0.01));
/// assert_eq!(layer.output_shape(&[9216])?, [128]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dense {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Number of outputs (no default).
    pub units: usize,
    /// The activation function (default: linear, that is none).
    #[serde(default)]
    pub activation: ActivationKind,
    /// Whether a bias is added (default: yes).
    #[serde(default = "config::yes")]
    pub use_bias: bool,
    /// First values of the kernel (default: glorot uniform).
    #[serde(default = "Initializer::default_kernel")]
    pub kernel_initializer: Initializer,
    /// First values of the bias (default: zeros).
    #[serde(default = "Initializer::default_bias")]
    pub bias_initializer: Initializer,
    /// Penalty on the kernel (default: none).
    #[serde(default)]
    pub kernel_regularizer: Option<Regularizer>,
    /// Penalty on the bias (default: none).
    #[serde(default)]
    pub bias_regularizer: Option<Regularizer>,
    /// Penalty on the output (default: none).
    #[serde(default)]
    pub activity_regularizer: Option<Regularizer>,
    /// What the kernel must be after every step (default: anything).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel_constraint: Option<Constraint>,
    /// What the bias must be after every step (default: anything).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias_constraint: Option<Constraint>,
}

impl Dense {
    /// A layer of `units` outputs; everything else as Keras has it by default.
    pub fn new(units: usize) -> Self {
        Dense {
            name: None,
            units,
            activation: ActivationKind::Linear,
            use_bias: true,
            kernel_initializer: Initializer::default_kernel(),
            bias_initializer: Initializer::default_bias(),
            kernel_regularizer: None,
            bias_regularizer: None,
            activity_regularizer: None,
            kernel_constraint: None,
            bias_constraint: None,
        }
    }

    kernel_settings!();
    constraint_settings!();

    fn check(&self, input: &[usize]) -> Result<usize> {
        setting::count("units", self.units)
            .and_then(|()| self.check_penalty())
            .map_err(|fault| Error::layer("Dense", fault))?;
        let message = "an input [inputs] or […, inputs] is wanted, this one is a single number";
        input
            .last()
            .copied()
            .ok_or_else(|| Error::layer("Dense", message))
    }
}

impl Describe for Dense {
    fn class_name(&self) -> &'static str {
        "Dense"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        self.check(input)?;
        Ok([&input[..input.len() - 1], &[self.units]].concat())
    }

    fn weights(&self, input: &[usize]) -> Result<Vec<WeightSpec>> {
        let inputs = self.check(input)?;
        Ok(self.weight_specs(vec![inputs, self.units], self.units))
    }

    fn constraint(&self, weight: &str) -> Option<Constraint> {
        self.constraint_of(weight)
    }

    fn penalizes(&self) -> bool {
        self.activity_regularizer.is_some()
    }

    fn passes_mask(&self) -> bool {
        true
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for Dense {
    fn forward(&self, x: &Var<E>, weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        let (kernel, bias) = kernel_and_bias("Dense", weights, self.use_bias)?;
        let y = as_matrix(x, |x| Ok(x.dense(kernel, bias, &Epilogue::default())?))?;
        finish(y, self.activation, self.activity_regularizer, context)
    }

    fn split_activation(&self) -> Option<(ActivationKind, Box<dyn Layer<E>>)> {
        self.without_activation()
    }
}

/// Runs a function of `[rows, inputs]` on `[…, inputs]`; the other axes come back around the result.
pub(crate) fn as_matrix<E: Element>(
    x: &Var<E>,
    f: impl FnOnce(&Var<E>) -> Result<Var<E>>,
) -> Result<Var<E>> {
    let shape = x.shape();
    let [outer @ .., inputs] = shape else {
        return f(x);
    };
    if outer.len() == 1 {
        return f(x);
    }
    let y = f(&x.reshape([outer.iter().product(), *inputs])?)?;
    let units = y.shape().last().copied().unwrap_or(1);
    Ok(y.reshape([outer, &[units]].concat())?)
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "Dense",
        about: "activation(x · kernel + bias)",
        file: file!(),
        from_config: |config| boxed::<E, Dense>("Dense", config),
        sample: |sampler| {
            let layer = Dense::new(sampler.integer(1, 5));
            let input = sampler.shape(1, 3, 4);
            Sample::new(random_kernel_settings!(layer, sampler), input)
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_axis_is_the_one_that_changes() {
        let shape = |input: &[usize]| Dense::new(3).output_shape(input);
        assert_eq!(shape(&[7]).unwrap(), [3]);
        assert_eq!(shape(&[5, 7]).unwrap(), [5, 3]);
        assert!(shape(&[]).unwrap_err().to_string().starts_with("Dense: "));
        let none = Dense::new(0).output_shape(&[7]).unwrap_err().to_string();
        assert!(none.contains("units is 0"), "{none}");
    }

    #[test]
    fn an_absent_bias_is_no_weight() {
        let names = |layer: Dense| -> Vec<_> {
            layer
                .weights(&[7])
                .unwrap()
                .iter()
                .map(|weight| weight.name.to_string())
                .collect()
        };
        assert_eq!(names(Dense::new(3)), ["kernel", "bias"]);
        assert_eq!(names(Dense::new(3).use_bias(false)), ["kernel"]);
    }
}
