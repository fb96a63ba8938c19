//! The instruction sets, chosen at run time, and the few kernels that need pointers.
//!
//! Internals of the crates of Taper: what is here may change with every version. Programs may ask which instruction set is
//! in use, and no more.
//!
//! A kernel is written once, generic over `Simd`, and handed to `dispatch`, which runs it inside a function that is
//! compiled for the machine's instruction set. What is `unsafe` in this crate is unsafe because of one of these
//! invariants; every block cites the number it leans on.
//!
//! 1. **Features.** A value of an instruction-set type (`Avx512`, `Avx2`, `Neon`) exists only where the CPU has been
//!    found to have its features: the constructors are private to this folder and called by `dispatch` alone.
//! 2. **Reach.** Before a pointer is made from a slice, the farthest element it will be asked for is computed with
//!    checked arithmetic and asserted to lie inside the slice.
//! 3. **Masks.** A masked load or store touches only the lanes of its mask, so reach is counted by lanes in use.
//! 4. **Exclusive output.** An output pointer comes from a `&mut` slice that lives for the whole call; tasks that run side
//!    by side are handed disjoint slices.
//! 5. **Hints.** A prefetch reads nothing and cannot fault: any address will do.
//!
//! `TAPER_SIMD=portable|avx2|avx512|neon` forces a set (a set that the machine lacks, or an unknown name, is an error
//! when [`forced`] is asked and falls back to detection otherwise).

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub(crate) mod block;
mod f64_product;
#[cfg(target_arch = "aarch64")]
mod neon;
pub(crate) mod operands;
mod portable;
pub(crate) mod sparse;
pub(crate) mod tile;
pub(crate) mod winograd;

pub(crate) use f64_product::f64_product;

use crate::Key;
use crate::random::philox_lanes;
use block::BlockMut;
use operands::{Lists, Square, Tile};
use std::sync::OnceLock;

