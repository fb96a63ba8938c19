//! Models that are one layer behind the other: the simplest way to fill a graph.

use crate::graph::{Builder, Built, Kind};
use crate::{Layer, Model, Result, Seed, model};
use std::marker::PhantomData;
use taper_tensor::{Element, Tensor};

/// Describes a model layer by layer; [`build`](Self::build) makes it.
///
/// ```
/// use taper_nn::{Relu, Seed, Sequential, layers::Dense};
/// let model = Sequential::new([4]).add(Dense::new(8).activation(Relu)).add(Dense::new(3)).build(Seed(7))?;
/// assert_eq!(model.output_shape(), [3]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Debug)]
pub struct Sequential<E: Element = f32> {
    input_shape: Vec<usize>,
    /// Each with whether it learns.
    layers: Vec<(Box<dyn Layer<E>>, bool)>,
    fuse: bool,
    element: PhantomData<E>,
}

impl Sequential {
    /// A model of f32 for inputs of this shape (without the batch axis).
    pub fn new(input_shape: impl Into<Vec<usize>>) -> Self {
        Self::of(input_shape)
    }
}

impl<E: Element> Sequential<E> {
    /// As [`new`](Sequential::new), for any element type: `Sequential::<f64>::of([4])`.
    pub fn of(input_shape: impl Into<Vec<usize>>) -> Self {
        Sequential {
            input_shape: input_shape.into(),
            layers: Vec::new(),
            fuse: true,
            element: PhantomData,
        }
    }

    /// Adds a layer behind the others.
    #[allow(clippy::should_implement_trait)] // Keras's word; nothing is summed up
    pub fn add(self, layer: impl Layer<E>) -> Self {
        self.add_boxed(Box::new(layer))
    }

    /// Adds a layer of a kind that is known at run time only.
    pub fn add_boxed(self, layer: Box<dyn Layer<E>>) -> Self {
        let trainable = layer.trainable();
        self.add_with(layer, trainable)
    }

    pub(crate) fn add_with(mut self, layer: Box<dyn Layer<E>>, trainable: bool) -> Self {
        self.layers.push((layer, trainable));
        self
    }

    /// Whether patterns of layers run as one kernel (default: yes). The results are the same to rounding.
    pub fn fuse(mut self, on: bool) -> Self {
        self.fuse = on;
        self
    }

    /// Checks all shapes and makes the initial weights, a pure function of the seed.
    ///
    /// # Errors
    /// The first layer that does not fit what is in front of it, by name and place; names used twice.
    pub fn build(self, seed: Seed) -> Result<Model<E>> {
        let fuse = self.fuse;
        model::fresh(self.graph()?, fuse, seed)
    }

    /// Checks all shapes and takes the given weights, named as [`Model::parameters`] names them. Nothing is
    /// allocated for what a (perhaps damaged) description only claims.
    ///
    /// # Errors
    /// As [`build`](Self::build); weights that are unknown, missing, given twice or of another shape.
    pub fn build_with(
        self,
        weights: impl IntoIterator<Item = (String, Tensor<E>)>,
    ) -> Result<Model<E>> {
        let fuse = self.fuse;
        model::restored(self.graph()?, fuse, weights)
    }

