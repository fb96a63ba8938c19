//! What can go wrong while training, and what to do about it.

/// Result of training and evaluation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong while training, evaluating, or going on from a checkpoint.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A layer or the model refused.
    #[error(transparent)]
    Nn(#[from] taper_nn::Error),
    /// The optimizer refused.
    #[error(transparent)]
    Optim(#[from] taper_optim::Error),
    /// A tensor operation refused.
    #[error(transparent)]
    Tensor(#[from] taper_tensor::Error),
    /// A data set could not be read.
    #[error(transparent)]
    Data(#[from] taper_datasets::Error),
    /// A checkpoint could not be written or read.
    #[error(transparent)]
    Checkpoint(#[from] taper_checkpoint::Error),
    /// There is nothing to train on or to measure.
    #[error("{operation}: the data set {name} is empty")]
    EmptyDataset {
        /// `fit`, `validation`, `evaluate` or `predict`.
        operation: &'static str,
        /// The data set's name.
        name: String,
    },
    /// Model and data do not fit each other, or output and targets do not.
    #[error("{operation}: {message}")]
    Shapes {
        /// Who noticed.
        operation: String,
        /// Which shapes, and what to do.
        message: String,
    },
    /// A setting that cannot work, such as a batch size of 0.
    #[error("{0}")]
    Setting(String),
    /// The data of a batch, its loss, penalty, a gradient or a moving statistic is infinite or not a number, or a weight or
    /// moment would be after the step. Weights, moving statistics and the optimizer's state are those before this batch.
    #[error("batch {batch} of {batches} in epoch {epoch} was not learnt from: {cause}")]
    NotFinite {
        /// What is not finite: an input or target of which sample; or else the loss, which penalty, gradient, statistic,
        /// weight or moment; and what to do, which is a lower learning rate only where a step was made or tried.
        cause: String,
        /// Whether it is the training that ran away: a loss, penalty, gradient, statistic, weight or moment that is not
        /// finite although the data is. `false` for data that is not finite, or that is too large before any step was made.
        diverged: bool,
        /// From 1.
        epoch: u64,
        /// From 1.
        batch: usize,
        /// Batches in an epoch.
        batches: usize,
        /// The batch's loss without penalty.
        loss: f64,
        /// The penalty at that moment.
        penalty: f64,
        /// The learning rate in force.
        learning_rate: f64,
    },
    /// The checkpoint and this model or trainer do not belong together.
    #[error("cannot go on from this checkpoint: {0}")]
    Resume(String),
    /// A checkpoint does not describe a model that can be rebuilt.
    #[error("cannot rebuild the model of this checkpoint: {0}")]
    Restore(String),
    /// A callback was asked to watch a figure that is not measured.
    #[error("{callback}: {name} is not measured; there is {available}{hint}")]
    UnknownFigure {
        /// The callback.
        callback: &'static str,
        /// The figure it was asked to watch.
        name: String,
        /// What there is.
        available: String,
        /// What to do.
        hint: &'static str,
    },
    /// A callback was asked to watch a figure that it cannot tell better values of.
    #[error(
        "{callback}: whether {name} should rise or fall is not known; say .mode(Mode::Max) or .mode(Mode::Min)"
    )]
    UnknownMode {
        /// The callback.
        callback: &'static str,
        /// The figure it was asked to watch.
        name: String,
    },
    /// Anything else, for callbacks and metrics of one's own.
    #[error("{0}")]
    Other(String),
}

impl Error {
    pub(crate) fn shapes(operation: impl Into<String>, message: impl Into<String>) -> Self {
        Error::Shapes {
            operation: operation.into(),
            message: message.into(),
        }
    }
}
