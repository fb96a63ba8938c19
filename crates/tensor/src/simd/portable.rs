//! Every other machine: `wide`, which uses what the build's own target offers.

use super::Simd;
use super::block::BlockMut;
use super::tile::Tile;
use wide::f32x8;

/// Always available.
#[derive(Clone, Copy)]
pub(super) struct Portable;

impl Simd for Portable {
    const LANES: usize = 8;
    const ROWS: usize = 3;
    type V = f32x8;
    type Mask = usize;

    #[inline(always)]
    fn splat(self, value: f32) -> f32x8 {
        f32x8::splat(value)
    }
    #[inline(always)]
    fn load(self, from: &[f32]) -> f32x8 {
        let from: [f32; 8] = from[..8].try_into().expect("8 values");
        f32x8::new(from)
    }
    #[inline(always)]
    fn store(self, to: &mut [f32], v: f32x8) {
        to[..8].copy_from_slice(&v.to_array());
    }
    #[inline(always)]
    fn mask(self, count: usize) -> usize {
        count.min(8)
    }
    #[inline(always)]
    unsafe fn load_ptr(self, from: *const f32) -> f32x8 {
        // SAFETY: the pointer is the caller's promise.
        self.load(unsafe { std::slice::from_raw_parts(from, 8) })
    }
    #[inline(always)]
    unsafe fn store_ptr(self, to: *mut f32, v: f32x8) {
        // SAFETY: the pointer is the caller's promise.
        self.store(unsafe { std::slice::from_raw_parts_mut(to, 8) }, v);
    }
    #[inline(always)]
    unsafe fn load_masked(self, from: *const f32, mask: usize) -> f32x8 {
        let mut lanes = [0.0; 8];
        // SAFETY: invariant 3; the pointer is the caller's promise.
        lanes[..mask].copy_from_slice(unsafe { std::slice::from_raw_parts(from, mask) });
        f32x8::new(lanes)
    }
    #[inline(always)]
    unsafe fn store_masked(self, to: *mut f32, v: f32x8, mask: usize) {
        // SAFETY: invariant 3; the pointer is the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(to, mask) }.copy_from_slice(&v.to_array()[..mask]);
    }
    #[inline(always)]
    fn add(self, a: f32x8, b: f32x8) -> f32x8 {
        a + b
    }
    #[inline(always)]
    fn sub(self, a: f32x8, b: f32x8) -> f32x8 {
        a - b
    }
    #[inline(always)]
    fn mul(self, a: f32x8, b: f32x8) -> f32x8 {
        a * b
    }
    #[inline(always)]
    fn div(self, a: f32x8, b: f32x8) -> f32x8 {
        a / b
    }
    /// Rounded once where the target has FMA, twice where it has not (a software FMA would be a hundred times slower).
    #[inline(always)]
    fn mul_add(self, a: f32x8, b: f32x8, c: f32x8) -> f32x8 {
        a.mul_add(b, c)
    }
    #[inline(always)]
    fn max(self, a: f32x8, b: f32x8) -> f32x8 {
        a.simd_gt(b).select(a, b)
    }
    #[inline(always)]
    fn larger(self, a: f32x8, b: f32x8) -> f32x8 {
        (a.simd_gt(b) | a.is_nan()).select(a, b)
    }
    #[inline(always)]
    fn larger_magnitude(self, best: f32x8, value: f32x8) -> f32x8 {
        let (mut lanes, value) = (best.to_array(), value.to_array());
        for (best, value) in lanes.iter_mut().zip(value) {
            *best = f32::from_bits(best.to_bits().max(value.abs().to_bits()));
        }
        f32x8::new(lanes)
    }
    #[inline(always)]
    fn beaten(self, best: (f32x8, f32x8), value: (f32x8, f32x8)) -> (f32x8, f32x8) {
        let second = value.0.simd_gt(best.0).select(value.1, best.1);
        (self.larger(best.0, value.0), second)
    }
    #[inline(always)]
    fn sqrt(self, a: f32x8) -> f32x8 {
        a.sqrt()
    }
    #[inline(always)]
    fn where_less(self, a: f32x8, b: f32x8, then: f32x8, otherwise: f32x8) -> f32x8 {
        a.simd_lt(b).select(then, otherwise)
    }
    #[inline(always)]
    fn with_sign(self, a: f32x8, sign: f32x8) -> f32x8 {
        let bit = f32x8::splat(-0.0);
        (a & !bit) | (sign & bit)
    }
    #[inline(always)]
    fn low_bits_to_exponent(self, a: f32x8) -> f32x8 {
        f32x8::new(
            a.to_array()
                .map(|lane| f32::from_bits(lane.to_bits() << 23)),
        )
    }
    #[inline(always)]
    fn exponent_and_fraction(self, a: f32x8) -> (f32x8, f32x8) {
        let lanes = a.to_array();
        let exponent = lanes.map(|lane| (lane.to_bits() >> 23) as f32 - 127.0);
        let fraction = lanes.map(|lane| f32::from_bits(lane.to_bits() & 0x007f_ffff | 0x3f80_0000));
        (f32x8::new(exponent), f32x8::new(fraction))
    }
    #[inline(always)]
    fn zip(self, a: f32x8, b: f32x8) -> (f32x8, f32x8) {
        let ([a0, a1, a2, a3, a4, a5, a6, a7], [b0, b1, b2, b3, b4, b5, b6, b7]) =
            (a.to_array(), b.to_array());
        (
            f32x8::new([a0, b0, a1, b1, a2, b2, a3, b3]),
            f32x8::new([a4, b4, a5, b5, a6, b6, a7, b7]),
        )
    }
    #[inline(always)]
    fn where_positive(self, a: f32x8, value: f32x8) -> f32x8 {
        a.simd_gt(f32x8::ZERO) & value
    }
    #[inline(always)]
    fn flush_below(self, value: f32x8, least: f32) -> f32x8 {
        value
            .abs()
            .simd_lt(f32x8::splat(least))
            .select(f32x8::ZERO, value)
    }
    #[inline(never)]
    fn tile(self, tile: &Tile<'_>, c: BlockMut<'_>) {
        tile.run(self, c);
    }
    #[inline(never)]
    fn lane_tile(self, tile: &Tile<'_>, c: BlockMut<'_>) {
        tile.run_lanes(self, c);
    }
}
