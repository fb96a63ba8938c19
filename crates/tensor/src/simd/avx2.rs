//! AVX2 with FMA: 8 lanes, 16 registers.

use super::block::BlockMut;
use super::tile::Tile;
use super::{Simd, WithSimd};
use std::arch::x86_64::*;

/// Proof that the CPU has AVX2 and FMA (invariant 1).
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

impl Avx2 {
    /// The token, if the CPU has the features (the standard library caches the answer).
    #[inline]
    pub(super) fn detect() -> Option<Avx2> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Avx2(()))
    }
}

/// Compiles `kernel` for this set.
#[target_feature(enable = "avx2,fma")]
pub(super) fn shell<K: WithSimd>(token: Avx2, kernel: K) -> K::Output {
    kernel.run(token)
}

/// Eight lanes on, then eight off: a mask of `n` lanes starts at `8 − n`.
static LANES_ON: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];

/// Compiles the register tile for this set.
#[target_feature(enable = "avx2,fma")]
fn tile_shell(token: Avx2, tile: &Tile<'_>, c: BlockMut<'_>) {
    tile.run(token, c);
}

/// Compiles the tile that multiplies lane by lane for this set.
#[target_feature(enable = "avx2,fma")]
fn lane_tile_shell(token: Avx2, tile: &Tile<'_>, c: BlockMut<'_>) {
    tile.run_lanes(token, c);
}

impl Simd for Avx2 {
    const LANES: usize = 8;
    const ROWS: usize = 6;
    type V = __m256;
    type Mask = __m256i;

