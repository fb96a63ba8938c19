//! Which learning rates a model learns with: a short training in which the rate grows with every batch.

use crate::{Callback, Error, Event, History, Result, Trainer, View, fit, setting};
use std::ops::ControlFlow;
use taper_datasets::Dataset;
use taper_nn::Model;
use taper_tensor::{prepared::in_pool, steady};

/// Tries learning rates, one a batch, each larger than the last by the same factor, and notes the losses (Smith 2017). Afterwards
/// the model is as it was.
///
/// ```
/// use taper_datasets::InMemory;
/// use taper_train::{LrFinder, prelude::*};
/// let data = InMemory::new(Tensor::from_fn([64, 1], |i| i as f32 / 64.0), Tensor::from_fn([64, 1], |i| i as f32 / 32.0))?;
/// let mut model = Sequential::new([1]).add(Dense::new(1)).build(Seed(7))?;
/// let mut trainer = Trainer::new(SGD::new(0.01), MeanSquaredError).batch_size(8);
/// let found = LrFinder::new(1e-4, 10.0).find(&mut trainer, &mut model, &data)?;
/// assert!(found.suggestion().unwrap() < found.at_minimum().unwrap());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct LrFinder {
    low: f64,
    high: f64,
    batches: usize,
    smoothing: f64,
    diverged: f64,
}

impl LrFinder {
    /// Tries rates from `low` to `high` in 100 batches.
    #[must_use]
    pub fn new(low: f64, high: f64) -> Self {
        LrFinder {
            low,
            high,
            batches: 100,
            smoothing: 0.98,
            diverged: 4.0,
        }
    }

    /// How many batches to train on, at least 2 (default 100); the data are gone through as often as that takes.
    #[must_use]
    pub fn batches(mut self, count: usize) -> Self {
        self.batches = count;
        self
    }

    /// How much of the mean of the losses so far stays at a batch, in [0, 1) (default 0.98).
    #[must_use]
    pub fn smoothing(mut self, share: f64) -> Self {
        self.smoothing = share;
        self
    }

    /// Ends when the smoothed loss is so many times the smallest (default 4), and at a batch that is not finite.
    #[must_use]
    pub fn diverged_at(mut self, times: f64) -> Self {
        self.diverged = times;
        self
    }

    /// Trains a model as this trainer would, without its callbacks and its validation, and puts its weights back.
    ///
    /// # Errors
    /// A setting is out of its range, or those of [`Trainer::fit`]; but a batch that is not finite is a result.
    pub fn find(
        &self,
        trainer: &mut Trainer<'_>,
        model: &mut Model,
        data: &dyn Dataset,
    ) -> Result<LrCurve> {
        self.check()
            .map_err(|fault| setting::of("LrFinder", fault))?;
        let weights: Vec<_> = model.parameters().iter().map(|p| p.value.clone()).collect();
        let mut curve = LrCurve::default();
        let settings = &mut trainer.settings;
        let put_aside = (
            std::mem::replace(&mut settings.epochs, u64::MAX),
            settings.validation.take(),
            std::mem::replace(&mut settings.measure_training_set, false),
        );
        let sweep = Sweep {
            finder: self,
            curve: &mut curve,
            mean: 0.0,
        };
        let mut callbacks: [Box<dyn Callback + '_>; 1] = [Box::new(sweep)];
        let mut kept = History::default();
        let settings = &trainer.settings;
        let run = || fit::run(settings, &mut callbacks, None, model, data, &mut kept);
        let result = in_pool(run);
        drop(callbacks);
        let settings = &mut trainer.settings;
        (
            settings.epochs,
            settings.validation,
            settings.measure_training_set,
        ) = put_aside;
        for (parameter, value) in model.parameters_mut().iter_mut().zip(weights) {
            parameter.value = value;
        }
        match result {
            Ok(_) => Ok(curve),
            Err(Error::NotFinite { .. }) if !curve.rates.is_empty() => Ok(curve),
            Err(error) => Err(error),
        }
    }

    fn check(&self) -> setting::Checked {
        setting::positive("low", self.low)?;
        setting::positive("high", self.high)?;
        setting::below_one("smoothing", self.smoothing)?;
        setting::positive("diverged_at", self.diverged)?;
        let rises = self.low < self.high; // false for NaN
        if !rises {
            return Err(format!(
                "low is {}, it must be below high, {}",
                self.low, self.high
            ));
        }
        match self.batches {
            0 | 1 => Err(format!(
                "batches is {}, it must be at least 2",
                self.batches
            )),
            _ => Ok(()),
        }
    }

    /// The rate of a batch, from 0.
    fn rate(&self, batch: usize) -> f64 {
        let part = batch as f64 / (self.batches - 1) as f64;
        self.low * steady::pow(self.high / self.low, part)
    }
}

/// What a [`LrFinder`] found: as many numbers of each kind as batches were run.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct LrCurve {
    /// The learning rates, ascending.
    pub rates: Vec<f64>,
    /// The losses of the batches, penalties included, each before the step with its rate.
    pub losses: Vec<f64>,
    /// The same, smoothed: a moving average, divided by the weight that it has so far.
    pub smoothed: Vec<f64>,
}

