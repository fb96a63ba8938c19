//! A seam for tests: lets the n-th step of writing below a folder fail, as a full disk or a broken one would. Costs one
//! load of a flag a step when nobody uses it.
//!
//! ```
//! use taper_files::{atomic, faults::{Faults, Fail}};
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("file");
//! atomic::write(&path, b"old")?;
//! let faults = Faults::below(folder.path(), Fail::Once(1)); // the first step is making the temporary file
//! assert!(atomic::write(&path, b"new").is_err());
//! assert_eq!(faults.seen().len(), 2);
//! drop(faults);
//! assert_eq!(std::fs::read(&path)?, b"old");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::Action;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Which steps fail, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fail {
    /// None: steps are only counted.
    Never,
    /// This one alone.
    Once(usize),
    /// This one and all after it, as when a disk is full.
    From(usize),
}

/// Faults for all threads of this process, until it is dropped.
#[derive(Debug)]
pub struct Faults(u64);

struct Plan {
    id: u64,
    folder: PathBuf,
    fail: Fail,
    seen: Vec<Action>,
}

static ARMED: AtomicUsize = AtomicUsize::new(0);
static PLANS: Mutex<Vec<Plan>> = Mutex::new(Vec::new());

impl Faults {
    /// From now on, steps on files below `folder` count, and fail as `fail` says.
    pub fn below(folder: &Path, fail: Fail) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        plans().push(Plan {
            id,
            folder: folder.to_path_buf(),
            fail,
            seen: Vec::new(),
        });
        ARMED.fetch_add(1, Ordering::SeqCst);
        Self(id)
    }

    /// The steps so far, those that failed included.
    pub fn seen(&self) -> Vec<Action> {
        let plans = plans();
        let own = plans.iter().find(|plan| plan.id == self.0);
        own.map(|plan| plan.seen.clone()).unwrap_or_default()
    }
}

impl Drop for Faults {
    fn drop(&mut self) {
        ARMED.fetch_sub(1, Ordering::SeqCst);
        plans().retain(|plan| plan.id != self.0);
    }
}

/// Asked before every step of writing.
pub(crate) fn step(path: &Path, action: Action) -> io::Result<()> {
    if ARMED.load(Ordering::Relaxed) == 0 {
        return Ok(());
    }
    let mut failed = false;
    for plan in plans().iter_mut() {
        if path.starts_with(&plan.folder) {
            let number = plan.seen.len();
            plan.seen.push(action);
            failed |= match plan.fail {
                Fail::Never => false,
                Fail::Once(at) => number == at,
                Fail::From(first) => number >= first,
            };
        }
    }
    if failed {
        return Err(io::ErrorKind::StorageFull.into());
    }
    Ok(())
}

fn plans() -> MutexGuard<'static, Vec<Plan>> {
    PLANS.lock().unwrap_or_else(PoisonError::into_inner)
}
