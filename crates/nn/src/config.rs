//! The small values that layer descriptions share in JSON: pairs of sizes (`3` or `[3, 3]`), `"valid"` and `"same"`,
//! and the reading of a description with a message that names the class.

pub(crate) use crate::setting::elements;
use crate::{Error, Result, setting};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use taper_tensor::{Element, Scalar, Tensor};

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

/// What is added to or cut off an image: `[[top, bottom], [left, right]]`. `2` (on all sides), `[1, 2]` (above and below 1, left
/// and right 2) and `[[1, 0], [2, 3]]` convert into it and are read from JSON, which has the last form.
///
/// ```
/// use taper_nn::Margins;
/// assert_eq!(Margins::from(2), Margins([[2, 2], [2, 2]]));
/// assert_eq!(Margins::from([1, 2]), Margins([[1, 1], [2, 2]]));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "OneOrSides", into = "[[usize; 2]; 2]")]
pub struct Margins(pub [[usize; 2]; 2]);

impl Margins {
    /// The default of what is added.
    pub(crate) fn one() -> Margins {
        Margins::from(1)
    }
}

impl From<usize> for Margins {
    fn from(all: usize) -> Self {
        Margins([[all; 2]; 2])
    }
}

impl From<[usize; 2]> for Margins {
    fn from([height, width]: [usize; 2]) -> Self {
        Margins([[height; 2], [width; 2]])
    }
}

impl From<[[usize; 2]; 2]> for Margins {
    fn from(sides: [[usize; 2]; 2]) -> Self {
        Margins(sides)
    }
}

impl From<Margins> for [[usize; 2]; 2] {
    fn from(margins: Margins) -> Self {
        margins.0
    }
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected a whole number, a pair of them, or two pairs, such as 1, [1, 2] or [[1, 1], [2, 2]]"
)]
enum OneOrSides {
    One(usize),
    Sides([Pair; 2]),
}

impl From<OneOrSides> for Margins {
    fn from(value: OneOrSides) -> Self {
        match value {
            OneOrSides::One(all) => all.into(),
            OneOrSides::Sides([Pair(height), Pair(width)]) => Margins([height, width]),
        }
    }
}

/// A number, or an array of them: `0.5`, `[0.1, 0.2]`, nested as deep as it has axes.
///
/// ```
/// use taper_nn::Values;
/// assert!(Values::from(0.5).shape().is_empty());
/// assert_eq!(Values::from(vec![0.5, 1.0]).shape(), [2]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct Values {
    shape: Vec<usize>,
    values: Vec<f64>,
}

impl Values {
    /// Those of a tensor.
    pub fn from_tensor<E: Element>(tensor: &Tensor<E>) -> Self {
        let values = tensor.to_vec().into_iter().map(Scalar::to_f64);
        Values::listed(tensor.shape().to_vec(), values.collect())
    }

    /// Their shape; one number has none.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// All of them, in row-major order.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// As many values as the shape has.
    pub(crate) fn listed(shape: Vec<usize>, values: Vec<f64>) -> Self {
        Values { shape, values }
    }

    /// The tensor of its shape.
    pub(crate) fn tensor<E: Element>(&self) -> Tensor<E> {
        Tensor::from_fn(&self.shape[..], |i| E::from_f64(self.values[i]))
    }

    /// All are numbers among `E`.
    pub(crate) fn check<E: Element>(&self, name: &str) -> setting::Checked {
        let mut all = self.values.iter();
        let fault = all.find_map(|&value| setting::finite_in::<E>(name, value).err());
        fault.map_or(Ok(()), Err)
    }
}

impl From<f64> for Values {
    fn from(value: f64) -> Self {
        Values::listed(Vec::new(), vec![value])
    }
}

impl From<Vec<f64>> for Values {
    fn from(values: Vec<f64>) -> Self {
        Values::listed(vec![values.len()], values)
    }
}

impl TryFrom<Value> for Values {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let odd = || format!("expected a number or an array of them, found {value}");
        match &value {
            Value::Array(items) => {
                let items: Vec<Values> = items
                    .iter()
                    .map(|item| Values::try_from(item.clone()))
                    .collect::<Result<_, _>>()?;
                let inner = items.first().map_or(&[][..], |first| &first.shape);
                if items.iter().any(|item| item.shape != inner) {
                    return Err(odd());
                }
                Ok(Values {
                    shape: [&[items.len()], inner].concat(),
                    values: items.iter().flat_map(|item| item.values.clone()).collect(),
                })
            }
            value => value.as_f64().map(Values::from).ok_or_else(odd),
        }
    }
}

impl From<Values> for Value {
    fn from(Values { shape, values }: Values) -> Self {
        let Some((&count, inner)) = shape.split_first() else {
            return values[0].into();
        };
        let each: usize = inner.iter().product();
        let item = |i: usize| {
            let values = values[i * each..][..each].to_vec();
            Value::from(Values::listed(inner.to_vec(), values))
        };
        (0..count).map(item).collect()
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
