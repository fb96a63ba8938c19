//! A network as JSON, in Keras's terms: Taper builds itself from it, and so do the peers (`benches/peers/described.py`).

use std::fmt::Write;

use serde::Serialize;
use serde_json::Value;
use taper_nn::{Model, Result, Seed, Sequential, layers};
use taper_optim::{Optimizer, optimizers};

/// A class of Keras with its configuration; what is absent has Keras's default.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Described {
    pub(super) class_name: String,
    pub(super) config: Value,
}

impl Described {
    pub(super) fn new(class_name: &str, config: Value) -> Self {
        Described {
            class_name: class_name.to_owned(),
            config,
        }
    }
}

/// Everything that two programs need to train the same.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Network {
    pub(super) seed: u64,
    pub(super) index: u64,
    /// `[height, width, channels]`, or `[features]`.
    pub(super) input: Vec<usize>,
    pub(super) batch: usize,
    pub(super) layers: Vec<Described>,
    pub(super) optimizer: Described,
    pub(super) loss: Loss,
}

/// What is made smaller, by Keras's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) enum Loss {
    CategoricalCrossentropy,
    /// Towards zero.
    MeanSquaredError,
}

/// What a step has to do, for its bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Cost {
    /// Products of one sample, forward.
    pub(super) products: usize,
    /// Values of one sample: the input's and every layer's.
    pub(super) values: usize,
    /// All weights.
    pub(super) weights: usize,
}

impl Network {
    /// The first `layers` of it, and the mean of every channel where they end in an image: to see what a layer adds to a
    /// step. It is trained towards zero.
    ///
    /// # Errors
    /// A layer that does not fit.
    pub(super) fn cut(&self, layers: usize) -> Result<Network> {
        let mut network = self.clone();
        if layers < self.layers.len() {
            network.layers.truncate(layers);
            network.loss = Loss::MeanSquaredError;
            if self.shapes()?[layers].len() == 3 {
                let mean = Described::new("GlobalAveragePooling2D", serde_json::json!({}));
                network.layers.push(mean);
            }
        }
        Ok(network)
    }

    /// The model with fresh weights.
    ///
    /// # Errors
    /// A description that makes no model.
    pub(super) fn build(&self) -> Result<Model> {
        let mut model = Sequential::new(self.input.clone());
        for layer in &self.layers {
            model = model.add_boxed(layers::from_config(&layer.class_name, &layer.config)?);
        }
        model.build(Seed(self.seed))
    }

    /// Its optimizer.
    ///
    /// # Errors
    /// A description that makes none.
    pub(super) fn optimizer(&self) -> taper_optim::Result<Box<dyn Optimizer>> {
        optimizers::from_config(&self.optimizer.class_name, &self.optimizer.config)
    }

    /// The shapes in front of each layer, and behind the last.
    ///
    /// # Errors
    /// A layer that does not fit.
    pub(super) fn shapes(&self) -> Result<Vec<Vec<usize>>> {
        let mut shapes = vec![self.input.clone()];
        for (layer, before) in self.layers.iter().zip(0..) {
            let layer = layers::from_config::<f32>(&layer.class_name, &layer.config)?;
            let after = layer.output_shape(&shapes[before])?;
            shapes.push(after);
        }
        Ok(shapes)
    }

    /// What a sample costs.
    ///
    /// # Errors
    /// A layer that does not fit.
    pub(super) fn cost(&self) -> Result<Cost> {
        let shapes = self.shapes()?;
        let layers = self.layers.iter().zip(shapes.windows(2));
        Ok(Cost {
            products: self.products()?.iter().sum(),
            values: shapes.iter().map(|shape| size(shape)).sum(),
            weights: layers.map(|(layer, between)| kernel(layer, between)).sum(),
        })
    }

    /// The products that each layer makes for a sample, forward.
    ///
    /// # Errors
    /// A layer that does not fit.
    pub(super) fn products(&self) -> Result<Vec<usize>> {
        let shapes = self.shapes()?;
        let layers = self.layers.iter().zip(shapes.windows(2));
        let products = layers.map(|(layer, between)| match between[1][..] {
            [height, width, _] => kernel(layer, between) * height * width,
            _ => kernel(layer, between),
        });
        Ok(products.collect())
    }

    /// In one line: `28×28×3, batch 64: Conv 5×5 16 tanh, …; Adam`.
    pub(super) fn words(&self) -> String {
        let dimensions: Vec<String> = self.input.iter().map(usize::to_string).collect();
        let layers: Vec<String> = self.layer_words().collect();
        format!(
            "{}, batch {}: {}; {}",
            dimensions.join("×"),
            self.batch,
            layers.join(", "),
            self.optimizer.class_name
        )
    }

    /// Its layers in a few words each.
    pub(super) fn layer_words(&self) -> impl Iterator<Item = String> {
        self.layers.iter().map(words)
    }
}

/// How many values a shape has.
pub(super) fn size(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// How many weights a layer's kernel has, between shapes in front of it and behind it.
fn kernel(layer: &Described, between: &[Vec<usize>]) -> usize {
    match layer.class_name.as_str() {
        "Dense" => size(&between[0]) * size(&between[1]),
        "Conv2D" => {
            let groups = layer.config["groups"].as_u64().unwrap_or(1) as usize;
            let [height, width] = sides(&layer.config["kernel_size"]);
            height * width * between[0][2] / groups * between[1][2]
        }
        _ => 0,
    }
}

/// Height and width of a size in JSON: `3` or `[3, 5]`.
fn sides(size: &Value) -> [usize; 2] {
    let side = |value: &Value| value.as_u64().unwrap_or(1) as usize;
    match size {
        Value::Array(pair) if pair.len() == 2 => [side(&pair[0]), side(&pair[1])],
        one => [side(one); 2],
    }
}

/// A layer in a few words.
fn words(layer: &Described) -> String {
    let config = &layer.config;
    let by = |key: &str| sides(&config[key]).map(|side| side.to_string()).join("×");
    let mut text = match layer.class_name.as_str() {
        "Conv2D" => format!("Conv {}", by("kernel_size")),
        "Dense" => format!("Dense {}", config["units"]),
        "MaxPooling2D" => format!("max {}", by("pool_size")),
        "AveragePooling2D" => format!("average {}", by("pool_size")),
        "GlobalAveragePooling2D" => "global average".to_owned(),
        "BatchNormalization" => "norm".to_owned(),
        "Activation" => String::new(),
        other => other.to_lowercase(),
    };
    if !config["strides"].is_null() && config["strides"] != config["pool_size"] {
        let _ = write!(text, "/{}", by("strides"));
    }
    if config["padding"] == "same" {
        text += " same";
    }
    if !config["dilation_rate"].is_null() {
        let _ = write!(text, " dilated {}", by("dilation_rate"));
    }
    if let Some(filters) = config["filters"].as_u64() {
        let _ = write!(text, " {filters}");
    }
    if let Some(groups) = config["groups"].as_u64() {
        let _ = write!(text, " in {groups} groups");
    }
    match config["activation"].as_str() {
        Some(name) if text.is_empty() => name.to_owned(),
        Some(name) => text + " " + name,
        None => text,
    }
}
