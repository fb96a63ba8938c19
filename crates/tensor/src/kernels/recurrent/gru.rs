//! The gated recurrent unit (Cho et al. 2014) through time and back, in the form whose reset gate works behind the recurrent
//! product (Keras's `reset_after`). Gates lie in Keras's order: update z, reset r, candidate g.
//!
//! ```text
//!     g = tanh(x·K + b + r · (h₋₁·R + b′))      h = z · h₋₁ + (1 − z) · g
//! ```

use super::lstm::{AddRows, is_taken};
use super::{Course, Piece, product};
use crate::buffer::Buffer;
use crate::kernels::Kernels;
use crate::kernels::loops::Loops;
use crate::kernels::math::Function;
use crate::scalar::Scalar;
use rayon::prelude::*;

/// What a pass reads and writes. Buffers are in the order of pieces.
#[doc(hidden)]
pub struct GruForward<'a, E> {
    pub(crate) recurrent: &'a [E],
    /// Of the inputs, and behind them of the recurrent product.
    pub(crate) bias: Option<&'a [E]>,
    pub(crate) initial: Option<&'a [E]>,
    /// Input products, replaced by the gates.
    pub(crate) gates: &'a mut [E],
    /// The h in front of every step.
    pub(crate) before: &'a mut [E],
    /// The candidates' part of the recurrent products.
    pub(crate) inner: &'a mut [E],
    pub(crate) y: &'a mut [E],
}

/// From the first step to the last.
pub(crate) fn gru_forward<E: Kernels>(course: &Course, pass: GruForward<'_, E>) {
    let u = course.units;
    let (recurrent, initial) = (pass.recurrent, pass.initial);
    let bias = pass.bias.map(|bias| bias.split_at(3 * u));
    let gates = pass.gates.par_chunks_mut(course.piece(3 * u));
    let before = pass.before.par_chunks_mut(course.piece(u));
    let inner = pass.inner.par_chunks_mut(course.piece(u));
    let y = pass
        .y
        .par_chunks_mut((super::PIECE * course.rows() * u).max(1));
    let pieces = gates.zip(before).zip(inner.zip(y));
    pieces
        .enumerate()
        .for_each(|(index, ((gates, before), (inner, y)))| {
            let piece = Piece::new(course, index);
            let mut h = piece.part(initial, u);
            let (m, wide) = (piece.rows * u, piece.rows * 3 * u);
            let mut products = Buffer::<E>::uninit(wide);
            for step in 0..course.steps {
                before[step * m..][..m].copy_from_slice(&h);
                let z = &mut gates[step * wide..][..wide];
                product(&h, recurrent, &mut products, [u, 3 * u], false);
                if let Some((inputs, recurrent)) = bias {
                    E::loops(AddRows { z, bias: inputs });
                    let z = &mut products[..];
                    E::loops(AddRows { z, bias: recurrent });
                }
                let inner = &mut inner[step * m..][..m];
                E::loops(Gates {
                    z,
                    products: &products,
                    inner,
                    u,
                });
                for z in z.chunks_exact_mut(3 * u) {
                    E::apply_in_place(Function::Sigmoid, &mut z[..2 * u]);
                }
                E::loops(Candidates { z, inner, u });
                for z in z.chunks_exact_mut(3 * u) {
                    E::apply_in_place(Function::Tanh, &mut z[2 * u..]);
                }
                let taken = course.taken(&piece, step);
                let (h_now, taken) = (&mut h[..], taken.as_deref());
                E::loops(Outputs {
                    z,
                    h: h_now,
                    taken,
                    u,
                });
                course.show(&piece, step, &h, y);
            }
            course.show_state(0, &h, y);
        });
}

/// What goes back.
#[doc(hidden)]
pub struct GruBackward<'a, E> {
    pub(crate) dy: &'a [E],
    /// The recurrent kernel, transposed: `[3 units, units]`.
    pub(crate) transposed: &'a [E],
    /// The gates, replaced by the gradients of the input products.
    pub(crate) gates: &'a mut [E],
    /// For the gradients of the recurrent products.
    pub(crate) products: &'a mut [E],
    pub(crate) before: &'a [E],
    pub(crate) inner: &'a [E],
    /// The gradient of the state in front of the first step.
    pub(crate) state: &'a mut [E],
}

