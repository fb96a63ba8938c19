//! What a step works on: a model, an optimizer, and a batch that stays the same.

use std::time::Instant;

use taper_nn::{CategoricalCrossentropy, Model, Prepared, Seed};
use taper_optim::{Adam, Optimizer, State};
use taper_tensor::{Stream, Tensor};
use taper_train::moments;

use crate::mode::Mode;

/// A model, an optimizer and a batch that stays the same.
pub(crate) struct Work {
    model: Model,
    adam: Adam,
    state: State,
    /// One tensor `[batch, …]` for each input of the model.
    images: Vec<Tensor>,
    targets: Tensor,
    step: u64,
    /// The model prepared for inference, with room for its outputs: made by the first step of inference.
    prepared: Option<(Prepared, Vec<f32>)>,
}

impl Work {
    /// A batch of noise with random labels, the same in every run.
    pub(crate) fn new(model: Model, batch: usize) -> anyhow::Result<Work> {
        let adam = Adam::default();
        let state = moments::fresh(&adam, &model);
        let (images, targets) = noise(&model, batch)?;
        Ok(Work {
            model,
            adam,
            state,
            images,
            targets,
            step: 0,
            prepared: None,
        })
    }

    /// Images of a step: those of all inputs.
    pub(crate) fn images(&self) -> usize {
        self.images.iter().map(|images| images.shape()[0]).sum()
    }

    /// The model as it stands.
    pub(crate) fn model(&self) -> &Model {
        &self.model
    }

    /// The batch: one tensor for each input, and the targets.
    pub(crate) fn batch(&self) -> (&[Tensor], &Tensor) {
        (&self.images, &self.targets)
    }

    /// The losses of so many steps of training.
    pub(crate) fn losses(&mut self, count: usize) -> anyhow::Result<Vec<f64>> {
        (0..count).map(|_| self.train()).collect()
    }

    /// What the model makes of the batch.
    pub(crate) fn outputs(&mut self) -> anyhow::Result<&[f32]> {
        self.infer()?;
        let prepared = self.prepared.as_ref();
        Ok(prepared.map_or(&[], |(_, output)| output))
    }

    /// One step of training with Adam, or of inference.
    pub(crate) fn step(&mut self, mode: Mode) -> anyhow::Result<()> {
        match mode {
            Mode::Train => self.train().map(drop),
            Mode::Infer => self.infer(),
        }
    }

    /// Seconds of a step: the mean over as many as take about `least` seconds, once it is warm.
    pub(crate) fn seconds(&mut self, mode: Mode, least: f64) -> anyhow::Result<f64> {
        let mut steps = 1;
        loop {
            let start = Instant::now();
            for _ in 0..steps {
                self.step(mode)?;
            }
            let seconds = start.elapsed().as_secs_f64();
            // The first, short runs allocate and warm up.
            if seconds >= least && steps >= 3 {
                return Ok(seconds / steps as f64);
            }
            let needed = (1.2 * least / seconds.max(1e-9)).min(1e6) * steps as f64;
            steps = (needed as usize).clamp(2 * steps, 100 * steps);
        }
    }

    /// The loss before the step.
    fn train(&mut self) -> anyhow::Result<f64> {
        let step = self.model.train_batch(
            &self.images,
            &self.targets,
            &CategoricalCrossentropy,
            Seed(7),
            self.step,
        )?;
        self.step += 1;
        let rate = Optimizer::<f32>::learning_rate_at(&self.adam, self.state.iterations);
        moments::step(
            &self.adam,
            &mut self.state,
            &mut self.model,
            rate,
            step.gradients,
        )?;
        Ok(step.loss)
    }

    fn infer(&mut self) -> anyhow::Result<()> {
        let (prepared, output) = match &mut self.prepared {
            Some(prepared) => prepared,
            none => {
                let batch = self.images[0].shape()[0];
                let output = vec![0.0; self.targets.len()];
                none.insert((self.model.prepare(batch)?, output))
            }
        };
        let images: Vec<&[f32]> = self.images.iter().filter_map(Tensor::as_slice).collect();
        prepared.predict_all_into(&images, &mut [output])?;
        std::hint::black_box(output);
        Ok(())
    }
}

/// So many samples of noise for a model, a tensor `[count, …]` for each input, with random labels, one-hot; the same in every
/// run.
pub(crate) fn noise(model: &Model, count: usize) -> anyhow::Result<(Vec<Tensor>, Tensor)> {
    let classes = model.output_shape().iter().product();
    let key = Seed(1).key(Stream::User(0), 0);
    let labels: Vec<usize> = (0..count)
        .map(|i| key.below(i as u64, classes as u64) as usize)
        .collect();
    let images = model.inputs().enumerate().map(|(input, (_, shape))| {
        let key = Seed(1).key(Stream::User(0), input as u64);
        Tensor::uniform([&[count], shape].concat(), 0.0, 1.0, key)
    });
    Ok((images.collect(), Tensor::one_hot(&labels, classes)?))
}
