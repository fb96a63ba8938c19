//! The cells by their names in descriptions. A stack is a cell and holds cells, so that how it is read stands here, too.

use super::cell::Cell;
use super::gru::GRUCell;
use super::lstm::LSTMCell;
use super::settings::{described, object};
use super::simple::SimpleRNNCell;
use super::stacked::{CLASS, StackedRNNCells};
use crate::{Error, Result};
use serde_json::Value;
use taper_tensor::Element;

/// Reads the description of a cell, as Keras writes it: `{"class_name": "LSTMCell", "config": {"units": 32}}`, or a list of
/// them, which is a stack.
///
/// ```
/// use serde_json::json;
/// let cell = taper_nn::recurrent::from_config::<f32>(&json!({"class_name": "GRUCell", "config": {"units": 3}}))?;
/// assert_eq!(cell.weights(2)?[0].shape, [2, 9]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
///
/// # Errors
/// An unknown class name, an unknown entry, or a value of the wrong kind.
pub fn from_config<E: Element>(value: &Value) -> Result<Box<dyn Cell<E>>> {
    if let Value::Array(cells) = value {
        let cells: Result<Vec<_>> = cells.iter().map(from_config).collect();
        return Ok(Box::new(StackedRNNCells::of(cells?)));
    }
    let (class_name, config) = described("a cell", value)?;
    Ok(match class_name.as_str() {
        "SimpleRNNCell" => Box::new(SimpleRNNCell::from_config(&config)?),
        "LSTMCell" => Box::new(LSTMCell::from_config(&config)?),
        "GRUCell" => Box::new(GRUCell::from_config(&config)?),
        "StackedRNNCells" => Box::new(StackedRNNCells::<E>::from_config(&config)?),
        other => {
            return Err(Error::Config(format!(
                "no cell is called {other:?}: there are SimpleRNNCell, LSTMCell, GRUCell, StackedRNNCells"
            )));
        }
    })
}

impl<E: Element> StackedRNNCells<E> {
    /// Reads Keras's description of the stack.
    ///
    /// # Errors
    /// An unknown entry, a cell that is none.
    pub fn from_config(value: &Value) -> Result<Self> {
        let mut entries = object(CLASS, value)?;
        let fail = |message: String| Err(Error::Config(format!("{CLASS}: {message}")));
        let name = match entries.remove("name") {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) => Some(name),
            Some(other) => return fail(format!("name is {other}, expected a word")),
        };
        let Some(Value::Array(cells)) = entries.remove("cells") else {
            return fail("cells is missing: a list of cells".into());
        };
        if let Some(odd) = entries.keys().next() {
            return fail(format!("unknown field `{odd}`, expected `cells`"));
        }
        let cells: Result<Vec<_>> = cells.iter().map(from_config).collect();
        let cells = cells.map_err(|error| Error::Config(format!("{CLASS}: cells: {error}")))?;
        let stack = Self::of(cells);
        Ok(StackedRNNCells { name, ..stack })
    }
}
