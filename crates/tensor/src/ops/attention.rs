//! Attention, one head of one sample after the other: its scores lie in the caches while they are made, turned into weights
//! and used, and no head is ever copied out of its neighbours but for a few rows.

use super::arguments::{packed, values as numbers};
use crate::buffer::Buffer;
use crate::matrix::MatrixRef;
use crate::tensor::softmax_row;
use crate::{Element, Error, Result, Tensor, shape};
use rayon::prelude::*;

/// What [`Tensor::attention`] makes.
#[derive(Clone, Debug)]
pub struct Attended<E: Element = f32> {
    /// `[n, t, heads, e]`.
    pub output: Tensor<E>,
    /// How much each position sees of each other one, if asked for: `[n, heads, t, s]`.
    pub weights: Option<Tensor<E>>,
}

impl<E: Element> Tensor<E> {
    /// For each head softmax(scale · q · kᵀ + mask) · v: queries (self) `[n, t, heads, d]`, keys `[n, s, shared, d]`, values
    /// `[n, s, shared, e]` → `[n, t, heads, e]`. `heads` is a multiple of `shared`, and so many neighbouring heads see the same
    /// keys and values. The mask `[t, s]` is added to the scores; the weights are kept only if asked for.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn attention(
        &self,
        keys: &Self,
        values: &Self,
        (scale, mask): (E, Option<&Self>),
        keep_weights: bool,
    ) -> Result<Attended<E>> {
        let sizes = Sizes::of(self, keys, values)?;
        let Sizes {
            n, t, s, heads, e, ..
        } = sizes;
        if let Some(mask) = mask.filter(|mask| mask.shape() != [t, s]) {
            let message = format!("the mask {:?} must be [{t}, {s}]", mask.shape());
            return Err(Error::shape("attention", message));
        }
        let (q, k, v) = (packed(self), packed(keys), packed(values));
        let mask = mask.map(packed);
        let mask = mask.as_ref().map(numbers);
        let mut output = Buffer::zeros(shape::element_count("attention", &[n, t, heads, e])?);
        let all = shape::element_count("attention", &[n, heads, t, s])?;
        let mut kept = keep_weights.then(|| Buffer::zeros(all));
        let sample = |i: usize, out: &mut [E], kept: Option<&mut [E]>| {
            let mut scratch = vec![E::zero(); if kept.is_some() { 0 } else { t * s }];
            let mut part = vec![E::zero(); t * e];
            let mut kept = kept;
            for head in 0..heads {
                let weights = match &mut kept {
                    Some(kept) => &mut kept[head * t * s..][..t * s],
                    None => &mut scratch[..],
                };
                let keys = sizes.keys(numbers(&k), i, head);
                E::matmul(
                    sizes.queries(numbers(&q), i, head),
                    flipped(keys),
                    weights,
                    false,
                );
                for (row, scores) in weights.chunks_exact_mut(s).enumerate() {
                    scores.iter_mut().for_each(|x| *x *= scale);
                    if let Some(mask) = mask {
                        let mask = &mask[row * s..][..s];
                        scores
                            .iter_mut()
                            .zip(mask)
                            .for_each(|(x, &hidden)| *x += hidden);
                    }
                    softmax_row(scores);
                }
                let weights = MatrixRef::by_rows(weights, t, s);
                E::matmul(
                    weights,
                    sizes.values(numbers(&v), i, head),
                    &mut part,
                    false,
                );
                for (to, from) in out.chunks_exact_mut(heads * e).zip(part.chunks_exact(e)) {
                    to[head * e..][..e].copy_from_slice(from);
                }
            }
        };
        if !output.is_empty() && s > 0 {
            let outputs = output.par_chunks_exact_mut(t * heads * e).enumerate();
            match &mut kept {
                Some(kept) => outputs
                    .zip(kept.par_chunks_exact_mut(heads * t * s))
                    .for_each(|((i, out), kept)| sample(i, out, Some(kept))),
                None => outputs.for_each(|(i, out)| sample(i, out, None)),
            }
        }
        Ok(Attended {
            output: Tensor::from_buffer([n, t, heads, e], output),
            weights: kept.map(|kept| Tensor::from_buffer([n, heads, t, s], kept)),
        })
    }

    /// Whether queries (self), keys and values fit together for [`attention`](Self::attention).
    ///
    /// # Errors
    /// When they do not.
    pub fn check_attention(&self, keys: &Self, values: &Self) -> Result<()> {
        Sizes::of(self, keys, values).map(|_| ())
    }

    /// The gradients of queries, keys and values, given that of the output (self) and the weights.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn attention_gradients(
        &self,
        [queries, keys, values]: [&Self; 3],
        weights: &Self,
        scale: E,
    ) -> Result<[Self; 3]> {
        let sizes = Sizes::of(queries, keys, values)?;
        let Sizes {
            n,
            t,
            s,
            heads,
            shared,
            d,
            e,
        } = sizes;
        if self.shape() != [n, t, heads, e] || weights.shape() != [n, heads, t, s] {
            let message = format!(
                "the gradient {:?} and the weights {:?} must be [{n}, {t}, {heads}, {e}] and [{n}, {heads}, {t}, {s}]",
                self.shape(),
                weights.shape()
            );
            return Err(Error::shape("attention", message));
        }
        let (g, w) = (packed(self), packed(weights));
        let (q, k, v) = (packed(queries), packed(keys), packed(values));
        let zeros = |shape: &[usize]| Buffer::<E>::zeros(shape.iter().product());
        let mut dq = zeros(queries.shape());
        let mut dk = zeros(keys.shape());
        let mut dv = zeros(values.shape());
        let sample = |i: usize, dq: &mut [E], dk: &mut [E], dv: &mut [E]| {
            let mut slopes = vec![E::zero(); t * s];
            let mut part = vec![E::zero(); t.max(s) * d.max(e)];
            for head in 0..heads {
                let weights = &numbers(&w)[(i * heads + head) * t * s..][..t * s];
                let back = sizes.outputs(numbers(&g), i, head);
                let matrix = MatrixRef::by_rows(weights, t, s);
                let group = head / (heads / shared);
                E::matmul(flipped(matrix), back, &mut part[..s * e], false);
                add_rows(&part[..s * e], e, dv, shared * e, group * e);
                // Through softmax: w · (slope − Σ w · slope).
                E::matmul(
                    back,
                    flipped(sizes.values(numbers(&v), i, head)),
                    &mut slopes,
                    false,
                );
                for (slopes, weights) in slopes.chunks_exact_mut(s).zip(weights.chunks_exact(s)) {
                    let mean = dot(slopes, weights);
                    let through = slopes.iter_mut().zip(weights);
                    through.for_each(|(slope, &weight)| *slope = weight * (*slope - mean) * scale);
                }
                let matrix = MatrixRef::by_rows(&slopes, t, s);
                E::matmul(
                    matrix,
                    sizes.keys(numbers(&k), i, head),
                    &mut part[..t * d],
                    false,
                );
                add_rows(&part[..t * d], d, dq, heads * d, head * d);
                let queries = sizes.queries(numbers(&q), i, head);
                E::matmul(flipped(matrix), queries, &mut part[..s * d], false);
                add_rows(&part[..s * d], d, dk, shared * d, group * d);
            }
        };
        if !dq.is_empty() && !dk.is_empty() && !dv.is_empty() {
            let of_queries = dq.par_chunks_exact_mut(t * heads * d);
            let of_keys = dk.par_chunks_exact_mut(s * shared * d);
            let of_values = dv.par_chunks_exact_mut(s * shared * e);
            let all = of_queries.zip(of_keys).zip(of_values).enumerate();
            all.for_each(|(i, ((dq, dk), dv))| sample(i, dq, dk, dv));
        }
        Ok([
            Tensor::from_buffer(queries.shape(), dq),
            Tensor::from_buffer(keys.shape(), dk),
            Tensor::from_buffer(values.shape(), dv),
        ])
    }
}

