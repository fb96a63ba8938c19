//! Some seconds of damaged files: no reader panics, hangs, or takes more memory than ten times the file and a constant.
//! The same files every time; `fuzz/` looks further. A test binary of its own: memory is counted for the whole process.

mod large;
mod mutations;

use peak_alloc::PeakAlloc;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use taper_mutate::targets::Target;
use taper_tensor::buffer::release_pool;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// A reader that has not come back by then hangs. A second is meant; other programs may have the machine meanwhile.
const PATIENCE: Duration = Duration::from_secs(60);

/// What one reading took.
struct Measured {
    bytes: usize,
    time: Duration,
    /// What it should not have done.
    fault: Option<&'static str>,
}

/// Reads a file as a target does.
fn measured(target: &Target, file: &[u8]) -> Measured {
    if std::env::var_os("TAPER_MUTATE_TRACE").is_some() {
        keep("last", file); // for what ends the whole process
    }
    release_pool();
    MEMORY.reset_peak_usage();
    let (before, start) = (MEMORY.current_usage(), Instant::now());
    let result = catch_unwind(AssertUnwindSafe(|| (target.read)(file)));
    let bytes = MEMORY.peak_usage().saturating_sub(before);
    let fault = match result {
        Err(_) => Some("panicked"),
        Ok(()) if bytes > 10 * file.len() + target.constant => Some("took too much memory"),
        Ok(()) => None,
    };
    Measured {
        bytes,
        time: start.elapsed(),
        fault,
    }
}

/// Runs `work`, which reports whenever it has read a file, and gives the faults that it found. One at a time: there is one
/// count of memory.
fn watched(
    name: &str,
    work: impl FnOnce(&Sender<Report>) -> Vec<String> + Send + 'static,
) -> Vec<String> {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (tell, reports) = channel();
    std::thread::spawn(move || {
        let found = work(&tell);
        let _ = tell.send(Report::Done(found));
    });
    loop {
        match reports.recv_timeout(PATIENCE) {
            Ok(Report::Going) => {}
            Ok(Report::Done(found)) => return found,
            Err(RecvTimeoutError::Timeout) => {
                panic!("{name}: a file has been read for {PATIENCE:?}")
            }
            Err(RecvTimeoutError::Disconnected) => panic!("{name}: its thread has died"),
        }
    }
}

enum Report {
    Going,
    Done(Vec<String>),
}

fn keep(name: &str, file: &[u8]) {
    std::fs::write(std::path::Path::new(kept()).join(name), file).expect("room for a file");
}

fn kept() -> &'static str {
    env!("CARGO_TARGET_TMPDIR")
}
