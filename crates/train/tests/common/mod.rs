//! A small synthetic data set, a small network of the main job's form, and comparison down to the bit.
#![allow(dead_code)] // each test file uses its own part

use taper_datasets::{Dataset, Sample};
use taper_tensor::{Seed, Stream};
use taper_train::prelude::*;

/// Images of 8 × 8 with a bright bar, in one of three directions, on noise; one-hot targets.
pub(crate) struct Bars {
    pub(crate) samples: usize,
    pub(crate) seed: u64,
    names: Vec<String>,
}

impl Bars {
    pub(crate) fn new(samples: usize, seed: u64) -> Self {
        let names = ["across", "down", "aslant"].map(String::from).to_vec();
        Bars {
            samples,
            seed,
            names,
        }
    }
}

impl Dataset for Bars {
    fn len(&self) -> usize {
        self.samples
    }
    fn input_shape(&self) -> &[usize] {
        &[8, 8, 1]
    }
    fn target_shape(&self) -> &[usize] {
        &[3]
    }
    fn read_input(&self, at: Sample, out: &mut [f32]) -> taper_datasets::Result<()> {
        let key = Seed(self.seed).key(Stream::User(1), at.index as u64);
        let place = key.below(100, 6) as usize + 1;
        for (i, pixel) in out.iter_mut().enumerate() {
            let (row, column) = (i / 8, i % 8);
            let bar = match at.index % 3 {
                0 => row == place,
                1 => column == place,
                _ => (row + place) % 8 == column,
            };
            *pixel = 0.6 * key.uniform(i as u64) as f32 + if bar { 0.4 } else { 0.0 };
        }
        Ok(())
    }
    fn read_target(&self, at: Sample, out: &mut [f32]) -> taper_datasets::Result<()> {
        out.fill(0.0);
        out[at.index % 3] = 1.0;
        Ok(())
    }
    fn label(&self, index: usize) -> Option<usize> {
        Some(index % 3)
    }
    fn class_names(&self) -> &[String] {
        &self.names
    }
    fn name(&self) -> &str {
        "bars"
    }
    fn digest(&self) -> Option<&str> {
        Some("c0ffee")
    }
}

/// The main job's network in small, with everything that resuming must get right: penalties and dropout.
pub(crate) fn network() -> Model {
    let l2 = L2(0.001);
    Sequential::new([8, 8, 1])
        .add(Conv2D::new(4, 3).activation(Relu).kernel_regularizer(l2))
        .add(Dropout::new(0.25))
        .add(MaxPooling2D::new(2))
        .add(Flatten)
        .add(Dense::new(16).activation(Relu).kernel_regularizer(l2))
        .add(Dropout::new(0.25))
        .add(Dense::new(3).activation(Softmax))
        .build(Seed(7))
        .unwrap()
}

/// A network with weights that the optimizer does not move: running statistics, which a resumed run must find again.
pub(crate) fn normalized_network() -> Model {
    Sequential::new([8, 8, 1])
        .add(Conv2D::new(4, 3).use_bias(false))
        .add(BatchNormalization::new().momentum(0.8))
        .add(Activation::new(Relu))
        .add(Dropout::new(0.25))
        .add(AveragePooling2D::new(2))
        .add(Flatten)
        .add(Dense::new(16))
        .add(BatchNormalization::new().gamma_regularizer(L2(0.001)))
        .add(Dense::new(3).activation(Softmax))
        .build(Seed(7))
        .unwrap()
}

/// A trainer of three epochs in batches of 16.
pub(crate) fn trainer<'a>() -> Trainer<'a> {
    let adam = Adam::new(0.01);
    Trainer::new(adam, CategoricalCrossentropy)
        .epochs(3)
        .batch_size(16)
        .seed(Seed(11))
}

/// Names and bit patterns of tensors.
pub(crate) type Bits = Vec<(String, Vec<u32>)>;

/// Names and bit patterns of all weights.
pub(crate) fn weights(model: &Model) -> Bits {
    let bits = |p: &taper_nn::Parameter| {
        (
            p.name.clone(),
            p.value.to_vec().iter().map(|v| v.to_bits()).collect(),
        )
    };
    model.parameters().iter().map(bits).collect()
}

/// Names and bit patterns of an optimizer's moments.
pub(crate) fn moments(fit: &Fit) -> Bits {
    let slots = fit.optimizer.slots.iter();
    slots
        .map(|(name, t)| {
            (
                name.clone(),
                t.to_vec().iter().map(|v| v.to_bits()).collect(),
            )
        })
        .collect()
}

/// A history without what the clock says.
pub(crate) fn timeless(history: &History) -> Vec<EpochRecord> {
    let without = |record: &EpochRecord| EpochRecord {
        seconds: 0.0,
        images_per_second: 0.0,
        ..record.clone()
    };
    history.epochs.iter().map(without).collect()
}

/// A metric of the user's own.
#[derive(Debug, Clone)]
pub(crate) struct Own(pub(crate) &'static str, pub(crate) f64);

impl Metric for Own {
    fn name(&self) -> String {
        self.0.into()
    }
    fn mode(&self) -> Mode {
        Mode::Max
    }
    fn sums(&self, _: &[usize], _: &[usize]) -> taper_train::Result<usize> {
        Ok(0)
    }
    fn add(
        &self,
        _: &mut [f64],
        _: &Tensor,
        _: &Tensor,
        _: Option<&Tensor>,
    ) -> taper_train::Result<()> {
        Ok(())
    }
    fn value(&self, _: &[f64]) -> f64 {
        self.1
    }
}
