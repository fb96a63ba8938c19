//! Networks drawn at random: what people build, and what they might. A pure function of (seed, index) and of this file.

use serde_json::{Value, json};
use taper_nn::Result;

use super::dice::Dice;
use super::names::{ACTIVATIONS, Rare, optimizer};
use super::network::{Cost, Described, Loss, Network, size};

/// A step of training costs no more than this, which PyTorch does in some 50 ms: the batch is halved until it fits.
const LARGEST: Cost = Cost {
    products: 250_000_000,
    values: 3_000_000,
    weights: 4_000_000,
};

/// A batch normalization of fewer values a channel amplifies rounding until losses say nothing.
const FEWEST_NORMALIZED: usize = 16;

/// Network number `index` of this seed.
///
/// # Errors
/// None: what is drawn fits, as a test checks.
pub(super) fn network(seed: u64, index: u64) -> Result<Network> {
    let mut dice = Dice::of(seed, index);
    loop {
        // So large a model that one sample is too much is drawn again, with the numbers that follow.
        if let Some(network) = attempt(&mut dice, seed, index)? {
            return Ok(network);
        }
    }
}

fn attempt(dice: &mut Dice, seed: u64, index: u64) -> Result<Option<Network>> {
    let batch = match dice.percent(60) {
        true => 1 << dice.within(0, 9),
        false => dice.doubling(1, 512),
    };
    let mut rare = Rare::of(seed, index);
    let favourite = rare.activation(dice.choose(&ACTIVATIONS));
    let mut draft = Draft {
        dice,
        favourite,
        layers: Vec::new(),
        shape: Vec::new(),
    };
    let input = if draft.dice.percent(20) {
        vec![draft.dice.doubling(4, 1024)]
    } else {
        draft.image()
    };
    draft.shape.clone_from(&input);
    if input.len() == 3 {
        draft.convolutions()?;
    }
    draft.dense()?;
    let mut network = Network {
        seed,
        index,
        input,
        batch,
        layers: draft.layers,
        optimizer: rare.optimizer(optimizer(dice)),
        loss: Loss::CategoricalCrossentropy,
    };
    let cost = network.cost()?;
    let fits = |batch: usize| {
        cost.products * batch <= LARGEST.products && cost.values * batch <= LARGEST.values
    };
    while network.batch > 1 && !fits(network.batch) {
        network.batch /= 2;
    }
    if !fits(network.batch) || cost.weights > LARGEST.weights {
        return Ok(None);
    }
    without_starved_norms(&mut network)?;
    Ok(Some(network))
}

/// A network in the making.
struct Draft<'a> {
    dice: &'a mut Dice,
    favourite: &'static str,
    layers: Vec<Described>,
    /// Behind the last layer.
    shape: Vec<usize>,
}

