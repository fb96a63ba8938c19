//! What can go wrong: a description that makes no sense, or moments that belong to other weights.

/// An error of this crate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A description that no optimizer or schedule understands.
    #[error("{0}")]
    Config(String),
    /// Weights, gradients and moments that do not belong together.
    #[error("{optimizer}: {message}")]
    State {
        /// The optimizer's class name.
        optimizer: &'static str,
        /// What does not fit, with names or shapes.
        message: String,
    },
    /// A step that would make what is finite infinite or no number. It was not made: nothing has changed.
    #[error("{optimizer}: {} of weight {weight} {} finite; nothing has changed", part(what), if *what == "gradient" { "is not" } else { "would no longer be" })]
    NotFinite {
        /// The optimizer's class name.
        optimizer: &'static str,
        /// Which weight, from 0, in the order in which they were given.
        weight: usize,
        /// `gradient`, `weight`, or the name of a slot.
        what: &'static str,
    },
}

fn part(what: &str) -> String {
    match what {
        "weight" => "a number".to_owned(),
        what => format!("the {what}"),
    }
}

/// Result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A setting of this class that cannot be.
    pub(crate) fn setting(class_name: &str, fault: impl std::fmt::Display) -> Self {
        Error::Config(format!("{class_name}: {fault}"))
    }

    pub(crate) fn state(optimizer: &'static str, message: impl Into<String>) -> Self {
        Error::State {
            optimizer,
            message: message.into(),
        }
    }
}
