//! Poolings of sequences and images, averages and maxima, one text for all: the files `max_pooling1d.rs`, … of the folder
//! above give them Keras's names.

mod adaptive;
mod global;
mod windows;

pub use adaptive::AdaptivePooling;
pub use global::GlobalPooling;
pub use windows::WindowPooling;

use crate::Result;
use std::fmt::Debug;
use taper_autograd::Var;
use taper_tensor::prepared::Pooling;
use taper_tensor::{Element, Pool2dSpec};

/// What a pooling keeps of many values: [`Averages`] or [`Maxima`].
pub trait Kept: Clone + Copy + Debug + Default + PartialEq + Send + Sync + 'static {
    /// The same, for prepared inference.
    const POOLING: Pooling;

    /// Either of two names.
    fn named(averages: &'static str, maxima: &'static str) -> &'static str {
        match Self::POOLING {
            Pooling::Average => averages,
            Pooling::Max => maxima,
        }
    }

    /// Of each window of images.
    ///
    /// # Errors
    /// When no window fits.
    fn of_windows<E: Element>(x: &Var<E>, spec: &Pool2dSpec) -> Result<Var<E>>;

    /// Of all values along some axes.
    ///
    /// # Errors
    /// When an axis does not exist.
    fn along<E: Element>(x: &Var<E>, axes: &[usize], keep_dims: bool) -> Result<Var<E>>;
}

/// The average.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Averages;

impl Kept for Averages {
    const POOLING: Pooling = Pooling::Average;

    fn of_windows<E: Element>(x: &Var<E>, spec: &Pool2dSpec) -> Result<Var<E>> {
        Ok(x.average_pool2d(spec)?)
    }

    fn along<E: Element>(x: &Var<E>, axes: &[usize], keep_dims: bool) -> Result<Var<E>> {
        Ok(x.mean_axes(axes, keep_dims)?)
    }
}

/// The largest value.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Maxima;

impl Kept for Maxima {
    const POOLING: Pooling = Pooling::Max;

    fn of_windows<E: Element>(x: &Var<E>, spec: &Pool2dSpec) -> Result<Var<E>> {
        Ok(x.max_pool2d(spec)?)
    }

    fn along<E: Element>(x: &Var<E>, axes: &[usize], keep_dims: bool) -> Result<Var<E>> {
        Ok(x.max_axes(axes, keep_dims)?)
    }
}
