//! How long a program has been on a processor: whether it sleeps while it is another's turn.
//!
//! Threads that wait for more work by spinning go on after the last of it: ONNX Runtime's for up to 100 ms, OpenMP's under
//! `OMP_WAIT_POLICY=active` for ever.

use std::time::Duration;

/// How long a look takes, and below which share of it a program is asleep.
const LOOK: Duration = Duration::from_millis(5);
const ASLEEP: f64 = 0.1;
/// After so many looks it is taken as it is.
const LOOKS: usize = 60;

/// Seconds that all threads of a process have run so far, to the nanosecond; `None` where the system does not tell.
pub(crate) fn seconds(process: u32) -> Option<f64> {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).ok()?;
    let mut nanoseconds = 0;
    for thread in threads {
        let text = std::fs::read_to_string(thread.ok()?.path().join("schedstat"));
        // A thread that has just ended has nothing to tell.
        let Ok(text) = text else { continue };
        nanoseconds += text.split_whitespace().next()?.parse::<u64>().ok()?;
    }
    Some(nanoseconds as f64 * 1e-9)
}

/// Waits until a process sleeps, but no longer than some 0.3 s.
pub(crate) fn wait_for_sleep(process: u32) {
    for _ in 0..LOOKS {
        let before = seconds(process);
        std::thread::sleep(LOOK);
        let awake = before.zip(seconds(process)).map(|(b, a)| a - b);
        if awake.is_none_or(|awake| awake < ASLEEP * LOOK.as_secs_f64()) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{seconds, wait_for_sleep};

    #[test]
    fn who_sleeps_is_not_waited_for_and_who_spins_not_for_ever() {
        let started = std::time::Instant::now();
        wait_for_sleep(u32::MAX);
        assert!(started.elapsed().as_secs_f64() < 10.0);
        let stop = std::sync::atomic::AtomicBool::new(false);
        let relaxed = std::sync::atomic::Ordering::Relaxed;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(relaxed) {
                    std::hint::spin_loop();
                }
            });
            wait_for_sleep(std::process::id());
            stop.store(true, relaxed);
        });
    }

    #[test]
    fn work_takes_time_and_a_process_that_is_not_there_none() {
        if !cfg!(target_os = "linux") {
            return assert_eq!(seconds(std::process::id()), None);
        }
        let before = seconds(std::process::id()).expect("Linux tells");
        let started = std::time::Instant::now();
        while started.elapsed().as_millis() < 60 {
            std::hint::spin_loop();
        }
        let after = seconds(std::process::id()).expect("Linux tells");
        assert!(after - before > 0.005, "{}", after - before);
        assert_eq!(seconds(u32::MAX), None);
    }
}
