//! The long short-term memory (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000) through time and
//! back. Gates lie in Keras's order: input i, forget f, candidate g, output o.
//!
//! ```text
//!     c = f · c₋₁ + i · g      h = o · tanh c
//! ```

use super::{Course, Piece, product};
use crate::buffer::Buffer;
use crate::kernels::Kernels;
use crate::kernels::loops::Loops;
use crate::kernels::math::Function;
use crate::scalar::Scalar;
use rayon::prelude::*;

/// What a pass reads and writes. Buffers are in the order of pieces.
#[doc(hidden)]
pub struct LstmForward<'a, E> {
    pub(crate) recurrent: &'a [E],
    pub(crate) bias: Option<&'a [E]>,
    /// The states in front of the first step: h and c.
    pub(crate) initial: [Option<&'a [E]>; 2],
    /// Input products, replaced by the gates.
    pub(crate) gates: &'a mut [E],
    /// The h in front of every step.
    pub(crate) before: &'a mut [E],
    /// The c behind every step, and tanh of it.
    pub(crate) cells: &'a mut [E],
    pub(crate) squashed: &'a mut [E],
    pub(crate) y: &'a mut [E],
}

/// From the first step to the last.
pub(crate) fn lstm_forward<E: Kernels>(course: &Course, pass: LstmForward<'_, E>) {
    let u = course.units;
    let (recurrent, bias, initial) = (pass.recurrent, pass.bias, pass.initial);
    let gates = pass.gates.par_chunks_mut(course.piece(4 * u));
    let before = pass.before.par_chunks_mut(course.piece(u));
    let cells = pass.cells.par_chunks_mut(course.piece(u));
    let squashed = pass.squashed.par_chunks_mut(course.piece(u));
    let y = pass
        .y
        .par_chunks_mut((super::PIECE * course.rows() * u).max(1));
    let pieces = gates.zip(before).zip(cells.zip(squashed)).zip(y);
    pieces
        .enumerate()
        .for_each(|(index, (((gates, before), (cells, squashed)), y))| {
            let piece = Piece::new(course, index);
            let mut h = piece.part(initial[0], u);
            let mut c = piece.part(initial[1], u);
            let (m, wide) = (piece.rows * u, piece.rows * 4 * u);
            for step in 0..course.steps {
                before[step * m..][..m].copy_from_slice(&h);
                let z = &mut gates[step * wide..][..wide];
                if step > 0 || initial[0].is_some() {
                    product(&h, recurrent, z, [u, 4 * u], true);
                }
                if let Some(bias) = bias {
                    E::loops(AddRows { z, bias });
                }
                for z in z.chunks_exact_mut(4 * u) {
                    E::apply_in_place(Function::Sigmoid, &mut z[..2 * u]);
                    E::apply_in_place(Function::Tanh, &mut z[2 * u..3 * u]);
                    E::apply_in_place(Function::Sigmoid, &mut z[3 * u..]);
                }
                let taken = course.taken(&piece, step);
                let taken = taken.as_deref();
                let c_now = &mut c[..];
                E::loops(Cells {
                    z,
                    c: c_now,
                    taken,
                    u,
                });
                cells[step * m..][..m].copy_from_slice(c_now);
                let squashed = &mut squashed[step * m..][..m];
                E::apply(Function::Tanh, c_now, squashed);
                let h_now = &mut h[..];
                E::loops(Outputs {
                    z,
                    squashed,
                    h: h_now,
                    taken,
                    u,
                });
                course.show(&piece, step, &h, y);
            }
            course.show_state(0, &h, y);
            course.show_state(1, &c, y);
        });
}

/// What goes back.
#[doc(hidden)]
pub struct LstmBackward<'a, E> {
    pub(crate) dy: &'a [E],
    /// The recurrent kernel, transposed: `[4 units, units]`.
    pub(crate) transposed: &'a [E],
    pub(crate) initial: [Option<&'a [E]>; 2],
    /// The gates, replaced by the gradients of what they are functions of.
    pub(crate) gates: &'a mut [E],
    pub(crate) cells: &'a [E],
    pub(crate) squashed: &'a [E],
    /// Gradients of the states in front of the first step.
    pub(crate) states: [&'a mut [E]; 2],
}

/// From the last step to the first.
pub(crate) fn lstm_backward<E: Kernels>(course: &Course, pass: LstmBackward<'_, E>) {
    let u = course.units;
    let (transposed, initial) = (pass.transposed, pass.initial);
    let gates = pass.gates.par_chunks_mut(course.piece(4 * u));
    let cells = pass.cells.par_chunks(course.piece(u));
    let squashed = pass.squashed.par_chunks(course.piece(u));
    let dy = pass
        .dy
        .par_chunks((super::PIECE * course.rows() * u).max(1));
    let [h, c] = pass.states;
    let h = h.par_chunks_mut((super::PIECE * u).max(1));
    let c = c.par_chunks_mut((super::PIECE * u).max(1));
    let pieces = gates.zip(cells.zip(squashed)).zip(dy.zip(h.zip(c)));
    pieces
        .enumerate()
        .for_each(|(index, ((gates, (cells, squashed)), (dy, (dh, dc))))| {
            let piece = Piece::new(course, index);
            let first: Buffer<E> = piece.part(initial[1], u);
            let (m, wide) = (piece.rows * u, piece.rows * 4 * u);
            course.state_gradient(0, dy, dh);
            course.state_gradient(1, dy, dc);
            for step in (0..course.steps).rev() {
                course.hear(&piece, step, dy, dh);
                let z = &mut gates[step * wide..][..wide];
                let c_before = match step {
                    0 => &first,
                    _ => &cells[(step - 1) * m..][..m],
                };
                let taken = course.taken(&piece, step);
                E::loops(Back {
                    z,
                    squashed: &squashed[step * m..][..m],
                    c_before,
                    dh,
                    dc,
                    taken: taken.as_deref(),
                    u,
                });
                // Where a step was left out, the gradient of the state passes by.
                product(z, transposed, dh, [4 * u, u], taken.is_some());
            }
        });
}

/// z + bias, row by row.
pub(super) struct AddRows<'a, E> {
    pub(super) z: &'a mut [E],
    pub(super) bias: &'a [E],
}

