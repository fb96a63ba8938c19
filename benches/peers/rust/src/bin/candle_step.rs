//! The notebook's network in candle: training (Adam, cross-entropy) or inference, float32.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{
    AdamW, Conv2d, Linear, Module, Optimizer, ParamsAdamW, VarBuilder, VarMap, conv2d, linear,
};
use taper_peers::{BATCHES, CLASSES, IMAGE, Options, complain, labels, numbers, run};

struct Cnn {
    conv1: Conv2d,
    conv2: Conv2d,
    dense: [Linear; 3],
}

impl Cnn {
    fn new(variables: &VarBuilder<'_>) -> Result<Self> {
        Ok(Cnn {
            conv1: conv2d(1, 32, 3, Default::default(), variables.pp("conv1"))?,
            conv2: conv2d(32, 64, 3, Default::default(), variables.pp("conv2"))?,
            dense: [
                linear(9216, 128, variables.pp("dense1"))?,
                linear(128, 128, variables.pp("dense2"))?,
                linear(128, CLASSES, variables.pp("dense3"))?,
            ],
        })
    }

    fn logits(&self, images: &Tensor) -> Result<Tensor> {
        let x = self.conv1.forward(images)?.relu()?;
        let x = self
            .conv2
            .forward(&x)?
            .relu()?
            .max_pool2d(2)?
            .flatten_from(1)?;
        let x = self.dense[0].forward(&x)?.relu()?;
        let x = self.dense[1].forward(&x)?.relu()?;
        self.dense[2].forward(&x)
    }
}

/// A network, an optimizer and batches that stay the same.
struct Work {
    model: Cnn,
    optimizer: AdamW,
    images: Vec<Tensor>,
    labels: Vec<Tensor>,
}

impl Work {
    fn new(batch: usize) -> Result<Self> {
        let device = Device::Cpu;
        let variables = VarMap::new();
        let model = Cnn::new(&VarBuilder::from_varmap(&variables, DType::F32, &device))?;
        let [channels, height, width] = IMAGE;
        let images = |which: usize| {
            let values = numbers(which as u64, batch * channels * height * width);
            Tensor::from_vec(values, (batch, channels, height, width), &device)
        };
        // AdamW without decay is Adam.
        let settings = ParamsAdamW {
            lr: 1e-3,
            eps: 1e-7,
            weight_decay: 0.0,
            ..ParamsAdamW::default()
        };
        Ok(Work {
            model,
            optimizer: AdamW::new(variables.all_vars(), settings)?,
            images: (0..BATCHES).map(images).collect::<Result<_>>()?,
            labels: (0..BATCHES)
                .map(|which| Tensor::from_vec(labels(which, batch), batch, &device))
                .collect::<Result<_>>()?,
        })
    }

    /// One step; the loss before it.
    fn train(&mut self, number: usize) -> Result<Tensor> {
        let logits = self.model.logits(&self.images[number % BATCHES])?;
        let loss = candle_nn::loss::cross_entropy(&logits, &self.labels[number % BATCHES])?;
        self.optimizer.backward_step(&loss)?;
        Ok(loss)
    }

    fn infer(&self, number: usize) -> Result<Tensor> {
        // Detached, so that nothing is kept for a gradient.
        let logits = self.model.logits(&self.images[number % BATCHES])?.detach();
        candle_nn::ops::softmax(&logits, 1)
    }
}

fn measure() -> std::result::Result<(), String> {
    let options = Options::from_command_line()?;
    let mut work = Work::new(options.batch).map_err(|error| error.to_string())?;
    run(&options, "candle", "cpu", "0.11.1", |number| {
        let output = if options.train {
            work.train(number)
        } else {
            work.infer(number)
        };
        std::hint::black_box(output.map_err(|error| error.to_string())?);
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
    fn the_loss_falls() -> Result<()> {
        let mut work = Work::new(16)?;
        let first = work.train(0)?.to_scalar::<f32>()?;
        let mut last = first;
        for number in 1..=10 * BATCHES {
            last = work.train(number)?.to_scalar::<f32>()?;
        }
        assert!(last < 0.8 * first, "{first} then {last}");
        Ok(())
    }
}
