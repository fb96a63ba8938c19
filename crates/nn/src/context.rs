//! What a forward pass knows, and what it collects on the way.

use crate::{Regularizer, Result};
use std::sync::Arc;
use taper_autograd::Var;
use taper_tensor::ops::Dropout;
use taper_tensor::{Element, Key, Seed, Stream, Tensor};

/// What a forward pass knows, and what it collects on the way.
///
/// Random numbers of a layer are a function of the seed, the step, the layer's place in the model and how many it has
/// asked for before in this pass, so that two dropouts inside one composite layer have masks of their own.
#[derive(Clone)]
pub struct Context<E: Element = f32> {
    /// Whether this is a training pass: dropout is on.
    pub training: bool,
    /// The seed of the run.
    pub seed: Seed,
    /// Counts training batches over the whole run.
    pub step: u64,
    /// Penalties on the tape (activity regularizers).
    pub penalties: Vec<Var<E>>,
    /// Which steps of the input of the layer that runs now count.
    mask: Option<Tensor<E>>,
    at: At,
    /// New values of weights that no optimizer moves: (index among the model's parameters, value).
    updates: Vec<(usize, Tensor<E>)>,
}

/// Where a pass is.
#[derive(Clone)]
struct At {
    /// The places in the model of the layers that run now, the first of a fused pattern in front.
    places: Arc<[u32]>,
    /// Random streams that the first of them has taken in this pass.
    taken: u32,
    /// Where its weights begin among the model's parameters.
    first_weight: usize,
    /// Whether its weights learn.
    trainable: bool,
}

/// Places in front of this bit, numbers of draws behind it: together the index of a random stream.
const PLACE_BITS: u32 = 24;

impl<E: Element> Context<E> {
    /// A training pass: batch number `step` of the run with this seed.
    pub fn training(seed: Seed, step: u64) -> Self {
        Context {
            training: true,
            seed,
            step,
            penalties: Vec::new(),
            mask: None,
            at: At {
                places: Arc::new([0]),
                taken: 0,
                first_weight: 0,
                trainable: true,
            },
            updates: Vec::new(),
        }
    }

    /// An inference pass: dropout is off, nothing is random.
    pub fn inference() -> Self {
        Context {
            training: false,
            ..Context::training(Seed(0), 0)
        }
    }

    /// Whether the layer that runs now learns: this is a training pass, and the layer is not frozen.
    pub fn learns(&self) -> bool {
        self.training && self.at.trainable
    }

    /// The mask `[n, steps]` of what the layer that runs now reads (of several inputs the first), 0 where a step stands for
    /// nothing; `None` where all count.
    pub fn mask(&self) -> Option<&Tensor<E>> {
        self.mask.as_ref()
    }

    /// Gives the layer that runs next a mask, or none, and returns the one before.
    pub fn set_mask(&mut self, mask: Option<Tensor<E>>) -> Option<Tensor<E>> {
        std::mem::replace(&mut self.mask, mask)
    }

    /// Where the weights of the layer that runs now begin among the model's.
    pub(crate) fn first_weight(&self) -> usize {
        self.at.first_weight
    }

    /// The key of random numbers for the layer that runs now; every call gives another one, in each pass the same.
    pub fn key(&mut self) -> Key {
        let draw = self.at.taken;
        self.at.taken += 1;
        self.key_of(0, draw)
    }

    /// A dropout with its mask for the layer that runs now; `None` when there is nothing to drop.
    pub fn dropout(&mut self, rate: f64) -> Option<Dropout> {
        (self.training && rate > 0.0).then(|| Dropout {
            rate,
            key: self.key(),
        })
    }

    /// The dropout of the layer that stands `offset` places behind the first one of a fused pattern: the same mask as
    /// when that layer runs by itself.
    pub(crate) fn dropout_behind(&self, offset: usize, rate: f64) -> Option<Dropout> {
        (self.training && rate > 0.0).then(|| Dropout {
            rate,
            key: self.key_of(offset, 0),
        })
    }

    fn key_of(&self, offset: usize, draw: u32) -> Key {
        // Fused patterns run inside a plan, which names all their places; a layer on its own counts from 0.
        let place = self.at.places.get(offset).copied();
        let place = place.unwrap_or(self.at.places[0] + offset as u32);
        // A stream's index has room for 256 draws; more of them go on with another seed.
        let more = u64::from(draw >> 8).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let index = place | (draw & 0xff) << PLACE_BITS;
        Seed(self.seed.0.wrapping_add(more)).key(Stream::Dropout(index), self.step)
    }

    /// Records the penalty of a layer's output, divided by the batch size as Keras 3.15 does (early
    /// releases of Keras 3 did not divide).
    pub fn penalize(&mut self, output: &Var<E>, regularizer: Option<Regularizer>) -> Result<()> {
        if let Some(regularizer) = regularizer {
            let batch = output.shape().first().copied().unwrap_or(1).max(1);
            self.penalties.push(
                regularizer
                    .penalty(output)?
                    .scale(E::from_f64(1.0 / batch as f64)),
            );
        }
        Ok(())
    }

    /// Gives weight number `index` of the layer that runs now (one that no optimizer moves) a new value: calls of the
    /// same layer later in this pass see it, and the model keeps it.
    pub fn update(&mut self, index: usize, value: Tensor<E>) {
        self.updates.push((self.at.first_weight + index, value));
    }

    /// The new values so far: (index of the weight, value); later ones of the same weight replace earlier ones.
    pub fn updates(&self) -> &[(usize, Tensor<E>)] {
        &self.updates
    }

    /// Runs a part of a composite layer whose weights begin at number `first` of the composite's own, so that
    /// [`update`](Self::update) finds them.
    pub fn part<R>(&mut self, first: usize, run: impl FnOnce(&mut Self) -> R) -> R {
        self.at.first_weight += first;
        let result = run(self);
        self.at.first_weight -= first;
        result
    }

    /// Steps to the layers at these places; the first one's weights begin at `first_weight`.
    pub(crate) fn enter(&mut self, places: &Arc<[u32]>, first_weight: usize, trainable: bool) {
        self.at = At {
            places: Arc::clone(places),
            taken: 0,
            first_weight,
            trainable,
        };
    }

    pub(crate) fn take_updates(&mut self) -> Vec<(usize, Tensor<E>)> {
        std::mem::take(&mut self.updates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first stream of a place is the one of every run before there were several.
    #[test]
    fn streams_differ_by_place_and_draw() {
        let mut context = Context::<f32>::training(Seed(7), 3);
        let places: Arc<[u32]> = Arc::new([5, 9]);
        context.enter(&places, 0, true);
        let keys = [context.key(), context.key()];
        assert_eq!(keys[0], Seed(7).key(Stream::Dropout(5), 3));
        assert_ne!(keys[0], keys[1]);
        let behind = context.dropout_behind(1, 0.5).unwrap();
        assert_eq!(behind.key, Seed(7).key(Stream::Dropout(9), 3));
        context.enter(&places, 0, true);
        assert_eq!(context.key(), keys[0], "every pass begins anew");
    }

    #[test]
    fn parts_of_a_composite_layer_update_their_own_weights() {
        let mut context = Context::<f32>::training(Seed(7), 0);
        let places: Arc<[u32]> = Arc::new([0]);
        context.enter(&places, 10, true);
        context.part(4, |context| {
            context.part(1, |context| context.update(2, Tensor::zeros([1])));
        });
        context.update(0, Tensor::zeros([1]));
        let indices: Vec<usize> = context.updates().iter().map(|(i, _)| *i).collect();
        assert_eq!(indices, [17, 10]);
    }
}
