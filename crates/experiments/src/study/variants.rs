//! A variant: the few words in which it differs from the base network.

use std::collections::HashSet;

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::network::Network;
use super::options::{Options, Part, Place};
use super::reading::{check_name, optional};
use super::wrong::Wrong;

/// What a variant changes. Nothing at all makes the baseline.
///
/// The changes concern the layers marked `regularize = true`, or those that `on` names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Variant {
    /// How tables and legends call it. Default: its name.
    pub label: Option<String>,
    /// A sentence for the report.
    pub about: Option<String>,
    /// Names of the layers it changes, instead of those marked `regularize = true`.
    pub on: Option<Vec<String>>,
    /// Its [options](super::options).
    pub options: Options,
}

/// Keys of a variant that are no options.
const KEYS: [&str; 3] = ["label", "about", "on"];

impl Variant {
    fn read(table: &toml::Table) -> Result<Variant, Wrong> {
        Ok(Variant {
            label: optional(table, "label")?,
            about: optional(table, "about")?,
            on: optional(table, "on")?,
            options: Options::read(table, Place::Variant, &KEYS)?,
        })
    }

    /// Whether it changes anything in the layers.
    #[must_use]
    pub fn changes_layers(&self) -> bool {
        let mut options = self.options.iter();
        options.any(|given| given.row().part == Part::Layers)
    }

    /// Which layers it changes, one flag a layer.
    pub(super) fn selected(&self, network: &Network) -> Result<Vec<bool>, Wrong> {
        let layers = network.layers.iter();
        let Some(names) = &self.on else {
            let marked: Vec<bool> = layers.map(|layer| layer.regularize).collect();
            if self.changes_layers() && !marked.contains(&true) {
                let message = "it changes layers, but none is marked; write `regularize = true` in the layers of \
                               `network.layers` that variants concern, or name layers with `on = [\"…\"]`";
                return Err(Wrong::at(&[], message));
            }
            return Ok(marked);
        };
        let known = layers.clone().filter_map(|layer| layer.name.as_deref());
        let set: HashSet<&str> = known.clone().collect();
        if let Some(stranger) = names.iter().find(|name| !set.contains(name.as_str())) {
            let known: Vec<&str> = known.collect();
            let known = if known.is_empty() {
                "no layer has a `name`".to_owned()
            } else {
                format!("named layers are: {}", known.join(", "))
            };
            let message = format!("there is no layer `{stranger}`; {known}");
            return Err(Wrong::at(&["on"], message));
        }
        let names: HashSet<&String> = names.iter().collect();
        let is_named = |name: &Option<String>| name.as_ref().is_some_and(|n| names.contains(n));
        Ok(layers.map(|layer| is_named(&layer.name)).collect())
    }
}

impl Serialize for Variant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, text) in [("label", &self.label), ("about", &self.about)] {
            if let Some(text) = text {
                map.serialize_entry(key, text)?;
            }
        }
        if let Some(on) = &self.on {
            map.serialize_entry("on", on)?;
        }
        for given in self.options.iter() {
            map.serialize_entry(given.row().key, given)?;
        }
        map.end()
    }
}

/// Variants by name, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Variants(Vec<(String, Variant)>);

impl Variants {
    /// Reads the table of variants.
    pub(super) fn read(table: &toml::Table) -> Result<Variants, Wrong> {
        let mut variants = Vec::new();
        for (name, value) in table {
            check_name(name).map_err(|message| Wrong::at(&[name], message))?;
            let Some(table) = value.as_table() else {
                let message = format!("{value} is no variant, which is a table such as `{{}}`");
                return Err(Wrong::at(&[name], message));
            };
            let variant = Variant::read(table).map_err(|wrong| wrong.below(&[name]))?;
            variants.push((name.clone(), variant));
        }
        Ok(Variants(variants))
    }

    /// Name and variant, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Variant)> + Clone {
        self.0
            .iter()
            .map(|(name, variant)| (name.as_str(), variant))
    }

    /// The variant of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Variant> {
        self.iter()
            .find(|(own, _)| *own == name)
            .map(|(_, variant)| variant)
    }

    /// How tables and legends call it.
    #[must_use]
    pub fn label<'a>(&'a self, name: &'a str) -> &'a str {
        self.get(name)
            .and_then(|variant| variant.label.as_deref())
            .unwrap_or(name)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Only these, in this order.
    pub(super) fn only(&self, names: &[String]) -> Result<Variants, String> {
        let mut chosen = Variants::default();
        for name in names {
            let variant = self.get(name).ok_or_else(|| {
                format!(
                    "there is no variant `{name}`; there are: {}",
                    self.names().join(", ")
                )
            })?;
            if chosen.get(name).is_none() {
                chosen.0.push((name.clone(), variant.clone()));
            }
        }
        Ok(chosen)
    }

    fn names(&self) -> Vec<&str> {
        self.iter().map(|(name, _)| name).collect()
    }
}

impl FromIterator<(String, Variant)> for Variants {
    fn from_iter<I: IntoIterator<Item = (String, Variant)>>(items: I) -> Self {
        Variants(items.into_iter().collect())
    }
}

impl Serialize for Variants {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, variant) in self.iter() {
            map.serialize_entry(name, variant)?;
        }
        map.end()
    }
}
