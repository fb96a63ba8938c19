//! Some seconds of damaged files: no reader panics, hangs, or takes more memory than ten times the file and a constant.
//! The same seeds every time; `fuzz/` looks further. A test binary of its own: memory is counted for the whole process.

use peak_alloc::PeakAlloc;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};
use taper_mutate::mutate::Mutator;
use taper_mutate::targets::{self, Target};
use taper_tensor::buffer::release_pool;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What reading may take besides ten times the file.
const CONSTANT: usize = 64 << 20;
/// A reader that has not come back by then hangs. A second is meant; other programs may have the machine meanwhile.
const PATIENCE: Duration = Duration::from_secs(60);

/// A target that has failed so often is not tried further.
const ENOUGH: usize = 4;

enum Report {
    Going,
    Done(Vec<String>),
}

/// All targets, one after the other: they share one count of memory. `TAPER_MUTATE=png` tries one alone.
#[test]
fn damaged_files_are_read_or_refused() {
    let only = std::env::var("TAPER_MUTATE").ok();
    let mut failures = Vec::new();
    for target in targets::all() {
        let name = target.name;
        if only.as_deref().is_some_and(|only| only != name) {
            continue;
        }
        let (tell, reports) = channel();
        std::thread::spawn(move || tried(&target, &tell));
        loop {
            match reports.recv_timeout(PATIENCE) {
                Ok(Report::Going) => {}
                Ok(Report::Done(found)) => break failures.extend(found),
                Err(RecvTimeoutError::Timeout) => {
                    panic!(
                        "{name}: a file has been read for {PATIENCE:?}; see `last` in {}",
                        kept()
                    )
                }
                Err(RecvTimeoutError::Disconnected) => panic!("{name}: its thread has died"),
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What went wrong with the damaged files of one target; those that did it are kept.
fn tried(target: &Target, tell: &Sender<Report>) {
    let seeds = (target.seeds)();
    let mut mutator = Mutator::new(crc32fast::hash(target.name.as_bytes()).into());
    let mut failures = Vec::new();
    let (mut most, mut longest) = (0, Duration::ZERO);
    // What is set up once is not the file's doing.
    seeds
        .iter()
        .for_each(|seed| (target.read)(&(target.seal)(seed)));
    for round in 0..target.rounds {
        let seed = &seeds[mutator.below(seeds.len())];
        let other = &seeds[mutator.below(seeds.len())];
        let damaged = match target.is_text {
            true => mutator.text(seed, other),
            false => mutator.bytes(seed, other),
        };
        let file = (target.seal)(&damaged);
        if std::env::var_os("TAPER_MUTATE_TRACE").is_some() {
            keep("last", &file); // for what ends the whole process
        }
        release_pool();
        MEMORY.reset_peak_usage();
        let (before, start) = (MEMORY.current_usage(), Instant::now());
        let result = catch_unwind(AssertUnwindSafe(|| (target.read)(&file)));
        let (taken, time) = (MEMORY.peak_usage().saturating_sub(before), start.elapsed());
        most = most.max(taken.saturating_sub(10 * file.len()));
        longest = longest.max(time);
        let what = match result {
            Err(_) => "panicked",
            Ok(()) if taken > 10 * file.len() + CONSTANT => "took too much memory",
            Ok(()) => {
                let _ = tell.send(Report::Going);
                continue;
            }
        };
        let name = format!("{}-{round}", target.name);
        let bytes = file.len();
        keep(&name, &file);
        failures.push(format!(
            "{name} ({bytes} bytes, in {}) {what}: {taken} bytes, {time:?}",
            kept()
        ));
        if failures.len() == ENOUGH {
            break;
        }
    }
    println!(
        "{:24} {} files, at most {most} bytes more than ten times the file, at most {longest:?}",
        target.name, target.rounds
    );
    let _ = tell.send(Report::Done(failures));
}

fn keep(name: &str, file: &[u8]) {
    std::fs::write(std::path::Path::new(kept()).join(name), file).expect("room for a file");
}

fn kept() -> &'static str {
    env!("CARGO_TARGET_TMPDIR")
}
