//! What differs between sequences and images: how many sides a window has.

use crate::{Pair, Single};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use taper_autograd::gradcheck::Sampler;

/// The sides of a window: [`Single`] over sequences `[steps, channels]`, [`Pair`] over images `[height, width, channels]`.
pub trait Sides:
    Copy + Debug + PartialEq + Send + Sync + Serialize + DeserializeOwned + 'static
{
    /// Whether it is one over images.
    const IMAGES: bool;

    /// As long along every axis.
    fn every(side: usize) -> Self;

    /// The default of strides and dilation rates: 1 along every axis.
    fn one() -> Self {
        Self::every(1)
    }

    /// The default of pool sizes: 2 along every axis.
    fn two() -> Self {
        Self::every(2)
    }

    /// One number for each axis.
    fn sides(&self) -> &[usize];

    /// The same over images; a sequence is one of height 1, along which it is `height`.
    fn on_image(self, height: usize) -> [usize; 2];

    /// What such sides of images are here.
    fn of_image(sides: [usize; 2]) -> Self;

    /// The image behind an input of this shape, if it has the right rank.
    fn image(input: &[usize]) -> Option<[usize; 3]>;

    /// The shape of a sample, which is this image.
    fn sample(image: &[usize]) -> Vec<usize>;

    /// What is wrong with an input that is none.
    fn wanted(input: &[usize]) -> String;

    /// Either of two names.
    fn named(sequences: &'static str, images: &'static str) -> &'static str {
        if Self::IMAGES { images } else { sequences }
    }

    /// Random ones, each from `low` to `high`.
    fn drawn(sampler: &mut Sampler, low: usize, high: usize) -> Self;

    /// The shape of a random input whose sides are from `low` to `high`.
    fn drawn_input(sampler: &mut Sampler, low: usize, high: usize, channels: usize) -> Vec<usize> {
        let sides = Self::drawn(sampler, low, high);
        [sides.sides(), &[sampler.integer(1, channels)]].concat()
    }
}

impl Sides for Single {
    const IMAGES: bool = false;

    fn every(side: usize) -> Self {
        Single(side)
    }

    fn sides(&self) -> &[usize] {
        std::slice::from_ref(&self.0)
    }

    fn on_image(self, height: usize) -> [usize; 2] {
        [height, self.0]
    }

    fn of_image([_, length]: [usize; 2]) -> Self {
        Single(length)
    }

    fn image(input: &[usize]) -> Option<[usize; 3]> {
        match *input {
            [steps, channels] => Some([1, steps, channels]),
            _ => None,
        }
    }

    fn sample(image: &[usize]) -> Vec<usize> {
        image[1..].to_vec()
    }

    fn wanted(input: &[usize]) -> String {
        format!("an input [steps, channels] is wanted, this one is {input:?}")
    }

    fn drawn(sampler: &mut Sampler, low: usize, high: usize) -> Self {
        Single(sampler.integer(low, high))
    }
}

impl Sides for Pair {
    const IMAGES: bool = true;

    fn every(side: usize) -> Self {
        Pair([side, side])
    }

    fn sides(&self) -> &[usize] {
        &self.0
    }

    fn on_image(self, _height: usize) -> [usize; 2] {
        self.0
    }

    fn of_image(sides: [usize; 2]) -> Self {
        Pair(sides)
    }

    fn image(input: &[usize]) -> Option<[usize; 3]> {
        input.try_into().ok()
    }

    fn sample(image: &[usize]) -> Vec<usize> {
        image.to_vec()
    }

    fn wanted(input: &[usize]) -> String {
        let wanted = "an input [height, width, channels] is wanted";
        let help = "a Reshape in front of the layer adds a missing axis";
        format!("{wanted}, this one is {input:?}; {help}")
    }

    fn drawn(sampler: &mut Sampler, low: usize, high: usize) -> Self {
        Pair([sampler.integer(low, high), sampler.integer(low, high)])
    }
}
