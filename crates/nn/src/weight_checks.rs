//! What all layers share is checked for all of them, whoever wrote them: sizes of weights, their first values, penalties.

use crate::setting::{Checked, MAX_VALUES, elements, not_negative_in};
use crate::{Error, Initializer, Regularizer, Result, WeightSpec};
use taper_tensor::Element;

/// The factors of a penalty.
pub(crate) fn penalty<E: Element>(name: &str, regularizer: Option<Regularizer>) -> Checked {
    let Regularizer { l1, l2, orthogonal } = regularizer.unwrap_or_default();
    let factor = orthogonal.map_or(0.0, |penalty| penalty.factor);
    not_negative_in::<E>("l1", l1)
        .and_then(|()| not_negative_in::<E>("l2", l2))
        .and_then(|()| not_negative_in::<E>("orthogonal: factor", factor))
        .map_err(|fault| format!("{name}: {fault}"))
}

/// The initializer and the regularizer of the weight that settings call `name`.
pub(crate) fn first_values_and_penalty<E: Element>(
    name: &str,
    shape: &[usize],
    initializer: Initializer,
    regularizer: Option<Regularizer>,
) -> Checked {
    initializer
        .check::<E>(shape)
        .map_err(|fault| format!("{name}_initializer: {fault}"))?;
    penalty::<E>(&format!("{name}_regularizer"), regularizer)
}

/// What any layer says of its weights: sizes that memory can have, first values and penalties that are numbers.
pub(crate) fn weights<E: Element>(specs: &[WeightSpec]) -> Checked {
    for WeightSpec {
        name,
        initializer,
        regularizer,
        shape,
        ..
    } in specs
    {
        first_values_and_penalty::<E>(name, shape, *initializer, *regularizer)?;
        if elements(shape).is_none() {
            return Err(format!(
                "its {name} {shape:?} is too large: more than {MAX_VALUES} values"
            ));
        }
    }
    Ok(())
}

/// The weights of a whole model.
pub(crate) fn all_weights<'a>(
    specs: impl IntoIterator<Item = &'a (String, WeightSpec)>,
) -> Result<()> {
    let mut total = 0usize;
    for (name, spec) in specs {
        total = total.saturating_add(elements(&spec.shape).unwrap_or(usize::MAX));
        if total > MAX_VALUES {
            let message = format!(
                "model: with {name} {:?} its weights are too large: more than {MAX_VALUES} values",
                spec.shape
            );
            return Err(Error::Config(message));
        }
    }
    Ok(())
}
