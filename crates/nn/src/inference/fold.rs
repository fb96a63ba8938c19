//! What vanishes when a model is prepared: layers that do nothing at inference, and a scale and shift that the weights in
//! front of it can take in.

use crate::layers::{Activation, Dropout, Flatten, Input, Reshape};
use crate::{ActivationKind, Layer, Model, Parameter, ScaleAndShift};
use taper_tensor::Tensor;

/// A layer that does something, with what the model knows about it.
pub struct Item<'a> {
    /// Its place in the model.
    pub index: usize,
    /// The layer.
    pub layer: &'a dyn Layer,
    /// Its weights.
    pub parameters: &'a [Parameter],
    /// The shape of a sample in front of it.
    pub input: &'a [usize],
    /// The shape of a sample behind it.
    pub output: &'a [usize],
}

impl<'a> Item<'a> {
    /// The layers of `model` that do something at inference.
    pub(super) fn all(model: &'a Model) -> Vec<Item<'a>> {
        let architecture = &*model.architecture;
        let item = |index: usize| Item {
            index,
            layer: &*architecture.layers[index],
            parameters: model.layer_parameters(index),
            input: &architecture.shapes[index],
            output: &architecture.shapes[index + 1],
        };
        let items = (0..architecture.layers.len()).map(item);
        items.filter(|item| !item.does_nothing()).collect()
    }

    /// The layer, if it is an `L`.
    pub(super) fn downcast<L: 'static>(&self) -> Option<&'a L> {
        self.layer.as_any().downcast_ref()
    }

    /// Value number `index` of its weights.
    pub(super) fn weight(&self, index: usize) -> Option<Tensor> {
        Some(self.parameters.get(index)?.value.contiguous())
    }

    /// The activation function, if that is all that the layer is.
    pub(super) fn activation(&self) -> Option<ActivationKind> {
        Some(self.downcast::<Activation>()?.activation)
    }

    /// The scale and shift of each channel, if that is all that the layer is.
    pub(super) fn scale_and_shift(&self) -> Option<ScaleAndShift> {
        let weights: Vec<&Tensor> = self.parameters.iter().map(|p| &p.value).collect();
        let found = self.layer.scale_and_shift(&weights)?;
        let channels = self.input.last().copied().unwrap_or(1);
        let fits = found.scale.len() == channels && found.shift.len() == channels;
        (fits && self.input == self.output).then_some(found)
    }

    /// Layers whose output has the bytes of their input.
    fn does_nothing(&self) -> bool {
        let any = self.layer.as_any();
        any.is::<Dropout>()
            || any.is::<Flatten>()
            || any.is::<Reshape>()
            || any.is::<Input>()
            || self.activation() == Some(ActivationKind::Linear)
    }
}

/// A kernel whose last axis are the outputs, and a bias, on their way to be packed.
pub(super) struct Weights {
    pub(super) kernel: Tensor,
    pub(super) bias: Option<Tensor>,
}

impl Weights {
    /// Those of `item`, whose first weight is a kernel and whose second, if it has one, a bias.
    pub(super) fn of(item: &Item<'_>) -> Option<Weights> {
        Some(Weights {
            kernel: item.weight(0)?,
            bias: item.weight(1),
        })
    }

    /// Weights of which the output is `scale · (x · kernel + bias) + shift`, rounded once.
    pub(super) fn folded(self, ScaleAndShift { scale, shift }: &ScaleAndShift) -> Weights {
        let channels = scale.len();
        let kernel = self.kernel.to_vec();
        let scaled = |i: usize| (f64::from(kernel[i]) * scale[i % channels]) as f32;
        let bias = self.bias.map(|bias| bias.to_vec());
        let shifted = |c: usize| {
            let bias = bias.as_ref().map_or(0.0, |bias| f64::from(bias[c]));
            (bias * scale[c] + shift[c]) as f32
        };
        Weights {
            bias: Some(Tensor::from_fn([channels], shifted)),
            kernel: Tensor::from_fn(self.kernel.shape(), scaled),
        }
    }
}
