//! Initializers by name: `"he_normal"`, `{"orthogonal": {"gain": 2}}`, and the way Keras writes them.

use super::{Distribution, Fan, Initializer, all};
use crate::setting;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

impl<'de> Deserialize<'de> for Initializer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let named = setting::named(
            &value,
            "an initializer",
            r#""he_normal" or {"constant": 0.1}"#,
        )
        .and_then(|(name, settings)| named(&name, settings));
        named.map_err(D::Error::custom)
    }
}

/// Settings over Keras's defaults. `seed` is Keras's: here it is that of the model.
fn named(name: &str, settings: Value) -> Result<Initializer, String> {
    let rows = all();
    let row = setting::row(name, rows.iter().map(|row| row.class_name))?;
    let default = rows[row].default;
    if let (Initializer::Constant(_), Some(value)) = (default, settings.as_f64()) {
        return Ok(Initializer::Constant(value));
    }
    let Value::Object(mut entries) = settings else {
        return Err(format!(
            "{name}: expected settings by name, found {settings}"
        ));
    };
    entries.remove("seed");
    let settings = Value::Object(entries);
    let fail = |fault: String| format!("{name}: {fault}");
    Ok(match default {
        Initializer::Constant(_) => {
            #[derive(Deserialize)]
            #[serde(deny_unknown_fields)]
            struct Own {
                #[serde(default)]
                value: f64,
            }
            Initializer::Constant(setting::read::<Own>(settings).map_err(fail)?.value)
        }
        Initializer::RandomNormal { mean, stddev } => {
            let [mean, stddev] =
                two(settings, [("mean", mean), ("stddev", stddev)]).map_err(fail)?;
            Initializer::RandomNormal { mean, stddev }
        }
        Initializer::TruncatedNormal { mean, stddev } => {
            let [mean, stddev] =
                two(settings, [("mean", mean), ("stddev", stddev)]).map_err(fail)?;
            Initializer::TruncatedNormal { mean, stddev }
        }
        Initializer::RandomUniform { minval, maxval } => {
            let [minval, maxval] =
                two(settings, [("minval", minval), ("maxval", maxval)]).map_err(fail)?;
            Initializer::RandomUniform { minval, maxval }
        }
        Initializer::VarianceScaling { .. } => {
            #[derive(Deserialize)]
            #[serde(deny_unknown_fields)]
            struct Own {
                #[serde(default = "one")]
                scale: f64,
                #[serde(default)]
                mode: Fan,
                #[serde(default)]
                distribution: Distribution,
            }
            let Own {
                scale,
                mode,
                distribution,
            } = setting::read(settings).map_err(fail)?;
            Initializer::VarianceScaling {
                scale,
                mode,
                distribution,
            }
        }
        Initializer::Orthogonal { .. } => {
            let gain = setting::read::<Gain>(settings).map_err(fail)?.gain;
            Initializer::Orthogonal { gain }
        }
        Initializer::Identity { .. } => {
            let gain = setting::read::<Gain>(settings).map_err(fail)?.gain;
            Initializer::Identity { gain }
        }
        plain => {
            setting::read::<Nothing>(settings).map_err(fail)?;
            plain
        }
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Gain {
    #[serde(default = "one")]
    gain: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

fn one() -> f64 {
    1.0
}

/// Two numbers of these names, with these defaults.
fn two(settings: Value, wanted: [(&str, f64); 2]) -> Result<[f64; 2], String> {
    let entries = settings.as_object().into_iter().flatten();
    let names = wanted.map(|(name, _)| name);
    for (name, _) in entries {
        if !names.contains(&name.as_str()) {
            return Err(format!(
                "unknown field `{name}`, expected `{}` or `{}`",
                names[0], names[1]
            ));
        }
    }
    let number = |(name, default): (&str, f64)| match settings.get(name) {
        None => Ok(default),
        Some(value) => value
            .as_f64()
            .ok_or_else(|| format!("{name} is {value}, expected a number")),
    };
    Ok([number(wanted[0])?, number(wanted[1])?])
}
