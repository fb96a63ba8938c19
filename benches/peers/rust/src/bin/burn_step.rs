//! The notebook's network in burn: training (Adam, cross-entropy) or inference, float32.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::{CrossEntropyLoss, CrossEntropyLossConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::prelude::*;
use burn::tensor::activation::{relu, softmax};
use taper_peers::{BATCHES, CLASSES, IMAGE, Options, complain, labels, numbers, run};

#[derive(Module, Debug)]
struct Cnn {
    conv1: Conv2d,
    conv2: Conv2d,
    pool: MaxPool2d,
    dense1: Linear,
    dense2: Linear,
    dense3: Linear,
}

impl Cnn {
    fn new(device: &Device) -> Self {
        Cnn {
            conv1: Conv2dConfig::new([1, 32], [3, 3]).init(device),
            conv2: Conv2dConfig::new([32, 64], [3, 3]).init(device),
            pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
            dense1: LinearConfig::new(9216, 128).init(device),
            dense2: LinearConfig::new(128, 128).init(device),
            dense3: LinearConfig::new(128, CLASSES).init(device),
        }
    }

    fn logits(&self, images: Tensor<4>) -> Tensor<2> {
        let x = relu(self.conv1.forward(images));
        let x = self.pool.forward(relu(self.conv2.forward(x)));
        let x = relu(self.dense1.forward(x.flatten::<2>(1, 3)));
        self.dense3.forward(relu(self.dense2.forward(x)))
    }
}

/// A network, an optimizer and batches that stay the same.
struct Work {
    model: Option<Cnn>,
    optimizer: ModuleOptimizer,
    loss: CrossEntropyLoss,
    images: Vec<Tensor<4>>,
    labels: Vec<Tensor<1, Int>>,
}

impl Work {
    fn new(device: &Device, batch: usize) -> Self {
        let [channels, height, width] = IMAGE;
        let images = |which: usize| {
            let values = numbers(which as u64, batch * channels * height * width);
            Tensor::from_data(
                TensorData::new(values, [batch, channels, height, width]),
                device,
            )
        };
        let targets = |which: usize| {
            let values: Vec<i64> = labels(which, batch).into_iter().map(i64::from).collect();
            Tensor::from_data(TensorData::new(values, [batch]), device)
        };
        Work {
            model: Some(Cnn::new(device)),
            optimizer: AdamConfig::new().with_epsilon(1e-7).init(),
            loss: CrossEntropyLossConfig::new().init(device),
            images: (0..BATCHES).map(images).collect(),
            labels: (0..BATCHES).map(targets).collect(),
        }
    }

    /// One step; the loss before it.
    fn train(&mut self, number: usize) -> Tensor<1> {
        let model = self.model.take().expect("put back below");
        let (images, labels) = (
            self.images[number % BATCHES].clone(),
            self.labels[number % BATCHES].clone(),
        );
        let loss = self.loss.forward(model.logits(images), labels);
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        self.model = Some(self.optimizer.step(1e-3, model, gradients));
        loss
    }

    fn infer(&self, number: usize) {
        let model = self.model.as_ref().expect("there between steps");
        let output = softmax(model.logits(self.images[number % BATCHES].clone()), 1);
        std::hint::black_box(output.into_data());
    }
}

#[allow(deprecated)] // ndarray was burn's CPU backend for years: the faster of the two counts
fn device(backend: &str) -> Result<Device, String> {
    match backend {
        "" | "flex" => Ok(Device::flex()),
        "ndarray" => Ok(Device::ndarray()),
        other => Err(format!("--backend {other}: flex or ndarray")),
    }
}

fn measure() -> Result<(), String> {
    let options = Options::from_command_line()?;
    let device = device(&options.backend)?;
    let device = if options.train {
        device.autodiff()
    } else {
        device
    };
    let mut work = Work::new(&device, options.batch);
    let setting = if options.backend.is_empty() {
        "flex"
    } else {
        &options.backend
    };
    run(&options, "burn", setting, "0.22.1", |number| {
        if options.train {
            std::hint::black_box(work.train(number));
        } else {
            work.infer(number);
        }
        Ok(())
    })
}

fn main() -> ExitCode {
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            complain(&format!("error: {message}"));
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loss_falls_on_every_backend() {
        for backend in ["flex", "ndarray"] {
            let mut work = Work::new(&device(backend).unwrap().autodiff(), 16);
            let mut loss = |number: usize| work.train(number).into_scalar::<f32>();
            let first = loss(0);
            let last = (1..=10 * BATCHES)
                .map(&mut loss)
                .last()
                .expect("some steps");
            assert!(last < 0.8 * first, "{backend}: {first} then {last}");
        }
    }
}
