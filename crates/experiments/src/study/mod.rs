//! A study as data: one network, and variants that each say in a line what they change.
//!
//! ```
//! use taper_experiments::study::Study;
//!
//! let study = Study::parse("example", r#"
//!     name = "example"
//!     dataset = "mnist"
//!     epochs = 2
//!     batch_size = 64
//!     seeds = [0, 1]
//!     [optimizer]
//!     class_name = "Adam"
//!     [network]
//!     input_shape = [28, 28, 1]
//!     layers = [
//!         { layer = "Flatten" },
//!         { layer = "Dense", units = 32, activation = "relu", regularize = true },
//!         { layer = "Dense", units = 10, activation = "softmax" },
//!     ]
//!     [variants]
//!     plain   = {}
//!     dropout = { dropout = 0.5 }
//! "#)?;
//! assert_eq!(study.jobs().len(), 4);                       // two variants, two seeds
//! let network = study.network_of("dropout")?;              // what `Model::from_config` reads
//! assert_eq!(network["config"]["layers"][2]["class_name"], "Dropout");
//! # Ok::<(), taper_experiments::Error>(())
//! ```

mod resolve;
mod variants;

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};
pub use variants::{Penalty, Variant, Variants};

/// The study that `cargo xtask train` runs when none is named.
pub const REGULARIZATION: &str = include_str!("../../studies/regularization.toml");

/// A study: what is trained, on what, how, and in which variants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Study {
    /// Short name; the run folder is called after it. Letters, digits, `-` and `_`.
    pub name: String,
    /// Headline of the report. Default: the name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// A sentence or two under the headline.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// A data set of the catalog (`taper data list`).
    pub dataset: String,
    /// Train on the first so many training images only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_size: Option<usize>,
    /// Validate on the first so many test images only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_size: Option<usize>,
    /// Name of the loss, as Keras spells it. Default: `categorical_crossentropy`.
    #[serde(default = "default_loss")]
    pub loss: String,
    /// Passes over the training images.
    pub epochs: u64,
    /// Images a step.
    pub batch_size: usize,
    /// Every variant is trained once for each seed.
    pub seeds: Vec<u64>,
    /// The optimizer of all variants that do not change it.
    pub optimizer: Optimizer,
    /// The base network.
    pub network: Network,
    /// What is compared, in this order.
    pub variants: Variants,
}

/// An optimizer by its Keras class name, with its options beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Optimizer {
    /// `Adam`, `AdamW`, `SGD`, …
    pub class_name: String,
    /// Keras's options, such as `learning_rate`; those not named have Keras's defaults.
    #[serde(flatten)]
    pub options: toml::Table,
}

/// The layers of the base network, first to last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Shape of one image, without the batch axis.
    pub input_shape: Vec<usize>,
    /// The layers.
    pub layers: Vec<LayerSpec>,
}

/// One layer in Keras's words, such as `{ layer = "Dense", units = 128, activation = "relu" }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerSpec {
    /// Class name of the layer.
    pub layer: String,
    /// A name by which a variant's `on` can point at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether variants apply to it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub regularize: bool,
    /// Keras's options of the layer.
    #[serde(flatten)]
    pub options: toml::Table,
}

/// One training of one variant with one seed: independent of every other job.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Job {
    /// Name of the variant.
    pub variant: String,
    /// Seed of initial weights, shuffling and dropout.
    pub seed: u64,
}

impl std::fmt::Display for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (seed {})", self.variant, self.seed)
    }
}

/// What the command line changes in a study. `None` leaves the study's own.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Only these variants, in this order.
    pub variants: Option<Vec<String>>,
    /// Passes over the training images.
    pub epochs: Option<u64>,
    /// Images a step.
    pub batch_size: Option<usize>,
    /// Seeds.
    pub seeds: Option<Vec<u64>>,
    /// First so many training images.
    pub train_size: Option<usize>,
    /// First so many test images.
    pub test_size: Option<usize>,
    /// 6,000 + 1,000 images and 2 epochs, unless one of the fields above says otherwise.
    pub quick: bool,
}

fn default_loss() -> String {
    "categorical_crossentropy".to_owned()
}

