//! A fused dense layer.

use crate::gradcheck::{Sample, Sampler, Spec, well_separated};
use crate::support::ThroughEpilogue;
use crate::{Op, Place, Var};
use taper_tensor::ops::Epilogue;
use taper_tensor::{Element, Result, Tensor};

impl<E: Element> Var<E> {
    /// dropout(activation(self · kernel + bias)) in one pass; activation function and dropout as `epilogue` says.
    ///
    /// Shapes: self `[n, in]`, kernel `[in, out]`, bias `[out]` → `[n, out]`.
    /// Gradients, with z the gradient before the epilogue: z · kernelᵀ, selfᵀ · z, and z summed over n. Saves self
    /// and kernel as far as they are needed, and the output if there is an activation function.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::{ops::Epilogue, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.constant(&Tensor::from_vec([1, 2], vec![1.0, 2.0])?);
    /// let kernel = tape.parameter(&Tensor::from_vec([2, 2], vec![1.0, -1.0, 1.0, -1.0])?);
    /// let bias = tape.parameter(&Tensor::from_vec([2], vec![0.5, 0.5])?);
    /// let y = x.dense(&kernel, Some(&bias), &Epilogue::relu(true))?;
    /// assert_eq!(y.value().to_vec(), [3.5, 0.0]);
    /// let gradients = y.sum().backward()?;
    /// assert_eq!(gradients[&kernel].to_vec(), [1.0, 0.0, 2.0, 0.0]);
    /// assert_eq!(gradients[&bias].to_vec(), [1.0, 0.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes do not fit, dropout stands behind another activation function than relu, or the variables belong to
    /// different tapes.
    pub fn dense(
        &self,
        kernel: &Var<E>,
        bias: Option<&Var<E>>,
        epilogue: &Epilogue,
    ) -> Result<Var<E>> {
        let output = self
            .value()
            .dense(kernel.value(), bias.map(Var::value), epilogue)?;
        let mut inputs = vec![self, kernel];
        inputs.extend(bias);
        self.tape().record(&inputs, output.clone(), || Dense {
            input: self.saved_for(kernel),
            kernel: kernel.saved_for(self),
            through: ThroughEpilogue::new(epilogue, output),
            has_bias: bias.is_some(),
        })
    }
}

struct Dense<E: Element> {
    input: Option<Tensor<E>>,
    kernel: Option<Tensor<E>>,
    through: ThroughEpilogue<E>,
    has_bias: bool,
}

impl<E: Element> Op<E> for Dense<E> {
    fn name(&self) -> &'static str {
        "dense"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let gradient = self.through.back(gradient)?;
        let input = match &self.kernel {
            Some(kernel) => Some(gradient.matmul(&kernel.transpose())?),
            None => None,
        };
        let kernel = match &self.input {
            Some(input) => Some(input.dense_kernel_gradient(&gradient)?),
            None => None,
        };
        let mut gradients = vec![input, kernel];
        if let Some(&bias) = wanted.get(2) {
            gradients.push(bias.then(|| gradient.sum_to_last_axis()));
        }
        Ok(gradients)
    }

    fn backward_on_tape(
        &self,
        gradient: &Var<E>,
        place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        let gradient = self.through.back_on_tape(gradient, place)?;
        let input = match &self.kernel {
            Some(kernel) if place.wants(0) => {
                Some(gradient.matmul(&place.input(1, kernel).transpose())?)
            }
            _ => None,
        };
        let kernel = match &self.input {
            Some(input) if place.wants(1) => {
                Some(place.input(0, input).transpose().matmul(&gradient)?)
            }
            _ => None,
        };
        let bias = match place.wants(2) {
            true => Some(gradient.sum_axes(&[0], false)?),
            false => None,
        };
        let count = if self.has_bias { 3 } else { 2 };
        Ok([input, kernel, bias].into_iter().take(count).collect())
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "dense",
    formula: "dropout(f(x · kernel + bias))",
    sample: |s| {
        let (n, fan_in, fan_out) = (s.integer(1, 4), s.integer(1, 4), s.integer(1, 4));
        let (epilogue, with_bias) = (s.epilogue(), s.coin());
        let draw = |s: &mut Sampler| {
            let bias = with_bias.then(|| s.tensor(&[fan_out]));
            (s.tensor(&[n, fan_in]), s.tensor(&[fan_in, fan_out]), bias)
        };
        // No value may sit at relu's kink.
        let (x, kernel, bias) = s.until(draw, |(x, kernel, bias)| {
            let before = x.dense(kernel, bias.as_ref(), &Epilogue::default());
            before.is_ok_and(|before| well_separated(&before, 2e-4))
        });
        Sample::new(move |v| v[0].dense(&v[1], v.get(2), &epilogue))
            .input("x", x)
            .input("kernel", kernel)
            .inputs_from(bias.map(|bias| ("bias", bias)))
    },
};
