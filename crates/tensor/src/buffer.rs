//! Aligned storage that is recycled. A training step asks for the same sizes again and again; taking them from a pool
//! instead of the system saves page faults and lets a test prove that a step allocates nothing.
//!
//! Without `unsafe`: memory is a `Vec` of 64-byte lines, seen as floats through `bytemuck`.

use bytemuck::{Pod, Zeroable};
use std::cell::Cell;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

/// At most this many bytes (1 GiB) of unused buffers are kept; beyond it, sizes that were not asked for lately are
/// given back to the system first.
pub const MAX_POOLED_BYTES: usize = 1 << 30;

/// Number of buffers ever taken from the system's allocator (not from the pool), in the whole process.
///
/// ```
/// use taper_tensor::{Tensor, allocation_count};
///
/// drop(Tensor::<f32>::zeros([3, 1234])); // its memory goes to the pool …
/// let before = allocation_count();
/// let again = Tensor::<f32>::ones([1234, 3]); // … and serves the next tensor of that size
/// assert_eq!(allocation_count(), before);
/// # drop(again);
/// ```
pub fn allocation_count() -> u64 {
    ALLOCATIONS.load(Ordering::Relaxed)
}

/// Bytes held by the pool at this moment: memory of dropped buffers that waits for reuse.
pub fn pooled_bytes() -> usize {
    pool().bytes
}

/// Gives all unused buffers back to the system, for instance after training, before the process does something else.
pub fn release_pool() {
    let released = std::mem::take(&mut *pool());
    drop(released); // after the lock is free again
}

/// Runs `work` on a batch that is smaller than those before it, the last of an epoch: buffers that this thread makes
/// meanwhile may lie in waiting memory up to `times` as large as they need (`times`: how much smaller the batch is).
/// Without it such a batch would take memory of its own sizes from the system, and the pool would keep both sets.
///
/// ```
/// use taper_tensor::{Tensor, allocation_count, buffer::reuse_larger};
///
/// drop(Tensor::<f32>::zeros([64, 9216])); // a full batch …
/// let before = allocation_count();
/// let last = reuse_larger(2, || Tensor::<f32>::zeros([32, 9216])); // … and half of one
/// assert_eq!(allocation_count(), before);
/// # drop(last);
/// ```
pub fn reuse_larger<R>(times: usize, work: impl FnOnce() -> R) -> R {
    /// Puts the old value back, also when `work` panics.
    struct Restore(usize);
    impl Drop for Restore {
        fn drop(&mut self) {
            SLACK.set(self.0);
        }
    }
    let _restore = Restore(SLACK.replace(times.max(1)));
    work()
}

/// Aligned (64 bytes), recycled memory for a number of elements: floats, or other plain data such as the positions that
/// a pooling remembers. Dropping it returns the memory to the pool.
///
/// Sizes are rounded up to whole lines of 64 bytes and reused for exactly this number of lines only (but for
/// [`reuse_larger`]): a step that asks for what the step before it asked for always finds it.
pub struct Buffer<E> {
    lines: Vec<Line>,
    len: usize,
    element: PhantomData<E>,
    /// The largest magnitude, where whoever wrote the values has noted it. Forgotten when they may change.
    magnitude: Option<f64>,
}

impl<E: Pod> Buffer<E> {
    /// `len` elements with unspecified, though initialised, values: what the memory held before.
    /// For whoever overwrites all of them. Builds with debug assertions fill recycled memory with NaN, to show who does
    /// not.
    ///
    /// # Panics
    /// If the system does not give memory for `len` elements.
    pub fn uninit(len: usize) -> Self {
        let (mut lines, recycled) = take::<E>(len);
        if recycled && cfg!(debug_assertions) {
            bytemuck::cast_slice_mut::<Line, u8>(&mut lines).fill(0xff);
        }
        Buffer {
            lines,
            len,
            element: PhantomData,
            magnitude: None,
        }
    }

    /// `len` zeros.
    ///
    /// # Panics
    /// If the system does not give memory for `len` elements.
    pub fn zeros(len: usize) -> Self {
        let (mut lines, recycled) = take::<E>(len);
        if recycled {
            lines.fill(Line::zeroed());
        }
        Buffer {
            lines,
            len,
            element: PhantomData,
            magnitude: None,
        }
    }

