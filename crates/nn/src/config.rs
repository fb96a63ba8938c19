//! The small values that layer descriptions share in JSON: one size (`3` or `[3]`), pairs of them (`3` or `[3, 3]`), `"valid"`
//! and its kin, and the reading of a description with a message that names the class.

pub(crate) use crate::setting::elements;
use crate::{Error, Result, setting};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Height and width. `3`, `[3, 5]` and `(3, 5)` convert into it; JSON has `3` or `[3, 5]`.
///
/// ```
/// use taper_nn::Pair;
/// assert_eq!(Pair::from(3), Pair([3, 3]));
/// assert_eq!(Pair::from((3, 5)), Pair([3, 5]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "OneOrTwo", into = "[usize; 2]")]
pub struct Pair(pub [usize; 2]);

impl From<usize> for Pair {
    fn from(side: usize) -> Self {
        Pair([side, side])
    }
}

impl From<[usize; 2]> for Pair {
    fn from(sides: [usize; 2]) -> Self {
        Pair(sides)
    }
}

impl From<(usize, usize)> for Pair {
    fn from((height, width): (usize, usize)) -> Self {
        Pair([height, width])
    }
}

impl From<Pair> for [usize; 2] {
    fn from(pair: Pair) -> Self {
        pair.0
    }
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected a whole number or a pair of them, such as 3 or [3, 3]"
)]
enum OneOrTwo {
    One(usize),
    Two([usize; 2]),
}

impl From<OneOrTwo> for Pair {
    fn from(value: OneOrTwo) -> Self {
        match value {
            OneOrTwo::One(side) => side.into(),
            OneOrTwo::Two(sides) => Pair(sides),
        }
    }
}

/// A length along the one axis of a sequence. `3` converts into it; JSON has `3`, and `[3]` is read too, as Keras writes it.
///
/// ```
/// use taper_nn::Single;
/// assert_eq!(Single::from(3), Single(3));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "OneOrListed", into = "usize")]
pub struct Single(pub usize);

impl From<usize> for Single {
    fn from(length: usize) -> Self {
        Single(length)
    }
}

impl From<Single> for usize {
    fn from(length: Single) -> Self {
        length.0
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a whole number, such as 3 or [3]")]
enum OneOrListed {
    One(usize),
    Listed([usize; 1]),
}

impl From<OneOrListed> for Single {
    fn from(value: OneOrListed) -> Self {
        match value {
            OneOrListed::One(length) | OneOrListed::Listed([length]) => Single(length),
        }
    }
}

/// `#[serde(with = "padding")]`: Keras's words for [`taper_tensor::Padding`].
pub(crate) mod padding {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use taper_tensor::Padding;

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Word {
        Valid,
        Same,
        Causal,
    }

    pub(crate) fn serialize<S: Serializer>(
        padding: &Padding,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match padding {
            Padding::Valid => Word::Valid,
            Padding::Same => Word::Same,
            Padding::Causal => Word::Causal,
        }
        .serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Padding, D::Error> {
        Ok(match Word::deserialize(deserializer)? {
            Word::Valid => Padding::Valid,
            Word::Same => Padding::Same,
            Word::Causal => Padding::Causal,
        })
    }
}

/// Reads the description of a `class_name`; no description (`null`) is one without entries.
pub(crate) fn parse<T: DeserializeOwned>(class_name: &str, config: &Value) -> Result<T> {
    let config = if config.is_null() {
        Value::Object(Default::default())
    } else {
        config.clone()
    };
    setting::read(config).map_err(|error| Error::Config(format!("{class_name}: {error}")))
}

/// Writes a description. Plain structs of numbers and words always have a JSON form.
pub(crate) fn unparse(description: &impl Serialize) -> Value {
    serde_json::to_value(description).expect("a description of numbers and words has a JSON form")
}

/// 1 for the default of a serde field.
pub(crate) fn one() -> usize {
    1
}

/// `yes` for the default of a serde field.
pub(crate) fn yes() -> bool {
    true
}
