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

mod file;
mod network;
pub mod options;
mod overrides;
mod plan;
mod reading;
mod variants;
mod wrong;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use taper_nn::Model;
use taper_tensor::Seed;

use crate::{Error, Result};
pub use network::{LayerSpec, Network};
use options::Options;
pub use overrides::Overrides;
pub use plan::{LossSpec, Optimizer, Plan, PlannedLayer};
use reading::check_name;
pub use variants::{Variant, Variants};
use wrong::Wrong;

/// The study that `cargo xtask train` runs when none is named.
pub const REGULARIZATION: &str = include_str!("../../studies/regularization.toml");

/// The layers of all variants together.
const MOST_LAYERS_OF_ALL: usize = 500_000;
/// The trainings of a study: as many as [`Study::jobs`] lists.
const MOST_TRAININGS: usize = 100_000;

/// A study: what is trained, on what, how, and in which variants.
#[derive(Clone, Debug, PartialEq)]
pub struct Study {
    /// Short name; the run folder is called after it. Letters, digits, `-` and `_`.
    pub name: String,
    /// Headline of the report. Default: the name.
    pub title: String,
    /// A sentence or two under the headline.
    pub about: String,
    /// A data set of the catalog (`taper data list`).
    pub dataset: String,
    /// The base network.
    pub network: Network,
    /// What is compared, in this order.
    pub variants: Variants,
    options: Options,
    /// What `options` come to.
    base: Plan,
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

impl Study {
    /// The bundled study of regularization on MNIST.
    #[must_use]
    pub fn regularization() -> Study {
        Study::parse("regularization (bundled)", REGULARIZATION)
            .expect("a test parses the bundled study")
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
        self.base.seeds.iter().flat_map(of_seed).collect()
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

    /// The [options] that hold for all variants that do not say otherwise.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// What these options come to, without any variant.
    #[must_use]
    pub fn base(&self) -> &Plan {
        &self.base
    }

    /// How a variant is trained.
    ///
    /// # Errors
    /// No such variant.
    pub fn plan(&self, variant: &str) -> Result<Plan> {
        let changes = self.variants.get(variant);
        let changes = changes.ok_or_else(|| self.fail(variant, "there is no such variant"))?;
        let plan = self.plan_with(changes);
        plan.map_err(|wrong| self.fail(variant, wrong))
    }

    /// The network of a variant: `{"class_name": "Sequential", "config": {"input_shape": …, "layers": […]}}`.
    ///
    /// # Errors
    /// No such variant.
    pub fn network_of(&self, variant: &str) -> Result<Value> {
        Ok(self.plan(variant)?.network())
    }

    /// Builds the network of a variant with fresh weights.
    ///
    /// # Errors
    /// No such variant, or a layer that does not exist or does not fit; the message has the variant.
    pub fn build(&self, variant: &str, seed: Seed) -> Result<Model> {
        let network = self.network_of(variant)?;
        Model::from_config(&network, seed).map_err(|error| self.fail(variant, error))
    }

    /// What is wrong although every value by itself is right.
    fn check(&mut self) -> Result<(), Wrong> {
        check_name(&self.name).map_err(|message| Wrong::at(&["name"], message))?;
        self.network.check()?;
        self.base = Plan::new(&self.network);
        apply(&self.options, &mut self.base)?;
        if self.variants.is_empty() {
            let message =
                "it is empty; a study of one variant is `[variants]` with `baseline = {}`";
            return Err(Wrong::at(&["variants"], message));
        }
        self.check_size()?;
        for (name, variant) in self.variants.iter() {
            let plan = self.plan_with(variant);
            plan.map_err(|wrong| wrong.below(&["variants", name]))?;
        }
        Ok(())
    }

    /// A few words in a file must not stand for more than a machine can hold.
    fn check_size(&self) -> Result<(), Wrong> {
        let (variants, layers) = (self.variants.len(), self.network.layers.len());
        let trainings = variants.saturating_mul(self.base.seeds.len());
        if variants.saturating_mul(layers) > MOST_LAYERS_OF_ALL {
            let message = format!(
                "there are {variants}, of {layers} layers each; all together may have {MOST_LAYERS_OF_ALL}"
            );
            return Err(Wrong::at(&["variants"], message));
        }
        if trainings > MOST_TRAININGS {
            let message = format!(
                "there are {trainings} trainings (variants times seeds), more than the {MOST_TRAININGS} allowed"
            );
            return Err(Wrong::at(&["seeds"], message));
        }
        Ok(())
    }

    fn plan_with(&self, variant: &Variant) -> Result<Plan, Wrong> {
        let mut plan = Plan::new(&self.network);
        apply(&self.options, &mut plan)?;
        plan.select(&variant.selected(&self.network)?);
        apply(&variant.options, &mut plan)?;
        Ok(plan)
    }

    fn fail(&self, variant: &str, message: impl std::fmt::Display) -> Error {
        Error::Study {
            origin: self.name.clone(),
            message: format!("`variants.{variant}`: {message}"),
        }
    }
}

fn apply(options: &Options, plan: &mut Plan) -> Result<(), Wrong> {
    options.iter().try_for_each(|given| {
        let applied = given.setting().apply(plan);
        applied.map_err(|message| Wrong::at(&[given.row().key], message))
    })
}
