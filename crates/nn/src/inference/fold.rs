//! What vanishes when a model is prepared: layers that do nothing at inference, and a scale and shift that the weights in
//! front of it can take in.

use crate::{ActivationKind, AtInference, Layer, Model, Parameter, ScaleAndShift};
use taper_tensor::Tensor;

/// A call of a layer that does something, with what the model knows about it.
pub struct Item<'a> {
    /// Its place in the model.
    pub node: usize,
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
    /// Those of a run of layers that do something at inference.
    pub(super) fn all(model: &'a Model, run: &[usize]) -> Vec<Item<'a>> {
        let item = |&node: &usize| {
            let (layer, input, output) = model.graph.layer(node)?;
            Some(Item {
                node,
                layer: &**layer,
                parameters: &model.parameters[model.graph.owner(node).parameters.clone()],
                input: &model.graph.shapes[input],
                output: &model.graph.shapes[output],
            })
        };
        let items = run.iter().filter_map(item);
        items
            .filter(|item| item.layer.at_inference() != AtInference::Nothing)
            .collect()
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
        match self.layer.at_inference() {
            AtInference::Activation(activation) => Some(activation),
            _ => None,
        }
    }

    /// The scale and shift of each channel, if that is all that the layer is.
    pub(super) fn scale_and_shift(&self) -> Option<ScaleAndShift> {
        let weights: Vec<&Tensor> = self.parameters.iter().map(|p| &p.value).collect();
        let mut found = self.layer.scale_and_shift(&weights)?;
        let channels = self.input.last().copied().unwrap_or(1);
        if let ([scale], [shift]) = (&found.scale[..], &found.shift[..]) {
            found = ScaleAndShift {
                scale: vec![*scale; channels],
                shift: vec![*shift; channels],
            };
        }
        let fits = found.scale.len() == channels && found.shift.len() == channels;
        (fits && self.input == self.output).then_some(found)
    }
}

/// A kernel, which lies output by output, and a bias, on their way to be packed.
pub(super) struct Weights {
    pub(super) kernel: Tensor,
    pub(super) bias: Option<Tensor>,
}

impl Weights {
    /// Those of `item` behind so many others: a kernel, and a bias if it has one.
    pub(super) fn behind(item: &Item<'_>, others: usize) -> Option<Weights> {
        Some(Weights {
            kernel: item.weight(others)?,
            bias: item.weight(others + 1),
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
