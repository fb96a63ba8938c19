//! The builder: layers one behind the other, checked shape by shape when the model is built.

use crate::plan::{Architecture, Head, Plan};
use crate::{Error, Layer, Model, Parameter, Result, WeightSpec, config, layers};
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashSet;
use std::marker::PhantomData;
use std::sync::Arc;
use taper_tensor::{Element, Seed, Tensor};

/// Builder of a model whose layers stand one behind the other.
///
/// ```
/// use taper_nn::{Relu, Seed, Sequential, Softmax, layers::{Conv2D, Dense, Flatten, MaxPooling2D}};
/// let model = Sequential::new([28, 28, 1])
///     .add(Conv2D::new(32, 3).activation(Relu))
///     .add(MaxPooling2D::new(2))
///     .add(Flatten)
///     .add(Dense::new(10).activation(Softmax))
///     .build(Seed(7))?;
/// assert_eq!(model.output_shape(), [10]);
///
/// let wrong = Sequential::new([28, 28, 1]).add(Flatten).add(Conv2D::new(32, 3)).build(Seed(7));
/// assert!(wrong.unwrap_err().to_string().starts_with("conv2d (layer 1): "));
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Debug)]
pub struct Sequential<E: Element = f32> {
    input_shape: Vec<usize>,
    layers: Vec<Box<dyn Layer<E>>>,
    fuse: bool,
    element: PhantomData<E>,
}

impl Sequential<f32> {
    /// A model of f32 for samples of this shape (without the batch axis).
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
    pub fn add_boxed(mut self, layer: Box<dyn Layer<E>>) -> Self {
        self.layers.push(layer);
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
        let mut index = 0;
        self.finish(|_, spec| {
            index += 1;
            Ok(spec.initializer.tensor(&spec.shape, seed, index - 1))
        })
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
        let mut weights = crate::weights::by_name(weights)?;
        let model =
            self.finish(|name, spec| crate::weights::take(&mut weights, name, &spec.shape))?;
        crate::weights::none_left(&weights)?;
        Ok(model)
    }

    /// Reads the JSON that [`Model::config`] wrote.
    ///
    /// # Errors
    /// What is no such description, by layer.
    pub fn from_config(config: &Value) -> Result<Self> {
        let description: Description = config::parse("model", config)?;
        if description.class_name != "Sequential" {
            let message = format!(
                "model: class_name is {:?}, only \"Sequential\" is known",
                description.class_name
            );
            return Err(Error::Config(message));
        }
        let mut model = Sequential::of(description.config.input_shape);
        for (index, layer) in description.config.layers.iter().enumerate() {
            let layer = layers::from_config(&layer.class_name, &layer.config)
                .map_err(|error| Error::Config(format!("layer {index}: {error}")))?;
            model = model.add_boxed(layer);
        }
        Ok(model)
    }

    fn finish(
        self,
        mut value: impl FnMut(&str, &WeightSpec) -> Result<Tensor<E>>,
    ) -> Result<Model<E>> {
        let names = names(&self.layers)?;
        let mut shapes = vec![self.input_shape];
        let mut specs = Vec::new();
        let mut ranges = Vec::new();
        for (index, (layer, name)) in self.layers.iter().zip(&names).enumerate() {
            let input = &shapes[index];
            let (output, weights) =
                describe(&**layer, input).map_err(|error| error.in_layer(name, index))?;
            ranges.push(specs.len()..specs.len() + weights.len());
            specs.extend(
                weights
                    .into_iter()
                    .map(|spec| (format!("{name}/{}", spec.name), spec)),
            );
            shapes.push(output);
        }
        let parameters: Result<Vec<_>> = specs
            .into_iter()
            .map(|(name, spec)| {
                let value = value(&name, &spec)?;
                Ok(Parameter {
                    name,
                    value,
                    regularizer: spec.regularizer,
                    trainable: spec.trainable,
                })
            })
            .collect();
        let plan = Plan::new(&self.layers, None, self.fuse);
        let head = Head::new(&self.layers, self.fuse);
        let architecture = Architecture {
            layers: self.layers,
            names,
            shapes,
            parameters: ranges,
        };
        Ok(Model {
            architecture: Arc::new(architecture),
            parameters: parameters?,
            plan,
            head,
        })
    }
}