impl<E: Scalar> Loops for AddRows<'_, E> {
    #[inline(always)]
    fn run(self) {
        for z in self.z.chunks_exact_mut(self.bias.len()) {
            z.iter_mut().zip(self.bias).for_each(|(z, b)| *z += *b);
        }
    }
}

/// Whether the state of this sample moves on.
#[inline(always)]
pub(super) fn is_taken(taken: Option<&[bool]>, row: usize) -> bool {
    taken.is_none_or(|taken| taken[row])
}

struct Cells<'a, E> {
    z: &'a [E],
    c: &'a mut [E],
    taken: Option<&'a [bool]>,
    u: usize,
}

impl<E: Scalar> Loops for Cells<'_, E> {
    #[inline(always)]
    fn run(self) {
        let u = self.u;
        let rows = self.c.chunks_exact_mut(u).zip(self.z.chunks_exact(4 * u));
        for (row, (c, z)) in rows.enumerate() {
            if is_taken(self.taken, row) {
                let (i, f, g) = (&z[..u], &z[u..2 * u], &z[2 * u..3 * u]);
                for (c, ((i, f), g)) in c.iter_mut().zip(i.iter().zip(f).zip(g)) {
                    *c = *f * *c + *i * *g;
                }
            }
        }
    }
}

struct Outputs<'a, E> {
    z: &'a [E],
    squashed: &'a [E],
    h: &'a mut [E],
    taken: Option<&'a [bool]>,
    u: usize,
}

impl<E: Scalar> Loops for Outputs<'_, E> {
    #[inline(always)]
    fn run(self) {
        let u = self.u;
        let from = self
            .z
            .chunks_exact(4 * u)
            .zip(self.squashed.chunks_exact(u));
        for (row, (h, (z, squashed))) in self.h.chunks_exact_mut(u).zip(from).enumerate() {
            if is_taken(self.taken, row) {
                for (h, (o, c)) in h.iter_mut().zip(z[3 * u..].iter().zip(squashed)) {
                    *h = *o * *c;
                }
            }
        }
    }
}

struct Back<'a, E> {
    z: &'a mut [E],
    squashed: &'a [E],
    c_before: &'a [E],
    dh: &'a mut [E],
    dc: &'a mut [E],
    taken: Option<&'a [bool]>,
    u: usize,
}

impl<E: Scalar> Loops for Back<'_, E> {
    #[inline(always)]
    fn run(self) {
        let (u, one) = (self.u, E::one());
        let saved = self
            .squashed
            .chunks_exact(u)
            .zip(self.c_before.chunks_exact(u));
        let gradients = self.dh.chunks_exact_mut(u).zip(self.dc.chunks_exact_mut(u));
        let rows = self.z.chunks_exact_mut(4 * u).zip(saved).zip(gradients);
        for (row, ((z, (squashed, c_before)), (dh, dc))) in rows.enumerate() {
            if !is_taken(self.taken, row) {
                z.fill(E::zero());
                continue;
            }
            let (i, rest) = z.split_at_mut(u);
            let (f, rest) = rest.split_at_mut(u);
            let (g, o) = rest.split_at_mut(u);
            let gates = i.iter_mut().zip(f).zip(g.iter_mut().zip(o));
            let saved = squashed.iter().zip(c_before);
            let gradients = dh.iter_mut().zip(dc);
            for ((((i, f), (g, o)), (tanh, c)), (dh, dc)) in gates.zip(saved).zip(gradients) {
                let d_o = *dh * *tanh;
                let d_c = *dc + *dh * *o * (one - *tanh * *tanh);
                let (d_i, d_f, d_g) = (d_c * *g, d_c * *c, d_c * *i);
                *dc = d_c * *f;
                *dh = E::zero();
                *i = d_i * *i * (one - *i);
                *f = d_f * *f * (one - *f);
                *g = d_g * (one - *g * *g);
                *o = d_o * *o * (one - *o);
            }
        }
    }
}
