//! Where Taper's time goes on one network: `perf` over a replay of it, or, where there is no `perf`, what each layer adds.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::network::Network;
use super::side::Side;
use crate::mode::Mode;
use crate::scratch::Scratch;
use crate::taper::this_program;

/// Functions below this share of the time are left out.
const LEAST: f64 = 1.5;
/// How long the replay runs.
const SECONDS: &str = "1.5";
/// How long a network that is cut short is timed.
const SLICE: Duration = Duration::from_millis(60);

/// Lines that say where the time goes.
pub(super) fn lines(network: &Network, mode: Mode, threads: usize) -> Result<Vec<String>> {
    match perf(network, mode, threads) {
        Ok(lines) if !lines.is_empty() => Ok(lines),
        _ => by_layer(network, mode),
    }
}

/// The functions that take the most time, by `perf`.
fn perf(network: &Network, mode: Mode, threads: usize) -> Result<Vec<String>> {
    let scratch = Scratch::new()?;
    let data = scratch.path().join("perf.data");
    let (seed, index) = (network.seed.to_string(), network.index.to_string());
    let threads = threads.to_string();
    let mut record = Command::new("perf");
    record.args(["record", "-e", "cpu-clock", "-F", "1999", "-o"]);
    record.arg(&data).arg("--").arg(this_program()?);
    record.args(["random", "--seed", &seed, "--only", &index, "--alone"]);
    record.args([mode.name(), "--seconds", SECONDS, "--threads", &threads]);
    run(&mut record)?;
    let mut report = Command::new("perf");
    report.args(["report", "--stdio", "--no-children", "--sort", "symbol", "-i"]);
    Ok(parsed(&run(report.arg(&data))?))
}

fn run(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("start {:?}", command.get_program()))?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The lines of `perf report` that count: `12.34%  function`.
fn parsed(report: &str) -> Vec<String> {
    let line = |line: &str| {
        let (share, rest) = line.trim().split_once('%')?;
        let share: f64 = share.trim().parse().ok()?;
        let name = rest.trim().trim_start_matches("[.]").trim_start_matches("[k]");
        (share >= LEAST).then(|| format!("{share:.1} % {}", short(name.trim())))
    };
    report.lines().filter_map(line).take(12).collect()
}

/// A function's name without the paths in front of it and of its generic arguments, which fill lines.
fn short(name: &str) -> String {
    let (mut text, mut word) = (String::new(), String::new());
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        if let Some(behind) = rest.strip_prefix("::") {
            // What stands before it was a path, unless generic arguments follow.
            if behind.starts_with('<') {
                text = text + &word + "::";
            }
            word.clear();
            rest = behind;
            continue;
        }
        if c.is_alphanumeric() || c == '_' {
            word.push(c);
        } else {
            text += &word;
            word.clear();
            text.push(c);
        }
        rest = &rest[c.len_utf8()..];
    }
    text += &word;
    text.chars().take(150).collect()
}

/// What each layer adds to a step: the time of the network cut behind it, less that of the network cut before it.
fn by_layer(network: &Network, mode: Mode) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    let mut before = 0.0;
    for (layer, words) in network.layer_words().enumerate() {
        let seconds = Side::cut(network, layer + 1)?.clock(mode, SLICE)?;
        lines.push(format!("{:+.3} ms {words}", 1000.0 * (seconds - before)));
        before = seconds;
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::{by_layer, parsed};
    use crate::mode::Mode;
    use crate::random::draw::network;

    #[test]
    fn a_report_of_perf_is_read() {
        let report = "# Overhead  Symbol\n\
                      # ........  ......\n\n\
                      \x20   41.25%  [.] taper_tensor::kernels::conv::run::<f32, taper_tensor::simd::Avx512>\n\
                      \x20    9.00%  [k] clear_page\n\
                      \x20    0.40%  [.] rare\n";
        assert_eq!(parsed(report), ["41.2 % run::<f32, Avx512>", "9.0 % clear_page"]);
        assert!(parsed("").is_empty());
    }

    #[test]
    fn without_perf_every_layer_has_its_line() {
        let mut network = network(3, 2).unwrap();
        network.batch = 1;
        for mode in [Mode::Train, Mode::Infer] {
            let lines = by_layer(&network, mode).unwrap();
            assert_eq!(lines.len(), network.layers.len());
            assert!(lines.iter().all(|line| line.contains(" ms ")), "{lines:?}");
        }
    }
}