impl Draft<'_> {
    /// The shape of an image.
    fn image(&mut self) -> Vec<usize> {
        let height = self.dice.choose(&[8, 12, 16, 24, 28, 32, 48, 64, 0]);
        let height = if height == 0 {
            self.dice.within(8, 64)
        } else {
            height
        };
        let width = match self.dice.percent(80) {
            true => height,
            false => self.dice.within(8, 64),
        };
        let channels = match self.dice.percent(70) {
            true => self.dice.choose(&[1, 1, 3, 3, 4, 8, 16]),
            false => self.dice.within(1, 16),
        };
        vec![height, width, channels]
    }

    fn push(&mut self, class_name: &str, config: Value) -> Result<()> {
        let layer = Described::new(class_name, config);
        let built = taper_nn::layers::from_config::<f32>(class_name, &layer.config)?;
        self.shape = built.output_shape(&self.shape)?;
        self.layers.push(layer);
        Ok(())
    }

    /// Mostly the one that this network likes.
    fn activation(&mut self) -> &'static str {
        match self.dice.percent(75) {
            true => self.favourite,
            false => self.dice.choose(&ACTIVATIONS),
        }
    }

    fn convolutions(&mut self) -> Result<()> {
        for _ in 0..self.dice.within(1, 4) {
            let filters = match self.dice.percent(70) {
                true => self.dice.choose(&[4, 8, 16, 32, 32, 64, 64, 128]),
                false => self.dice.doubling(3, 130),
            };
            match self.dice.within(1, 10) {
                1 | 2 => {
                    // Separable: every channel by itself, then all channels of a pixel.
                    let channels = self.shape[2];
                    self.convolution(channels, channels)?;
                    self.pointwise(filters)?;
                }
                3 => {
                    let fits = |groups: &usize| self.shape[2].is_multiple_of(*groups);
                    let groups = [4, 2].into_iter().find(fits).unwrap_or(1);
                    self.convolution(filters.next_multiple_of(groups), groups)?;
                }
                4 => self.pointwise(filters)?,
                _ => self.convolution(filters, 1)?,
            }
            if self.dice.percent(50) {
                self.pooling()?;
            }
        }
        match self.dice.percent(30) {
            true => self.push("GlobalAveragePooling2D", json!({})),
            false => self.push("Flatten", json!({})),
        }
    }

    /// A convolution with windows, and what comes behind it.
    fn convolution(&mut self, filters: usize, groups: usize) -> Result<()> {
        let side = self.dice.choose(&[1, 2, 3, 3, 3, 3, 4, 5, 5, 6, 7]);
        let mut sides = [side; 2];
        if self.dice.percent(15) {
            sides[self.dice.within(0, 1)] = self.dice.choose(&[1, 3, 5]);
        }
        let stride = self.dice.choose(&[1, 1, 1, 1, 1, 1, 2, 2, 3]);
        let dilation = if stride == 1 && self.dice.percent(8) {
            2
        } else {
            1
        };
        let reach = |axis: usize| (sides[axis] - 1) * dilation + 1;
        let inside = (0..2).all(|axis| reach(axis) <= self.shape[axis]);
        let mut config = json!({"filters": filters, "kernel_size": sides});
        if stride > 1 {
            config["strides"] = json!(stride);
        }
        if dilation > 1 {
            config["dilation_rate"] = json!(dilation);
        }
        if groups > 1 {
            config["groups"] = json!(groups);
        }
        if !inside || self.dice.percent(50) {
            config["padding"] = json!("same");
        }
        self.activated("Conv2D", config)
    }

    /// 1×1: all channels of a pixel.
    fn pointwise(&mut self, filters: usize) -> Result<()> {
        self.activated("Conv2D", json!({"filters": filters, "kernel_size": 1}))
    }

    /// A layer with its activation, or batch normalization between the two.
    fn activated(&mut self, class_name: &str, mut config: Value) -> Result<()> {
        let activation = self.activation();
        if !self.dice.percent(25) {
            config["activation"] = json!(activation);
            return self.push(class_name, config);
        }
        if self.dice.percent(50) {
            config["use_bias"] = json!(false);
        }
        self.push(class_name, config)?;
        self.push("BatchNormalization", json!({}))?;
        self.push("Activation", json!({"activation": activation}))
    }

    fn pooling(&mut self) -> Result<()> {
        let side = self.dice.choose(&[2, 2, 2, 2, 3, 3, 4]);
        let class_name = self
            .dice
            .choose(&["MaxPooling2D", "MaxPooling2D", "AveragePooling2D"]);
        let stride = match self.dice.percent(70) {
            true => side,
            false => self.dice.within(1, side),
        };
        if self.shape[..2].iter().any(|&length| length < side) {
            return Ok(());
        }
        let mut config = json!({"pool_size": side});
        if stride != side {
            config["strides"] = json!(stride);
        }
        // PyTorch can average over even padding only.
        let even = |&length: &usize| {
            let padded = (length.div_ceil(stride) - 1) * stride + side;
            padded.saturating_sub(length).is_multiple_of(2)
        };
        if self.dice.percent(30) && self.shape[..2].iter().all(even) {
            config["padding"] = json!("same");
        }
        self.push(class_name, config)
    }

    /// Dense layers, the last with softmax.
    fn dense(&mut self) -> Result<()> {
        let most = if self.layers.is_empty() { 5 } else { 2 };
        for _ in 0..self.dice.within(0, most) {
            let units = match self.dice.percent(60) {
                true => 1 << self.dice.within(3, 10),
                false => self.dice.doubling(8, 1024),
            };
            // Behind an image, no larger than people make them there.
            let units = if self.layers.is_empty() || self.shape[0] < 2048 {
                units
            } else {
                units.min(256)
            };
            self.activated("Dense", json!({"units": units}))?;
        }
        let classes = self.dice.choose(&[2, 10, 10, 10, 10, 37, 100]);
        self.push("Dense", json!({"units": classes, "activation": "softmax"}))
    }
}