/// Samples, positions, heads and features.
#[derive(Clone, Copy)]
struct Sizes {
    n: usize,
    t: usize,
    s: usize,
    heads: usize,
    shared: usize,
    d: usize,
    e: usize,
}

impl Sizes {
    fn of<E: Element>(q: &Tensor<E>, k: &Tensor<E>, v: &Tensor<E>) -> Result<Self> {
        let (q, k, v) = (q.shape(), k.shape(), v.shape());
        match (q, k, v) {
            (&[n, t, heads, d], &[n2, s, shared, d2], &[n3, s3, shared3, e])
                if [n, n, d, s, shared] == [n2, n3, d2, s3, shared3]
                    && shared > 0
                    && heads.is_multiple_of(shared) =>
            {
                Ok(Sizes {
                    n,
                    t,
                    s,
                    heads,
                    shared,
                    d,
                    e,
                })
            }
            _ => {
                let message = format!(
                    "queries {q:?}, keys {k:?} and values {v:?} must be [n, t, heads, d], [n, s, shared, d] and \
                     [n, s, shared, e], heads a multiple of shared"
                );
                Err(Error::shape("attention", message))
            }
        }
    }

    fn queries<'a, E>(&self, q: &'a [E], sample: usize, head: usize) -> MatrixRef<'a, E> {
        head_of(q, [self.t, self.heads, self.d], sample, head)
    }

    fn outputs<'a, E>(&self, y: &'a [E], sample: usize, head: usize) -> MatrixRef<'a, E> {
        head_of(y, [self.t, self.heads, self.e], sample, head)
    }

    fn keys<'a, E>(&self, k: &'a [E], sample: usize, head: usize) -> MatrixRef<'a, E> {
        let group = head / (self.heads / self.shared);
        head_of(k, [self.s, self.shared, self.d], sample, group)
    }

    fn values<'a, E>(&self, v: &'a [E], sample: usize, head: usize) -> MatrixRef<'a, E> {
        let group = head / (self.heads / self.shared);
        head_of(v, [self.s, self.shared, self.e], sample, group)
    }
}

