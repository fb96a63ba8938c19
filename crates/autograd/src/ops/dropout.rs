//! Inverted dropout.

use crate::gradcheck::{Sample, Spec};
use crate::{Op, Place, Var};
use taper_tensor::ops::Dropout;
use taper_tensor::{Element, Result, Tensor};

impl<E: Element> Var<E> {
    /// Sets each element to zero with probability `dropout.rate` and divides the others by 1 − rate; any shape.
    ///
    /// The mask is a pure function of `dropout.key` and the row-major position of the element.
    /// Gradient: g through the same mask, which is computed anew. Saves nothing.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::{ops::Dropout, Seed, Stream, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::<f64>::ones([100]));
    /// let y = x.dropout(&Dropout { rate: 0.5, key: Seed(7).key(Stream::Dropout(0), 0) })?;
    /// assert!(y.value().to_vec().iter().all(|&y| y == 0.0 || y == 2.0));
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), y.value().to_vec());
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the rate is not in [0, 1).
    pub fn dropout(&self, dropout: &Dropout) -> Result<Var<E>> {
        Ok(self.derive(self.value().dropout(dropout)?, || SameMask {
            dropout: *dropout,
        }))
    }
}

struct SameMask {
    dropout: Dropout,
}

impl<E: Element> Op<E> for SameMask {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        Ok(vec![Some(gradient.dropout(&self.dropout)?)])
    }

    fn backward_on_tape(
        &self,
        gradient: &Var<E>,
        _place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        Ok(vec![Some(gradient.dropout(&self.dropout)?)])
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "dropout",
    formula: "x · mask / (1 − rate)",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        let dropout = Dropout {
            rate: s.number(0.0, 0.9),
            key: s.key(),
        };
        Sample::new(move |v| v[0].dropout(&dropout)).input("x", s.tensor(&shape))
    },
};