    pub(crate) fn graph(self) -> Result<Built<E>> {
        let mut builder = Builder::new();
        let mut wire = builder.input("input", self.input_shape);
        for (layer, trainable) in self.layers {
            let owner = builder.owner(Kind::Layer(layer.into()), trainable);
            let outputs = builder.call(owner, &[wire]);
            wire = outputs.first().copied().unwrap_or(wire);
        }
        builder.finish(&[wire], true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{Conv2D, Dense, Dropout, Flatten, MaxPooling2D};
    use serde_json::Value;

    #[test]
    fn layers_are_numbered_by_class() {
        let model = Sequential::new([8, 8, 1])
            .add(Conv2D::new(2, 3))
            .add(Conv2D::new(2, 3).name("conv2d_1"))
            .add(Conv2D::new(2, 1))
            .add(MaxPooling2D::new(2))
            .add(Flatten)
            .add(Dense::new(2).name("stem"))
            .add(Dense::new(2))
            .build(Seed(1))
            .unwrap();
        let names = [
            "conv2d",
            "conv2d_1",
            "conv2d_2",
            "max_pooling2d",
            "flatten",
            "stem",
            "dense",
        ];
        assert!(model.layer_names().eq(names));
        assert_eq!(model.parameters()[0].name, "conv2d/kernel");
        assert_eq!(model.parameters()[9].name, "dense/bias");
    }

    #[test]
    fn names_must_be_usable_and_different() {
        let message = |a: &str, b: &str| {
            let model = Sequential::new([4])
                .add(Dense::new(2).name(a))
                .add(Dropout::new(0.5).name(b));
            model.build(Seed(1)).unwrap_err().to_string()
        };
        assert_eq!(
            message("a", "a"),
            "layer 1: another layer is already called \"a\""
        );
        assert!(message("a/b", "c").contains("a/b"));
        assert!(message("", "c").contains("empty"));
    }

    #[test]
    fn the_first_layer_that_does_not_fit_is_named() {
        let model = Sequential::new([8, 8, 1])
            .add(Conv2D::new(2, 3))
            .add(MaxPooling2D::new(2))
            .add(Conv2D::new(2, 5));
        let error = model.build(Seed(1)).unwrap_err().to_string();
        assert!(
            error.starts_with("conv2d_1 (layer 2): ") && error.contains("3, 3"),
            "{error}"
        );
    }

    #[test]
    fn sizes_beyond_memory_are_errors() {
        let build = |config: Value| Sequential::<f32>::from_config(&config)?.build(Seed(1));
        let huge = serde_json::json!({"class_name": "Sequential", "config": {"input_shape": [1u64 << 20], "layers": [
            {"class_name": "Dense", "config": {"units": 1u64 << 30}}]}});
        let error = build(huge).unwrap_err().to_string();
        assert!(
            error.starts_with("dense (layer 0): ") && error.contains("too large"),
            "{error}"
        );
    }

    /// Descriptions may come from damaged files: no number in one may cause a panic.
    #[test]
    fn numbers_beyond_reason_are_errors_or_fit() {
        let max = usize::MAX;
        let layers: [(&str, Value); 8] = [
            (
                "Conv2D",
                serde_json::json!({"filters": max, "kernel_size": 1}),
            ),
            (
                "Conv2D",
                serde_json::json!({"filters": 1, "kernel_size": max}),
            ),
            (
                "Conv2D",
                serde_json::json!({"filters": 1, "kernel_size": 3, "dilation_rate": max}),
            ),
            (
                "Conv2D",
                serde_json::json!({"filters": 1, "kernel_size": max, "padding": "same", "dilation_rate": max}),
            ),
            (
                "Conv2D",
                serde_json::json!({"filters": 1, "kernel_size": 3, "strides": max, "padding": "same"}),
            ),
            (
                "MaxPooling2D",
                serde_json::json!({"pool_size": max, "strides": max, "padding": "same"}),
            ),
            ("MaxPooling2D", serde_json::json!({"pool_size": max})),
            ("Dense", serde_json::json!({"units": max})),
        ];
        for (class_name, config) in layers {
            let layer = serde_json::json!({"class_name": class_name, "config": config});
            let model = serde_json::json!({"class_name": "Sequential", "config": {"input_shape": [8, 8, 1], "layers": [layer]}});
            if let Err(error) = Sequential::<f32>::from_config(&model)
                .unwrap()
                .build(Seed(1))
            {
                let message = error.to_string();
                assert!(message.contains("(layer 0): "), "{message}");
            }
        }
    }

    #[test]
    fn descriptions_that_are_none() {
        let error = |config: Value| {
            Sequential::<f32>::from_config(&config)
                .unwrap_err()
                .to_string()
        };
        assert!(error(serde_json::json!({"class_name": "Functional", "config": {"input_shape": [1], "layers": []}}))
            .contains("Functional"));
        assert!(error(serde_json::json!(3)).starts_with("model: "));
        let layers = serde_json::json!([{"class_name": "Dense", "config": {"unit": 3}}]);
        let config = serde_json::json!({"class_name": "Sequential", "config": {"input_shape": [1], "layers": layers}});
        assert!(error(config).starts_with("layer 0: Dense: "));
    }
}
