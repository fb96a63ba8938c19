//! Signals that ask to stop: the first one stops training after the batch in hand, so that everything is saved.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

use taper_train::StopFlag;

/// Within this time a second signal counts as the first one come twice: a terminal sends it to every process in its
/// foreground, and a launcher among them passes it on.
const TWICE: Duration = Duration::from_secs(2);

/// What signals have asked for. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Interrupt {
    stop: StopFlag,
    /// Number of the first signal; 0 while there was none.
    signal: Arc<AtomicI32>,
}

impl Interrupt {
    /// Watches for SIGINT, SIGTERM and SIGHUP (elsewhere than on Unix: Ctrl-C) from now on. What was ignored when the
    /// program began, as by `nohup`, stays ignored. `tell` is called once, with a line for the user.
    pub(super) fn watch(tell: impl Fn(&str) + Send + 'static) -> anyhow::Result<Interrupt> {
        let interrupt = Interrupt::default();
        let (own, mut tell) = (interrupt.clone(), Some(tell));
        let mut arrivals = Arrivals::default();
        system::listen(move |signal| match arrivals.count(Instant::now()) {
            Answer::Stop => {
                own.signal.store(signal, Ordering::Relaxed);
                own.stop.stop();
                if let Some(tell) = tell.take() {
                    // Elsewhere: output that nobody takes must not keep a third signal from being heard.
                    let told = "stopping after this batch; another signal after two seconds, or a third, ends at once, without saving";
                    std::thread::spawn(move || tell(told));
                }
            }
            Answer::Nothing => {}
            Answer::End => system::end(code(signal)),
        })?;
        Ok(interrupt)
    }

    /// Set by the first signal.
    pub(super) fn stop(&self) -> StopFlag {
        self.stop.clone()
    }

    /// The exit code of a program that a signal has stopped.
    pub(super) fn code(&self) -> Option<u8> {
        let signal = self.signal.load(Ordering::Relaxed);
        (self.stop.is_set() && signal != 0).then(|| code(signal))
    }
}

/// 128 + the signal's number, as shells have it.
fn code(signal: i32) -> u8 {
    128 + u8::try_from(signal).unwrap_or(0) % 128
}

/// What a signal leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Stop,
    Nothing,
    End,
}

/// The signals so far.
#[derive(Default)]
struct Arrivals {
    first: Option<Instant>,
    count: usize,
}

impl Arrivals {
    fn count(&mut self, now: Instant) -> Answer {
        self.count += 1;
        let first = *self.first.get_or_insert(now);
        match self.count {
            1 => Answer::Stop,
            2 if now.duration_since(first) < TWICE => Answer::Nothing,
            _ => Answer::End,
        }
    }
}

#[cfg(unix)]
mod system {
    use std::process::Command;

    use anyhow::Context as _;
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    /// Calls `heard` with the number of every signal, in a thread of its own.
    pub(super) fn listen(mut heard: impl FnMut(i32) + Send + 'static) -> anyhow::Result<()> {
        let ignored = ignored();
        let wanted: Vec<i32> = [SIGINT, SIGTERM, SIGHUP]
            .into_iter()
            .filter(|signal| ignored & (1 << (signal - 1)) == 0)
            .collect();
        let mut signals = Signals::new(&wanted).context("signals cannot be handled")?;
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || signals.forever().for_each(&mut heard))
            .context("signals cannot be handled")?;
        Ok(())
    }

    /// Ends the program now, whatever its threads are doing.
    pub(super) fn end(code: u8) {
        signal_hook::low_level::exit(code.into());
    }

    /// The signals that this process ignores, one bit each, the lowest for number 1. Linux tells it in a file, other
    /// systems by `ps`; asking the system itself takes `unsafe` code.
    fn ignored() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        line.and_then(mask).or_else(ignored_by_ps).unwrap_or(0)
    }

    fn ignored_by_ps() -> Option<u64> {
        let own = std::process::id().to_string();
        let output = Command::new("ps")
            .args(["-o", "sigignore=", "-p", &own])
            .output()
            .ok()?;
        mask(&String::from_utf8_lossy(&output.stdout))
    }

    /// A mask as systems write it: in hexadecimal digits.
    fn mask(text: &str) -> Option<u64> {
        let digits = text.trim();
        u64::from_str_radix(digits.strip_prefix("0x").unwrap_or(digits), 16).ok()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn masks_are_hexadecimal() {
            assert_eq!(mask("\t0000000000001001\n"), Some(0x1001));
            assert_eq!(mask("0x3"), Some(3));
            assert_eq!(mask("no mask"), None);
        }

        #[test]
        #[cfg(target_os = "linux")]
        fn both_ways_to_ask_agree() {
            // Rust's runtime ignores SIGPIPE (13), so that there is something to see.
            assert_ne!(ignored() & (1 << 12), 0);
            match ignored_by_ps() {
                Some(told) => assert_eq!(told, ignored()),
                None => crate::console::complain("skipped: there is no ps"),
            }
        }
    }
}

#[cfg(not(unix))]
mod system {
    use anyhow::Context as _;

    /// Ctrl-C counts as SIGINT, as in the exit codes of other programs.
    const SIGINT: i32 = 2;

    pub(super) fn listen(mut heard: impl FnMut(i32) + Send + 'static) -> anyhow::Result<()> {
        ctrlc::set_handler(move || heard(SIGINT)).context("Ctrl-C cannot be handled")
    }

    pub(super) fn end(code: u8) {
        std::process::exit(code.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_signal_soon_after_the_first_is_the_same_one() {
        let start = Instant::now();
        let answers = |seconds: &[f64]| -> Vec<Answer> {
            let mut arrivals = Arrivals::default();
            let at = |&s: &f64| arrivals.count(start + Duration::from_secs_f64(s));
            seconds.iter().map(at).collect()
        };
        use Answer::{End, Nothing, Stop};
        assert_eq!(answers(&[0.0, 0.0, 0.1]), [Stop, Nothing, End]);
        assert_eq!(answers(&[0.0, 1.9, 5.0]), [Stop, Nothing, End]);
        assert_eq!(answers(&[0.0, 2.1]), [Stop, End]);
    }

    #[test]
    fn codes_are_those_of_shells() {
        assert_eq!([1, 2, 15].map(code), [129, 130, 143]);
        assert_eq!(Interrupt::default().code(), None);
    }
}
