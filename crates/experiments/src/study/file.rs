//! A study as a file: read with what is wrong told by its line, and written as it was read.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::SerializeMap};

use super::Study;
use super::network::Network;
use super::options::{Options, Part, Place};
use super::plan::Plan;
use super::reading::{optional, required};
use super::variants::Variants;
use super::wrong::Wrong;
use crate::{Error, Result};

/// Keys of a study that are no options.
const KEYS: [&str; 6] = ["name", "title", "about", "dataset", "network", "variants"];

impl Study {
    /// Reads a study file of at most [`MAX_BYTES`](Study::MAX_BYTES).
    ///
    /// # Errors
    /// A file that cannot be read, or that is no study: the message has file, line, key and what is allowed.
    pub fn load(path: impl AsRef<Path>) -> Result<Study> {
        let path = path.as_ref();
        let (file, mut text) = (File::open(path), String::new());
        // Devices and pipes may have no end.
        let read = file.and_then(|file| file.take(Study::MAX_BYTES + 1).read_to_string(&mut text));
        if text.len() as u64 > Study::MAX_BYTES
            || read.as_ref().is_ok_and(|n| *n as u64 > Study::MAX_BYTES)
        {
            return Err(Error::Study {
                origin: path.display().to_string(),
                message: format!(
                    "it has more than {} bytes, the most that a study file has",
                    Study::MAX_BYTES
                ),
            });
        }
        read.map_err(Error::io("reading", path))?;
        Study::parse(&path.display().to_string(), &text)
    }

    /// The longest study that is read, in bytes: 128 KiB. It stands for all that is read of one: a TOML file takes up to two
    /// hundred times its length in memory (`[0, 0, …]`), and a few of its words stand for as much again in every layer.
    pub const MAX_BYTES: u64 = 1 << 17;

    /// Reads a study from TOML; `origin` names it in error messages.
    ///
    /// # Errors
    /// As [`Study::load`]; a text of more than [`MAX_BYTES`](Study::MAX_BYTES).
    pub fn parse(origin: &str, text: &str) -> Result<Study> {
        let fail = |message: String| Error::Study {
            origin: origin.to_owned(),
            message,
        };
        short_enough(text).map_err(fail)?;
        // What is no TOML, or no layer, is found by the parser with line and column.
        let located = |error: toml::de::Error| fail(error.to_string().trim_end().to_owned());
        let table: toml::Table = toml::from_str(text).map_err(located)?;
        if table.contains_key("network") {
            toml::from_str::<NetworkOnly>(text).map_err(located)?;
        }
        Study::read(&table).map_err(|wrong| fail(wrong.in_file(text)))
    }

    /// As TOML; what a run folder keeps as `study.toml`.
    ///
    /// # Errors
    /// A value that TOML cannot hold (a seed above 2⁶³ − 1); more than 128 KiB, which could not be read again.
    pub fn to_toml(&self) -> Result<String> {
        let fail = |message: String| Error::Study {
            origin: self.name.clone(),
            message,
        };
        let text = toml::to_string_pretty(self).map_err(|error| fail(error.to_string()))?;
        short_enough(&text).map_err(fail)?;
        Ok(text)
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
}

fn short_enough(text: &str) -> std::result::Result<(), String> {
    let count = text.len();
    match count as u64 <= Study::MAX_BYTES {
        true => Ok(()),
        false => Err(format!(
            "as TOML it has {count} bytes, more than the {} that a study may have",
            Study::MAX_BYTES
        )),
    }
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
