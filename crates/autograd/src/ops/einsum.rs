//! Sums of products over axes named by letters.

use crate::Var;
use crate::equation::{Equation, Label};
use crate::gradcheck::{Sample, Spec};
use taper_tensor::{Element, Error, Result};

impl<E: Element> Var<E> {
    /// The sum of products that `equation` writes down in letters, as NumPy's `einsum`: each axis of an operand is a letter,
    /// equal letters go together, and what does not stand behind `->` is summed. Without `->` the result has the letters that
    /// stand once, in alphabetical order. A letter that an operand has twice takes its diagonal. `...` stands for axes without
    /// names, which are broadcast and come first if no `->` says otherwise.
    ///
    /// Operands are taken together from left to right, each two as one product of (stacks of) matrices; no loop goes over all
    /// letters. So the order of operands decides how much there is to compute.
    ///
    /// Gradients: those of [`matmul`](Var::matmul), [`mul`](Var::mul), [`sum_axes`](Var::sum_axes) and
    /// [`permute`](Var::permute), of which it consists.
    ///
    /// ```
    /// # use taper_autograd::{Tape, Var};
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let a = tape.parameter(&Tensor::from_vec([2, 2], vec![1.0, 2.0, 3.0, 4.0])?);
    /// let v = tape.constant(&Tensor::from_vec([2], vec![10.0, 1.0])?);
    /// assert_eq!(Var::einsum("ij,j->i", &[&a, &v])?.value().to_vec(), [12.0, 34.0]);
    /// assert_eq!(Var::einsum("ij->ji", &[&a])?.value().to_vec(), [1.0, 3.0, 2.0, 4.0]);
    /// let trace = Var::einsum("ii", &[&a])?;
    /// assert_eq!(trace.value().item()?, 5.0);
    /// assert_eq!(trace.backward()?[&a].to_vec(), [1.0, 0.0, 0.0, 1.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the equation cannot be read or names other axes than the operands have, a letter has two lengths, or the
    /// variables belong to different tapes.
    pub fn einsum(equation: &str, operands: &[&Var<E>]) -> Result<Var<E>> {
        let shapes: Vec<&[usize]> = operands.iter().map(|operand| operand.shape()).collect();
        let Equation { inputs, output } = Equation::read(equation, &shapes)?;
        let keep = |from: usize| -> Vec<Label> {
            let later = inputs[from..].iter().flatten();
            output.iter().chain(later).copied().collect()
        };
        let mut terms = operands.iter().zip(&inputs).map(|(operand, labels)| Term {
            value: (*operand).clone(),
            labels: labels.clone(),
        });
        let Some(first) = terms.next() else {
            return Err(Error::shape("einsum", "there are no operands"));
        };
        let mut product = first.reduced(&keep(1))?;
        for (i, next) in terms.enumerate() {
            product = product.times(next, &keep(i + 2))?;
        }
        product.value.ordered(&product.labels, &output)
    }

    /// The axes that `from` names, in the order `to`.
    fn ordered(&self, from: &[Label], to: &[Label]) -> Result<Var<E>> {
        if from == to {
            return Ok(self.clone());
        }
        let axes = to.iter().filter_map(|label| position(from, label));
        self.permute(&axes.collect::<Vec<_>>())
    }
}

/// A value, and the names of its axes.
struct Term<E: Element> {
    value: Var<E>,
    labels: Vec<Label>,
}

impl<E: Element> Term<E> {
    /// With every label once, and without those that nobody wants.
    fn reduced(self, keep: &[Label]) -> Result<Self> {
        let Term {
            mut value,
            mut labels,
        } = self;
        while let Some((first, second)) = twice(&labels) {
            value = diagonal(&value, first, second)?;
            labels.remove(second);
            let label = labels.remove(first);
            labels.insert(0, label);
        }
        let summed = (0..labels.len()).filter(|&axis| !keep.contains(&labels[axis]));
        let summed: Vec<usize> = summed.collect();
        if !summed.is_empty() {
            value = value.sum_axes(&summed, false)?;
            labels.retain(|label| keep.contains(label));
        }
        Ok(Term { value, labels })
    }