/// The positions of one head, where they lie among the others.
fn head_of<E>(
    values: &[E],
    [positions, heads, features]: [usize; 3],
    sample: usize,
    head: usize,
) -> MatrixRef<'_, E> {
    let start = (sample * positions * heads + head) * features;
    MatrixRef {
        values: values.get(start..).unwrap_or_default(),
        rows: positions,
        columns: features,
        row_stride: heads * features,
        column_stride: 1,
    }
}

fn flipped<E>(x: MatrixRef<'_, E>) -> MatrixRef<'_, E> {
    MatrixRef {
        values: x.values,
        rows: x.columns,
        columns: x.rows,
        row_stride: x.column_stride,
        column_stride: x.row_stride,
    }
}

/// Adds rows of `width` to those of `out`, which are `step` long, from `first` on.
fn add_rows<E: Element>(rows: &[E], width: usize, out: &mut [E], step: usize, first: usize) {
    for (to, from) in out.chunks_exact_mut(step).zip(rows.chunks_exact(width)) {
        let to = &mut to[first..][..width];
        to.iter_mut().zip(from).for_each(|(to, &x)| *to += x);
    }
}

/// Σ a · b in a fixed number of lanes.
fn dot<E: Element>(a: &[E], b: &[E]) -> E {
    const LANES: usize = 16;
    let mut lanes = [E::zero(); LANES];
    let (a, rest_a) = a.as_chunks::<LANES>();
    let (b, rest_b) = b.as_chunks::<LANES>();
    for (a, b) in a.iter().zip(b) {
        for ((lane, &a), &b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    for ((lane, &a), &b) in lanes.iter_mut().zip(rest_a).zip(rest_b) {
        *lane += a * b;
    }
    lanes.iter().fold(E::zero(), |sum, &lane| sum + lane)
}