/// The output's shape and the weights of a layer, with sizes that memory can have.
fn describe<E: Element>(
    layer: &dyn Layer<E>,
    input: &[usize],
) -> Result<(Vec<usize>, Vec<WeightSpec>)> {
    let output = layer.output_shape(input)?;
    let weights = layer.weights(input)?;
    for shape in weights.iter().map(|spec| &spec.shape).chain([&output]) {
        if config::elements(shape).is_none() {
            return Err(Error::layer(
                layer.class_name(),
                format!("{shape:?} is too large (input {input:?})"),
            ));
        }
    }
    Ok((output, weights))
}

/// The names of the layers: the user's, and for the others Keras's: `conv2d`, `conv2d_1`, `max_pooling2d`, …
fn names<E: Element>(layers: &[Box<dyn Layer<E>>]) -> Result<Vec<String>> {
    let mut used = HashSet::new();
    for (index, name) in layers
        .iter()
        .enumerate()
        .filter_map(|(index, layer)| Some((index, layer.name()?)))
    {
        if name.is_empty() || name.contains('/') {
            let message = format!(
                "layer {index}: a name must not be empty or contain '/', this one is {name:?}"
            );
            return Err(Error::Config(message));
        }
        if !used.insert(name.to_owned()) {
            return Err(Error::Config(format!(
                "layer {index}: another layer is already called {name:?}"
            )));
        }
    }
    let mut name = |layer: &dyn Layer<E>| match layer.name() {
        Some(name) => name.to_owned(),
        None => {
            let free = free_name(&snake_case(layer.class_name()), &used);
            used.insert(free.clone());
            free
        }
    };
    Ok(layers.iter().map(|layer| name(&**layer)).collect())
}

/// `class`, or the first of `class_1`, `class_2`, … that is not used.
fn free_name(class: &str, used: &HashSet<String>) -> String {
    let mut name = class.to_owned();
    let mut number = 0;
    while used.contains(&name) {
        number += 1;
        name = format!("{class}_{number}");
    }
    name
}

/// Keras's way from a class name to a layer name: `MaxPooling2D` → `max_pooling2d`, `InputLayer` → `input_layer`.
fn snake_case(class_name: &str) -> String {
    let letters: Vec<char> = class_name.chars().collect();
    let mut name = String::new();
    for (i, letter) in letters.iter().enumerate() {
        let word_begins = letter.is_uppercase()
            && i > 0
            && (letters[i - 1].is_lowercase()
                || letters.get(i + 1).is_some_and(|next| next.is_lowercase()));
        if word_begins {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

#[derive(Deserialize)]
struct Description {
    class_name: String,
    config: SequentialConfig,
}

#[derive(Deserialize)]
struct SequentialConfig {
    input_shape: Vec<usize>,
    layers: Vec<LayerDescription>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LayerDescription {
    class_name: String,
    #[serde(default)]
    config: Value,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{Conv2D, Dense, Dropout, Flatten, MaxPooling2D};

    #[test]
    fn snake_case_is_that_of_keras() {
        for (class, name) in [
            ("Conv2D", "conv2d"),
            ("MaxPooling2D", "max_pooling2d"),
            ("Dense", "dense"),
            ("InputLayer", "input_layer"),
            ("BatchNormalization", "batch_normalization"),
            ("ReLU", "re_lu"),
            ("LSTM", "lstm"),
        ] {
            assert_eq!(snake_case(class), name);
        }
    }

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
        assert_eq!(model.layer_names(), names);
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
        let huge = serde_json::json!({"class_name": "Sequential", "config": {"input_shape": [1u64 << 40], "layers": [
            {"class_name": "Dense", "config": {"units": 1u64 << 40}}]}});
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
