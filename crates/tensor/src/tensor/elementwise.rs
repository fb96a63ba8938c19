//! Functions of single elements and of pairs of them, with NumPy's broadcasting. Everything goes through two loops
//! over rows, `map` and `zip`; large tensors are cut into chunks for the threads.

use super::Tensor;
use crate::kernels::math::Function;
use crate::walk::{Walk, for_each_chunk};
use crate::{Element, Result, shape};

/// Element-wise operations. Two operands are broadcast against each other; if they do not fit, the error names the
/// operation, both shapes and the axis.
impl<E: Element> Tensor<E> {
    /// `f` of every element. The result is contiguous.
    pub fn map(&self, f: impl Fn(E) -> E + Sync) -> Self {
        let source = self.storage();
        let walk = Walk::new(&self.shape, [&self.strides]);
        let [stride] = walk.inner_strides();
        Self::filled(self.shape.clone(), |start, chunk| {
            walk.rows(start, start + chunk.len(), |position, length, [offset]| {
                let row = &mut chunk[position - start..][..length];
                let source = &source[offset..];
                match stride {
                    0 => row.fill(f(source[0])),
                    1 => row.iter_mut().zip(source).for_each(|(to, &x)| *to = f(x)),
                    _ => row
                        .iter_mut()
                        .zip(source.iter().step_by(stride))
                        .for_each(|(to, &x)| *to = f(x)),
                }
            });
        })
    }

    /// A function of mathematics of every element: of f32 by vectors of our own, with the same bits on every system and
    /// instruction set (see [`math`](crate::kernels::math)), of f64 by the standard library.
    pub fn function(&self, function: Function) -> Self {
        match self.as_slice() {
            Some(values) => Self::filled(self.shape.clone(), |start, chunk| {
                E::apply(function, &values[start..][..chunk.len()], chunk);
            }),
            None => {
                let mut values = self.contiguous();
                for_each_chunk(values.as_mut_slice(), |_, chunk| {
                    E::apply_in_place(function, chunk);
                });
                values
            }
        }
    }

    /// Replaces every element by `f` of it, without a new tensor if the storage is not shared.
    pub fn map_in_place(&mut self, f: impl Fn(E) -> E + Sync) {
        for_each_chunk(self.as_mut_slice(), |_, chunk| {
            chunk.iter_mut().for_each(|x| *x = f(*x))
        });
    }

