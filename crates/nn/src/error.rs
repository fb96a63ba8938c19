//! What can go wrong when a model is described, built or run: every message names the layer (with its place in the
//! model) or the loss, and the shapes, so that it can be acted on.

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A layer cannot take this input, or its description makes no sense.
    #[error("{layer}: {message}")]
    Layer {
        /// The layer's name and place in the model, e.g. `conv2d_1 (layer 2)`; its class while it stands alone.
        layer: String,
        /// What does not fit, with the shapes.
        message: String,
    },
    /// A loss cannot compare this output with this target.
    #[error("{loss}: {message}")]
    Loss {
        /// Keras's name of the loss, e.g. `categorical_crossentropy`.
        loss: &'static str,
        /// What does not fit, with the shapes.
        message: String,
    },
    /// An operation on tensors failed.
    #[error(transparent)]
    Tensor(#[from] taper_tensor::Error),
    /// A description (JSON) that no layer, loss or model understands.
    #[error("{0}")]
    Config(String),
    /// A batch after which a statistic that layers keep of their inputs would no longer be finite, although loss and penalty
    /// are. Nothing has changed.
    #[error(
        "{weight} would no longer be finite (loss {loss}, penalty {penalty}); nothing has changed"
    )]
    NotFinite {
        /// Name of the statistic, e.g. `batch_normalization/moving_variance`.
        weight: String,
        /// The batch's loss without penalties.
        loss: f64,
        /// Its penalty.
        penalty: f64,
    },
    /// Weights that do not belong to the model: unknown, missing, twice, or of another shape.
    #[error("weights: {0}")]
    Weights(String),
}

/// Result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of a layer that stands alone; the model adds the name and the place.
    pub fn layer(class_name: &str, message: impl Into<String>) -> Self {
        Error::Layer {
            layer: class_name.to_owned(),
            message: message.into(),
        }
    }

    /// An error of a loss.
    pub fn loss(name: &'static str, message: impl Into<String>) -> Self {
        Error::Loss {
            loss: name,
            message: message.into(),
        }
    }

    /// The same error, saying which layer of a model it comes from.
    pub(crate) fn in_layer(self, name: &str, index: usize) -> Self {
        let message = match self {
            Error::Layer { message, .. } => message,
            other => other.to_string(),
        };
        Error::Layer {
            layer: format!("{name} (layer {index})"),
            message,
        }
    }
}
