//! Rows added where an index says.

use crate::gradcheck::{Sample, Spec};
use crate::{Op, Place, Var};
use taper_tensor::{Element, Result, Tensor};

impl<E: Element> Var<E> {
    /// Zeros with `count` rows (entries of axis 0), and each row of `self` added to row `rows[i]`:
    /// `[rows.len(), …]` → `[count, …]`. The counterpart of [`gather`](Var::gather).
    ///
    /// Gradient: the rows of g. Saves the indices.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([3, 1], vec![1.0, 2.0, 4.0])?);
    /// let y = x.scatter_add(&[1, 0, 1], 3)?;
    /// assert_eq!(y.value().to_vec(), [2.0, 5.0, 0.0]);
    /// assert_eq!(y.square().sum().backward()?[&x].to_vec(), [10.0, 4.0, 10.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When there is not one index a row, or an index is not below `count`.
    pub fn scatter_add(&self, rows: &[usize], count: usize) -> Result<Var<E>> {
        let value = self.value().scatter_add(rows, count)?;
        Ok(self.derive(value, || ScatterAdd {
            rows: rows.to_vec(),
        }))
    }
}

struct ScatterAdd {
    rows: Vec<usize>,
}

impl<E: Element> Op<E> for ScatterAdd {
    fn name(&self) -> &'static str {
        "scatter_add"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        Ok(vec![Some(gradient.gather(&self.rows)?)])
    }

    fn backward_on_tape(
        &self,
        gradient: &Var<E>,
        _place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        Ok(vec![Some(gradient.gather(&self.rows)?)])
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "scatter_add",
    formula: "0[rows] += x",
    sample: |s| {
        let shape = s.shape(1, 3, 4);
        let count = s.integer(1, 4);
        let rows: Vec<usize> = (0..shape[0]).map(|_| s.integer(0, count - 1)).collect();
        Sample::new(move |v| v[0].scatter_add(&rows, count)).input("x", s.tensor(&shape))
    },
};
