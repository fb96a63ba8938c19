//! AVX-512: 16 lanes, 32 registers.

use super::block::BlockMut;
use super::sparse::{DEAD, Lists, Square};
use super::tile::Tile;
use super::{Simd, WithSimd, transposed};
use crate::Key;
use crate::random::{MULTIPLIERS, WEYL};
use std::arch::x86_64::*;

/// Proof that the CPU has AVX-512 F, BW, DQ and VL, and what came before them (invariant 1).
#[derive(Clone, Copy)]
pub(super) struct Avx512(());

impl Avx512 {
    /// The token, if the CPU has the features (the standard library caches the answer).
    #[inline]
    pub(super) fn detect() -> Option<Avx512> {
        let there = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("popcnt");
        there.then_some(Avx512(()))
    }
}

/// The upper and lower halves of the products of 16 words with `multiplier`.
///
/// # Safety
/// The CPU must have AVX-512 F (invariant 1).
#[inline(always)]
unsafe fn products(words: __m512i, multiplier: u32) -> (__m512i, __m512i) {
    const ODD: __mmask16 = 0xAAAA;
    // SAFETY: as this function.
    unsafe {
        let multiplier = _mm512_set1_epi32(multiplier as i32);
        let even = _mm512_mul_epu32(words, multiplier);
        let odd = _mm512_mul_epu32(_mm512_srli_epi64::<32>(words), multiplier);
        let high = _mm512_mask_mov_epi32(_mm512_srli_epi64::<32>(even), ODD, odd);
        (
            high,
            _mm512_mask_mov_epi32(even, ODD, _mm512_slli_epi64::<32>(odd)),
        )
    }
}

/// Compiles `kernel` for this set.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2,popcnt")]
pub(super) fn shell<K: WithSimd>(token: Avx512, kernel: K) -> K::Output {
    kernel.run(token)
}

/// Compiles the register tile for this set.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2,popcnt")]
fn tile_shell(token: Avx512, tile: &Tile<'_>, c: BlockMut<'_>) {
    tile.run(token, c);
}

/// Compiles the tile that multiplies lane by lane for this set.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2")]
fn lane_tile_shell(token: Avx512, tile: &Tile<'_>, c: BlockMut<'_>) {
    tile.run_lanes(token, c);
}

