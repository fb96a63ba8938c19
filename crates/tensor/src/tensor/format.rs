//! How a tensor prints: `{:?}` is one line for error messages and assertions, `{}` shows rows and columns. Both stay
//! short for large tensors.

use super::Tensor;
use crate::Element;
use std::fmt::{Debug, Display, Formatter, Result};

/// Values in a debug line.
const SHOWN: usize = 8;
/// Elements shown of a longer axis: this many at each end.
const EDGE: usize = 3;

/// `Tensor<f32> [2, 3] [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]`; of long tensors the first values.
impl<E: Element> Debug for Tensor<E> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "Tensor<{}> {:?} [", E::NAME, self.shape)?;
        let walk = crate::walk::Walk::new(&self.shape, [&self.strides]);
        let [stride] = walk.inner_strides();
        let mut written = Ok(());
        walk.rows(0, self.len().min(SHOWN), |position, length, [offset]| {
            for i in 0..length {
                let separator = if position + i == 0 { "" } else { ", " };
                let value = self.storage()[offset + i * stride];
                written = written.and_then(|()| write!(f, "{separator}{value:?}"));
            }
        });
        written?;
        f.write_str(if self.len() > SHOWN { ", …]" } else { "]" })
    }
}

/// Nested brackets, as NumPy prints; of long axes both ends. A precision (`{:.3}`) applies to every value.
///
/// ```
/// # use taper_tensor::Tensor;
/// let x = Tensor::from_fn([2, 10], |i| i as f64);
/// assert_eq!(format!("{x:.1}"), "[[0.0, 1.0, 2.0, …, 7.0, 8.0, 9.0],\n [10.0, 11.0, 12.0, …, 17.0, 18.0, 19.0]]");
/// ```
impl<E: Element> Display for Tensor<E> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write_axis(self, &mut Vec::with_capacity(self.rank()), f)
    }
}

/// What follows the indices in `prefix`.
fn write_axis<E: Element>(
    tensor: &Tensor<E>,
    prefix: &mut Vec<usize>,
    f: &mut Formatter<'_>,
) -> Result {
    let axis = prefix.len();
    if let Some(value) = tensor.get(prefix) {
        return Display::fmt(&value, f);
    }
    let separator = match tensor.rank() - axis {
        1 => ", ".to_string(),
        below => format!(",{}{}", "\n".repeat(below - 1), " ".repeat(axis + 1)),
    };
    let length = tensor.shape[axis];
    f.write_str("[")?;
    let mut i = 0;
    while i < length {
        if i > 0 {
            f.write_str(&separator)?;
        }
        if i == EDGE && length > 2 * EDGE {
            write!(f, "…{separator}")?;
            i = length - EDGE;
        }
        prefix.push(i);
        write_axis(tensor, prefix, f)?;
        prefix.pop();
        i += 1;
    }
    f.write_str("]")
}
