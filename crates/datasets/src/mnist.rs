//! MNIST, the data set that comes with the project.

use crate::catalog::{self, Splits};
use crate::{ImageDataset, Location, Result};
use std::path::PathBuf;

/// MNIST: 60,000 training and 10,000 test images `[28, 28, 1]` of handwritten digits, one-hot classes `[10]`.
///
/// ```no_run
/// use taper_datasets::{Dataset, Mnist};
/// let mnist = Mnist::open("data/mnist")?;
/// assert_eq!(mnist.train().len(), 60_000);
/// assert_eq!(mnist.test().input_shape(), [28, 28, 1]);
/// # Ok::<(), taper_datasets::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Mnist(Splits);

impl Mnist {
    /// Opens the four files in `dir`, raw or gzip. If they are not there but came with the project
    /// (`fixtures/mnist`), they are unpacked into `dir`. See [`catalog::open_at`] for verification and errors.
    ///
    /// # Errors
    /// As [`catalog::open_at`].
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self> {
        catalog::open("mnist", dir).map(Self)
    }

    /// Opens the files in their usual place, `data/mnist` of the workspace.
    ///
    /// # Errors
    /// As [`catalog::open_at`].
    pub fn usual() -> Result<Self> {
        let entry = catalog::find("mnist")?;
        catalog::open_at(entry, &Location::usual(entry)).map(Self)
    }

    /// The 60,000 training images.
    pub fn train(&self) -> &ImageDataset {
        self.0.train()
    }

    /// The 10,000 test images.
    pub fn test(&self) -> &ImageDataset {
        self.0.test()
    }
}
