//! Floats in JSON, which has no word for NaN and ±∞: one way to write every figure, so that what was written can be read,
//! to the last bit.
//!
//! | value | JSON |
//! | --- | --- |
//! | finite | a number, as ever |
//! | ∞, −∞ | `"Infinity"`, `"-Infinity"` |
//! | [`f64::NAN`], [`f32::NAN`] | `"NaN"` |
//! | any other NaN (its sign and payload differ) | `"NaN:0x"` and its bits: 16 digits of base 16 for f64, 8 for f32 |
//!
//! What has no value is another thing: an [`Option`] that is `None`, which is `null`. Where there is no [`Option`], `null` is
//! read as NaN: earlier versions wrote it for every value that was not finite.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use taper_train::number;
//!
//! #[derive(Serialize, Deserialize)]
//! struct Figures {
//!     #[serde(with = "number")]
//!     loss: f64,
//!     #[serde(with = "number", default)] // may be left out, as other options may
//!     accuracy: Option<f64>,
//! }
//!
//! let json = serde_json::to_string(&Figures { loss: f64::INFINITY, accuracy: None })?;
//! assert_eq!(json, r#"{"loss":"Infinity","accuracy":null}"#);
//! assert_eq!(serde_json::from_str::<Figures>(&json)?.loss, f64::INFINITY);
//! # Ok::<(), serde_json::Error>(())
//! ```

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Unexpected, Visitor},
};
use std::{collections::BTreeMap, fmt, marker::PhantomData};

/// A float that JSON keeps, written as the [module](self) says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Number<F = f64>(pub F);

/// What a field with `#[serde(with = "number")]` may be: a float, and options, lists and maps of floats.
pub trait Figure: Sized + sealed::Figure {}
impl<T: sealed::Figure> Figure for T {}

/// For `#[serde(with = "number")]`.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<T: Figure, S: Serializer>(figure: &T, serializer: S) -> Result<S::Ok, S::Error> {
    figure.written().serialize(serializer)
}

/// For `#[serde(with = "number")]`.
///
/// # Errors
/// What is there is no such figure.
pub fn deserialize<'de, T: Figure, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::Written::deserialize(deserializer).map(T::read)
}

mod sealed {
    use serde::{Serialize, de::DeserializeOwned};

    /// A float and its bits.
    pub trait Float: Copy + Into<f64> + Serialize {
        /// How many bits it has.
        const BITS: u32;
        /// What is written as `"NaN"`.
        const NAN: Self;
        fn bits(self) -> u64;
        fn from_bits(bits: u64) -> Self;
        /// The nearest: exact for what was written from this type.
        fn nearest(value: f64) -> Self;
    }

    pub trait Figure: Sized {
        type Written: Serialize + DeserializeOwned;
        fn written(&self) -> Self::Written;
        fn read(written: Self::Written) -> Self;
    }
}
use sealed::Float;

impl Float for f64 {
    const BITS: u32 = 64;
    const NAN: f64 = f64::NAN;
    fn bits(self) -> u64 {
        self.to_bits()
    }
    fn from_bits(bits: u64) -> f64 {
        f64::from_bits(bits)
    }
    fn nearest(value: f64) -> f64 {
        value
    }
}

impl Float for f32 {
    const BITS: u32 = 32;
    const NAN: f32 = f32::NAN;
    fn bits(self) -> u64 {
        self.to_bits().into()
    }
    fn from_bits(bits: u64) -> f32 {
        f32::from_bits(bits as u32)
    }
    fn nearest(value: f64) -> f32 {
        value as f32
    }
}

impl<F: Float> sealed::Figure for F {
    type Written = Number<F>;
    fn written(&self) -> Number<F> {
        Number(*self)
    }
    fn read(written: Number<F>) -> F {
        written.0
    }
}

impl<T: sealed::Figure> sealed::Figure for Option<T> {
    type Written = Option<T::Written>;
    fn written(&self) -> Self::Written {
        self.as_ref().map(T::written)
    }
    fn read(written: Self::Written) -> Self {
        written.map(T::read)
    }
}

impl<T: sealed::Figure> sealed::Figure for Vec<T> {
    type Written = Vec<T::Written>;
    fn written(&self) -> Self::Written {
        self.iter().map(T::written).collect()
    }
    fn read(written: Self::Written) -> Self {
        written.into_iter().map(T::read).collect()
    }
}

impl<T: sealed::Figure> sealed::Figure for BTreeMap<String, T> {
    type Written = BTreeMap<String, T::Written>;
    fn written(&self) -> Self::Written {
        let entries = self.iter();
        entries.map(|(k, v)| (k.clone(), v.written())).collect()
    }
    fn read(written: Self::Written) -> Self {
        let entries = written.into_iter();
        entries.map(|(k, v)| (k, T::read(v))).collect()
    }
}

impl<F: Float> Serialize for Number<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value: f64 = self.0.into();
        match value {
            _ if value.is_finite() => self.0.serialize(serializer),
            f64::INFINITY => serializer.serialize_str("Infinity"),
            f64::NEG_INFINITY => serializer.serialize_str("-Infinity"),
            _ if self.0.bits() == F::NAN.bits() => serializer.serialize_str("NaN"),
            _ => {
                let digits = F::BITS as usize / 4;
                serializer.collect_str(&format_args!("NaN:0x{:0digits$x}", self.0.bits()))
            }
        }
    }
}

impl<'de, F: Float> Deserialize<'de> for Number<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Read(PhantomData))
    }
}