    #[inline(always)]
    fn splat(self, value: f32) -> __m256 {
        // SAFETY: invariant 1.
        unsafe { _mm256_set1_ps(value) }
    }
    #[inline(always)]
    fn load(self, from: &[f32]) -> __m256 {
        let from = &from[..8];
        // SAFETY: invariants 1 and 2.
        unsafe { _mm256_loadu_ps(from.as_ptr()) }
    }
    #[inline(always)]
    fn store(self, to: &mut [f32], v: __m256) {
        let to = &mut to[..8];
        // SAFETY: invariants 1 and 2.
        unsafe { _mm256_storeu_ps(to.as_mut_ptr(), v) }
    }
    #[inline(always)]
    fn mask(self, count: usize) -> __m256i {
        let from = &LANES_ON[8 - count.min(8)..][..8];
        // SAFETY: invariants 1 and 2.
        unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
    }
    #[inline(always)]
    unsafe fn load_ptr(self, from: *const f32) -> __m256 {
        // SAFETY: invariant 1; the pointer is the caller's promise.
        unsafe { _mm256_loadu_ps(from) }
    }
    #[inline(always)]
    unsafe fn store_ptr(self, to: *mut f32, v: __m256) {
        // SAFETY: invariant 1; the pointer is the caller's promise.
        unsafe { _mm256_storeu_ps(to, v) }
    }
    #[inline(always)]
    unsafe fn load_masked(self, from: *const f32, mask: __m256i) -> __m256 {
        // SAFETY: invariants 1 and 3; the pointer is the caller's promise.
        unsafe { _mm256_maskload_ps(from, mask) }
    }
    #[inline(always)]
    unsafe fn store_masked(self, to: *mut f32, v: __m256, mask: __m256i) {
        // SAFETY: invariants 1 and 3; the pointer is the caller's promise.
        unsafe { _mm256_maskstore_ps(to, mask, v) }
    }
    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: invariant 1.
        unsafe { _mm256_add_ps(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: invariant 1.
        unsafe { _mm256_sub_ps(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: invariant 1.
        unsafe { _mm256_mul_ps(a, b) }
    }
    #[inline(always)]
    fn div(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: invariant 1.
        unsafe { _mm256_div_ps(a, b) }
    }
    #[inline(always)]
    fn mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: invariant 1.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    fn max(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: invariant 1.
        unsafe { _mm256_max_ps(a, b) }
    }
    #[inline(always)]
    fn larger(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: invariant 1.
        unsafe {
            let is_nan = _mm256_cmp_ps::<_CMP_UNORD_Q>(a, a);
            _mm256_blendv_ps(_mm256_max_ps(a, b), a, is_nan)
        }
    }
    #[inline(always)]
    fn larger_magnitude(self, best: __m256, value: __m256) -> __m256 {
        // SAFETY: invariant 1.
        unsafe {
            let magnitude = _mm256_castps_si256(_mm256_andnot_ps(_mm256_set1_ps(-0.0), value));
            _mm256_castsi256_ps(_mm256_max_epu32(_mm256_castps_si256(best), magnitude))
        }
    }
    #[inline(always)]
    fn beaten(self, best: (__m256, __m256), value: (__m256, __m256)) -> (__m256, __m256) {
        // SAFETY: invariant 1.
        let second = unsafe {
            let larger = _mm256_cmp_ps::<_CMP_GT_OQ>(value.0, best.0);
            _mm256_blendv_ps(best.1, value.1, larger)
        };
        (self.larger(best.0, value.0), second)
    }
    #[inline(always)]
    fn sqrt(self, a: __m256) -> __m256 {
        // SAFETY: invariant 1.
        unsafe { _mm256_sqrt_ps(a) }
    }
    #[inline(always)]
    fn where_less(self, a: __m256, b: __m256, then: __m256, otherwise: __m256) -> __m256 {
        // SAFETY: invariant 1.
        unsafe { _mm256_blendv_ps(otherwise, then, _mm256_cmp_ps::<_CMP_LT_OQ>(a, b)) }
    }
    #[inline(always)]
    fn with_sign(self, a: __m256, sign: __m256) -> __m256 {
        // SAFETY: invariant 1.
        unsafe {
            let bit = _mm256_set1_ps(-0.0);
            _mm256_or_ps(_mm256_andnot_ps(bit, a), _mm256_and_ps(bit, sign))
        }
    }
    #[inline(always)]
    fn low_bits_to_exponent(self, a: __m256) -> __m256 {
        // SAFETY: invariant 1.
        unsafe { _mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_castps_si256(a))) }
    }
    #[inline(always)]
    fn exponent_and_fraction(self, a: __m256) -> (__m256, __m256) {
        // SAFETY: invariant 1.
        unsafe {
            let bits = _mm256_castps_si256(a);
            let exponent = _mm256_cvtepi32_ps(_mm256_srli_epi32::<23>(bits));
            let fraction = _mm256_and_si256(bits, _mm256_set1_epi32(0x007f_ffff));
            let fraction = _mm256_or_si256(fraction, _mm256_set1_epi32(0x3f80_0000));
            let exponent = _mm256_sub_ps(exponent, _mm256_set1_ps(127.0));
            (exponent, _mm256_castsi256_ps(fraction))
        }
    }
    #[inline(always)]
    fn zip(self, a: __m256, b: __m256) -> (__m256, __m256) {
        // SAFETY: invariant 1.
        unsafe {
            // Within each half: 0 and 1, 2 and 3.
            let (first, second) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
            (
                _mm256_permute2f128_ps::<0x20>(first, second),
                _mm256_permute2f128_ps::<0x31>(first, second),
            )
        }
    }
    #[inline(always)]
    fn where_positive(self, a: __m256, value: __m256) -> __m256 {
        // SAFETY: invariant 1.
        unsafe { _mm256_and_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(a, _mm256_setzero_ps()), value) }
    }
    #[inline(always)]
    fn flush_below(self, value: __m256, least: f32) -> __m256 {
        // SAFETY: invariant 1.
        unsafe {
            let size = _mm256_andnot_ps(_mm256_set1_ps(-0.0), value);
            _mm256_and_ps(
                _mm256_cmp_ps::<_CMP_NLT_UQ>(size, _mm256_set1_ps(least)),
                value,
            )
        }
    }
    #[inline(always)]
    fn keep_at_least(
        self,
        words: &[u32; 16],
        shift: u32,
        threshold: u32,
        scale: f32,
        values: &mut [f32; 16],
    ) {
        for half in [0, 8] {
            let (words, values) = (&words[half..][..8], &mut values[half..][..8]);
            // SAFETY: invariants 1 and 2.
            unsafe {
                let words = _mm256_loadu_si256(words.as_ptr().cast());
                let bits = _mm256_srl_epi32(words, _mm_cvtsi32_si128(shift as i32));
                let bits = _mm256_and_si256(bits, _mm256_set1_epi32(0xffff));
                let kept = _mm256_cmpgt_epi32(bits, _mm256_set1_epi32(threshold as i32 - 1));
                let scaled = _mm256_mul_ps(_mm256_loadu_ps(values.as_ptr()), _mm256_set1_ps(scale));
                _mm256_storeu_ps(
                    values.as_mut_ptr(),
                    _mm256_and_ps(_mm256_castsi256_ps(kept), scaled),
                );
            }
        }
    }
    #[inline(always)]
    fn positions_of(self, bytes: &[u8]) -> [u64; 4] {
        let mut padded = [u8::MAX; 64];
        padded[..bytes.len()].copy_from_slice(bytes);
        // SAFETY: invariants 1 and 2.
        unsafe {
            let low = _mm256_loadu_si256(padded.as_ptr().cast());
            let high = _mm256_loadu_si256(padded[32..].as_ptr().cast());
            [0, 1, 2, 3].map(|value| {
                let value = _mm256_set1_epi8(value);
                let bits = |half| _mm256_movemask_epi8(_mm256_cmpeq_epi8(half, value)) as u32;
                u64::from(bits(low)) | u64::from(bits(high)) << 32
            })
        }
    }
    #[inline(always)]
    fn pick(self, v: __m256, lanes: &[u32; 16]) -> __m256 {
        // SAFETY: invariants 1 and 2.
        unsafe { _mm256_permutevar8x32_ps(v, _mm256_loadu_si256(lanes.as_ptr().cast())) }
    }
    #[inline(always)]
    fn tile(self, tile: &Tile<'_>, c: BlockMut<'_>) {
        // SAFETY: invariant 1.
        unsafe { tile_shell(self, tile, c) }
    }
    #[inline(always)]
    fn lane_tile(self, tile: &Tile<'_>, c: BlockMut<'_>) {
        // SAFETY: invariant 1.
        unsafe { lane_tile_shell(self, tile, c) }
    }
}
