//! Dense with what can follow it in the same pass: scale and shift, relu.

use super::{Cut, Found, Item, Row, Sums, Work};
use crate::Result;
use crate::inference::fold::Weights;
use crate::layers::Dense;
use taper_tensor::prepared::PreparedDense;

pub(super) fn row() -> Row {
    Row {
        name: "dense",
        about: "Dense, BatchNormalization (behind no activation), relu",
        file: file!(),
        find: |_, ahead| Ok(find(ahead)),
    }
}

fn find(ahead: &[Item<'_>]) -> Option<Found> {
    let dense = ahead[0].downcast::<Dense>()?;
    let (inputs, [outer @ .., units]) = (ahead[0].input.last()?, ahead[0].output) else {
        return None;
    };
    let sums = Sums::of(ahead, Weights::behind(&ahead[0], 0)?, dense.activation);
    let matrix = sums.weights.kernel.reshape([*inputs, *units]).ok()?;
    Some(Found {
        covers: sums.covers,
        work: Box::new(Rows {
            each: outer.iter().product(),
            dense: PreparedDense::new(&matrix, sums.weights.bias.as_ref(), sums.relu),
        }),
        then: sums.then.into_iter().collect(),
    })
}

/// Every sample has as many rows as its outer axes say.
#[derive(Debug)]
struct Rows {
    each: usize,
    dense: PreparedDense,
}

impl Work for Rows {
    fn run(&self, n: usize, x: &[f32], y: &mut [f32], cut: Cut) -> Result<()> {
        self.dense.run(n * self.each, x, y, cut);
        Ok(())
    }

    /// The weights are read once for the whole batch.
    fn is_local(&self) -> bool {
        false
    }

    fn products(&self) -> usize {
        self.each * self.dense.products()
    }

    fn is_cut(&self, n: usize) -> bool {
        self.dense.is_cut(n * self.each)
    }
}
