//! Rows replaced where an index says.

use crate::Var;
use crate::gradcheck::{Sample, Spec};
use taper_tensor::{Element, Error, Result};

impl<E: Element> Var<E> {
    /// A copy in which row `rows[i]` (an entry of axis 0) is row i of `updates`. No row may be named twice; see
    /// [`scatter_add`](Var::scatter_add) for sums.
    ///
    /// Gradients: g, with zeros in the replaced rows, and the replaced rows of g.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([3], vec![1.0, 2.0, 3.0])?);
    /// let one = tape.parameter(&Tensor::from_vec([1], vec![9.0])?);
    /// let y = x.scatter(&[1], &one)?;
    /// assert_eq!(y.value().to_vec(), [1.0, 9.0, 3.0]);
    /// let gradients = y.sum().backward()?;
    /// assert_eq!(gradients[&x].to_vec(), [1.0, 0.0, 1.0]);
    /// assert_eq!(gradients[&one].to_vec(), [1.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When a row is named twice or does not exist, there is not one index for each row of `updates`, the rows have other
    /// shapes, or the variables belong to different tapes.
    pub fn scatter(&self, rows: &[usize], updates: &Var<E>) -> Result<Var<E>> {
        let (own, new) = (self.shape(), updates.shape());
        if own.is_empty() || new.is_empty() || own[1..] != new[1..] || new[0] != rows.len() {
            let message = format!(
                "{new:?} into {own:?} at {} rows: there must be one row for each index, of the same shape",
                rows.len()
            );
            return Err(Error::shape("scatter", message));
        }
        // Rows of both, one behind the other: which of them stands at each place.
        let mut order: Vec<usize> = (0..own[0]).collect();
        for (i, &row) in rows.iter().enumerate() {
            let what = match order.get_mut(row) {
                Some(from) if *from == row => {
                    *from = own[0] + i;
                    continue;
                }
                Some(_) => "is named twice",
                None => "does not exist",
            };
            let message = format!("row {row} of {own:?} {what}");
            return Err(Error::shape("scatter", message));
        }
        Var::concat(&[self, updates], 0)?.gather(&order)
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "scatter",
    formula: "x[rows] = u",
    sample: |s| {
        let shape = s.shape(1, 3, 4);
        let count = s.integer(1, shape[0]);
        let rows = s.some_of(shape[0], count);
        let mut updates = shape.clone();
        updates[0] = count;
        Sample::new(move |v| v[0].scatter(&rows, &v[1]))
            .input("x", s.tensor(&shape))
            .input("u", s.tensor(&updates))
    },
};

#[cfg(test)]
mod tests {
    use crate::Tape;
    use taper_tensor::Tensor;

    #[test]
    fn rows_that_do_not_fit_are_named() {
        let tape = Tape::<f32>::new();
        let x = tape.constant(&Tensor::zeros([3, 2]));
        let two = tape.constant(&Tensor::zeros([2, 2]));
        let message = |rows: &[usize]| x.scatter(rows, &two).unwrap_err().to_string();
        assert!(message(&[1, 1]).contains("row 1 of [3, 2] is named twice"));
        assert!(message(&[0, 3]).contains("row 3 of [3, 2] does not exist"));
        assert!(message(&[0]).contains("one row for each index"));
        assert!(
            two.scatter(&[0, 1], &tape.constant(&Tensor::zeros([2, 3])))
                .is_err()
        );
    }
}
