//! The trainer's settings, set one after the other as in the example of the crate's front page.

use crate::{
    Callback, Error, Fit, History, Metric, Result,
    checkpoint::CheckpointExt,
    fit,
    outputs::PerOutput,
    settings::{Resumption, Settings},
};
use std::collections::BTreeMap;
use taper_checkpoint::Checkpoint;
use taper_datasets::Dataset;
use taper_nn::{Loss, Model};
use taper_optim::Optimizer;
use taper_tensor::Seed;
use taper_tensor::prepared::in_pool;

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
            outputs: PerOutput::default(),
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

    /// The loss of one output of a model that has several (Keras's `loss={"kind": …, "size": …}`). Outputs without one
    /// have the loss that the trainer was made with. An output has the name of the layer that makes it
    /// ([`Model::output_names`]), and so has its target in the data set. The history gets the mean loss of each as
    /// `<output>_loss`, without its weight, and `loss` is the weighted sum with the penalties.
    ///
    /// ```
    /// use taper_datasets::InMemory;
    /// use taper_train::prelude::*;
    ///
    /// let mut net = Functional::new();
    /// let (image, age) = (net.input("image", [6, 6, 1]), net.input("age", [1]));
    /// let flat = net.apply(Flatten, image);
    /// let both = net.join(Concatenate::new(), &[flat, age]);
    /// let features = net.apply(Dense::new(8).activation(Tanh), both);
    /// let kind = net.apply(Dense::new(3).activation(Softmax).name("kind"), features);
    /// let size = net.apply(Dense::new(1).name("size"), features);
    /// let mut model = net.outputs(&[kind, size]).build(Seed(7))?;
    ///
    /// let data = InMemory::named(
    ///     [("image", Tensor::from_fn([12, 6, 6, 1], |i| (i % 7) as f32)), ("age", Tensor::from_fn([12, 1], |i| i as f32))],
    ///     [("kind", Tensor::one_hot(&[0, 1, 2].repeat(4), 3)?), ("size", Tensor::from_fn([12, 1], |i| i as f32 / 12.0))],
    /// )?;
    /// let fit = Trainer::new(Adam::default(), CategoricalCrossentropy)
    ///     .loss_for("size", MeanSquaredError)
    ///     .loss_weight("size", 0.3)
    ///     .metric_for("kind", TopKAccuracy::new(2))
    ///     .metric_for("size", MeanAbsoluteError)
    ///     .validation(&data)
    ///     .callback(EarlyStopping::on("val_size_mean_absolute_error").patience(2))
    ///     .epochs(3)
    ///     .fit(&mut model, &data)?;
    /// let last = fit.last().unwrap();
    /// let sum = last.get("kind_loss").unwrap() + 0.3 * last.get("size_loss").unwrap();
    /// assert!((last.loss - sum).abs() < 1e-6);
    /// assert!(last.get("val_kind_top_2_accuracy").is_some());
    ///
    /// let predicted = taper_train::predict_all(&model, &data, 32)?;
    /// assert_eq!(predicted.get("size").unwrap().shape(), [12, 1]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn loss_for(self, output: impl Into<String>, loss: impl Loss + 'static) -> Self {
        self.loss_for_boxed(output, Box::new(loss))
    }

    /// As [`loss_for`](Self::loss_for), for one chosen at run time.
    #[must_use]
    pub fn loss_for_boxed(mut self, output: impl Into<String>, loss: Box<dyn Loss>) -> Self {
        self.settings.outputs.loss(output.into(), loss);
        self
    }

    /// How much the loss of an output counts in the sum (Keras's `loss_weights`; default 1).
    #[must_use]
    pub fn loss_weight(mut self, output: impl Into<String>, weight: f64) -> Self {
        self.settings.outputs.weight(output.into(), weight);
        self
    }

    /// Measures a further metric, in training and in validation. Accuracy is measured without asking where the loss tells
    /// classes apart; one that is there already, with the same settings, is not added again. Another one of the same name is
    /// an error of [`fit`](Self::fit), as is a name that a record has for a figure of its own (`loss`, `penalty`, …). Of a
    /// model with several outputs it is measured for each, as `<output>_<metric>`.
    #[must_use]
    pub fn metric(self, metric: impl Metric + 'static) -> Self {
        self.metric_boxed(Box::new(metric))
    }

    /// As [`metric`](Self::metric), for one chosen at run time.
    #[must_use]
    pub fn metric_boxed(mut self, metric: Box<dyn Metric>) -> Self {
        self.settings.outputs.metric(metric, None, false);
        self
    }

    /// Measures a further metric of one output, as `<output>_<metric>` (of a model with one output, as `<metric>`).
    #[must_use]
    pub fn metric_for(self, output: impl Into<String>, metric: impl Metric + 'static) -> Self {
        self.metric_for_boxed(output, Box::new(metric))
    }

    /// As [`metric_for`](Self::metric_for), for one chosen at run time.
    #[must_use]
    pub fn metric_for_boxed(mut self, output: impl Into<String>, metric: Box<dyn Metric>) -> Self {
        let output = Some(output.into());
        self.settings.outputs.metric(metric, output, false);
        self
    }

    /// Measures a further metric in which samples count with their weights (Keras's `weighted_metrics`): those of the
    /// data set and, in training, those of their classes ([`class_weight`](Self::class_weight)). As in Keras it is called
    /// as the metric is, and `weighted_…` where the same is measured without weights: `weighted_accuracy` beside
    /// `accuracy`.
    #[must_use]
    pub fn weighted_metric(mut self, metric: impl Metric + 'static) -> Self {
        let metric = Box::new(metric);
        self.settings.outputs.metric(metric, None, true);
        self
    }

    /// The same of one output: `<output>_<metric>`, or `<output>_weighted_<metric>`.
    #[must_use]
    pub fn weighted_metric_for(
        mut self,
        output: impl Into<String>,
        metric: impl Metric + 'static,
    ) -> Self {
        let (metric, output) = (Box::new(metric), Some(output.into()));
        self.settings.outputs.metric(metric, output, true);
        self
    }

    /// Weights of the samples of each class in the training loss, for classes of which there are few; a class without one
    /// has 1. As in Keras the weighted sum is divided by the number of samples, and only the training loss is weighted, and
    /// what [`weighted_metric`](Self::weighted_metric) asks for: other metrics and validation are not. Weights are finite
    /// and at least 0, and the model has one output.
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
    /// class names, losses and metrics, the batch size and the versions are noted without asking. Notes of the run's
    /// beginning survive a [resume](Self::resume): another value of the same key is then noted as `resumed_<key>`.
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
            provenance: from.provenance.clone(),
            accept: Vec::new(),
        });
        Ok(self)
    }

    /// Asks for a change when [resuming](Self::resume): without it, [`fit`](Self::fit) refuses to go on where optimizer,
    /// loss, metrics (each with its settings), batch size, shuffling, class weights, seed or data are not those of the
    /// checkpoint, and lists what differs. A change has the name that stands there (`optimizer.learning_rate`); its last
    /// word (`learning_rate`) and what it belongs to (`optimizer`: all of its settings) do as well. What was changed,
    /// and when, is noted in every later checkpoint ([`Checkpoint::provenance`], `changes`) and in the history
    /// ([`EpochRecord::changes`](crate::EpochRecord)). A learning rate that is
    /// accepted also ends the one that a callback had set.
    ///
    /// Within an epoch, batch size, shuffling, seed, metrics and data stay. Moments that another optimizer cannot use begin
    /// anew.
    ///
    /// ```no_run
    /// # fn f(data: &dyn taper_datasets::Dataset) -> Result<(), Box<dyn std::error::Error>> {
    /// use taper_train::prelude::*;
    /// let checkpoint = Checkpoint::load("last.taper")?;
    /// let mut trainer = Trainer::new(Adam::new(1e-4), CategoricalCrossentropy).epochs(8);
    /// trainer = trainer.resume(&checkpoint)?.accept("learning_rate");
    /// trainer.fit(&mut checkpoint.into_model()?, data)?;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn accept(mut self, change: impl Into<String>) -> Self {
        if let Some(from) = &mut self.from {
            from.accept.push(change.into());
        }
        self
    }

    /// Trains `model` on `data`, whose inputs and targets find the model's inputs and outputs by their names where there
    /// are several; one and one belong together whatever they are called. Shuffles the samples anew every epoch, steps through all of them batch by batch, and
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
        let (settings, callbacks) = (&self.settings, &mut self.callbacks);
        // The pool is entered once: else every kernel would put this thread to sleep and wake it.
        let result = in_pool(|| fit::run(settings, callbacks, from, model, data, kept));
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
