//! What several operations share: element-wise functions, the way back through broadcasting, reductions and fused
//! epilogues.

use crate::{Op, Place, Var};
use taper_tensor::kernels::math::{Function, SELU};
use taper_tensor::ops::{Epilogue, Fusible};
use taper_tensor::{Element, Error, Result, Tensor};

impl<E: Element> Var<E> {
    /// A function of every element, whose gradient is `slope(gradient, saved)`; `saved` is the input or the output. `on_tape` is
    /// the slope times the gradient once more, in operations.
    pub(crate) fn element_wise(
        &self,
        name: &'static str,
        value: Tensor<E>,
        save: Save,
        slope: impl Fn(E, E) -> E + Sync + 'static,
        on_tape: impl Fn(&Var<E>, &Var<E>) -> Result<Var<E>> + 'static,
    ) -> Var<E> {
        let saved = match save {
            Save::Input => self.value().clone(),
            Save::Output => value.clone(),
        };
        self.derive(value, || ElementWise {
            name,
            saved,
            save,
            slope,
            on_tape,
        })
    }
}

impl<E: Element> Var<E> {
    /// `value` of every element, for functions of a few comparisons and products that need no file of their own; any shape.
    /// `name` stands in errors.
    ///
    /// Gradient: g · `slope(x)`, and 0 where that is 0, even if g is infinite. Saves the input. It has no second derivative.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([2], vec![-2.0, 3.0])?);
    /// let y = x.map("leaky", |x: f32| x.max(0.1 * x), |x| if x > 0.0 { 1.0 } else { 0.1 });
    /// assert_eq!(y.value().to_vec(), [-0.2, 3.0]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [0.1, 1.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn map(
        &self,
        name: &'static str,
        value: impl Fn(E) -> E + Sync,
        slope: impl Fn(E) -> E + Sync + 'static,
    ) -> Var<E> {
        let back = move |g, x| {
            let slope = slope(x);
            if slope.is_zero() {
                E::zero()
            } else {
                g * slope
            }
        };
        let on_tape = move |_: &Var<E>, _: &Var<E>| {
            let message =
                "its slope is a function of numbers, which cannot be differentiated again";
            Err(Error::shape(name, message))
        };
        self.element_wise(name, self.value().map(value), Save::Input, back, on_tape)
    }

    /// A function of every element whose slope is another one times `factor`; `on_tape` is the same in operations, of x. Saves
    /// the input.
    pub(crate) fn by_slope(
        &self,
        name: &'static str,
        function: Function,
        slope: Function,
        factor: E,
        on_tape: fn(&Var<E>) -> Result<Var<E>>,
    ) -> Var<E> {
        self.derive(self.value().function(function), || BySlope {
            name,
            x: self.value().clone(),
            slope,
            factor,
            on_tape,
        })
    }
}

struct BySlope<E: Element> {
    name: &'static str,
    x: Tensor<E>,
    slope: Function,
    factor: E,
    on_tape: fn(&Var<E>) -> Result<Var<E>>,
}

impl<E: Element> Op<E> for BySlope<E> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let (slope, factor) = (self.x.function(self.slope), self.factor);
        let product = Tensor::zip_owned(self.name, slope, gradient, |slope, g| slope * factor * g)?;
        Ok(vec![Some(product)])
    }

    fn backward_on_tape(
        &self,
        gradient: &Var<E>,
        place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        Ok(vec![Some(
            gradient.mul(&(self.on_tape)(&place.input(0, &self.x))?)?,
        )])
    }
}

/// Which value an element-wise function's gradient is computed from.
#[derive(Clone, Copy)]
pub(crate) enum Save {
    Input,
    Output,
}

struct ElementWise<E: Element, F, T> {
    name: &'static str,
    saved: Tensor<E>,
    save: Save,
    slope: F,
    on_tape: T,
}

impl<E, F, T> Op<E> for ElementWise<E, F, T>
where
    E: Element,
    F: Fn(E, E) -> E + Sync + 'static,
    T: Fn(&Var<E>, &Var<E>) -> Result<Var<E>> + 'static,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        Ok(vec![Some(gradient.zip(
            self.name,
            &self.saved,
            &self.slope,
        )?)])
    }

    fn backward_on_tape(
        &self,
        gradient: &Var<E>,
        place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        let saved = match self.save {
            Save::Input => place.input(0, &self.saved),
            Save::Output => place.output(&self.saved),
        };
        Ok(vec![Some((self.on_tape)(gradient, &saved)?)])
    }
}