    /// `f` of every pair of elements. `operation` is the name that an error says.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    pub fn zip(
        &self,
        operation: &'static str,
        other: &Self,
        f: impl Fn(E, E) -> E + Sync,
    ) -> Result<Self> {
        let shape = shape::broadcast(operation, &self.shape, &other.shape)?;
        shape::element_count(operation, &shape)?;
        let strides_a = shape::broadcast_strides(operation, &self.shape, &self.strides, &shape)?;
        let strides_b = shape::broadcast_strides(operation, &other.shape, &other.strides, &shape)?;
        let walk = Walk::new(&shape, [&strides_a, &strides_b]);
        let [stride_a, stride_b] = walk.inner_strides();
        let (a, b) = (self.storage(), other.storage());
        Ok(Self::filled(shape, |start, chunk| {
            walk.rows(
                start,
                start + chunk.len(),
                |position, length, [at_a, at_b]| {
                    let row = &mut chunk[position - start..][..length];
                    zip_row(row, &a[at_a..], stride_a, &b[at_b..], stride_b, &f);
                },
            );
        }))
    }

    /// As [`zip`](Self::zip), for tensors that are given away: the result takes the memory of one of them if nobody else
    /// holds it and the shapes are the same.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    ///
    /// ```
    /// use taper_tensor::Tensor;
    /// let (a, b) = (Tensor::full([2, 3], 2.0f32), Tensor::full([2, 3], 5.0));
    /// let product = Tensor::zip_owned("mul", a, b, |a, b| a * b)?; // in the memory of `a`
    /// assert_eq!(product.to_vec(), [10.0; 6]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn zip_owned(
        operation: &'static str,
        mut a: Self,
        mut b: Self,
        f: impl Fn(E, E) -> E + Sync,
    ) -> Result<Self> {
        if a.shape == b.shape {
            if a.is_own() && b.is_contiguous() {
                a.replace_by(&b, f);
                return Ok(a);
            }
            if b.is_own() && a.is_contiguous() {
                b.replace_by(&a, |b, a| f(a, b));
                return Ok(b);
            }
        }
        a.zip(operation, &b, f)
    }

    /// Replaces every element by `f` of it and its partner; both are in row-major order and of one shape.
    fn replace_by(&mut self, other: &Self, f: impl Fn(E, E) -> E + Sync) {
        let other = other.as_slice().unwrap_or_default();
        for_each_chunk(self.as_mut_slice(), |start, chunk| {
            let partners = &other[start..];
            let pairs = chunk.iter_mut().zip(partners);
            pairs.for_each(|(to, &partner)| *to = f(*to, partner));
        });
    }

    /// `self + other`.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    pub fn add(&self, other: &Self) -> Result<Self> {
        self.zip("add", other, |a, b| a + b)
    }

    /// `self − other`.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    pub fn sub(&self, other: &Self) -> Result<Self> {
        self.zip("sub", other, |a, b| a - b)
    }

    /// `self · other`, element by element.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    pub fn mul(&self, other: &Self) -> Result<Self> {
        self.zip("mul", other, |a, b| a * b)
    }

    /// `self / other`.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    pub fn div(&self, other: &Self) -> Result<Self> {
        self.zip("div", other, |a, b| a / b)
    }

    /// The greater of each pair; NaN if one of them is.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    pub fn maximum(&self, other: &Self) -> Result<Self> {
        self.zip("maximum", other, greater)
    }

    /// The lesser of each pair; NaN if one of them is.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    pub fn minimum(&self, other: &Self) -> Result<Self> {
        self.zip("minimum", other, lesser)
    }

    /// `self` to the power of `other`, as C's Annex F has it (see [`powf`](Self::powf)).
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    pub fn pow(&self, other: &Self) -> Result<Self> {
        self.zip("pow", other, E::pow)
    }

    /// In place `self += other`, where `other` has the same shape or broadcasts to it. No allocation when the storage
    /// is not shared.
    ///
    /// # Errors
    /// If `other` does not broadcast to the shape of `self`.
    pub fn add_assign(&mut self, other: &Self) -> Result<()> {
        let strides =
            shape::broadcast_strides("add_assign", &other.shape, &other.strides, &self.shape)?;
        let walk = Walk::new(&self.shape, [&strides]);
        let [stride] = walk.inner_strides();
        let source = other.storage();
        for_each_chunk(self.as_mut_slice(), |start, chunk| {
            walk.rows(start, start + chunk.len(), |position, length, [offset]| {
                let row = &mut chunk[position - start..][..length];
                let source = &source[offset..];
                match stride {
                    0 => row.iter_mut().for_each(|to| *to += source[0]),
                    1 => row.iter_mut().zip(source).for_each(|(to, &x)| *to += x),
                    _ => row
                        .iter_mut()
                        .zip(source.iter().step_by(stride))
                        .for_each(|(to, &x)| *to += x),
                }
            });
        });
        Ok(())
    }

    /// Every element times `factor`.
    pub fn scale(&self, factor: E) -> Self {
        self.map(|x| x * factor)
    }

    /// Every element plus `amount`.
    pub fn shift(&self, amount: E) -> Self {
        self.map(|x| x + amount)
    }

    /// −x.
    pub fn neg(&self) -> Self {
        self.map(|x| -x)
    }

    /// eˣ.
    pub fn exp(&self) -> Self {
        self.function(Function::Exp)
    }

    /// eˣ − 1, with all digits near 0.
    pub fn expm1(&self) -> Self {
        self.function(Function::Expm1)
    }

    /// ln(1 + x), with all digits near 0: −∞ of −1, NaN below.
    pub fn log1p(&self) -> Self {
        self.function(Function::Log1p)
    }

    /// ln(1 + eˣ), without overflow and with all digits for any x.
    pub fn softplus(&self) -> Self {
        self.function(Function::Softplus)
    }

    /// The natural logarithm: −∞ of 0, NaN of negative numbers.
    pub fn ln(&self) -> Self {
        self.function(Function::Ln)
    }

    /// √x: NaN of negative numbers.
    pub fn sqrt(&self) -> Self {
        self.map(E::sqrt)
    }

    /// x².
    pub fn square(&self) -> Self {
        self.map(|x| x * x)
    }

    /// 1 / x.
    pub fn recip(&self) -> Self {
        self.map(E::recip)
    }

    /// |x|.
    pub fn abs(&self) -> Self {
        self.map(E::abs)
    }

    /// x to the power of `exponent`, as C's Annex F has it: 1 where one is 0 or the other 1, NaN of a negative x unless the
    /// exponent is whole.
    pub fn powf(&self, exponent: E) -> Self {
        let packed = self.contiguous();
        let values = packed.values();
        Self::filled(self.shape.clone(), |start, chunk| {
            E::powers(&values[start..][..chunk.len()], exponent, chunk);
        })
    }

    /// The sine, of huge numbers, too; NaN of infinite ones.
    pub fn sin(&self) -> Self {
        self.function(Function::Sin)
    }

    /// The cosine, of huge numbers, too; NaN of infinite ones.
    pub fn cos(&self) -> Self {
        self.function(Function::Cos)
    }

    /// The error function, 2/√π ∫₀ˣ e^(−t²) dt.
    pub fn erf(&self) -> Self {
        self.function(Function::Erf)
    }

    /// x if it is positive, otherwise 0; NaN stays NaN.
    pub fn relu(&self) -> Self {
        self.map(|x| if x < E::zero() { E::zero() } else { x })
    }

    /// 1 / (1 + e⁻ˣ), without overflow for any x.
    pub fn sigmoid(&self) -> Self {
        self.function(Function::Sigmoid)
    }

    /// The hyperbolic tangent.
    pub fn tanh(&self) -> Self {
        self.function(Function::Tanh)
    }

    /// x, but at least `low` and at most `high`; NaN stays NaN.
    pub fn clip(&self, low: E, high: E) -> Self {
        self.map(|x| {
            let x = if x < low { low } else { x };
            if x > high { high } else { x }
        })
    }
}

/// The greater one; NaN wins.
pub(super) fn greater<E: Element>(a: E, b: E) -> E {
    if a > b || a.is_nan() { a } else { b }
}

/// The lesser one; NaN wins.
pub(super) fn lesser<E: Element>(a: E, b: E) -> E {
    if a < b || a.is_nan() { a } else { b }
}

/// One row; the usual strides get loops that the compiler turns into SIMD.
fn zip_row<E: Element>(
    row: &mut [E],
    a: &[E],
    stride_a: usize,
    b: &[E],
    stride_b: usize,
    f: &impl Fn(E, E) -> E,
) {
    match (stride_a, stride_b) {
        (1, 1) => row
            .iter_mut()
            .zip(a)
            .zip(b)
            .for_each(|((to, &x), &y)| *to = f(x, y)),
        (1, 0) => row.iter_mut().zip(a).for_each(|(to, &x)| *to = f(x, b[0])),
        (0, 1) => row.iter_mut().zip(b).for_each(|(to, &y)| *to = f(a[0], y)),
        _ => row
            .iter_mut()
            .enumerate()
            .for_each(|(i, to)| *to = f(a[i * stride_a], b[i * stride_b])),
    }
}