    /// The product of both, summed over what stands in both and in `keep` no more.
    fn times(self, other: Self, keep: &[Label]) -> Result<Self> {
        let a = self.reduced(&[keep, &other.labels].concat())?;
        let b = other.reduced(&[keep, &a.labels].concat())?;
        let select = |labels: &[Label], wanted: &dyn Fn(&Label) -> bool| -> Vec<Label> {
            labels
                .iter()
                .copied()
                .filter(|label| wanted(label))
                .collect()
        };
        let shared = |label: &Label| a.labels.contains(label) && b.labels.contains(label);
        let batch = select(&a.labels, &|label| shared(label) && keep.contains(label));
        let summed = select(&a.labels, &|label| shared(label) && !keep.contains(label));
        let rows = select(&a.labels, &|label| !shared(label));
        let columns = select(&b.labels, &|label| !shared(label));
        if summed.is_empty() || (rows.is_empty() && columns.is_empty()) {
            let labels = [batch, rows, columns].concat();
            let all = [labels.as_slice(), &summed].concat();
            let product = a.spread(&all)?.mul(&b.spread(&all)?)?;
            let axes: Vec<usize> = (labels.len()..all.len()).collect();
            let value = match axes.is_empty() {
                true => product,
                false => product.sum_axes(&axes, false)?,
            };
            return Ok(Term { value, labels });
        }
        let value = a.matrix(&batch, &rows, &summed)?;
        let value = value.matmul(&b.matrix(&batch, &summed, &columns)?)?;
        let lengths = |term: &Self, labels: &[Label]| -> Vec<usize> {
            labels.iter().map(|label| term.length(label)).collect()
        };
        let outer = &value.shape()[..batch.len()];
        let shape = [outer, &lengths(&a, &rows), &lengths(&b, &columns)].concat();
        let value = match value.shape() == shape {
            true => value,
            false => value.reshape(shape)?,
        };
        Ok(Term {
            value,
            labels: [batch, rows, columns].concat(),
        })
    }

    /// The length of an axis; 1 of one that it does not have.
    fn length(&self, label: &Label) -> usize {
        position(&self.labels, label).map_or(1, |axis| self.value.shape()[axis])
    }

    /// With an axis for each of `labels`, of length 1 where it has none.
    fn spread(&self, labels: &[Label]) -> Result<Var<E>> {
        let own = labels
            .iter()
            .copied()
            .filter(|label| self.labels.contains(label));
        let ordered = self.value.ordered(&self.labels, &own.collect::<Vec<_>>())?;
        let shape: Vec<usize> = labels.iter().map(|label| self.length(label)).collect();
        if ordered.shape() == shape {
            return Ok(ordered);
        }
        ordered.reshape(shape)
    }

    /// A stack of matrices with these rows and columns. Each group of axes is put together in the order in which it lies; if
    /// the columns lie in front of the rows, the matrix is a transposed view.
    fn matrix(&self, batch: &[Label], rows: &[Label], columns: &[Label]) -> Result<Var<E>> {
        let place = |labels: &[Label]| {
            let places = labels
                .iter()
                .filter_map(|label| position(&self.labels, label));
            places.max().unwrap_or(0)
        };
        let flipped = place(columns) < place(rows);
        let (first, second) = if flipped {
            (columns, rows)
        } else {
            (rows, columns)
        };
        let order = [batch, first, second].concat();
        let ordered = self.value.ordered(&self.labels, &order)?;
        let product = |labels: &[Label]| {
            labels
                .iter()
                .map(|label| self.length(label))
                .product::<usize>()
        };
        let mut shape: Vec<usize> = batch.iter().map(|label| self.length(label)).collect();
        shape.extend([product(first), product(second)]);
        let matrix = match ordered.shape() == shape {
            true => ordered,
            false => ordered.reshape(shape)?,
        };
        Ok(if flipped { matrix.transpose() } else { matrix })
    }
}

fn position(labels: &[Label], label: &Label) -> Option<usize> {
    labels.iter().position(|other| other == label)
}

/// The first two axes of one name.
fn twice(labels: &[Label]) -> Option<(usize, usize)> {
    (0..labels.len()).find_map(|first| {
        let second = position(&labels[first + 1..], &labels[first])?;
        Some((first, first + 1 + second))
    })
}

/// The entries at which two axes of one length have the same position, on one axis in front of the others.
fn diagonal<E: Element>(x: &Var<E>, first: usize, second: usize) -> Result<Var<E>> {
    let rest = (0..x.shape().len()).filter(|&axis| axis != first && axis != second);
    let axes: Vec<usize> = [first, second].into_iter().chain(rest).collect();
    let length = x.shape()[first];
    let front = x.permute(&axes)?;
    let rest = &front.shape()[2..];
    let flat = front.reshape([&[length * length], rest].concat())?;
    flat.slice_step(0, 0..length * length, length as isize + 1)
}

