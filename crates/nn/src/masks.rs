//! What becomes of masks where wires meet. A mask is `[n, steps]`, 0 where a step stands for nothing.

use crate::Result;
use taper_tensor::{Element, Tensor};

/// Of junctions that merge step by step: a step counts where it does in any input; none if an input has none (as Keras's
/// merging layers).
pub(crate) fn any_of<E: Element>(masks: &[Option<&Tensor<E>>]) -> Result<Vec<Option<Tensor<E>>>> {
    let Some(all) = masks.iter().copied().collect::<Option<Vec<_>>>() else {
        return Ok(Vec::new());
    };
    let mut any: Option<Tensor<E>> = None;
    for mask in all {
        any = Some(match any {
            Some(any) => any.maximum(mask)?,
            None => mask.clone(),
        });
    }
    Ok(vec![any])
}

/// Of inputs one behind the other along `axis` (with the batch as 0): along the steps the masks are, too; along another axis a
/// step counts where it does in all inputs. An input without a mask counts everywhere.
pub(crate) fn concatenated<E: Element>(
    inputs: &[&Tensor<E>],
    masks: &[Option<&Tensor<E>>],
    axis: usize,
) -> Result<Vec<Option<Tensor<E>>>> {
    let steps = |x: &Tensor<E>| x.shape().get(..2).map(<[usize]>::to_vec);
    let shapes: Option<Vec<Vec<usize>>> = inputs.iter().map(|x| steps(x)).collect();
    let Some(shapes) = shapes.filter(|_| masks.iter().any(Option::is_some)) else {
        return Ok(Vec::new());
    };
    let whole = |(mask, shape): (&Option<&Tensor<E>>, Vec<usize>)| match mask {
        Some(mask) => (*mask).clone(),
        None => Tensor::ones(shape),
    };
    let all: Vec<Tensor<E>> = masks.iter().zip(shapes).map(whole).collect();
    if axis == 1 {
        let all: Vec<&Tensor<E>> = all.iter().collect();
        return Ok(vec![Some(Tensor::concat(&all, 1)?)]);
    }
    let mut all = all.into_iter();
    let mut together = all.next();
    for mask in all {
        together = together.map(|so_far| so_far.minimum(&mask)).transpose()?;
    }
    Ok(vec![together])
}