/// The gradient of a value of `shape` that was broadcast to the shape of `gradient`.
pub(crate) fn unbroadcast<E: Element>(gradient: Tensor<E>, shape: &[usize]) -> Result<Tensor<E>> {
    if gradient.shape() == shape {
        Ok(gradient)
    } else {
        gradient.sum_to(shape)
    }
}

/// The same on the tape.
pub(crate) fn unbroadcast_on_tape<E: Element>(gradient: Var<E>, shape: &[usize]) -> Result<Var<E>> {
    let all = gradient.shape();
    if all == shape {
        return Ok(gradient);
    }
    let added = all.len() - shape.len();
    let stretched = |&axis: &usize| axis < added || shape[axis - added] != all[axis];
    let axes: Vec<usize> = (0..all.len()).filter(stretched).collect();
    gradient.sum_axes(&axes, true)?.reshape(shape)
}

/// [`stretch`] on the tape.
pub(crate) fn stretch_on_tape<E: Element>(
    reduced: &Var<E>,
    shape: &[usize],
    axes: &[usize],
    keep_dims: bool,
) -> Result<Var<E>> {
    if keep_dims {
        return reduced.broadcast_to(shape);
    }
    let kept: Vec<usize> = (0..shape.len())
        .map(|axis| if axes.contains(&axis) { 1 } else { shape[axis] })
        .collect();
    reduced.reshape(kept)?.broadcast_to(shape)
}

/// A reduction of a value of `shape` along `axes`, stretched back to `shape` (a view; nothing is copied).
pub(crate) fn stretch<E: Element>(
    reduced: &Tensor<E>,
    shape: &[usize],
    axes: &[usize],
    keep_dims: bool,
) -> Result<Tensor<E>> {
    if keep_dims {
        return reduced.broadcast_to(shape);
    }
    let kept: Vec<usize> = (0..shape.len())
        .map(|axis| if axes.contains(&axis) { 1 } else { shape[axis] })
        .collect();
    reduced.reshape(kept)?.broadcast_to(shape)
}

/// `gradient` · `share`, and 0 where the share is 0: what has no part in a value gets nothing of its gradient, even of an
/// infinite one.
pub(crate) fn where_not_zero<E: Element>(
    name: &'static str,
    gradient: &Tensor<E>,
    share: &Tensor<E>,
) -> Result<Tensor<E>> {
    gradient.zip(name, share, |gradient, share| {
        if share.is_zero() {
            E::zero()
        } else {
            gradient * share
        }
    })
}

/// Σ costs · weight; the sum may be larger than any number of the type while its mean is not.
pub(crate) fn weighted_sum<E: Element>(costs: &Tensor<E>, weight: E) -> Tensor<E> {
    let sum = costs.sum();
    if sum.item().is_ok_and(E::is_finite) {
        sum.scale(weight)
    } else {
        costs.scale(weight).sum()
    }
}

/// The way back through the epilogue of a fused operation.
pub(crate) struct ThroughEpilogue<E: Element> {
    epilogue: Epilogue,
    /// The gradient of an activation function is told by what it put out; dropout alone recomputes its mask.
    output: Option<Tensor<E>>,
}

impl<E: Element> ThroughEpilogue<E> {
    pub(crate) fn new(epilogue: &Epilogue, output: Tensor<E>) -> Self {
        ThroughEpilogue {
            epilogue: *epilogue,
            output: epilogue.activation.map(|_| output),
        }
    }

    /// The activation function's output and the epilogue, if there is such a function.
    pub(crate) fn activation(&self) -> Option<(&Tensor<E>, &Epilogue)> {
        Some((self.output.as_ref()?, &self.epilogue))
    }

    /// The gradient before the epilogue on the tape, given that after it, for an operation that stands at `place` and whose
    /// output is the epilogue's.
    pub(crate) fn back_on_tape(&self, gradient: &Var<E>, place: &Place<'_, E>) -> Result<Var<E>> {
        let output = self.output.as_ref().map(|output| place.output(output));
        match (self.epilogue.activation, output) {
            (Some(Fusible::Tanh), Some(y)) => gradient.sub(&gradient.mul(&y.square())?),
            (Some(Fusible::Sigmoid), Some(y)) => gradient.mul(&y.sub(&y.square())?),
            (Some(Fusible::Elu), Some(y)) => slope_below(gradient, &y, E::one(), E::one()),
            (Some(Fusible::Selu), Some(y)) => {
                let [scale, least] = SELU.map(E::from_f64);
                slope_below(gradient, &y, scale, least)
            }
            // A factor for each value that no variable moves.
            _ => {
                let through = ThroughEpilogue {
                    epilogue: self.epilogue,
                    output: self.output.clone(),
                };
                let factors = through.back(Tensor::ones(gradient.shape()))?;
                gradient.mul(&place.constant(&factors))
            }
        }
    }