impl LrCurve {
    /// The rate at which the smoothed loss falls steepest over the logarithm of the rate, the first tenth of the batches and
    /// what lies behind the smallest loss left aside; `None` where it falls nowhere.
    #[must_use]
    pub fn suggestion(&self) -> Option<f64> {
        let last = self.minimum()?;
        let first = (self.rates.len() / 10).min(last);
        let slope = |i: usize| {
            let (a, b) = (i - 1, i + 1);
            (self.smoothed[b] - self.smoothed[a]) / steady::ln(self.rates[b] / self.rates[a])
        };
        let inside = first.max(1)..last.min(self.rates.len().saturating_sub(1));
        let falls = inside
            .map(|i| (i, slope(i)))
            .filter(|(_, slope)| *slope < 0.0);
        let steepest = falls.min_by(|a, b| a.1.total_cmp(&b.1));
        steepest.map(|(i, _)| self.rates[i])
    }

    /// The rate at which the smoothed loss is smallest: more than that is too much.
    #[must_use]
    pub fn at_minimum(&self) -> Option<f64> {
        self.minimum().map(|i| self.rates[i])
    }

    fn minimum(&self) -> Option<usize> {
        let all = self.smoothed.iter().enumerate();
        let smallest = all.min_by(|a, b| a.1.total_cmp(b.1));
        smallest.map(|(i, _)| i)
    }
}

/// The callback that sets the rates.
struct Sweep<'c> {
    finder: &'c LrFinder,
    curve: &'c mut LrCurve,
    /// Moving average of the losses.
    mean: f64,
}

impl Callback for Sweep<'_> {
    fn on_event(&mut self, event: &Event<'_>, view: &View<'_>) -> ControlFlow<()> {
        let finder = self.finder;
        match event {
            Event::TrainingStarted { .. } => view.set_learning_rate(Some(finder.rate(0))),
            Event::BatchEnded { batch_loss, .. } => {
                let done = self.curve.rates.len();
                let share = finder.smoothing;
                self.mean = share * self.mean + (1.0 - share) * batch_loss;
                let smoothed = self.mean / (1.0 - steady::powi(share, done as u64 + 1));
                self.curve.rates.push(finder.rate(done));
                self.curve.losses.push(*batch_loss);
                self.curve.smoothed.push(smoothed);
                let smallest = self
                    .curve
                    .smoothed
                    .iter()
                    .copied()
                    .fold(f64::INFINITY, f64::min);
                let holds = smoothed <= finder.diverged * smallest; // false for NaN
                let diverged = smallest > 0.0 && !holds;
                if done + 1 >= finder.batches || diverged {
                    return ControlFlow::Break(());
                }
                view.set_learning_rate(Some(finder.rate(done + 1)));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
