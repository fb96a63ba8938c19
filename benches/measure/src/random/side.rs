//! Taper's side: a drawn network trained and used as a program would do it, from the thread that calls, on one batch.

use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use taper_nn::{CategoricalCrossentropy, Loss, MeanSquaredError, Model, Prepared, Seed};
use taper_optim::{Optimizer, State};
use taper_tensor::{Stream, Tensor};
use taper_train::moments;

use super::network::{self, Network, size};
use super::turns::Clock;
use crate::cpu;
use crate::mode::Mode;
use crate::statistics::median;

/// A model, its optimizer and a batch.
pub(super) struct Side {
    model: Model,
    optimizer: Box<dyn Optimizer>,
    state: State,
    /// The weights at the start of every slice.
    start: Vec<Tensor>,
    images: Tensor,
    labels: Vec<usize>,
    loss: Box<dyn Loss>,
    targets: Tensor,
    step: u64,
    prepared: Prepared,
    output: Vec<f32>,
}

impl Side {
    /// The network with fresh weights, and a batch of noise with random labels.
    pub(super) fn new(network: &Network) -> Result<Self> {
        let model = network.build()?;
        let optimizer = network.optimizer()?;
        let classes = size(model.output_shape());
        let key = |input| Seed(network.seed).key(Stream::User(input), network.index);
        let shape = [&[network.batch], &network.input[..]].concat();
        let labels: Vec<usize> = (0..network.batch as u64)
            .map(|i| key(14).below(i, classes as u64) as usize)
            .collect();
        let (loss, targets): (Box<dyn Loss>, _) = match network.loss {
            network::Loss::CategoricalCrossentropy => {
                let loss = CategoricalCrossentropy::default();
                (Box::new(loss), Tensor::one_hot(&labels, classes)?)
            }
            network::Loss::MeanSquaredError => {
                let zeros = Tensor::zeros([network.batch, classes]);
                (Box::new(MeanSquaredError::default()), zeros)
            }
        };
        Ok(Side {
            state: moments::fresh(optimizer.as_ref(), &model),
            start: model.parameters().iter().map(|p| p.value.clone()).collect(),
            images: Tensor::uniform(shape, 0.0, 1.0, key(13)),
            loss,
            targets,
            output: vec![0.0; network.batch * classes],
            prepared: model.prepare(network.batch)?,
            step: 0,
            model,
            optimizer,
            labels,
        })
    }

    /// Writes weights, images and labels for others to start from; the shapes of the weights.
    pub(super) fn hand_over(&self, folder: &Path) -> Result<Vec<Vec<usize>>> {
        let values = |tensor: &Tensor| -> Vec<u8> {
            let values = tensor.to_vec();
            values.into_iter().flat_map(f32::to_le_bytes).collect()
        };
        let weights = self.start.iter().flat_map(values).collect();
        let labels = self.labels.iter();
        let labels = labels.flat_map(|&label| (label as i64).to_le_bytes());
        for (name, bytes) in [
            ("weights", weights),
            ("images", values(&self.images)),
            ("labels", labels.collect()),
        ] {
            let path = folder.join(name);
            std::fs::File::create(&path)
                .and_then(|mut file| file.write_all(&bytes))
                .with_context(|| path.display().to_string())?;
        }
        Ok(self.start.iter().map(|w| w.shape().to_vec()).collect())
    }

    /// Back to the first weights.
    pub(super) fn reset(&mut self) {
        let parameters = self.model.parameters_mut().iter_mut();
        for (parameter, start) in parameters.zip(&self.start) {
            parameter.value = start.clone();
        }
        self.state = moments::fresh(self.optimizer.as_ref(), &self.model);
        self.step = 0;
    }

    /// The losses of so many steps from the start.
    pub(super) fn losses(&mut self, count: usize) -> Result<Vec<f64>> {
        self.reset();
        (0..count).map(|_| self.train()).collect()
    }

    /// What it predicts from the start.
    pub(super) fn outputs(&mut self) -> Result<&[f32]> {
        self.infer()?;
        Ok(&self.output)
    }

    /// Seconds of a step: the median of as many as fit into a slice, one at least, after a few to warm up (as
    /// `random_server.py` does). The median, since a step that another program interrupts says nothing.
    pub(super) fn clock(&mut self, mode: Mode, slice: Duration, clock: Clock) -> Result<f64> {
        self.reset();
        self.step(mode)?;
        let start = Instant::now();
        self.step(mode)?;
        let once = start.elapsed().as_secs_f64().max(1e-9);
        for _ in 0..((0.005 / once) as usize).min(5) {
            self.step(mode)?;
        }
        let (mut laps, start) = (Vec::new(), Instant::now());
        let (mut last, awake) = (start, cpu::seconds(std::process::id()));
        loop {
            self.step(mode)?;
            let now = Instant::now();
            laps.push((now - last).as_secs_f64());
            last = now;
            if now - start >= slice {
                break;
            }
        }
        if clock == Clock::Wall {
            return Ok(median(&laps));
        }
        let awake = awake.zip(cpu::seconds(std::process::id()));
        let (before, after) = awake.context("this system does not tell time on a processor")?;
        Ok((after - before) / laps.len() as f64)
    }

    fn step(&mut self, mode: Mode) -> Result<()> {
        match mode {
            Mode::Train => self.train().map(|loss| {
                black_box(loss);
            }),
            Mode::Infer => self.infer(),
        }
    }

    /// One step of training; its loss.
    fn train(&mut self) -> Result<f64> {
        let step = self.model.train_batch(
            &self.images,
            &self.targets,
            self.loss.as_ref(),
            Seed(7),
            self.step,
        )?;
        self.step += 1;
        let rate = self.optimizer.learning_rate_at(self.state.iterations);
        let optimizer = self.optimizer.as_ref();
        moments::step(
            optimizer,
            &mut self.state,
            &mut self.model,
            rate,
            step.gradients,
        )?;
        Ok(step.loss)
    }

    fn infer(&mut self) -> Result<()> {
        let images = self
            .images
            .as_slice()
            .context("a batch lies in one piece")?;
        self.prepared.predict_into(images, &mut self.output)?;
        black_box(&self.output);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, Side};
    use crate::mode::Mode;
    use crate::random::draw::network;
    use std::time::Duration;

    #[test]
    fn every_drawn_network_takes_steps() {
        for index in 0..120 {
            let mut network = network(3, index).unwrap();
            network.batch = network.batch.min(4); // a test, not a measurement
            let mut side = Side::new(&network).unwrap();
            let losses = side.losses(2).unwrap();
            let sound = losses.iter().all(|loss| loss.is_finite());
            assert!(sound, "{index}: {losses:?}: {}", network.words());
            assert_eq!(side.losses(2).unwrap(), losses, "{index}: it starts anew");
            let classes = side.output.len() / network.batch;
            for scores in side.outputs().unwrap().chunks(classes) {
                let sum: f32 = scores.iter().sum();
                assert!((sum - 1.0).abs() <= 1e-4, "{index}: {sum}");
            }
        }
    }

    #[test]
    fn a_slice_is_timed() {
        let mut side = Side::new(&network(3, 1).unwrap()).unwrap();
        for mode in [Mode::Train, Mode::Infer] {
            let seconds = side
                .clock(mode, Duration::from_millis(1), Clock::Wall)
                .unwrap();
            assert!(seconds > 0.0 && seconds < 10.0, "{seconds}");
        }
    }
}
