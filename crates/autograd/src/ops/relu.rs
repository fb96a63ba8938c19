//! Rectified linear unit.

use crate::gradcheck::{Sample, Spec};
use crate::support::ThroughEpilogue;
use crate::{Op, Place, Var};
use taper_tensor::ops::Epilogue;
use taper_tensor::{Element, Result, Tensor};

impl<E: Element> Var<E> {
    /// max(x, 0) of every element; any shape.
    ///
    /// Gradient: g where x > 0, 0 elsewhere (so at 0 and at NaN, which stays NaN itself). Saves the output.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([3], vec![-1.0, 0.0, 2.0])?);
    /// let y = x.relu();
    /// assert_eq!(y.value().to_vec(), [0.0, 0.0, 2.0]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [0.0, 0.0, 1.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn relu(&self) -> Var<E> {
        let output = self.value().relu();
        let epilogue = Epilogue {
            relu: true,
            dropout: None,
        };
        self.derive(output.clone(), || Relu {
            through: ThroughEpilogue::new(&epilogue, output),
        })
    }
}

struct Relu<E: Element> {
    through: ThroughEpilogue<E>,
}

impl<E: Element> Op<E> for Relu<E> {
    fn name(&self) -> &'static str {
        "relu"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        Ok(vec![Some(self.through.back(gradient)?)])
    }

    fn backward_on_tape(
        &self,
        gradient: &Var<E>,
        _place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        Ok(vec![Some(self.through.back_on_tape(gradient)?)])
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "relu",
    formula: "max(x, 0)",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        Sample::new(|v| v[0].relu()).input("x", s.distinct(&shape))
    },
};
