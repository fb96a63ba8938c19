//! The junctions, one file each, and the table of them: reading a model's description, the gradient checks, the
//! round-trip tests and the random graphs all go through [`all`], so that none can be added without being checked.

mod add;
mod additive_attention;
mod attention;
mod average;
mod concatenate;
mod dot;
mod group_query_attention;
mod gru;
mod lstm;
mod maximum;
mod merged;
mod minimum;
mod multi_head_attention;
mod multiply;
mod rnn;
mod simple_rnn;
mod subtract;

pub use add::Add;
pub use additive_attention::AdditiveAttention;
pub use attention::{Attention, ScoreMode};
pub use average::Average;
pub use concatenate::Concatenate;
pub use dot::{Dot, OneOrEach};
pub use group_query_attention::GroupQueryAttention;
pub use maximum::Maximum;
pub use minimum::Minimum;
pub use multi_head_attention::MultiHeadAttention;
pub use multiply::Multiply;
pub use subtract::Subtract;

use crate::{Error, Junction, Result};
use serde_json::Value;
use taper_autograd::Var;
use taper_autograd::gradcheck::Sampler;
use taper_tensor::Element;

/// One kind of junction.
pub struct Row<E: Element = f32> {
    /// Keras's class name.
    pub class_name: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// The source file.
    pub file: &'static str,
    /// Reads a description; what is absent has Keras's default.
    pub from_config: fn(&Value) -> Result<Box<dyn Junction<E>>>,
    /// A random one, for gradient checks and round trips.
    pub sample: fn(&mut Sampler) -> Sample<E>,
}

/// A junction, and the shapes of inputs (without the batch axis) that it takes.
pub struct Sample<E: Element = f32> {
    /// The junction.
    pub junction: Box<dyn Junction<E>>,
    /// The shapes of its inputs.
    pub inputs: Vec<Vec<usize>>,
}

/// Every kind of junction.
pub fn all<E: Element>() -> Vec<Row<E>> {
    vec![
        add::row(),
        additive_attention::row(),
        attention::row(),
        average::row(),
        concatenate::row(),
        dot::row(),
        group_query_attention::row(),
        gru::row(),
        lstm::row(),
        maximum::row(),
        minimum::row(),
        multi_head_attention::row(),
        multiply::row(),
        rnn::row(),
        simple_rnn::row(),
        subtract::row(),
    ]
}

/// Reads the description of a junction.
///
/// ```
/// use serde_json::json;
/// let junction = taper_nn::junctions::from_config::<f32>("Concatenate", &json!({"axis": -1}))?;
/// assert_eq!(junction.output_shapes(&[&[5, 2], &[5, 3]])?, [[5, 5]]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
///
/// # Errors
/// An unknown class name, an unknown entry, or a value of the wrong kind.
pub fn from_config<E: Element>(class_name: &str, config: &Value) -> Result<Box<dyn Junction<E>>> {
    let rows = all::<E>();
    let Some(row) = rows.iter().find(|row| row.class_name == class_name) else {
        let known: Vec<_> = rows.iter().map(|row| row.class_name).collect();
        return Err(Error::Config(format!(
            "no junction is called {class_name:?}: there are {}",
            known.join(", ")
        )));
    };
    (row.from_config)(config)
}

/// `from_config` of a junction that serde can read.
fn boxed<E: Element, J: Junction<E> + serde::de::DeserializeOwned>(
    class_name: &str,
    config: &Value,
) -> Result<Box<dyn Junction<E>>> {
    Ok(Box::new(crate::config::parse::<J>(class_name, config)?))
}

/// An error unless there are at least two inputs, as Keras's merging layers want them.
fn at_least_two(class_name: &str, inputs: &[&[usize]]) -> Result<()> {
    if inputs.len() >= 2 {
        return Ok(());
    }
    let message = format!("{} input; at least 2 are wanted", inputs.len());
    Err(Error::layer(class_name, message))
}