/// Vectors of f32 on one instruction set. `self` is a token that the set is available (invariant 1).
pub(crate) trait Simd: Copy + Send + Sync + 'static {
    /// f32 values in a vector.
    const LANES: usize;
    /// Output rows of the register tile ([`tile`]): as many as the registers hold with two vectors a row.
    const ROWS: usize;
    /// A vector of `LANES` values.
    type V: Copy;
    /// The first lanes of a vector.
    type Mask: Copy;

    /// All lanes `value`.
    fn splat(self, value: f32) -> Self::V;
    /// The first `LANES` values. Panics when there are fewer.
    fn load(self, from: &[f32]) -> Self::V;
    /// Writes to the first `LANES` values. Panics when there are fewer.
    fn store(self, to: &mut [f32], v: Self::V);
    /// Selects the first `count` lanes (at most `LANES`).
    fn mask(self, count: usize) -> Self::Mask;
    /// `LANES` values from `from`.
    ///
    /// # Safety
    /// `from` must be valid for reads of `LANES` values.
    unsafe fn load_ptr(self, from: *const f32) -> Self::V;
    /// Writes `LANES` values.
    ///
    /// # Safety
    /// `to` must be valid for writes of `LANES` values.
    unsafe fn store_ptr(self, to: *mut f32, v: Self::V);
    /// The lanes of `mask`; zero elsewhere.
    ///
    /// # Safety
    /// `from` must be valid for reads of the lanes in the mask.
    unsafe fn load_masked(self, from: *const f32, mask: Self::Mask) -> Self::V;
    /// Writes the lanes of `mask`.
    ///
    /// # Safety
    /// `to` must be valid for writes of the lanes in the mask.
    unsafe fn store_masked(self, to: *mut f32, v: Self::V, mask: Self::Mask);
    /// `a + b`
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a − b`
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a · b`
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a / b`
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a · b + c`, rounded once.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The larger; `b` when one is NaN.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// The larger; NaN when one is.
    fn larger(self, a: Self::V, b: Self::V) -> Self::V;
    /// The larger of `best` and `|value|` by their bits, so that NaN is larger than ∞ and stays. `best` has no sign.
    fn larger_magnitude(self, best: Self::V, value: Self::V) -> Self::V;
    /// Lane by lane: `best`, or `value` where its first is larger, with the second that goes along. The first is NaN once
    /// one was.
    fn beaten(self, best: (Self::V, Self::V), value: (Self::V, Self::V)) -> (Self::V, Self::V);
    /// The lowest byte of each of the first `count` lanes.
    ///
    /// # Safety
    /// `to` must be valid for writing `count` values (invariants 2, 4).
    #[inline(always)]
    unsafe fn store_bytes(self, to: *mut u8, v: Self::V, count: usize) {
        let mut lanes = [0.0f32; 16];
        self.store(&mut lanes, v);
        for (i, lane) in lanes[..count].iter().enumerate() {
            // SAFETY: as this function.
            unsafe { *to.add(i) = lane.to_bits() as u8 };
        }
    }
    /// √a
    fn sqrt(self, a: Self::V) -> Self::V;
    /// Lane by lane: `then` where `a < b`, `otherwise` elsewhere, also where one is NaN.
    fn where_less(self, a: Self::V, b: Self::V, then: Self::V, otherwise: Self::V) -> Self::V;
    /// The size of `a` with the sign of `sign`.
    fn with_sign(self, a: Self::V, sign: Self::V) -> Self::V;
    /// The bits of each lane, shifted left by the 23 of an f32's fraction: an exponent moves to its place.
    fn low_bits_to_exponent(self, a: Self::V) -> Self::V;
    /// Of positive normal numbers `fraction · 2^exponent`: the exponent, and the fraction from 1 to below 2.
    fn exponent_and_fraction(self, a: Self::V) -> (Self::V, Self::V);
    /// The lanes of both in turn: `a₀ b₀ a₁ b₁ …` as far as one vector holds, and what follows in a second.
    fn zip(self, a: Self::V, b: Self::V) -> (Self::V, Self::V);
    /// `value` where `a > 0`, 0 elsewhere.
    fn where_positive(self, a: Self::V, value: Self::V) -> Self::V;
    /// `value`, or 0 where it is nearer to 0 than `least`. NaN stays NaN.
    fn flush_below(self, value: Self::V, least: f32) -> Self::V;
    /// Blocks `first..first + 16` of Philox4x32-10, word by word.
    #[inline(always)]
    fn philox(self, key: Key, first: u64) -> [[u32; 16]; 4] {
        philox_lanes::<16>(key, first)
    }
    /// Scales each value whose word, shifted right by `shift`, has 16 low bits of at least `threshold`; clears the others.
    #[inline(always)]
    fn keep_at_least(
        self,
        words: &[u32; 16],
        shift: u32,
        threshold: u32,
        scale: f32,
        values: &mut [f32; 16],
    ) {
        for (value, word) in values.iter_mut().zip(words) {
            *value = if (word >> shift) & 0xffff >= threshold {
                *value * scale
            } else {
                0.0
            };
        }
    }
    /// Σ|x| and Σx², in f64.
    #[inline(always)]
    fn penalty_sums(self, x: &[f32]) -> (f64, f64) {
        let (mut l1, mut l2) = ([0.0f64; 8], [0.0f64; 8]);
        for line in x.chunks(8) {
            for (i, &x) in line.iter().enumerate() {
                let x = f64::from(x);
                l1[i] += x.abs();
                l2[i] += x * x;
            }
        }
        (l1.iter().sum(), l2.iter().sum())
    }
    /// Appends what lives among [`SIDE`](sparse::SIDE) windows of as many filters to the filters' lists.
    #[inline(always)]
    fn list(self, square: &Square<'_>, lists: &mut Lists<'_>) {
        square.list(sparse::SIDE, sparse::SIDE, lists);
    }
    /// Lane `i` of the result is lane `lanes[i]` (below `LANES`) of `v`.
    #[inline(always)]
    fn pick(self, v: Self::V, lanes: &[u32; 16]) -> Self::V {
        let (mut from, mut to) = ([0.0; 16], [0.0; 16]);
        self.store(&mut from, v);
        for (to, lane) in to.iter_mut().zip(lanes).take(Self::LANES) {
            *to = from[*lane as usize % Self::LANES];
        }
        self.load(&to)
    }
    /// The register tile, compiled once for each set and called from every kernel.
    fn tile(self, tile: &Tile<'_>, c: BlockMut<'_>);
    /// The same for the tile that multiplies lane by lane.
    fn lane_tile(self, tile: &Tile<'_>, c: BlockMut<'_>);
    /// For each of the values 0 to 3, a bit for every byte (at most 64) that equals it.
    #[inline(always)]
    fn positions_of(self, bytes: &[u8]) -> [u64; 4] {
        let mut found = [0; 4];
        for (i, &byte) in bytes.iter().enumerate() {
            if let Some(found) = found.get_mut(usize::from(byte)) {
                *found |= 1 << i;
            }
        }
        found
    }
}

