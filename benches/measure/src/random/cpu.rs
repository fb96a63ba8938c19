//! How long a program has been on a processor: whether it sleeps while it is another's turn.

/// Seconds that all threads of a process have run so far, to the nanosecond; `None` where the system does not tell.
pub(super) fn seconds(process: u32) -> Option<f64> {
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

#[cfg(test)]
mod tests {
    use super::seconds;

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
