//! Rows by index.

use crate::gradcheck::{Sample, Spec};
use crate::{Op, Place, Var};
use taper_tensor::{Element, Result, Tensor};

impl<E: Element> Var<E> {
    /// The rows (entries of axis 0) of the given indices, in their order, repetitions allowed:
    /// `[count, …]` → `[rows.len(), …]`.
    ///
    /// Gradient: each row of g, added to the row that it came from. Saves the indices.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([3, 1], vec![1.0, 2.0, 3.0])?);
    /// let y = x.gather(&[2, 0, 2])?;
    /// assert_eq!(y.value().to_vec(), [3.0, 1.0, 3.0]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [1.0, 0.0, 2.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When an index is not below the number of rows.
    pub fn gather(&self, rows: &[usize]) -> Result<Var<E>> {
        let value = self.value().gather(rows)?;
        Ok(self.derive(value, || Gather {
            rows: rows.to_vec(),
            count: self.shape()[0],
        }))
    }
}

struct Gather {
    rows: Vec<usize>,
    count: usize,
}

impl<E: Element> Op<E> for Gather {
    fn name(&self) -> &'static str {
        "gather"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        Ok(vec![Some(gradient.scatter_add(&self.rows, self.count)?)])
    }

    fn backward_on_tape(
        &self,
        gradient: &Var<E>,
        _place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        Ok(vec![Some(gradient.scatter_add(&self.rows, self.count)?)])
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "gather",
    formula: "x[rows]",
    sample: |s| {
        let shape = s.shape(1, 3, 4);
        let count = s.integer(1, 6);
        let rows: Vec<usize> = (0..count).map(|_| s.integer(0, shape[0] - 1)).collect();
        Sample::new(move |v| v[0].gather(&rows)).input("x", s.tensor(&shape))
    },
};
