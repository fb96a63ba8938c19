//! What the Rust peers share: arguments, timing, the line of JSON that comes out; the protocol is
//! that of `../common.py`.
#![forbid(unsafe_code)]

use std::io::{BufRead, Write};
use std::time::Instant;

/// Features of an image of the notebook's network, [channels, height, width].
pub const IMAGE: [usize; 3] = [1, 28, 28];
/// Its classes.
pub const CLASSES: usize = 10;
/// Batches that take turns, so that none is learned by heart too soon.
pub const BATCHES: usize = 4;

/// What a peer is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Training, or inference only.
    pub train: bool,
    /// Images a step.
    pub batch: usize,
    /// Threads of rayon, and of whatever asks it.
    pub threads: usize,
    /// Steps a chunk; 0: as many as take about a second.
    pub steps: usize,
    /// Chunks when nobody asks for them one by one.
    pub chunks: usize,
    /// One chunk for every line read.
    pub on_demand: bool,
    /// The framework's backend; empty: its first.
    pub backend: String,
}

impl Options {
    /// Reads the command line and sets up the threads.
    ///
    /// # Errors
    /// An unknown option or value, or a network that these peers do not have.
    pub fn from_command_line() -> Result<Self, String> {
        let options = Self::parse(std::env::args().skip(1))?;
        rayon_threads(options.threads)?;
        Ok(options)
    }

    /// Reads the words after the program's name.
    ///
    /// # Errors
    /// As above.
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Options {
            train: true,
            batch: 64,
            threads: 2,
            steps: 0,
            chunks: 5,
            on_demand: false,
            backend: String::new(),
        };
        while let Some(option) = words.next() {
            let mut value = || {
                words
                    .next()
                    .ok_or_else(|| format!("{option} needs a value"))
            };
            let number = |text: String| {
                text.parse::<usize>()
                    .map_err(|_| format!("{option} {text}: not a number"))
            };
            match option.as_str() {
                "--model" => match value()?.as_str() {
                    "cnn" => {}
                    other => {
                        return Err(format!(
                            "the network {other} is not written in Rust's peers; there is: cnn"
                        ));
                    }
                },
                "--mode" => match value()?.as_str() {
                    "train" => options.train = true,
                    "infer" => options.train = false,
                    other => return Err(format!("--mode {other}: train or infer")),
                },
                "--batch" => options.batch = number(value()?)?.max(1),
                "--threads" => options.threads = number(value()?)?.max(1),
                "--steps" => options.steps = number(value()?)?,
                "--chunks" => options.chunks = number(value()?)?.max(1),
                "--backend" => options.backend = value()?,
                "--on-demand" => options.on_demand = true,
                "--json" => {}
                _ => return Err(format!("unknown option {option}")),
            }
        }
        Ok(options)
    }
}

/// Sets what rayon's global pool reads when it is first used, and refuses what was set otherwise.
fn rayon_threads(wanted: usize) -> Result<(), String> {
    match std::env::var("RAYON_NUM_THREADS") {
        Ok(text) if text == wanted.to_string() => Ok(()),
        _ => Err(format!(
            "set RAYON_NUM_THREADS={wanted}: that is how these frameworks take their number of threads"
        )),
    }
}

/// Pseudo-random numbers in [0, 1): the same images in every framework and run (SplitMix64, Steele et al. 2014).
pub fn numbers(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f32 / (1u64 << 24) as f32
    };
    (0..count).map(|_| next()).collect()
}

/// Prints a line to standard error, if anybody reads it.
pub fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Labels of batch number `which`.
pub fn labels(which: usize, count: usize) -> Vec<u32> {
    numbers(100 + which as u64, count)
        .into_iter()
        .map(|u| (u * CLASSES as f32) as u32)
        .collect()
}

/// Times chunks of `step` and prints a line of JSON for each that is asked for, or the median.
///
/// # Errors
/// What `step` reports, and output that cannot be written.
pub fn run(
    options: &Options,
    peer: &str,
    setting: &str,
    version: &str,
    mut step: impl FnMut(usize) -> Result<(), String>,
) -> Result<(), String> {
    let mut timed = |steps: usize| -> Result<f64, String> {
        let start = Instant::now();
        for number in 0..steps {
            step(number)?;
        }
        Ok(start.elapsed().as_secs_f64())
    };
    timed(3)?; // allocate, warm up
    let mut steps = options.steps;
    if steps == 0 {
        let seconds = timed(5)? / 5.0;
        steps = ((1.0 / seconds).round() as usize).max(3);
        timed((steps / 4).max(3))?;
    }
    let head = format!(
        "\"peer\": \"{peer}\", \"setting\": \"{setting}\", \"version\": \"{version}\", \"model\": \"cnn\", \
         \"mode\": \"{}\", \"batch\": {}, \"threads\": {}, \"steps\": {steps}",
        if options.train { "train" } else { "infer" },
        options.batch,
        options.threads,
    );
    let images = (options.batch * steps) as f64;
    let out = |line: String| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{line}")
            .and_then(|()| out.flush())
            .map_err(|error| error.to_string())
    };
    if options.on_demand {
        out(format!("{{\"ready\": true, {head}}}"))?;
        for line in std::io::stdin().lock().lines() {
            line.map_err(|error| error.to_string())?;
            let rate = images / timed(steps)?;
            out(format!("{{{head}, \"images_per_second\": {rate}}}"))?;
        }
        return Ok(());
    }
    let mut rates = Vec::new();
    for _ in 0..options.chunks {
        rates.push(images / timed(steps)?);
    }
    rates.sort_by(f64::total_cmp);
    let (lowest, highest) = (rates[0], rates[rates.len() - 1]);
    let median = (rates[(rates.len() - 1) / 2] + rates[rates.len() / 2]) / 2.0;
    out(format!(
        "{{{head}, \"images_per_second\": {median}, \"lowest\": {lowest}, \"highest\": {highest}}}"
    ))
}

#[cfg(test)]
mod tests {
    use super::{Options, labels, numbers};

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn reads_what_the_launcher_sends() {
        let options =
            parse("--model cnn --mode infer --batch 8 --threads 1 --steps 4 --on-demand --json")
                .unwrap();
        assert_eq!(
            (
                options.train,
                options.batch,
                options.steps,
                options.on_demand
            ),
            (false, 8, 4, true)
        );
        assert!(parse("--model vgg").unwrap_err().contains("vgg"));
        assert!(
            parse("--batch").is_err() && parse("--batch x").is_err() && parse("--fast").is_err()
        );
    }

    #[test]
    fn numbers_fill_their_range() {
        let values = numbers(1, 10_000);
        let mean = values.iter().sum::<f32>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
        assert!(values.iter().all(|v| (0.0..1.0).contains(v)));
        assert!(labels(0, 1000).iter().all(|&label| label < 10));
    }
}
