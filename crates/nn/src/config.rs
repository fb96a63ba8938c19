//! The small values that layer descriptions share in JSON: pairs of sizes (`3` or `[3, 3]`), `"valid"` and `"same"`,
//! and the reading of a description with a message that names the class.

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

impl Pair {
    /// The default of strides and dilation rates.
    pub(crate) fn one() -> Pair {
        Pair([1, 1])
    }

    /// The default of pool sizes.
    pub(crate) fn two() -> Pair {
        Pair([2, 2])
    }
}

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

/// One size or several, such as the features of an output. `3`, `[3, 5]` and a `Vec` convert into it; JSON has `3` or
/// `[3, 5]`.
///
/// ```
/// use taper_nn::Sizes;
/// assert_eq!(Sizes::from(3), Sizes(vec![3]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "OneOrMore", into = "Vec<usize>")]
pub struct Sizes(pub Vec<usize>);

impl From<usize> for Sizes {
    fn from(size: usize) -> Self {
        Sizes(vec![size])
    }
}

impl<const N: usize> From<[usize; N]> for Sizes {
    fn from(sizes: [usize; N]) -> Self {
        Sizes(sizes.to_vec())
    }
}

impl From<Vec<usize>> for Sizes {
    fn from(sizes: Vec<usize>) -> Self {
        Sizes(sizes)
    }
}

impl From<Sizes> for Vec<usize> {
    fn from(sizes: Sizes) -> Self {
        sizes.0
    }
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected a whole number or a list of them, such as 3 or [3, 5]"
)]
enum OneOrMore {
    One(usize),
    More(Vec<usize>),
}

impl From<OneOrMore> for Sizes {
    fn from(value: OneOrMore) -> Self {
        match value {
            OneOrMore::One(size) => size.into(),
            OneOrMore::More(sizes) => Sizes(sizes),
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
    }

    pub(crate) fn serialize<S: Serializer>(
        padding: &Padding,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match padding {
            Padding::Valid => Word::Valid,
            Padding::Same => Word::Same,
        }
        .serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Padding, D::Error> {
        Ok(match Word::deserialize(deserializer)? {
            Word::Valid => Padding::Valid,
            Word::Same => Padding::Same,
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

/// `yes` for the default of a serde field.
pub(crate) fn yes() -> bool {
    true
}
