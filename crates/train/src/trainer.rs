//! The trainer's settings, set one after the other as in the example of the crate's front page.

use crate::{
    Callback, Error, Fit, History, Metric, Result,
    checkpoint::CheckpointExt,
    fit,
    settings::{Resumption, Settings},
};
use std::collections::BTreeMap;
use taper_checkpoint::Checkpoint;
use taper_datasets::Dataset;
use taper_nn::{Loss, Model};
use taper_optim::Optimizer;
use taper_tensor::Seed;

/// Trains a model: optimizer, loss and everything else that Keras's `compile` and `fit` are told.
///
/// Training runs on the current rayon pool (use `ThreadPool::install` for another). Its results depend on the seed, the
/// model and the data, and on neither the number of threads nor the time it takes.
pub struct Trainer<'a> {
    pub(crate) settings: Settings<'a>,
    pub(crate) callbacks: Vec<Box<dyn Callback + 'a>>,
    pub(crate) from: Option<Resumption>,
    /// Of the latest fit.
    history: History,
}

impl<'a> Trainer<'a> {
    /// A trainer with Keras's defaults: 1 epoch, batches of 32, no validation. The seed of shuffling and dropout is 0.
    #[must_use]
    pub fn new(optimizer: impl Optimizer + 'static, loss: impl Loss + 'static) -> Self {
        Self::boxed(Box::new(optimizer), Box::new(loss))
    }

    /// As [`new`](Self::new), for an optimizer and a loss that are chosen at run time.
    #[must_use]
    pub fn boxed(optimizer: Box<dyn Optimizer>, loss: Box<dyn Loss>) -> Self {
        let settings = Settings {
            optimizer,
            loss,
            metrics: Vec::new(),
            class_weight: BTreeMap::new(),
            epochs: 1,
            batch_size: 32,
            seed: Seed(0),
            shuffle: true,
            validation: None,
            measure_training_set: false,
            provenance: BTreeMap::new(),
        };
        Trainer {
            settings,
            callbacks: Vec::new(),
            from: None,
            history: History::default(),
        }
    }

    /// How many times to go through the data (default 1). When resuming, the total, those already done included.
    #[must_use]
    pub fn epochs(mut self, count: u64) -> Self {
        self.settings.epochs = count;
        self
    }

    /// Samples in a batch (default 32), for training and for measuring. The last batch of an epoch may be smaller.
    #[must_use]
    pub fn batch_size(mut self, samples: usize) -> Self {
        self.settings.batch_size = samples;
        self
    }

    /// The seed of shuffling and dropout (default 0). A resumed run keeps the seed of its checkpoint.
    #[must_use]
    pub fn seed(mut self, seed: Seed) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Whether every epoch takes the samples in an order of its own (default), or in that of the data set.
    #[must_use]
    pub fn shuffle(mut self, on: bool) -> Self {
        self.settings.shuffle = on;
        self
    }

    /// Measures the loss and all metrics on this data set after every epoch.
    #[must_use]
    pub fn validation(mut self, data: &'a dyn Dataset) -> Self {
        self.settings.validation = Some(data);
        self
    }

    /// Also measures the training set after every epoch, with dropout off and the weights of that moment (default off):
    /// the running figures of an epoch hide the true gap to the validation set.
    #[must_use]
    pub fn measure_training_set(mut self, on: bool) -> Self {
        self.settings.measure_training_set = on;
        self
    }

    /// Measures a further metric, in training and in validation. Accuracy is measured without asking where the loss tells
    /// classes apart; one that is there already, with the same settings, is not added again. Another one of the same name is
    /// an error of [`fit`](Self::fit), as is a name that a record has for a figure of its own (`loss`, `penalty`, …).
    #[must_use]
    pub fn metric(self, metric: impl Metric + 'static) -> Self {
        self.metric_boxed(Box::new(metric))
    }

    /// As [`metric`](Self::metric), for one chosen at run time.
    #[must_use]
    pub fn metric_boxed(mut self, metric: Box<dyn Metric>) -> Self {
        let told = format!("{metric:?}");
        let is_it = |m: &dyn Metric| m.name() == metric.name() && format!("{m:?}") == told;
        if !self.settings.metrics.iter().any(|m| is_it(&**m)) {
            self.settings.metrics.push(metric);
        }
        self
    }

