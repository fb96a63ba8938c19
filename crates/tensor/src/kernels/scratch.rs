//! Working memory of a task. Each thread keeps what its tasks have used, so that it takes none from the pool once it has
//! done every kind of work; that it is the thread's own keeps it in that core's caches.

use crate::buffer::Buffer;
use std::cell::RefCell;

thread_local! {
    static KEPT: RefCell<Vec<Buffer<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Lends `len` values with unspecified contents. May be nested: each level has memory of its own.
pub(crate) fn with<R>(len: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    let kept = KEPT.with_borrow_mut(|kept| {
        let fitting = (0..kept.len()).filter(|&i| kept[i].len() >= len);
        let smallest = fitting.min_by_key(|&i| kept[i].len());
        smallest.map(|i| kept.swap_remove(i))
    });
    let mut buffer = kept.unwrap_or_else(|| Buffer::uninit(len));
    let result = work(&mut buffer[..len]);
    KEPT.with_borrow_mut(|kept| kept.push(buffer));
    result
}
