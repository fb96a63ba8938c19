//! One small error: which operation, on which shapes, and why it cannot be.

/// What went wrong, with the operation and the shapes.
///
/// ```
/// use taper_tensor::Tensor;
///
/// let error = Tensor::<f32>::zeros([2, 3]).add(&Tensor::zeros([4, 3])).unwrap_err();
/// assert_eq!(error.to_string(), "add: [2, 3] and [4, 3] do not broadcast: axis 0 has 2 and 4");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Shapes, axes or indices do not fit an operation, e.g.
    /// `matmul: [2, 3] and [4, 5]: inner dimensions 3 and 4 differ`.
    #[error("{operation}: {message}")]
    Shape {
        /// The name of the operation, as its method is called.
        operation: &'static str,
        /// The shapes and what is wrong with them.
        message: String,
    },
}

impl Error {
    /// An error of `operation` that says `message`.
    pub fn shape(operation: &'static str, message: impl Into<String>) -> Self {
        Error::Shape {
            operation,
            message: message.into(),
        }
    }
}

/// Result of tensor operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;
