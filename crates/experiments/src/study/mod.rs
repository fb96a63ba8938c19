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

mod network;
pub mod options;
mod overrides;
mod plan;
mod reading;
mod variants;
mod wrong;

use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::SerializeMap};
use serde_json::Value;
use taper_nn::Model;
use taper_tensor::Seed;

use crate::{Error, Result};
pub use network::{LayerSpec, Network};
use options::{Options, Part, Place};
pub use overrides::Overrides;
pub use plan::{LossSpec, Optimizer, Plan, PlannedLayer};
use reading::{check_name, optional, required};
pub use variants::{Variant, Variants};
use wrong::Wrong;

/// The study that `cargo xtask train` runs when none is named.
pub const REGULARIZATION: &str = include_str!("../../studies/regularization.toml");

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

/// Keys of a study that are no options.
const KEYS: [&str; 6] = ["name", "title", "about", "dataset", "network", "variants"];

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
        // What is no TOML, or no layer, is found by the parser with line and column.
        let located = |error: toml::de::Error| fail(error.to_string().trim_end().to_owned());
        let table: toml::Table = toml::from_str(text).map_err(located)?;
        if table.contains_key("network") {
            toml::from_str::<NetworkOnly>(text).map_err(located)?;
        }
        Study::read(&table).map_err(|wrong| fail(wrong.in_file(text)))
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

    /// The optimizer of a variant: class name and options.
    ///
    /// # Errors
    /// No such variant.
    pub fn optimizer_of(&self, variant: &str) -> Result<(String, Value)> {
        let optimizer = self.plan(variant)?.optimizer;
        let config = optimizer.config();
        Ok((optimizer.class_name, config))
    }

    /// Images a step of a variant.
    ///
    /// # Errors
    /// No such variant.
    pub fn batch_size_of(&self, variant: &str) -> Result<usize> {
        Ok(self.plan(variant)?.batch_size)
    }

    fn read(table: &toml::Table) -> Result<Study, Wrong> {
        // First, so that a misspelt key is told of before the one that is missing for it.
        let options = Options::read(table, Place::Study, &KEYS)?;
        let network = required(table, "network")?;
        let variants: toml::Table = required(table, "variants")?;
        let mut study = Study {
            name: required(table, "name")?,
            title: optional(table, "title")?.unwrap_or_default(),
            about: optional(table, "about")?.unwrap_or_default(),
            dataset: required(table, "dataset")?,
            options,
            variants: Variants::read(&variants).map_err(|wrong| wrong.below(&["variants"]))?,
            base: Plan::new(&network),
            network,
        };
        study.check()?;
        Ok(study)
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
        for (name, variant) in self.variants.iter() {
            let plan = self.plan_with(variant);
            plan.map_err(|wrong| wrong.below(&["variants", name]))?;
        }
        Ok(())
    }

    fn plan_with(&self, variant: &Variant) -> Result<Plan, Wrong> {
        let mut plan = self.base.clone();
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

/// A study of which only the network is looked at.
#[derive(Deserialize)]
struct NetworkOnly {
    #[serde(rename = "network")]
    _network: Network,
}

/// The images beside the data set, tables last, as TOML wants them.
impl Serialize for Study {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &self.name)?;
        for (key, text) in [("title", &self.title), ("about", &self.about)] {
            if !text.is_empty() {
                map.serialize_entry(key, text)?;
            }
        }
        map.serialize_entry("dataset", &self.dataset)?;
        let mut options: Vec<_> = self.options.iter().collect();
        options.sort_by_key(|given| (given.row().part != Part::Data, given.value().is_table()));
        for given in options {
            map.serialize_entry(given.row().key, given)?;
        }
        map.serialize_entry("network", &self.network)?;
        map.serialize_entry("variants", &self.variants)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Study {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let table = toml::Table::deserialize(deserializer)?;
        Study::read(&table).map_err(D::Error::custom)
    }
}