// SAFETY of every block below: invariant 1, `self` proves the features; pointers are the caller's promise, or come from a
// slice whose length has just been checked (invariant 2); masks touch only their lanes (invariant 3).
impl Simd for Avx512 {
    const LANES: usize = 16;
    const ROWS: usize = 14;
    type V = __m512;
    type Mask = __mmask16;

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        // SAFETY: invariant 1.
        unsafe { _mm512_set1_ps(value) }
    }
    #[inline(always)]
    fn load(self, from: &[f32]) -> __m512 {
        let from = &from[..16];
        // SAFETY: invariants 1 and 2.
        unsafe { _mm512_loadu_ps(from.as_ptr()) }
    }
    #[inline(always)]
    fn store(self, to: &mut [f32], v: __m512) {
        let to = &mut to[..16];
        // SAFETY: invariants 1 and 2.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), v) }
    }
    #[inline(always)]
    fn mask(self, count: usize) -> __mmask16 {
        ((1u32 << count.min(16)) - 1) as __mmask16
    }
    #[inline(always)]
    unsafe fn load_ptr(self, from: *const f32) -> __m512 {
        // SAFETY: invariant 1; the pointer is the caller's promise.
        unsafe { _mm512_loadu_ps(from) }
    }
    #[inline(always)]
    unsafe fn store_ptr(self, to: *mut f32, v: __m512) {
        // SAFETY: invariant 1; the pointer is the caller's promise.
        unsafe { _mm512_storeu_ps(to, v) }
    }
    #[inline(always)]
    unsafe fn load_masked(self, from: *const f32, mask: __mmask16) -> __m512 {
        // SAFETY: invariants 1 and 3; the pointer is the caller's promise.
        unsafe { _mm512_maskz_loadu_ps(mask, from) }
    }
    #[inline(always)]
    unsafe fn store_masked(self, to: *mut f32, v: __m512, mask: __mmask16) {
        // SAFETY: invariants 1 and 3; the pointer is the caller's promise.
        unsafe { _mm512_mask_storeu_ps(to, mask, v) }
    }
    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: invariant 1.
        unsafe { _mm512_add_ps(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: invariant 1.
        unsafe { _mm512_sub_ps(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: invariant 1.
        unsafe { _mm512_mul_ps(a, b) }
    }
    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: invariant 1.
        unsafe { _mm512_div_ps(a, b) }
    }
    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: invariant 1.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: invariant 1.
        unsafe { _mm512_max_ps(a, b) }
    }
    #[inline(always)]
    fn larger(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: invariant 1.
        unsafe {
            let is_nan = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(a, a);
            _mm512_mask_mov_ps(_mm512_max_ps(a, b), is_nan, a)
        }
    }
    #[inline(always)]
    fn larger_magnitude(self, best: __m512, value: __m512) -> __m512 {
        // SAFETY: invariant 1.
        unsafe {
            let magnitude = _mm512_castps_si512(_mm512_abs_ps(value));
            _mm512_castsi512_ps(_mm512_max_epu32(_mm512_castps_si512(best), magnitude))
        }
    }
    #[inline(always)]
    fn beaten(self, best: (__m512, __m512), value: (__m512, __m512)) -> (__m512, __m512) {
        // SAFETY: invariant 1.
        let second = unsafe {
            let larger = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(value.0, best.0);
            _mm512_mask_mov_ps(best.1, larger, value.1)
        };
        (self.larger(best.0, value.0), second)
    }
    #[inline(always)]
    unsafe fn store_bytes(self, to: *mut u8, v: __m512, count: usize) {
        // SAFETY: invariant 1; the caller's (invariants 2, 4), of which only `count` lanes are stored (invariant 3).
        unsafe {
            let bytes = _mm512_cvtepi32_epi8(_mm512_castps_si512(v));
            if count == Self::LANES {
                _mm_storeu_si128(to.cast(), bytes);
            } else {
                _mm512_mask_cvtepi32_storeu_epi8(
                    to.cast(),
                    self.mask(count),
                    _mm512_castps_si512(v),
                );
            }
        }
    }
    #[inline(always)]
    fn sqrt(self, a: __m512) -> __m512 {
        // SAFETY: invariant 1.
        unsafe { _mm512_sqrt_ps(a) }
    }
    #[inline(always)]
    fn where_less(self, a: __m512, b: __m512, then: __m512, otherwise: __m512) -> __m512 {
        // SAFETY: invariant 1.
        unsafe { _mm512_mask_mov_ps(otherwise, _mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b), then) }
    }
    #[inline(always)]
    fn with_sign(self, a: __m512, sign: __m512) -> __m512 {
        // SAFETY: invariant 1.
        unsafe {
            let bit = _mm512_set1_ps(-0.0);
            _mm512_or_ps(_mm512_andnot_ps(bit, a), _mm512_and_ps(bit, sign))
        }
    }
    #[inline(always)]
    fn low_bits_to_exponent(self, a: __m512) -> __m512 {
        // SAFETY: invariant 1.
        unsafe { _mm512_castsi512_ps(_mm512_slli_epi32::<23>(_mm512_castps_si512(a))) }
    }
    #[inline(always)]
    fn exponent_and_fraction(self, a: __m512) -> (__m512, __m512) {
        // SAFETY: invariant 1.
        unsafe {
            let bits = _mm512_castps_si512(a);
            let exponent = _mm512_cvtepi32_ps(_mm512_srli_epi32::<23>(bits));
            let fraction = _mm512_and_si512(bits, _mm512_set1_epi32(0x007f_ffff));
            let fraction = _mm512_or_si512(fraction, _mm512_set1_epi32(0x3f80_0000));
            let exponent = _mm512_sub_ps(exponent, _mm512_set1_ps(127.0));
            (exponent, _mm512_castsi512_ps(fraction))
        }
    }
    #[inline(always)]
    fn zip(self, a: __m512, b: __m512) -> (__m512, __m512) {
        // SAFETY: invariant 1.
        unsafe {
            let low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            let high = _mm512_add_epi32(low, _mm512_set1_epi32(8));
            (
                _mm512_permutex2var_ps(a, low, b),
                _mm512_permutex2var_ps(a, high, b),
            )
        }
    }
    #[inline(always)]
    fn where_positive(self, a: __m512, value: __m512) -> __m512 {
        // SAFETY: invariant 1.
        unsafe {
            _mm512_maskz_mov_ps(
                _mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, _mm512_setzero_ps()),
                value,
            )
        }
    }
    #[inline(always)]
    fn flush_below(self, value: __m512, least: f32) -> __m512 {
        // SAFETY: invariant 1.
        unsafe {
            let normal =
                _mm512_cmp_ps_mask::<_CMP_NLT_UQ>(_mm512_abs_ps(value), _mm512_set1_ps(least));
            _mm512_maskz_mov_ps(normal, value)
        }
    }
    #[inline(always)]
    fn philox(self, key: Key, first: u64) -> [[u32; 16]; 4] {
        let low = std::array::from_fn::<u32, 16, _>(|i| (first + i as u64) as u32);
        let high = std::array::from_fn::<u32, 16, _>(|i| ((first + i as u64) >> 32) as u32);
        let mut words = [[0; 16]; 4];
        // SAFETY: invariants 1 and 2.
        unsafe {
            let [low, high] = [low, high].map(|c| _mm512_loadu_si512(c.as_ptr().cast()));
            let [word_2, word_3] = key.high.map(|word| _mm512_set1_epi32(word as i32));
            let mut counter = [low, high, word_2, word_3];
            let [mut k0, mut k1] = key.key;
            for _ in 0..10 {
                let [c0, c1, c2, c3] = counter;
                let (high_0, low_0) = products(c0, MULTIPLIERS[0]);
                let (high_1, low_1) = products(c2, MULTIPLIERS[1]);
                // Truth table 0x96: the exclusive or of three.
                let c0 =
                    _mm512_ternarylogic_epi32::<0x96>(high_1, c1, _mm512_set1_epi32(k0 as i32));
                let c2 =
                    _mm512_ternarylogic_epi32::<0x96>(high_0, c3, _mm512_set1_epi32(k1 as i32));
                counter = [c0, low_1, c2, low_0];
                k0 = k0.wrapping_add(WEYL[0]);
                k1 = k1.wrapping_add(WEYL[1]);
            }
            for (word, c) in words.iter_mut().zip(counter) {
                _mm512_storeu_si512(word.as_mut_ptr().cast(), c);
            }
        }
        words
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
        // SAFETY: invariants 1 and 2.
        unsafe {
            let words = _mm512_loadu_si512(words.as_ptr().cast());
            let bits = _mm512_srl_epi32(words, _mm_cvtsi32_si128(shift as i32));
            let bits = _mm512_and_si512(bits, _mm512_set1_epi32(0xffff));
            let kept = _mm512_cmpge_epu32_mask(bits, _mm512_set1_epi32(threshold as i32));
            let scaled = _mm512_maskz_mul_ps(
                kept,
                _mm512_loadu_ps(values.as_ptr()),
                _mm512_set1_ps(scale),
            );
            _mm512_storeu_ps(values.as_mut_ptr(), scaled);
        }
    }
    #[inline(always)]
    fn positions_of(self, bytes: &[u8]) -> [u64; 4] {
        let count = bytes.len();
        assert!(count <= 64, "{count} bytes");
        let mask = if count == 64 {
            u64::MAX
        } else {
            (1 << count) - 1
        };
        // SAFETY: invariants 1 and 3.
        unsafe {
            let bytes = _mm512_maskz_loadu_epi8(mask, bytes.as_ptr().cast());
            [0, 1, 2, 3]
                .map(|value| _mm512_mask_cmpeq_epi8_mask(mask, bytes, _mm512_set1_epi8(value)))
        }
    }
    #[inline(always)]
    fn penalty_sums(self, x: &[f32]) -> (f64, f64) {
        // Conversions to f64 are not found by the compiler.
        let (lines, rest) = x.as_chunks::<16>();
        // SAFETY: invariant 1.
        let (mut l1, mut l2) = unsafe {
            let (mut l1, mut l2) = ([_mm512_setzero_pd(); 2], [_mm512_setzero_pd(); 2]);
            for line in lines {
                let x = self.load(line);
                let halves = [_mm512_castps512_ps256(x), _mm512_extractf32x8_ps::<1>(x)];
                for i in 0..2 {
                    let x = _mm512_cvtps_pd(halves[i]);
                    l1[i] = _mm512_add_pd(l1[i], _mm512_abs_pd(x));
                    l2[i] = _mm512_fmadd_pd(x, x, l2[i]);
                }
            }
            (
                _mm512_reduce_add_pd(_mm512_add_pd(l1[0], l1[1])),
                _mm512_reduce_add_pd(_mm512_add_pd(l2[0], l2[1])),
            )
        };
        for &x in rest {
            l1 += f64::from(x).abs();
            l2 += f64::from(x) * f64::from(x);
        }
        (l1, l2)
    }
    /// Windows by filters becomes filters by windows; then each filter's survivors move together.
    #[inline(always)]
    fn list(self, square: &Square<'_>, lists: &mut Lists<'_>) {
        square.check(16, 16, lists);
        // A dead window's place is negative.
        let mut offsets = square.offsets.map(|offset| offset as i32);
        offsets[usize::from(DEAD)..].fill(i32::MIN);
        // SAFETY: invariants 1 and 2 (asserted by `check`: behind an end there is room for 16 survivors, two vectors).
        unsafe {
            let zero = _mm512_setzero_ps();
            let offsets = _mm512_castsi256_si512(_mm256_loadu_si256(offsets.as_ptr().cast()));
            let (mut places, mut gradients) = ([zero; 16], [zero; 16]);
            for (window, &place) in square.places.iter().enumerate() {
                let at = window * square.step;
                let winners = _mm_loadu_si128(square.winners.as_ptr().add(at).cast());
                let offset = _mm512_permutexvar_epi32(_mm512_cvtepu8_epi32(winners), offsets);
                let place = _mm512_add_epi32(offset, _mm512_set1_epi32(place as i32));
                places[window] = _mm512_castsi512_ps(place);
                gradients[window] = _mm512_loadu_ps(square.dy.as_ptr().add(at));
            }
            let (places, gradients) = (transposed(self, places), transposed(self, gradients));
            for filter in 0..16 {
                let alive = !_mm512_movepi32_mask(_mm512_castps_si512(places[filter]));
                let (low, high) = self.zip(
                    _mm512_maskz_compress_ps(alive, places[filter]),
                    _mm512_maskz_compress_ps(alive, gradients[filter]),
                );
                let end = &mut lists.ends[filter];
                let to = lists.survivors.as_mut_ptr().add(filter * lists.step + *end);
                _mm512_storeu_ps(to.cast(), low);
                _mm512_storeu_ps(to.cast::<f32>().add(16), high);
                *end += alive.count_ones() as usize;
            }
        }
    }
    #[inline(always)]
    fn pick(self, v: __m512, lanes: &[u32; 16]) -> __m512 {
        // SAFETY: invariants 1 and 2.
        unsafe { _mm512_permutexvar_ps(_mm512_loadu_si512(lanes.as_ptr().cast()), v) }
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
