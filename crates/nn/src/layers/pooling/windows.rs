//! Pooling of windows.

use super::Kept;
use crate::layers::convolution::on_images;
use crate::layers::{Sample, Sides};
use crate::settings::not_causal;
use crate::{Context, Describe, Error, Layer, Padding, Result, config, setting};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_autograd::gradcheck::Sampler;
use taper_tensor::{Element, Pool2dSpec};

/// One value of each window and channel: the average or the largest. Over the edges (`same`) there is nothing to count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
pub struct WindowPooling<K: Kept, S: Sides> {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Sides of the windows (default: 2 each).
    #[serde(default = "S::two")]
    pub pool_size: S,
    /// Steps of the windows (default: `pool_size`).
    #[serde(default)]
    pub strides: Option<S>,
    /// Windows inside the input only (`valid`), or reaching over its edges (`same`); default: `valid`.
    #[serde(default, with = "config::padding")]
    pub padding: Padding,
    #[serde(skip)]
    kept: K,
}

impl<K: Kept, S: Sides> WindowPooling<K, S> {
    /// Windows of `pool_size` (`2`, or over images `[2, 3]`), side by side.
    pub fn new(pool_size: impl Into<S>) -> Self {
        WindowPooling {
            name: None,
            pool_size: pool_size.into(),
            strides: None,
            padding: Padding::Valid,
            kept: K::default(),
        }
    }

    /// Steps of the windows (default: `pool_size`).
    pub fn strides(mut self, strides: impl Into<S>) -> Self {
        self.strides = Some(strides.into());
        self
    }

    /// Windows inside the input only, or reaching over its edges (default: valid).
    pub fn padding(mut self, padding: Padding) -> Self {
        self.padding = padding;
        self
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The geometry, for the kernels.
    pub(crate) fn spec(&self) -> Pool2dSpec {
        let strides = self.strides.unwrap_or(self.pool_size);
        Pool2dSpec {
            size: self.pool_size.on_image(1),
            strides: strides.on_image(1),
            padding: self.padding,
        }
    }

    /// A random one, with an input that it fits.
    pub(crate) fn drawn<E: Element>(sampler: &mut Sampler) -> Sample<E> {
        let mut layer = Self::new(S::drawn(sampler, 1, 3));
        if sampler.coin() {
            layer = layer
                .strides(S::drawn(sampler, 1, 3))
                .padding(Padding::Same);
        }
        Sample::new(layer, S::drawn_input(sampler, 3, 6, 3))
    }
}

impl<K: Kept, S: Sides> Describe for WindowPooling<K, S> {
    fn class_name(&self) -> &'static str {
        let images = K::named("AveragePooling2D", "MaxPooling2D");
        S::named(K::named("AveragePooling1D", "MaxPooling1D"), images)
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let fail = |message: String| Error::layer(self.class_name(), message);
        let spec = self.spec();
        setting::sizes("pool_size", self.pool_size.sides())
            .and_then(|()| setting::sizes("strides", &spec.strides))
            .and_then(|()| not_causal(self.padding))
            .map_err(fail)?;
        let image = S::image(input).ok_or_else(|| fail(S::wanted(input)))?;
        let output = spec
            .output_shape(&[&[1], &image[..]].concat())
            .map_err(|error| {
                let (size, strides) = (spec.size, spec.strides);
                fail(format!(
                    "{error} (pool_size = {size:?}, strides = {strides:?})"
                ))
            })?;
        Ok(S::sample(&output[1..]))
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<K: Kept, S: Sides, E: Element> Layer<E> for WindowPooling<K, S> {
    fn forward(
        &self,
        x: &Var<E>,
        _weights: &[Var<E>],
        _context: &mut Context<E>,
    ) -> Result<Var<E>> {
        on_images::<S, E>(self.class_name(), x, |x| K::of_windows(x, &self.spec()))
    }
}