pub(super) const SPEC: Spec = Spec {
    name: "einsum",
    formula: "Σ a · b · … over named axes",
    sample: |s| {
        // Each letter has one length.
        let lengths: Vec<usize> = (0..26).map(|_| s.integer(1, 3)).collect();
        let equation = s.one_of(&[
            "ij,jk->ik",
            "ij,jk",
            "bij,bjk->bki",
            "bthd,bshd->bhts",
            "bhts,bshd->bthd",
            "abc,cde->abde",
            "abcd,cde->abe",
            "cab,dec->adbe",
            "ab,ab->a",
            "ab,ab->",
            "a,b->ba",
            "ii",
            "iji->j",
            "iij,ij->i",
            "abc->cb",
            "ab,bc,cd->ad",
            "ab,cb,ac->c",
            "...a,ab->...b",
            "...ij,...jk->...ik",
            "a...,ba...",
            "bac,bcd,bde->ea",
        ]);
        let inputs = equation.split("->").next().unwrap_or_default();
        let operands = inputs.split(',').map(|term| {
            let (front, behind) = term.split_once("...").unwrap_or((term, ""));
            let length = |c: char| lengths[(c as usize).wrapping_sub('a' as usize) % 26];
            let mut shape: Vec<usize> = front.chars().map(length).collect();
            if term.contains("...") {
                shape.push(if s.coin() { 1 } else { 2 });
            }
            shape.extend(behind.chars().map(length));
            (term.to_owned(), s.tensor(&shape))
        });
        let operands: Vec<_> = operands.collect();
        Sample::new(move |v| Var::einsum(equation, &v.iter().collect::<Vec<_>>()))
            .inputs_from(operands)
    },
};

#[cfg(test)]
mod tests {
    use crate::{Tape, Var};
    use taper_tensor::Tensor;

    fn numbers(shape: &[usize]) -> Tensor<f64> {
        Tensor::from_fn(shape, |i| (i as f64 * 0.7).sin())
    }

    /// Every letter with its own loop.
    #[test]
    fn products_are_those_of_loops() {
        let tape = Tape::new();
        let (b, t, s, h, d) = (2, 3, 4, 2, 5);
        let q = tape.constant(&numbers(&[b, t, h, d]));
        let k = tape.constant(&numbers(&[b, s, h, d]).scale(0.5));
        let scores = Var::einsum("bthd,bshd->bhts", &[&q, &k]).unwrap();
        assert_eq!(scores.shape(), [b, h, t, s]);
        for i in 0..b * h * t * s {
            let [bi, hi, ti, si] = [i / (h * t * s), i / (t * s) % h, i / s % t, i % s];
            let at = |x: &Var<f64>, row| {
                (0..d).map(move |di| [bi, row, hi, di]).map({
                    let x = x.value().clone();
                    move |index| x.get(&index).unwrap()
                })
            };
            let wanted: f64 = at(&q, ti).zip(at(&k, si)).map(|(x, y)| x * y).sum();
            let found = scores.value().get(&[bi, hi, ti, si]).unwrap();
            assert!((found - wanted).abs() <= 1e-12, "{found} for {wanted}");
        }
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let tape = Tape::new();
        let (a, b) = (
            tape.constant(&numbers(&[2, 3])),
            tape.constant(&numbers(&[4, 5])),
        );
        let message = |equation: &str, operands: &[&Var<f64>]| {
            let error = Var::einsum(equation, operands).unwrap_err().to_string();
            assert!(error.starts_with("einsum: "), "{error}");
            error
        };
        assert!(message("ij,jk->ik", &[&a, &b]).contains("j has the lengths 3 and 4"));
        assert!(message("ij,jk->ik", &[&a]).contains("names 2 operands, 1 are given"));
        assert!(message("ijk->i", &[&a]).contains("names 3 axes of an operand that has 2"));
        assert!(message("ij->ik", &[&a]).contains("an axis k"));
        assert!(message("ij->ii", &[&a]).contains("axis i twice"));
        assert!(message("i1->i", &[&a]).contains("'1' is no letter"));
        assert!(message("i...->i", &[&a]).contains("must have the \"...\""));
        assert!(message("", &[]).contains("0 are given"));
        let other = Tape::new().constant(&numbers(&[3, 4]));
        assert!(Var::einsum("ij,jk", &[&a, &other]).is_err());
    }
}