impl Study {
    /// Reads a study file.
    ///
    /// # Errors
    /// A file that cannot be read, or that is no study: the message has file, line, key and what is allowed.
    pub fn load(path: impl AsRef<Path>) -> Result<Study> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(Error::io("reading", path))?;
        Study::parse(&path.display().to_string(), &text)
    }

    /// Reads a study from TOML; `origin` names it in error messages.
    ///
    /// # Errors
    /// As [`Study::load`].
    pub fn parse(origin: &str, text: &str) -> Result<Study> {
        let fail = |message: String| Error::Study {
            origin: origin.to_owned(),
            message,
        };
        let study: Study =
            toml::from_str(text).map_err(|error| fail(error.to_string().trim_end().to_owned()))?;
        study.check().map_err(fail)?;
        Ok(study)
    }

    /// The bundled study of regularization on MNIST.
    #[must_use]
    pub fn regularization() -> Study {
        Study::parse("regularization (bundled)", REGULARIZATION)
            .expect("a test parses the bundled study")
    }

    /// As TOML; what a run folder keeps as `study.toml`.
    ///
    /// # Errors
    /// A value that TOML cannot hold (a seed above 2⁶³ − 1).
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string_pretty(self).map_err(|error| Error::Study {
            origin: self.name.clone(),
            message: error.to_string(),
        })
    }

    /// The study with what the command line changes.
    ///
    /// # Errors
    /// Unknown variants (the message lists those there are), and values that make no sense, such as 0 epochs.
    pub fn with(mut self, changes: &Overrides) -> Result<Study> {
        let fail = |study: &Study, message: String| Error::Study {
            origin: study.name.clone(),
            message,
        };
        if changes.quick {
            self.train_size = Some(self.train_size.unwrap_or(usize::MAX).min(6_000));
            self.test_size = Some(self.test_size.unwrap_or(usize::MAX).min(1_000));
            self.epochs = self.epochs.min(2);
        }
        if let Some(names) = &changes.variants {
            self.variants = self
                .variants
                .only(names)
                .map_err(|message| fail(&self, message))?;
        }
        self.epochs = changes.epochs.unwrap_or(self.epochs);
        self.batch_size = changes.batch_size.unwrap_or(self.batch_size);
        self.train_size = changes.train_size.or(self.train_size);
        self.test_size = changes.test_size.or(self.test_size);
        if let Some(seeds) = &changes.seeds {
            self.seeds.clone_from(seeds);
        }
        self.check().map_err(|message| fail(&self, message))?;
        Ok(self)
    }

    /// Every variant with every seed: first all variants of the first seed, so that a comparison is there early.
    #[must_use]
    pub fn jobs(&self) -> Vec<Job> {
        let of_seed = |&seed: &u64| {
            self.variants
                .iter()
                .map(move |(name, _)| Job {
                    variant: name.to_owned(),
                    seed,
                })
                .collect::<Vec<_>>()
        };
        self.seeds.iter().flat_map(of_seed).collect()
    }

    /// Headline: the title, or the name where there is none.
    #[must_use]
    pub fn headline(&self) -> &str {
        if self.title.is_empty() {
            &self.name
        } else {
            &self.title
        }
    }

    /// What no type can say. `Err` is a message without the file.
    fn check(&self) -> Result<(), String> {
        check_name("name", &self.name)?;
        if self.epochs == 0 {
            return Err("`epochs` must be at least 1".into());
        }
        if self.batch_size == 0 {
            return Err("`batch_size` must be at least 1".into());
        }
        if self.train_size == Some(0) || self.test_size == Some(0) {
            return Err(
                "`train_size` and `test_size` must be at least 1 (leave them out for all images)"
                    .into(),
            );
        }
        if self.seeds.is_empty() {
            return Err("`seeds` is empty; one seed, as in `seeds = [0]`, is enough".into());
        }
        if let Some(twice) = first_duplicate(self.seeds.iter()) {
            return Err(format!("`seeds` has {twice} twice"));
        }
        if let Some(&large) = self.seeds.iter().find(|&&seed| seed > i64::MAX as u64) {
            return Err(format!(
                "seed {large} is too large; the largest is {}",
                i64::MAX
            ));
        }
        if self.network.layers.is_empty() {
            return Err("`network.layers` is empty".into());
        }
        if self.network.input_shape.is_empty() || self.network.input_shape.contains(&0) {
            return Err(
                "`network.input_shape` needs at least one dimension, and none may be 0".into(),
            );
        }
        if let Some(twice) = first_duplicate(
            self.network
                .layers
                .iter()
                .filter_map(|layer| layer.name.as_ref()),
        ) {
            return Err(format!("`network.layers`: two layers are named `{twice}`"));
        }
        if self.variants.is_empty() {
            return Err(
                "`variants` is empty; a study of one variant is `[variants]` with `baseline = {}`"
                    .into(),
            );
        }
        for (name, variant) in self.variants.iter() {
            check_name("variants", name)?;
            variant
                .check()
                .map_err(|message| format!("`variants.{name}`: {message}"))?;
            self.selected(variant)
                .map_err(|message| format!("`variants.{name}`: {message}"))?;
        }
        Ok(())
    }
}

/// Names become folders, so they are kept plain.
fn check_name(key: &str, name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
        return Err(format!(
            "`{key}`: `{name}` is no name; use up to 64 letters, digits, `-` and `_`"
        ));
    }
    Ok(())
}

fn first_duplicate<T: PartialEq>(items: impl Iterator<Item = T> + Clone) -> Option<T> {
    items
        .clone()
        .enumerate()
        .find(|(i, item)| items.clone().take(*i).any(|before| before == *item))
        .map(|found| found.1)
}