    /// Weights of the samples of each class in the training loss, for classes of which there are few; a class without one
    /// has 1. As in Keras the weighted sum is divided by the number of samples, and only the training loss is weighted:
    /// metrics and validation are not. Weights are finite and at least 0.
    ///
    /// ```
    /// use taper_train::prelude::*;
    /// let trainer = Trainer::new(Adam::default(), CategoricalCrossentropy).class_weight([(0, 1.0), (1, 20.0)]);
    /// ```
    #[must_use]
    pub fn class_weight(mut self, weights: impl IntoIterator<Item = (usize, f64)>) -> Self {
        self.settings.class_weight = weights.into_iter().collect();
        self
    }

    /// Adds a callback; they are called in the order of adding. A `&mut` reference is a callback too.
    #[must_use]
    pub fn callback(mut self, callback: impl Callback + 'a) -> Self {
        self.callbacks.push(Box::new(callback));
        self
    }

    /// A note for [`Checkpoint::provenance`] of every checkpoint made during training. The data set's name, digest and
    /// class names, the batch size and the versions are noted without asking.
    #[must_use]
    pub fn provenance(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.provenance.insert(key.into(), value.into());
        self
    }

    /// Goes on where a checkpoint was made: at the next batch, with the moments of the optimizer, the sums of the running
    /// epoch and the history. Together with the checkpoint's model, the same data and the same settings, the results are
    /// to the bit those of a run that was never interrupted. Holds for the next [`fit`](Self::fit) only.
    ///
    /// ```no_run
    /// # fn f(data: &dyn taper_datasets::Dataset) -> Result<(), Box<dyn std::error::Error>> {
    /// use taper_train::prelude::*;
    /// let checkpoint = Checkpoint::load("last.taper")?;
    /// let mut trainer = Trainer::new(Adam::default(), CategoricalCrossentropy).epochs(8).resume(&checkpoint)?;
    /// let mut model = checkpoint.into_model()?;
    /// trainer.fit(&mut model, data)?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// The checkpoint was made for inference only, or its history cannot be read.
    pub fn resume(mut self, from: &Checkpoint) -> Result<Self> {
        let (Some(optimizer), Some(position)) = (&from.optimizer, &from.position) else {
            let message = "it holds weights only, no optimizer state and no position; it can be evaluated, or trained \
                           further as a new run";
            return Err(Error::Resume(message.into()));
        };
        self.settings.seed = Seed(position.seed);
        let history = from.read_history()?;
        self.from = Some(Resumption {
            optimizer: optimizer.clone(),
            position: position.clone(),
            history,
        });
        Ok(self)
    }

    /// Trains `model` on `data`: shuffles the samples anew every epoch, steps through all of them batch by batch, and
    /// measures at the end of each epoch. Every call is a run of its own, with a fresh optimizer state, unless
    /// [`resume`](Self::resume) said where to go on.
    ///
    /// # Errors
    /// A setting is out of its range; model and data do not fit; a data set is empty; the loss is not finite; a callback
    /// failed. The model keeps the weights that it had reached, and [`history`](Self::history) has the epochs that are
    /// complete. When the data cannot be read any more, callbacks are told that training has stopped, so that
    /// [`ModelCheckpoint::last`](crate::ModelCheckpoint::last) saves where to go on.
    pub fn fit(&mut self, model: &mut Model, data: &dyn Dataset) -> Result<Fit> {
        let from = self.from.take();
        self.history = History::default();
        let kept = &mut self.history;
        let result = fit::run(&self.settings, &mut self.callbacks, from, model, data, kept);
        let mut finished = Ok(());
        for callback in &mut self.callbacks {
            finished = finished.and(callback.finish(model));
        }
        let fit = result?;
        self.history.clone_from(&fit.history);
        finished.map(|()| fit)
    }

    /// The complete epochs of the latest [`fit`](Self::fit), also if that ended in an error: of a callback (a disk that is
    /// full), of the data, of training itself.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }
}