    /// The gradient before the epilogue, given that after it.
    pub(crate) fn back(self, gradient: Tensor<E>) -> Result<Tensor<E>> {
        match (self.output, self.epilogue.dropout) {
            (Some(output), _) => gradient.epilogue_gradient(&output, &self.epilogue),
            (None, Some(dropout)) => gradient.dropout(&dropout),
            (None, None) => Ok(gradient),
        }
    }
}

impl<E: Element> Var<E> {
    /// `value`, which this activation function put out; its gradient is told by it.
    pub(crate) fn activated(
        &self,
        name: &'static str,
        value: Tensor<E>,
        activation: Fusible,
    ) -> Var<E> {
        let epilogue = Epilogue {
            activation: Some(activation),
            dropout: None,
        };
        self.derive(value.clone(), || Activated {
            name,
            through: ThroughEpilogue::new(&epilogue, value),
        })
    }
}

struct Activated<E: Element> {
    name: &'static str,
    through: ThroughEpilogue<E>,
}

impl<E: Element> Op<E> for Activated<E> {
    fn name(&self) -> &'static str {
        self.name
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
        place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        Ok(vec![Some(self.through.back_on_tape(gradient, place)?)])
    }
}

/// gradient · (y ≥ 0 ? above : y + least) on the tape.
fn slope_below<E: Element>(gradient: &Var<E>, y: &Var<E>, above: E, least: E) -> Result<Var<E>> {
    let is_above = |y: E| y >= E::zero();
    let moves = y
        .value()
        .map(|y| if is_above(y) { E::zero() } else { E::one() });
    let rest = y.value().map(|y| if is_above(y) { above } else { least });
    let tape = gradient.tape();
    let slope = y.mul(&tape.constant(&moves))?;
    gradient.mul(&slope.add(&tape.constant(&rest))?)
}

/// `value`, each element of which is `a` where `wins(a, b)` and `b` where `wins(b, a)`.
pub(crate) fn choose<E: Element>(
    name: &'static str,
    a: &Var<E>,
    b: &Var<E>,
    value: Tensor<E>,
    wins: fn(E, E) -> bool,
) -> Result<Var<E>> {
    a.tape().record(&[a, b], value, || Choose {
        name,
        a: a.value().clone(),
        b: b.value().clone(),
        wins,
    })
}

struct Choose<E: Element> {
    name: &'static str,
    a: Tensor<E>,
    b: Tensor<E>,
    wins: fn(E, E) -> bool,
}

impl<E: Element> Choose<E> {
    /// How much of the gradient goes to `mine`.
    fn share(&self, mine: &Tensor<E>, other: &Tensor<E>) -> Result<Tensor<E>> {
        let (wins, half) = (self.wins, E::from_f64(0.5));
        mine.zip(self.name, other, move |mine, other| {
            if wins(mine, other) {
                E::one()
            } else if wins(other, mine) {
                E::zero()
            } else {
                half
            }
        })
    }
}

impl<E: Element> Op<E> for Choose<E> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let back = |mine: &Tensor<E>, other: &Tensor<E>| {
            let share = self.share(mine, other)?;
            unbroadcast(where_not_zero(self.name, &gradient, &share)?, mine.shape())
        };
        let a = wanted[0].then(|| back(&self.a, &self.b)).transpose()?;
        let b = wanted[1].then(|| back(&self.b, &self.a)).transpose()?;
        Ok(vec![a, b])
    }

    fn backward_on_tape(
        &self,
        gradient: &Var<E>,
        place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        let back = |i: usize, mine: &Tensor<E>, other: &Tensor<E>| match place.wants(i) {
            true => {
                let share = place.constant(&self.share(mine, other)?);
                unbroadcast_on_tape(gradient.mul(&share)?, mine.shape()).map(Some)
            }
            false => Ok(None),
        };
        Ok(vec![back(0, &self.a, &self.b)?, back(1, &self.b, &self.a)?])
    }
}
