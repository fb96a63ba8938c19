//! A variant: the few words in which it differs from the base network.

use serde::{Deserialize, Serialize, de, ser::SerializeMap};

/// What a variant changes. Nothing at all makes the baseline.
///
/// The changes concern the layers marked `regularize = true`, or those that `on` names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// How tables and legends call it. Default: its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// A sentence for the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// Names of the layers it changes, instead of those marked `regularize = true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<Vec<String>>,
    /// Penalty on kernels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel_regularizer: Option<Penalty>,
    /// Penalty on biases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias_regularizer: Option<Penalty>,
    /// Penalty on outputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity_regularizer: Option<Penalty>,
    /// Rate of a Dropout layer that is put right behind each of the layers (0 ≤ rate < 1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropout: Option<f64>,
    /// Other options of the layers, such as `{ activation = "tanh" }`.
    #[serde(default, skip_serializing_if = "toml::Table::is_empty")]
    pub set: toml::Table,
    /// Options of the optimizer; with `class_name`, another optimizer.
    #[serde(default, skip_serializing_if = "toml::Table::is_empty")]
    pub optimizer: toml::Table,
    /// Images a step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_size: Option<usize>,
}

/// l1·Σ|w| + l2·Σw², written `{ l2 = 0.01 }`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Penalty {
    /// Factor of Σ|w|.
    #[serde(skip_serializing_if = "is_zero")]
    pub l1: f64,
    /// Factor of Σw².
    #[serde(skip_serializing_if = "is_zero")]
    pub l2: f64,
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

impl Variant {
    pub(super) fn check(&self) -> Result<(), String> {
        let penalties = [
            ("kernel_regularizer", self.kernel_regularizer),
            ("bias_regularizer", self.bias_regularizer),
            ("activity_regularizer", self.activity_regularizer),
        ];
        for (key, penalty) in penalties {
            let Some(Penalty { l1, l2 }) = penalty else {
                continue;
            };
            if ![l1, l2]
                .iter()
                .all(|factor| factor.is_finite() && *factor >= 0.0)
            {
                return Err(format!(
                    "`{key}` has l1 = {l1}, l2 = {l2}; both must be finite and not negative"
                ));
            }
        }
        match self.dropout {
            Some(rate) if !(0.0..1.0).contains(&rate) => Err(format!(
                "`dropout` is {rate}; it is the share that is silenced, at least 0 and below 1"
            )),
            _ if self.batch_size == Some(0) => Err("`batch_size` must be at least 1".into()),
            _ => Ok(()),
        }
    }

    /// Whether it changes anything in the layers.
    #[must_use]
    pub fn changes_layers(&self) -> bool {
        let penalty = self
            .kernel_regularizer
            .or(self.bias_regularizer)
            .or(self.activity_regularizer);
        penalty.is_some() || self.dropout.is_some() || !self.set.is_empty()
    }
}

/// Variants by name, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Variants(Vec<(String, Variant)>);

impl Variants {
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
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, variant) in self.iter() {
            map.serialize_entry(name, variant)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Variants {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> de::Visitor<'de> for InOrder {
            type Value = Variants;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a table of variants, such as `baseline = {}`")
            }
            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Variants, A::Error> {
                let mut variants = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    variants.push(entry);
                }
                Ok(Variants(variants))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}
