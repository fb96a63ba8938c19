//! Where Taper's time goes on one network: what each layer adds to a step, and which functions `perf` sees in a replay
//! where there is a `perf`.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::contest::contest;
use super::network::Network;
use super::report;
use super::turns::{Awake, Clock, Turns};
use crate::mode::Mode;
use crate::peers::Peer;
use crate::scratch::Scratch;
use crate::taper::this_program;

/// Functions below this share of the time are left out.
const LEAST: f64 = 1.5;
/// How long the replay runs.
const SECONDS: &str = "1.5";

/// Lines that say where the time goes. The peer takes its turns on the networks cut short, too.
pub(super) fn lines(
    network: &Network,
    mode: Mode,
    threads: usize,
    clock: Clock,
    peer: &mut Peer,
) -> Result<Vec<String>> {
    let mut lines = by_layer(network, mode, clock, peer)?;
    // Not everywhere is there a `perf`, or the right to use it.
    if let Ok(functions) = perf(network, mode, threads) {
        lines.push(functions.join(", "));
    }
    Ok(lines)
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
    report.args([
        "report",
        "--stdio",
        "--no-children",
        "--sort",
        "symbol",
        "-i",
    ]);
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
        let name = rest
            .trim()
            .trim_start_matches("[.]")
            .trim_start_matches("[k]");
        (share >= LEAST).then(|| format!("{share:.1} % {}", short(name.trim())))
    };
    report.lines().filter_map(line).take(8).collect()
}

/// The end of a function's path: `avx512::tile_shell`. (Generic arguments do not survive into the name.)
fn short(name: &str) -> String {
    // perf fills columns of its own behind the name.
    let name = name.split("  ").next().unwrap_or(name);
    let parts: Vec<&str> = name.split("::").collect();
    parts[parts.len().saturating_sub(2)..].join("::")
}

/// What each layer adds to a step, in Taper and in the fastest peer: the time of the network cut behind it, less that of the
/// network cut before it.
fn by_layer(network: &Network, mode: Mode, clock: Clock, peer: &mut Peer) -> Result<Vec<String>> {
    let turns = Turns {
        rounds: 3,
        slice: Duration::from_millis(30),
        clock,
    };
    let mut lines = Vec::new();
    let products = network.products()?;
    let mut before = [0.0; 2];
    for (layer, words) in network.layer_words().enumerate() {
        if network.layers[layer].class_name == "Flatten" {
            continue; // it moves nothing, and every framework has its own order: it counts to the layer behind it
        }
        let cut = network.cut(layer + 1)?;
        let outcome = contest(&cut, peer, false, turns, &[mode], &mut Awake::default())?;
        let Some(seconds) = report::race(&outcome, mode).and_then(|race| race.fastest(cut.batch))
        else {
            continue; // no peer can do it
        };
        let added = [0, 1].map(|side| seconds[side] - before[side]);
        let operations = 2 * times(mode, layer) * products[layer] * network.batch;
        let rate = match operations > 0 && added[0] > 0.0 {
            true => format!(" ({:.0} GFLOP/s)", operations as f64 / added[0] / 1e9),
            false => String::new(),
        };
        let [own, theirs] = added.map(|seconds| 1000.0 * seconds);
        lines.push(format!("{own:+.3} ms{rate}, peer {theirs:+.3} ms: {words}"));
        before = seconds;
    }
    Ok(lines)
}

/// How often a layer's products are made in a step: in training forward, towards the kernel and, but for the first layer,
/// towards the input.
fn times(mode: Mode, layer: usize) -> usize {
    match (mode, layer) {
        (Mode::Infer, _) => 1,
        (Mode::Train, 0) => 2,
        (Mode::Train, _) => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::parsed;

    #[test]
    fn a_report_of_perf_is_read() {
        let report = "# Overhead  Symbol\n\
                      # ........  ......\n\n\
                      \x20   41.25%  [.] taper_tensor::simd::avx512::tile_shell      -      -\n\
                      \x20    9.00%  [k] clear_page\n\
                      \x20    0.40%  [.] rare\n";
        assert_eq!(
            parsed(report),
            ["41.2 % avx512::tile_shell", "9.0 % clear_page"]
        );
        assert!(parsed("").is_empty());
    }
}
