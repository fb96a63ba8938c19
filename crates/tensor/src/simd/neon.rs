//! NEON, which every 64-bit ARM has: 4 lanes, 32 registers.

use super::Simd;
use super::block::BlockMut;
use super::tile::Tile;
use std::arch::aarch64::*;

/// Proof of NEON (invariant 1: part of the architecture).
#[derive(Clone, Copy)]
pub(super) struct Neon(());

impl Neon {
    pub(super) fn new() -> Neon {
        Neon(())
    }
}

impl Simd for Neon {
    const LANES: usize = 4;
    const ROWS: usize = 12;
    type V = float32x4_t;
    type Mask = usize;

    #[inline(always)]
    fn splat(self, value: f32) -> float32x4_t {
        // SAFETY: invariant 1.
        unsafe { vdupq_n_f32(value) }
    }
    #[inline(always)]
    fn load(self, from: &[f32]) -> float32x4_t {
        let from = &from[..4];
        // SAFETY: invariants 1 and 2.
        unsafe { vld1q_f32(from.as_ptr()) }
    }
    #[inline(always)]
    fn store(self, to: &mut [f32], v: float32x4_t) {
        let to = &mut to[..4];
        // SAFETY: invariants 1 and 2.
        unsafe { vst1q_f32(to.as_mut_ptr(), v) }
    }
    #[inline(always)]
    fn mask(self, count: usize) -> usize {
        count.min(4)
    }
    #[inline(always)]
    unsafe fn load_ptr(self, from: *const f32) -> float32x4_t {
        // SAFETY: invariant 1; the pointer is the caller's promise.
        unsafe { vld1q_f32(from) }
    }
    #[inline(always)]
    unsafe fn store_ptr(self, to: *mut f32, v: float32x4_t) {
        // SAFETY: invariant 1; the pointer is the caller's promise.
        unsafe { vst1q_f32(to, v) }
    }
    #[inline(always)]
    unsafe fn load_masked(self, from: *const f32, mask: usize) -> float32x4_t {
        let mut lanes = [0.0; 4];
        // SAFETY: invariant 3; the pointer is the caller's promise.
        lanes[..mask].copy_from_slice(unsafe { std::slice::from_raw_parts(from, mask) });
        self.load(&lanes)
    }
    #[inline(always)]
    unsafe fn store_masked(self, to: *mut f32, v: float32x4_t, mask: usize) {
        let mut lanes = [0.0; 4];
        self.store(&mut lanes, v);
        // SAFETY: invariant 3; the pointer is the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(to, mask) }.copy_from_slice(&lanes[..mask]);
    }
    #[inline(always)]
    fn add(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: invariant 1.
        unsafe { vaddq_f32(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: invariant 1.
        unsafe { vsubq_f32(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: invariant 1.
        unsafe { vmulq_f32(a, b) }
    }
    #[inline(always)]
    fn div(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: invariant 1.
        unsafe { vdivq_f32(a, b) }
    }
    #[inline(always)]
    fn mul_add(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        // SAFETY: invariant 1.
        unsafe { vfmaq_f32(c, a, b) }
    }
    #[inline(always)]
    fn max(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: invariant 1.
        unsafe { vbslq_f32(vcgtq_f32(a, b), a, b) }
    }
    #[inline(always)]
    fn larger(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: invariant 1.
        unsafe { vmaxq_f32(a, b) }
    }
    #[inline(always)]
    fn larger_magnitude(self, best: float32x4_t, value: float32x4_t) -> float32x4_t {
        // SAFETY: invariant 1.
        unsafe {
            let magnitude = vreinterpretq_u32_f32(vabsq_f32(value));
            vreinterpretq_f32_u32(vmaxq_u32(vreinterpretq_u32_f32(best), magnitude))
        }
    }
    #[inline(always)]
    fn beaten(
        self,
        best: (float32x4_t, float32x4_t),
        value: (float32x4_t, float32x4_t),
    ) -> (float32x4_t, float32x4_t) {
        // SAFETY: invariant 1.
        let second = unsafe { vbslq_f32(vcgtq_f32(value.0, best.0), value.1, best.1) };
        (self.larger(best.0, value.0), second)
    }
    #[inline(always)]
    fn sqrt(self, a: float32x4_t) -> float32x4_t {
        // SAFETY: invariant 1.
        unsafe { vsqrtq_f32(a) }
    }
    #[inline(always)]
    fn where_less(
        self,
        a: float32x4_t,
        b: float32x4_t,
        then: float32x4_t,
        otherwise: float32x4_t,
    ) -> float32x4_t {
        // SAFETY: invariant 1.
        unsafe { vbslq_f32(vcltq_f32(a, b), then, otherwise) }
    }
    #[inline(always)]
    fn with_sign(self, a: float32x4_t, sign: float32x4_t) -> float32x4_t {
        // SAFETY: invariant 1.
        unsafe { vbslq_f32(vdupq_n_u32(1 << 31), sign, a) }
    }
    #[inline(always)]
    fn low_bits_to_exponent(self, a: float32x4_t) -> float32x4_t {
        // SAFETY: invariant 1.
        unsafe { vreinterpretq_f32_u32(vshlq_n_u32::<23>(vreinterpretq_u32_f32(a))) }
    }
    #[inline(always)]
    fn exponent_and_fraction(self, a: float32x4_t) -> (float32x4_t, float32x4_t) {
        // SAFETY: invariant 1.
        unsafe {
            let bits = vreinterpretq_u32_f32(a);
            let exponent = vcvtq_f32_u32(vshrq_n_u32::<23>(bits));
            let fraction = vandq_u32(bits, vdupq_n_u32(0x007f_ffff));
            let fraction = vorrq_u32(fraction, vdupq_n_u32(0x3f80_0000));
            let exponent = vsubq_f32(exponent, vdupq_n_f32(127.0));
            (exponent, vreinterpretq_f32_u32(fraction))
        }
    }
    #[inline(always)]
    fn zip(self, a: float32x4_t, b: float32x4_t) -> (float32x4_t, float32x4_t) {
        // SAFETY: invariant 1.
        unsafe { (vzip1q_f32(a, b), vzip2q_f32(a, b)) }
    }
    #[inline(always)]
    fn where_positive(self, a: float32x4_t, value: float32x4_t) -> float32x4_t {
        // SAFETY: invariant 1.
        unsafe { vbslq_f32(vcgtq_f32(a, vdupq_n_f32(0.0)), value, vdupq_n_f32(0.0)) }
    }
    #[inline(always)]
    fn flush_below(self, value: float32x4_t, least: f32) -> float32x4_t {
        // SAFETY: invariant 1.
        unsafe {
            let below = vcltq_f32(vabsq_f32(value), vdupq_n_f32(least));
            vbslq_f32(below, vdupq_n_f32(0.0), value)
        }
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
