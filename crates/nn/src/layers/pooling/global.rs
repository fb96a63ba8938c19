//! Pooling of all that there is.

use super::Kept;
use crate::layers::{Sample, Sides};
use crate::{Context, Describe, Error, Layer, Result, config};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_autograd::gradcheck::Sampler;
use taper_tensor::Element;

/// One value of each channel, the average or the largest of the whole sequence or image: `[channels]`, or with `keepdims`
/// an axis of length 1 in place of each that is gone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
pub struct GlobalPooling<K: Kept, S: Sides> {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether the axes that are pooled stay, with length 1 (default: no).
    #[serde(default)]
    pub keepdims: bool,
    #[serde(skip)]
    kept: K,
    #[serde(skip)]
    sides: std::marker::PhantomData<S>,
}

impl<K: Kept, S: Sides> GlobalPooling<K, S> {
    /// A layer whose output has channels alone.
    pub fn new() -> Self {
        GlobalPooling {
            name: None,
            keepdims: false,
            kept: K::default(),
            sides: std::marker::PhantomData,
        }
    }

    /// Whether the axes that are pooled stay, with length 1 (default: no).
    pub fn keepdims(mut self, on: bool) -> Self {
        self.keepdims = on;
        self
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// A random one, with an input that it fits.
    pub(crate) fn drawn<E: Element>(sampler: &mut Sampler) -> Sample<E> {
        let layer = Self::new().keepdims(sampler.coin());
        Sample::new(layer, S::drawn_input(sampler, 1, 4, 4))
    }
}

impl<K: Kept, S: Sides> Describe for GlobalPooling<K, S> {
    fn class_name(&self) -> &'static str {
        let images = K::named("GlobalAveragePooling2D", "GlobalMaxPooling2D");
        let sequences = K::named("GlobalAveragePooling1D", "GlobalMaxPooling1D");
        S::named(sequences, images)
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        match S::image(input) {
            Some([height, width, channels]) if height > 0 && width > 0 => Ok(if self.keepdims {
                S::sample(&[1, 1, channels])
            } else {
                vec![channels]
            }),
            found => {
                let message = match found {
                    Some(_) => format!("there is nothing to pool in an input {input:?}"),
                    None => S::wanted(input),
                };
                Err(Error::layer(self.class_name(), message))
            }
        }
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<K: Kept, S: Sides, E: Element> Layer<E> for GlobalPooling<K, S> {
    fn forward(
        &self,
        x: &Var<E>,
        _weights: &[Var<E>],
        _context: &mut Context<E>,
    ) -> Result<Var<E>> {
        let axes: &[usize] = if S::IMAGES { &[1, 2] } else { &[1] };
        K::along(x, axes, self.keepdims)
    }
}