/// Rows and columns of a square of `LANES` vectors change places (the vectors behind them are of no account).
///
/// Zipping row `i` with row `i + LANES / 2` moves each element's address, the digits of its row followed by those of its
/// column, round by one binary digit; after as many rounds as the column has digits, row and column have changed places.
#[inline(always)]
pub(crate) fn transposed<S: Simd>(simd: S, mut rows: [S::V; 16]) -> [S::V; 16] {
    for _ in 0..S::LANES.trailing_zeros() {
        let before = rows;
        for i in 0..S::LANES / 2 {
            (rows[2 * i], rows[2 * i + 1]) = simd.zip(before[i], before[i + S::LANES / 2]);
        }
    }
    rows
}

/// Vector `v` of a row that starts at `row`; with `tail`, only the lanes of `mask`.
///
/// # Safety
/// `row` must be valid for reads as far as that vector (or the lanes in its mask) reaches.
#[inline(always)]
unsafe fn load_vector<S: Simd>(
    simd: S,
    row: *const f32,
    v: usize,
    tail: bool,
    mask: S::Mask,
) -> S::V {
    // SAFETY: as this function; invariant 3 for the tail.
    unsafe {
        let from = row.add(v * S::LANES);
        if tail {
            simd.load_masked(from, mask)
        } else {
            simd.load_ptr(from)
        }
    }
}

/// As [`load_vector`], for writing.
///
/// # Safety
/// `row` must be valid for writes as far as that vector (or the lanes in its mask) reaches.
#[inline(always)]
unsafe fn store_vector<S: Simd>(
    simd: S,
    row: *mut f32,
    v: usize,
    tail: bool,
    mask: S::Mask,
    value: S::V,
) {
    // SAFETY: as this function; invariant 3 for the tail.
    unsafe {
        let to = row.add(v * S::LANES);
        if tail {
            simd.store_masked(to, value, mask)
        } else {
            simd.store_ptr(to, value)
        }
    }
}

/// Work that runs on any instruction set. `run` must be `#[inline(always)]`: it is compiled anew inside the shell of each
/// set, and so is everything that it inlines. (A large closure is not inlined, and so would be compiled for the build's own
/// target: kernels use loops and `#[inline(always)]` functions.)
pub(crate) trait WithSimd {
    /// What the work returns.
    type Output;
    /// Does the work with the vectors of `simd`.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// The sets this build knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InstructionSet {
    /// AVX-512 F, BW, DQ and VL.
    Avx512,
    /// AVX2 and FMA.
    Avx2,
    /// ARMv8's vectors.
    Neon,
    /// What the compiler makes of `wide` for the build's own target.
    Portable,
}