    /// Notes the largest magnitude of the values as they are now: known to whoever wrote them while they were in the caches.
    pub(crate) fn note_magnitude(&mut self, magnitude: Option<f64>) {
        self.magnitude = magnitude;
    }

    /// What was noted, if the values are still those.
    pub(crate) fn magnitude(&self) -> Option<f64> {
        self.magnitude
    }

    /// A copy of `values`.
    pub fn from_slice(values: &[E]) -> Self {
        let mut buffer = Self::uninit(values.len());
        buffer.copy_from_slice(values);
        buffer
    }
}

impl<E: Pod> Deref for Buffer<E> {
    type Target = [E];

    fn deref(&self) -> &[E] {
        &bytemuck::cast_slice(&self.lines)[..self.len]
    }
}

impl<E: Pod> DerefMut for Buffer<E> {
    fn deref_mut(&mut self) -> &mut [E] {
        self.magnitude = None;
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.len]
    }
}

impl<E: Pod> Clone for Buffer<E> {
    fn clone(&self) -> Self {
        Self::from_slice(self)
    }
}

impl<E> std::fmt::Debug for Buffer<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Buffer")
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

impl<E> Drop for Buffer<E> {
    fn drop(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        if !lines.is_empty() {
            let surplus = pool().put(lines);
            drop(surplus); // after the lock is free again
        }
    }
}

/// One cache line, and the width of the widest SIMD register.
#[repr(C, align(64))]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Line([u8; LINE]);

const LINE: usize = 64;

/// Smaller buffers are not worth larger memory.
const WORTH_REUSE: usize = (64 << 10) / LINE;

thread_local! {
    /// How much larger than needed memory may be: 1, and more within [`reuse_larger`].
    static SLACK: Cell<usize> = const { Cell::new(1) };
}

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static POOL: LazyLock<Mutex<Pool>> = LazyLock::new(Mutex::default);

fn pool() -> MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner) // every method leaves the pool whole
}

/// Memory for `len` elements, and whether it comes from the pool (memory from the system is zero).
fn take<E: Pod>(len: usize) -> (Vec<Line>, bool) {
    let bytes = len.checked_mul(size_of::<E>());
    let bytes = bytes.unwrap_or_else(|| refused(len, size_of::<E>()));
    let lines = bytes.div_ceil(LINE);
    if lines == 0 {
        return (Vec::new(), false);
    }
    if let Some(recycled) = pool().take(lines, SLACK.get()) {
        return (recycled, true);
    }
    ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    // Asks the system for zeroed pages, which cost nothing until they are touched.
    match bytemuck::try_zeroed_vec(lines) {
        Ok(memory) => (memory, false),
        Err(()) => refused(len, size_of::<E>()),
    }
}

/// A panic, where the system's allocator would end the program, or say no more than "capacity overflow".
#[cold]
fn refused(len: usize, bytes: usize) -> ! {
    panic!("a tensor of {len} values of {bytes} bytes is more memory than the system gives")
}

/// Unused memory by size in lines.
#[derive(Default)]
struct Pool {
    classes: HashMap<usize, Class>,
    bytes: usize,
    /// Counts calls: the age of a class is measured in them.
    now: u64,
}

#[derive(Default)]
struct Class {
    free: Vec<Vec<Line>>,
    last_used: u64,
}

impl Pool {
    /// Memory of so many lines, or of the next size up to `slack` times as large.
    fn take(&mut self, lines: usize, slack: usize) -> Option<Vec<Line>> {
        self.now += 1;
        if let Some(memory) = self.take_exactly(lines) {
            return Some(memory);
        }
        if slack == 1 || lines < WORTH_REUSE {
            return None;
        }
        let fitting = lines..=lines.saturating_mul(slack);
        let waiting = self
            .classes
            .iter()
            .filter(|(_, class)| !class.free.is_empty());
        let sizes = waiting.map(|(&size, _)| size);
        let next = sizes.filter(|size| fitting.contains(size)).min()?;
        self.take_exactly(next)
    }

    fn take_exactly(&mut self, lines: usize) -> Option<Vec<Line>> {
        let class = self.classes.get_mut(&lines)?;
        class.last_used = self.now;
        let memory = class.free.pop()?;
        self.bytes -= lines * LINE;
        Some(memory)
    }