/// Takes out batch normalizations with hardly anything to average.
fn without_starved_norms(network: &mut Network) -> Result<()> {
    let shapes = network.shapes()?;
    let batch = network.batch;
    let mut place = 0;
    network.layers.retain(|layer| {
        let shape = &shapes[place];
        place += 1;
        let channels = shape.last().copied().unwrap_or(1);
        let averaged = batch * size(shape) / channels;
        layer.class_name != "BatchNormalization" || averaged >= FEWEST_NORMALIZED
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{LARGEST, network};
    use std::collections::HashSet;
    use taper_nn::{activations, layers};
    use taper_optim::optimizers;

    /// Layers that are not drawn, and why: dropout has another random stream in every framework, images have no use for
    /// the others.
    const NOT_DRAWN: &[&str] = &[
        "ActivityRegularization",
        "AdaptiveAveragePooling1D",
        "AdaptiveAveragePooling2D",
        "AdaptiveMaxPooling1D",
        "AdaptiveMaxPooling2D",
        "AlphaDropout",
        "AveragePooling1D",
        "Bidirectional",
        "CategoryEncoding",
        "CenterCrop",
        "Conv1D",
        "Conv1DTranspose",
        "Conv2DTranspose",
        "Cropping1D",
        "Cropping2D",
        "DepthwiseConv1D",
        "DepthwiseConv2D",
        "Discretization",
        "Dropout",
        "ELU",
        "EinsumDense",
        "Embedding",
        "GRU",
        "GaussianDropout",
        "GaussianNoise",
        "GlobalAveragePooling1D",
        "GlobalMaxPooling1D",
        "GlobalMaxPooling2D",
        "GroupNormalization",
        "Identity",
        "InputLayer",
        "LSTM",
        "LayerNormalization",
        "LeakyReLU",
        "Masking",
        "MaxPooling1D",
        "Normalization",
        "PReLU",
        "Permute",
        "RMSNormalization",
        "RNN",
        "RandomBrightness",
        "RandomColorJitter",
        "RandomContrast",
        "RandomCrop",
        "RandomErasing",
        "RandomFlip",
        "RandomGaussianBlur",
        "RandomGrayscale",
        "RandomHue",
        "RandomInvert",
        "RandomPosterization",
        "RandomRotation",
        "RandomSaturation",
        "RandomSharpness",
        "RandomShear",
        "RandomTranslation",
        "RandomZoom",
        "ReLU",
        "RepeatVector",
        "Rescaling",
        "Reshape",
        "Resizing",
        "SeparableConv1D",
        "SeparableConv2D",
        "SimpleRNN",
        "Softmax",
        "Solarization",
        "SpatialDropout1D",
        "SpatialDropout2D",
        "TimeDistributed",
        "UnitNormalization",
        "UpSampling1D",
        "UpSampling2D",
        "ZeroPadding1D",
        "ZeroPadding2D",
    ];

    /// Activation functions that no framework but Keras has, or that take scores alone, jump, or blow up behind a few
    /// layers.
    const NOT_BETWEEN_LAYERS: [&str; 7] = [
        "exponential",
        "hard_shrink",
        "log_softmax",
        "sparse_plus",
        "sparse_sigmoid",
        "sparsemax",
        "squareplus",
    ];

    /// Optimizers that PyTorch does not have, or not with Keras's rule.
    const NOT_SHARED: [&str; 5] = ["Adafactor", "Ftrl", "Lamb", "Lion", "Muon"];

    #[test]
    fn the_same_seed_draws_the_same() {
        let draw = |seed| -> Vec<String> {
            (0..50)
                .map(|index| serde_json::to_string(&network(seed, index).unwrap()).unwrap())
                .collect()
        };
        assert_eq!(draw(1), draw(1));
        let different: HashSet<String> = draw(1).into_iter().chain(draw(2)).collect();
        assert_eq!(different.len(), 100);
    }

    #[test]
    fn every_kind_of_thing_is_drawn_within_bounds() {
        let mut drawn = HashSet::new();
        for index in 0..1000 {
            let network = network(1, index).unwrap();
            let cost = network.cost().unwrap();
            assert!(cost.products * network.batch <= LARGEST.products, "{index}");
            assert!(cost.values * network.batch <= LARGEST.values, "{index}");
            assert!(cost.weights <= LARGEST.weights, "{index}");
            assert!((1..=512).contains(&network.batch), "{index}");
            for layer in &network.layers {
                drawn.insert(layer.class_name.clone());
                if let Some(name) = layer.config["activation"].as_str() {
                    drawn.insert(name.to_owned());
                }
            }
            drawn.insert(network.optimizer.class_name);
        }
        for row in layers::all::<f32>() {
            let wanted = !NOT_DRAWN.contains(&row.class_name);
            assert_eq!(drawn.contains(row.class_name), wanted, "{}", row.class_name);
        }
        for row in activations::all() {
            let wanted = !NOT_BETWEEN_LAYERS.contains(&row.name);
            assert_eq!(drawn.contains(row.name), wanted, "{}", row.name);
        }
        for name in optimizers::names() {
            let wanted = !NOT_SHARED.contains(&name);
            assert_eq!(drawn.contains(name), wanted, "{name}");
        }
    }
}
