//! Stops from outside: Ctrl-C, a button, another thread.

use crate::{Callback, Event, View};
use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// A flag that ends training after the batch in hand. Clones share the flag.
///
/// ```
/// use taper_train::StopFlag;
/// let flag = StopFlag::new();
/// let from_elsewhere = flag.clone(); // for a signal handler, or another thread
/// // Trainer::new(…).callback(flag)
/// from_elsewhere.stop();
/// assert!(flag.is_set());
/// ```
#[derive(Clone, Debug, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// A flag that is not set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks to stop.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked to stop.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A flag that one has already.
impl From<Arc<AtomicBool>> for StopFlag {
    fn from(flag: Arc<AtomicBool>) -> Self {
        StopFlag(flag)
    }
}

impl Callback for StopFlag {
    fn on_event(&mut self, _event: &Event<'_>, _view: &View<'_>) -> ControlFlow<()> {
        if self.is_set() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}