    /// Keeps `memory`. Returns what must be given back to the system to stay within the bound.
    fn put(&mut self, memory: Vec<Line>) -> Vec<Vec<Line>> {
        self.now += 1;
        let class = self.classes.entry(memory.len()).or_default();
        class.last_used = self.now;
        self.bytes += memory.len() * LINE;
        class.free.push(memory);
        let mut surplus = Vec::new();
        while self.bytes > MAX_POOLED_BYTES {
            let Some((&lines, class)) = self
                .classes
                .iter_mut()
                .min_by_key(|(_, class)| class.last_used)
            else {
                break;
            };
            match class.free.pop() {
                Some(memory) => {
                    self.bytes -= lines * LINE;
                    surplus.push(memory);
                }
                None => _ = self.classes.remove(&lines),
            }
        }
        surplus
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_aligned_and_have_their_length() {
        for len in [0, 1, 15, 16, 17, 1000] {
            let buffer = Buffer::<f32>::zeros(len);
            assert_eq!(buffer.len(), len);
            assert!(buffer.iter().all(|&x| x == 0.0));
            if len > 0 {
                assert_eq!(buffer.as_ptr() as usize % LINE, 0);
            }
        }
    }

    #[test]
    fn zeros_are_zero_in_recycled_memory() {
        let mut buffer = Buffer::<f64>::uninit(777);
        buffer.fill(3.0);
        drop(buffer);
        assert!(Buffer::<f64>::zeros(777).iter().all(|&x| x == 0.0));
    }

    #[test]
    fn the_pool_hands_out_exact_sizes_only() {
        let mut pool = Pool::default();
        assert!(pool.put(bytemuck::zeroed_vec(3)).is_empty());
        assert_eq!(pool.bytes, 3 * LINE);
        assert!(pool.take(2, 1).is_none());
        assert!(pool.take(4, 1).is_none());
        assert_eq!(pool.take(3, 1).map(|memory| memory.len()), Some(3));
        assert!(pool.take(3, 1).is_none());
        assert_eq!(pool.bytes, 0);
    }

    #[test]
    fn the_pool_keeps_its_bound_and_lets_the_stalest_size_go() {
        let mut pool = Pool::default();
        let third = MAX_POOLED_BYTES / LINE / 3;
        assert!(pool.put(bytemuck::zeroed_vec(third)).is_empty());
        assert!(pool.put(bytemuck::zeroed_vec(third + 1)).is_empty());
        assert!(pool.put(bytemuck::zeroed_vec(third - 1)).is_empty());
        let refreshed = pool.take(third, 1).expect("it was put there");
        assert!(pool.put(refreshed).is_empty());
        let surplus = pool.put(bytemuck::zeroed_vec(5));
        assert_eq!(
            surplus.iter().map(Vec::len).collect::<Vec<_>>(),
            [third + 1]
        );
        assert!(pool.bytes <= MAX_POOLED_BYTES);
        assert!(pool.take(third, 1).is_some());
    }

    #[test]
    fn the_next_size_serves_where_larger_ones_may() {
        let mut pool = Pool::default();
        let lines = WORTH_REUSE;
        for size in [2 * lines + 1, 2 * lines, 2 * lines - 1, lines - 1] {
            assert!(pool.put(bytemuck::zeroed_vec(size)).is_empty());
        }
        let take = |pool: &mut Pool, size, slack| pool.take(size, slack).map(|m| m.len());
        assert_eq!(take(&mut pool, lines, 1), None);
        assert_eq!(take(&mut pool, lines, 2), Some(2 * lines - 1));
        assert_eq!(take(&mut pool, lines, 2), Some(2 * lines));
        assert_eq!(take(&mut pool, lines, 2), None);
        assert_eq!(take(&mut pool, lines - 2, 2), None);
        assert_eq!(take(&mut pool, 2 * lines + 1, 2), Some(2 * lines + 1));
        assert_eq!(pool.bytes, (lines - 1) * LINE);
    }

    #[test]
    fn the_permission_to_reuse_larger_memory_ends_with_the_work() {
        let panicked = std::panic::catch_unwind(|| reuse_larger(4, || panic!("{}", SLACK.get())));
        assert_eq!(panicked.unwrap_err().downcast_ref::<String>().unwrap(), "4");
        assert_eq!(SLACK.get(), 1);
        let nested = reuse_larger(3, || reuse_larger(2, || SLACK.get()) * 10 + SLACK.get());
        assert_eq!(nested, 23);
    }
}