/// From the last step to the first.
pub(crate) fn gru_backward<E: Kernels>(course: &Course, pass: GruBackward<'_, E>) {
    let u = course.units;
    let transposed = pass.transposed;
    let gates = pass.gates.par_chunks_mut(course.piece(3 * u));
    let products = pass.products.par_chunks_mut(course.piece(3 * u));
    let before = pass.before.par_chunks(course.piece(u));
    let inner = pass.inner.par_chunks(course.piece(u));
    let dy = pass
        .dy
        .par_chunks((super::PIECE * course.rows() * u).max(1));
    let h = pass.state.par_chunks_mut((super::PIECE * u).max(1));
    let pieces = gates.zip(products).zip(before.zip(inner)).zip(dy.zip(h));
    pieces.enumerate().for_each(
        |(index, (((gates, products), (before, inner)), (dy, dh)))| {
            let piece = Piece::new(course, index);
            let (m, wide) = (piece.rows * u, piece.rows * 3 * u);
            course.state_gradient(0, dy, dh);
            for step in (0..course.steps).rev() {
                course.hear(&piece, step, dy, dh);
                let products = &mut products[step * wide..][..wide];
                E::loops(Back {
                    z: &mut gates[step * wide..][..wide],
                    products,
                    before: &before[step * m..][..m],
                    inner: &inner[step * m..][..m],
                    dh,
                    taken: course.taken(&piece, step).as_deref(),
                    u,
                });
                product(products, transposed, dh, [3 * u, u], true);
            }
        },
    );
}

/// The sums of both products that two gates are functions of, and the third of the recurrent one by itself.
struct Gates<'a, E> {
    z: &'a mut [E],
    products: &'a [E],
    inner: &'a mut [E],
    u: usize,
}

impl<E: Scalar> Loops for Gates<'_, E> {
    #[inline(always)]
    fn run(self) {
        let u = self.u;
        let rows = self
            .z
            .chunks_exact_mut(3 * u)
            .zip(self.products.chunks_exact(3 * u));
        for ((z, products), inner) in rows.zip(self.inner.chunks_exact_mut(u)) {
            let (gates, candidate) = products.split_at(2 * u);
            z.iter_mut().zip(gates).for_each(|(z, p)| *z += *p);
            inner.copy_from_slice(candidate);
        }
    }
}

struct Candidates<'a, E> {
    z: &'a mut [E],
    inner: &'a [E],
    u: usize,
}

impl<E: Scalar> Loops for Candidates<'_, E> {
    #[inline(always)]
    fn run(self) {
        let u = self.u;
        for (z, inner) in self
            .z
            .chunks_exact_mut(3 * u)
            .zip(self.inner.chunks_exact(u))
        {
            let (gates, candidate) = z.split_at_mut(2 * u);
            for (g, (r, inner)) in candidate.iter_mut().zip(gates[u..].iter().zip(inner)) {
                *g += *r * *inner;
            }
        }
    }
}

struct Outputs<'a, E> {
    z: &'a [E],
    h: &'a mut [E],
    taken: Option<&'a [bool]>,
    u: usize,
}

impl<E: Scalar> Loops for Outputs<'_, E> {
    #[inline(always)]
    fn run(self) {
        let (u, one) = (self.u, E::one());
        let rows = self.h.chunks_exact_mut(u).zip(self.z.chunks_exact(3 * u));
        for (row, (h, gates)) in rows.enumerate() {
            if is_taken(self.taken, row) {
                for (h, (z, g)) in h.iter_mut().zip(gates[..u].iter().zip(&gates[2 * u..])) {
                    *h = *z * *h + (one - *z) * *g;
                }
            }
        }
    }
}

struct Back<'a, E> {
    z: &'a mut [E],
    products: &'a mut [E],
    before: &'a [E],
    inner: &'a [E],
    dh: &'a mut [E],
    taken: Option<&'a [bool]>,
    u: usize,
}

impl<E: Scalar> Loops for Back<'_, E> {
    #[inline(always)]
    fn run(self) {
        let (u, one) = (self.u, E::one());
        let gates = self
            .z
            .chunks_exact_mut(3 * u)
            .zip(self.products.chunks_exact_mut(3 * u));
        let saved = self.before.chunks_exact(u).zip(self.inner.chunks_exact(u));
        let rows = gates.zip(saved).zip(self.dh.chunks_exact_mut(u));
        for (row, (((z, products), (before, inner)), dh)) in rows.enumerate() {
            if !is_taken(self.taken, row) {
                z.fill(E::zero());
                products.fill(E::zero());
                continue;
            }
            let (z, rest) = z.split_at_mut(u);
            let (r, g) = rest.split_at_mut(u);
            let (p_z, rest) = products.split_at_mut(u);
            let (p_r, p_g) = rest.split_at_mut(u);
            let gates = z.iter_mut().zip(r).zip(g);
            let products = p_z.iter_mut().zip(p_r).zip(p_g);
            let saved = before.iter().zip(inner).zip(dh);
            for ((((z, r), g), ((p_z, p_r), p_g)), ((h, inner), dh)) in
                gates.zip(products).zip(saved)
            {
                let d_g = *dh * (one - *z) * (one - *g * *g);
                let d_z = *dh * (*h - *g) * *z * (one - *z);
                let d_r = d_g * *inner * *r * (one - *r);
                *dh *= *z;
                *p_g = d_g * *r;
                (*z, *r, *g) = (d_z, d_r, d_g);
                (*p_z, *p_r) = (d_z, d_r);
            }
        }
    }
}