struct Read<F>(PhantomData<F>);

impl<F: Float> Visitor<'_> for Read<F> {
    type Value = Number<F>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, \"NaN\", \"Infinity\" or \"-Infinity\"")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Number<F>, E> {
        Ok(Number(F::nearest(value)))
    }

    fn visit_f32<E: Error>(self, value: f32) -> Result<Number<F>, E> {
        self.visit_f64(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Number<F>, E> {
        self.visit_f64(value as f64)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Number<F>, E> {
        self.visit_f64(value as f64)
    }

    fn visit_unit<E: Error>(self) -> Result<Number<F>, E> {
        Ok(Number(F::NAN))
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Number<F>, E> {
        let value = match word {
            "NaN" => Some(F::NAN),
            "Infinity" => Some(F::nearest(f64::INFINITY)),
            "-Infinity" => Some(F::nearest(f64::NEG_INFINITY)),
            _ => word.strip_prefix("NaN:0x").and_then(nan),
        };
        let value = value.ok_or_else(|| E::invalid_value(Unexpected::Str(word), &self))?;
        Ok(Number(value))
    }
}

/// The NaN of these bits, all of which must be given.
fn nan<F: Float>(digits: &str) -> Option<F> {
    let all = digits.len() == F::BITS as usize / 4 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let bits = u64::from_str_radix(digits, 16).ok().filter(|_| all)?;
    let value = F::from_bits(bits);
    value.into().is_nan().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round<T: Serialize, U: serde::de::DeserializeOwned>(value: T) -> (String, U) {
        let json = serde_json::to_string(&value).unwrap();
        let back = serde_json::from_str(&json).unwrap();
        (json, back)
    }

    #[test]
    fn every_float_comes_back_with_its_bits() {
        let odd = (0..64).map(|bit| f64::from_bits(f64::NAN.to_bits() | 1 << bit));
        // What a diverged training has on x86: the NaN of ∞ − ∞ has a sign.
        let signs = [-f64::NAN, f64::from_bits(0x7ff0_0000_0000_0001), -0.0, 0.0];
        let values = [
            1e-320,
            3.0,
            0.1 + 0.2,
            f64::MAX,
            f64::INFINITY,
            -f64::INFINITY,
        ];
        let grown = (0..5000_u64).map(|i| f64::from_bits(i.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        for value in odd.chain(signs).chain(values).chain(grown) {
            let (json, back) = round::<_, Number>(Number(value));
            assert_eq!(back.0.to_bits(), value.to_bits(), "{json}");
            assert_eq!(value.is_finite(), !json.starts_with('"'), "{json}");
        }
        for bits in (0..=u32::MAX)
            .step_by(65_521)
            .chain([0x7fc0_0000, 0xffc0_0000, 0x7f80_0001])
        {
            let value = f32::from_bits(bits);
            let (json, back) = round::<_, Number<f32>>(Number(value));
            assert_eq!(back.0.to_bits(), bits, "{json}");
        }
    }

    #[test]
    fn finite_numbers_are_written_as_they_always_were() {
        for value in [0.1, 1.0, -0.0, 1e300, 5e-324] {
            let written = serde_json::to_string(&Number(value)).unwrap();
            assert_eq!(written, serde_json::to_string(&value).unwrap());
        }
        assert_eq!(serde_json::to_string(&Number(0.1_f32)).unwrap(), "0.1");
    }

    #[test]
    fn what_is_no_such_number_is_refused() {
        let read = serde_json::from_str::<Number>;
        assert!(
            read("null").unwrap().0.is_nan(),
            "as earlier versions wrote"
        );
        assert_eq!(read("7").unwrap().0, 7.0);
        for wrong in [
            "\"many\"",
            "\"NaN:0x\"",
            "\"NaN:0x3ff0000000000000\"",
            "\"NaN:0x7ff8\"",
            "\"NaN:0x+ff8000000000001\"",
            "\"NaN:0x7ff80000000000011\"",
            "\"NaN:0x7fc00001\"",
            "true",
            "[]",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[derive(Debug, Serialize, Deserialize)]
    struct All {
        #[serde(with = "super")]
        one: f64,
        #[serde(with = "super")]
        small: f32,
        #[serde(with = "super", default)]
        perhaps: Option<f64>,
        #[serde(with = "super")]
        list: Vec<Option<f64>>,
        #[serde(with = "super")]
        named: BTreeMap<String, f32>,
    }

    #[test]
    fn options_lists_and_maps_are_kept_and_none_is_not_nan() {
        let all = All {
            one: f64::NAN,
            small: -f32::NAN,
            perhaps: Some(f64::NAN),
            list: vec![None, Some(-f64::INFINITY), Some(0.5)],
            named: BTreeMap::from([("a".to_owned(), f32::INFINITY)]),
        };
        let (json, back) = round::<_, All>(all);
        let wanted = r#"{"one":"NaN","small":"NaN:0xffc00000","perhaps":"NaN","list":[null,"-Infinity",0.5],"named":{"a":"Infinity"}}"#;
        assert_eq!(json, wanted);
        assert!(back.perhaps.unwrap().is_nan() && back.list[0].is_none());
        assert_eq!(serde_json::to_string(&back).unwrap(), wanted);
        let left_out = r#"{"one":1,"small":null,"list":[],"named":{}}"#;
        let back: All = serde_json::from_str(left_out).unwrap();
        assert!(back.small.is_nan() && back.perhaps.is_none());
    }
}
