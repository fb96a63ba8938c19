//! Weights that come by name, from a checkpoint or from another program: every one must be there, once, and fit.

use crate::{Error, Result};
use std::collections::BTreeMap;
use taper_tensor::{Element, Tensor};

/// Weights by name.
///
/// # Errors
/// A name that is given twice.
pub(crate) fn by_name<E: Element>(
    weights: impl IntoIterator<Item = (String, Tensor<E>)>,
) -> Result<BTreeMap<String, Tensor<E>>> {
    let mut map = BTreeMap::new();
    for (name, value) in weights {
        if let Some((name, _)) = map.insert(name.clone(), value).map(|value| (name, value)) {
            return Err(Error::Weights(format!("{name} is given twice")));
        }
    }
    Ok(map)
}

/// The weight called `name`, which must have this shape.
pub(crate) fn take<E: Element>(
    weights: &mut BTreeMap<String, Tensor<E>>,
    name: &str,
    shape: &[usize],
) -> Result<Tensor<E>> {
    let value = weights.remove(name).ok_or_else(|| {
        let given: Vec<_> = weights.keys().map(String::as_str).collect();
        Error::Weights(format!(
            "{name} {shape:?} is missing (not yet used: {})",
            list(&given)
        ))
    })?;
    if value.shape() != shape {
        return Err(Error::Weights(format!(
            "{name} is {shape:?} in the model, {:?} is given",
            value.shape()
        )));
    }
    Ok(value)
}

/// An error if some weights have found no place.
pub(crate) fn none_left<E: Element>(weights: &BTreeMap<String, Tensor<E>>) -> Result<()> {
    let names: Vec<_> = weights.keys().map(String::as_str).collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(Error::Weights(format!("the model has no {}", list(&names))))
}

/// The first few names.
fn list(names: &[&str]) -> String {
    match names {
        [] => "none".to_owned(),
        [a, b, c, more @ ..] if more.len() > 1 => format!("{a}, {b}, {c} and {} more", more.len()),
        few => few.join(", "),
    }
}

/// What [`Model::load_weights`](crate::Model::load_weights) did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct Loaded {
    /// Weights of the model that were replaced.
    pub taken: Vec<String>,
    /// Weights of the model that were not given.
    pub missing: Vec<String>,
    /// Weights that were given but that the model does not have.
    pub left_over: Vec<String>,
    /// Weights of another shape: name, the given shape, the model's shape.
    pub misfits: Vec<(String, Vec<usize>, Vec<usize>)>,
}