impl InstructionSet {
    /// Every set, widest first.
    pub const ALL: [InstructionSet; 4] = [
        InstructionSet::Avx512,
        InstructionSet::Avx2,
        InstructionSet::Neon,
        InstructionSet::Portable,
    ];

    /// Name as `TAPER_SIMD` spells it.
    pub fn name(self) -> &'static str {
        match self {
            InstructionSet::Avx512 => "avx512",
            InstructionSet::Avx2 => "avx2",
            InstructionSet::Neon => "neon",
            InstructionSet::Portable => "portable",
        }
    }

    /// Whether this machine has it.
    pub fn is_available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 => avx512::Avx512::detect().is_some(),
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 => avx2::Avx2::detect().is_some(),
            #[cfg(target_arch = "aarch64")]
            InstructionSet::Neon => true,
            InstructionSet::Portable => true,
            #[allow(unreachable_patterns)]
            _ => false,
        }
    }
}

/// What `TAPER_SIMD` asks for: `None` when it is not set.
///
/// # Errors
/// When it names no set, or one that this machine lacks; the message says which there are.
pub fn forced() -> Result<Option<InstructionSet>, String> {
    let Ok(name) = std::env::var("TAPER_SIMD") else {
        return Ok(None);
    };
    let there: Vec<_> = InstructionSet::ALL
        .iter()
        .filter(|s| s.is_available())
        .map(|s| s.name())
        .collect();
    let there = there.join(", ");
    match InstructionSet::ALL.into_iter().find(|s| s.name() == name) {
        None => Err(format!(
            "TAPER_SIMD={name} is no instruction set; this machine has {there}"
        )),
        Some(set) if !set.is_available() => {
            Err(format!("this machine has no {name}; it has {there}"))
        }
        set => Ok(set),
    }
}

/// The set in use, chosen once: what `TAPER_SIMD` forces, or the widest there is.
pub fn selected() -> InstructionSet {
    static SELECTED: OnceLock<InstructionSet> = OnceLock::new();
    *SELECTED.get_or_init(|| {
        let widest = || InstructionSet::ALL.into_iter().find(|s| s.is_available());
        forced()
            .ok()
            .flatten()
            .or_else(widest)
            .unwrap_or(InstructionSet::Portable)
    })
}

/// The name of the set in use: `"avx512"`, `"avx2"`, `"neon"` or `"portable"`.
pub fn instruction_set() -> &'static str {
    selected().name()
}

/// Runs `kernel` on the set in use.
#[inline]
pub(crate) fn dispatch<K: WithSimd>(kernel: K) -> K::Output {
    run_on(selected(), kernel)
}

/// Runs `kernel` on `set`, or on the portable one where the machine lacks it. For tests and comparisons.
#[inline]
pub(crate) fn run_on<K: WithSimd>(set: InstructionSet, kernel: K) -> K::Output {
    match set {
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx512 => match avx512::Avx512::detect() {
            // SAFETY: invariant 1, the token proves the features.
            Some(token) => unsafe { avx512::shell(token, kernel) },
            None => kernel.run(portable::Portable),
        },
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx2 => match avx2::Avx2::detect() {
            // SAFETY: invariant 1, the token proves the features.
            Some(token) => unsafe { avx2::shell(token, kernel) },
            None => kernel.run(portable::Portable),
        },
        #[cfg(target_arch = "aarch64")]
        InstructionSet::Neon => kernel.run(neon::Neon::new()),
        _ => kernel.run(portable::Portable),
    }
}

/// Asks for `count` values from `first` on to be brought into the L2 cache, which may be behind the end of `values`. A hint
/// where there is an instruction for it.
#[inline(always)]
pub(crate) fn prefetch(values: &[f32], first: usize, count: usize) {
    const LINE: usize = 16;
    #[cfg(target_arch = "x86_64")]
    for line in (first..first + count).step_by(LINE) {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: invariant 5.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(values.as_ptr().wrapping_add(line).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (values, first, count);
}
