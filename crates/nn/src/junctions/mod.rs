//! The junctions, one file each, and the table of them: reading a model's description, the gradient checks, the
//! round-trip tests and the random graphs all go through [`all`], so that none can be added without being checked.

mod add;
mod average;
mod concatenate;
mod dot;
mod gru;
mod lstm;
mod maximum;
mod merged;
mod minimum;
mod multiply;
mod rnn;
mod simple_rnn;
mod subtract;

pub use add::Add;
pub use average::Average;
pub use concatenate::Concatenate;
pub use dot::{Dot, OneOrEach};
pub use maximum::Maximum;
pub use minimum::Minimum;
pub use multiply::Multiply;
pub use subtract::Subtract;

use crate::{Error, Junction, Result};
use serde_json::Value;
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
        average::row(),
        concatenate::row(),
        dot::row(),
        gru::row(),
        lstm::row(),
        maximum::row(),
        minimum::row(),
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
        assert!(message.to_string().contains("Add, Average, Concatenate"));
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