/// query + key for each two positions: `[n, t, dim]`, `[n, s, dim]` → `[n, t, s, dim]`.
fn pairs<E: Element>(query: &Var<E>, key: &Var<E>) -> Result<Var<E>> {
    let apart = |x: &Var<E>, axis: usize| {
        let mut shape = x.shape().to_vec();
        shape.insert(axis, 1);
        x.reshape(shape)
    };
    Ok(apart(query, 2)?.add(&apart(key, 1)?)?)
}

/// The settings that attention without projections shares, under Keras's names.
macro_rules! plain_attention_settings {
    () => {
        /// Probability with which a weight between positions becomes 0 in training (default: 0).
        pub fn dropout(mut self, rate: f64) -> Self {
            self.dropout = rate;
            self
        }

        /// Whether a position sees only those that are not later (default: no).
        pub fn use_causal_mask(mut self, on: bool) -> Self {
            self.use_causal_mask = on;
            self
        }

        /// The junction's name in the model (default: made from the class name).
        pub fn name(mut self, name: impl Into<String>) -> Self {
            self.name = Some(name.into());
            self
        }

        fn check<'a>(&self, class_name: &str, inputs: &[&'a [usize]]) -> Result<[&'a [usize]; 3]> {
            let fail = |message: String| Error::layer(class_name, message);
            setting::below_one("dropout", self.dropout).map_err(fail)?;
            let shapes = query_value_key(class_name, inputs)?;
            let [query, value, key] = shapes;
            if query[1] != key[1] {
                let message = format!(
                    "query {query:?} and key {key:?} have {} and {} features, they must have as many",
                    query[1], key[1]
                );
                return Err(fail(message));
            }
            if setting::elements(&[query[0], value[0], query[1]]).is_none() {
                let message = format!("{} positions of {} are too many", query[0], value[0]);
                return Err(fail(message));
            }
            Ok(shapes)
        }

        fn random(mut junction: Self, sampler: &mut taper_autograd::gradcheck::Sampler) -> Self {
            junction = junction.use_causal_mask(sampler.coin());
            if sampler.coin() {
                junction = junction.dropout(sampler.number(0.1, 0.6)).name("named");
            }
            junction
        }
    };
}
use plain_attention_settings;

/// Inputs for attention without projections.
fn attention_sample<E: Element>(junction: impl Junction<E>, sampler: &mut Sampler) -> Sample<E> {
    let (t, s) = (sampler.integer(1, 3), sampler.integer(1, 3));
    let (dim, features) = (sampler.integer(1, 3), sampler.integer(1, 3));
    let inputs = match sampler.coin() {
        true => vec![vec![t, dim], vec![s, dim]],
        false => vec![vec![t, dim], vec![s, features], vec![s, dim]],
    };
    Sample {
        junction: Box::new(junction),
        inputs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_is_missing_from_the_table() {
        let rows: Vec<_> = all::<f32>().iter().map(|row| row.file).collect();
        crate::testing::assert_complete("junctions", &rows);
    }

    #[test]
    fn settings_tell_their_defaults() {
        crate::testing::assert_defaults_are_told("junctions");
    }

    #[test]
    fn descriptions_survive_json() {
        for row in all::<f64>() {
            for case in 0..20 {
                let junction = (row.sample)(&mut Sampler::new(1, case)).junction;
                assert_eq!(junction.class_name(), row.class_name);
                let again = from_config::<f64>(row.class_name, &junction.config()).unwrap();
                assert_eq!(again.config(), junction.config());
                assert_eq!(format!("{again:?}"), format!("{junction:?}"));
            }
        }
        let message = from_config::<f32>("Ad", &Value::Null).unwrap_err();
        assert!(
            message
                .to_string()
                .contains("Add, AdditiveAttention, Attention")
        );
    }

    #[test]
    fn a_single_input_is_refused() {
        for row in all::<f32>() {
            let junction = (row.sample)(&mut Sampler::new(1, 0)).junction;
            let error = junction.output_shapes(&[&[3]]).unwrap_err().to_string();
            assert!(error.starts_with(row.class_name), "{error}");
        }
    }
}
